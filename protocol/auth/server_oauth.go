package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"
)

// oauthBearer is OAUTHBEARER (RFC 7628 §3.1).
func (s *Server) oauthBearer() sasl.Server {
	return serve(MechanismOAUTHBEARER, []byte{}, func(response []byte) ([]byte, step, error) {
		header, pairs, _ := strings.Cut(string(response), "\x01")
		fields := strings.Split(header, ",")
		if len(fields) != 3 || fields[0] != "n" && fields[0] != "y" || fields[2] != "" {
			return malformedToken(MechanismOAUTHBEARER)
		}
		identity, ok := unescapeName(strings.TrimPrefix(fields[1], "a="))
		if !ok || fields[1] != "" && !strings.HasPrefix(fields[1], "a=") {
			return malformedToken(MechanismOAUTHBEARER)
		}
		return s.checkBearer(MechanismOAUTHBEARER, identity, pairs)
	})
}

// xoauth2 is XOAUTH2.
func (s *Server) xoauth2() sasl.Server {
	return serve(MechanismXOAUTH2, []byte{}, func(response []byte) ([]byte, step, error) {
		user, pairs, _ := strings.Cut(string(response), "\x01")
		identity, ok := strings.CutPrefix(user, "user=")
		if !ok || identity == "" {
			return malformedToken(MechanismXOAUTH2)
		}
		return s.checkBearer(MechanismXOAUTH2, identity, pairs)
	})
}

func malformedToken(mechanism string) ([]byte, step, error) {
	return nil, nil, &MessageError{mechanism, "malformed message"}
}

// checkBearer takes the key/value pairs, each with a 0x01 behind it, and one more
// behind the last. Keys other than auth are passed over (RFC 7628 §3.1).
func (s *Server) checkBearer(mechanism, identity, pairs string) ([]byte, step, error) {
	pairs, ended := strings.CutSuffix(pairs, "\x01\x01")
	token, found := "", 0
	for pair := range strings.SplitSeq(pairs, "\x01") {
		key, value, _ := strings.Cut(pair, "=")
		if key != "auth" {
			continue
		}
		scheme, rest, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return malformedToken(mechanism)
		}
		token = strings.TrimLeft(rest, " ")
		found++
	}
	if !ended || found != 1 || checkToken(token) != nil || !isText(identity) {
		return malformedToken(mechanism)
	}
	username, err := s.Token(identity, token)
	if err == nil {
		return nil, nil, s.authorize(identity, username)
	}
	err = refusal(err)
	reason := &OAuthError{Status: "invalid_token", Schemes: "bearer"}
	if !errors.As(err, &reason) && !errors.Is(err, ErrCredentials) {
		return nil, nil, err
	}
	// RFC 7628 §3.2.3: the refusal waits until the client has answered.
	challenge, err := json.Marshal(reason)
	return challenge, func([]byte) ([]byte, step, error) {
		return nil, nil, fmt.Errorf("%w: %w", ErrCredentials, reason)
	}, err
}

// unescapeName reads a saslname (RFC 5801 §4).
func unescapeName(s string) (string, bool) {
	name := strings.NewReplacer("=2C", ",", "=3D", "=").Replace(s)
	return name, escapeName(name) == s
}
