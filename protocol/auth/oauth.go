package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// OAuthBearer is OAUTHBEARER (RFC 7628): an OAuth 2.0 bearer token. identity is
// whom to act as; host and port are those of the server, for those who want to
// know which one was meant. "" and 0 are left out.
//
// A refusal is a *protocol.ReplyError around an *OAuthError.
func OAuthBearer(identity, host string, port uint16, token string) protocol.Mechanism {
	return oauth(MechanismOAUTHBEARER, token, []byte{1}, func() (string, error) {
		if err := checkValue("authorization identity", identity); err != nil {
			return "", err
		}
		if err := checkValue("host", host); err != nil {
			return "", err
		}
		var b strings.Builder
		b.WriteString("n,")
		if identity != "" {
			b.WriteString("a=" + escapeName(identity))
		}
		b.WriteString(",\x01")
		if host != "" {
			b.WriteString("host=" + host + "\x01")
		}
		if port != 0 {
			b.WriteString("port=" + strconv.Itoa(int(port)) + "\x01")
		}
		b.WriteString("auth=Bearer " + token + "\x01\x01")
		return b.String(), nil
	})
}

// XOAuth2 is XOAUTH2, which came before OAUTHBEARER and which Google and Microsoft
// describe. A refusal is a *protocol.ReplyError around an *OAuthError.
func XOAuth2(username, token string) protocol.Mechanism {
	return oauth(MechanismXOAUTH2, token, []byte{}, func() (string, error) {
		if username == "" {
			return "", &protocol.ConfigError{Field: "user name", Reason: "empty"}
		}
		if err := checkValue("user name", username); err != nil {
			return "", err
		}
		return "user=" + username + "\x01auth=Bearer " + token + "\x01\x01", nil
	})
}

// oauth is a mechanism whose server explains a refusal in a challenge, and refuses
// once the client has given the dummy answer to it (H-A5).
func oauth(name, token string, dummy []byte, message func() (string, error)) protocol.Mechanism {
	return protocol.Mechanism{
		Name:      name,
		Cleartext: true,
		New: func(protocol.TLSState) (sasl.Client, error) {
			if err := checkToken(token); err != nil {
				return nil, err
			}
			text, err := message()
			if err != nil {
				return nil, err
			}
			var reason error
			return client{
				start: func() (string, []byte, error) { return name, []byte(text), nil },
				next: func(challenge []byte) ([]byte, error) {
					if reason != nil {
						return nil, sasl.ErrUnexpectedServerChallenge
					}
					reason = parseOAuthError(challenge)
					return dummy, nil
				},
				conclude: func(accepted bool) error {
					if accepted && reason != nil {
						return fmt.Errorf("accepted behind an error: %w", reason)
					}
					return reason
				},
			}, nil
		},
	}
}

// OAuthError is why a server refused a token (RFC 7628 §3.2.2), as it wrote it.
type OAuthError struct {
	Status              string `json:"status"`                         // "invalid_token"; XOAUTH2 has "401"
	Schemes             string `json:"schemes,omitempty"`              // "bearer"
	Scope               string `json:"scope,omitempty"`                // what the token needs
	OpenIDConfiguration string `json:"openid-configuration,omitempty"` // the URL of a document that tells where to get one
}

func (e *OAuthError) Error() string {
	if e.Scope == "" {
		return "token refused: " + strconv.Quote(e.Status)
	}
	return "token refused: " + strconv.Quote(e.Status) + ", scope " + strconv.Quote(e.Scope)
}

var errOAuthChallenge = errors.New("token refused, and the reason is not JSON")

func parseOAuthError(challenge []byte) error {
	var e OAuthError
	if err := json.Unmarshal(challenge, &e); err != nil {
		return errOAuthChallenge
	}
	return &e
}

// checkToken refuses what is not printable US-ASCII (RFC 6749 §A.12), blanks too.
func checkToken(token string) error {
	if token == "" {
		return &protocol.ConfigError{Field: "token", Reason: "empty"}
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &protocol.ConfigError{Field: "token", Reason: "not printable US-ASCII"}
	}
	return nil
}

// checkValue refuses what cannot stand between the 0x01 separators.
func checkValue(field, s string) error {
	if err := checkText(field, s); err != nil {
		return err
	}
	if strings.ContainsFunc(s, control) {
		return &protocol.ConfigError{Field: field, Reason: "control character in it"}
	}
	return nil
}

// escapeName writes a saslname (RFC 5801 §4).
func escapeName(s string) string { return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s) }
