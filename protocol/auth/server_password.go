package auth

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"strings"

	"github.com/emersion/go-sasl"
)

// plain is PLAIN (RFC 4616 §2): identity NUL user name NUL password.
func (s *Server) plain() sasl.Server {
	return serve(MechanismPlain, []byte{}, func(response []byte) ([]byte, step, error) {
		fields := strings.Split(string(response), "\x00")
		if len(fields) != 3 || fields[1] == "" || fields[2] == "" || !isText(fields[0]) || !isText(fields[1]) || !isText(fields[2]) {
			return nil, nil, &MessageError{MechanismPlain, "malformed message"}
		}
		return nil, nil, s.checkPassword(fields[0], fields[1], fields[2])
	})
}

// login is LOGIN. Some clients send the user name as an initial response.
func (s *Server) login() sasl.Server {
	return serve(MechanismLogin, []byte("Username:"), func(response []byte) ([]byte, step, error) {
		username := string(response)
		return []byte("Password:"), func(response []byte) ([]byte, step, error) {
			password := string(response)
			if username == "" || password == "" || !isText(username) || !isText(password) {
				return nil, nil, &MessageError{MechanismLogin, "malformed message"}
			}
			return nil, nil, s.checkPassword("", username, password)
		}, nil
	})
}

func (s *Server) checkPassword(identity, username, password string) error {
	name, err := PrepareUsername(username)
	if err != nil {
		return ErrCredentials
	}
	if err := s.Password(name, password); err != nil {
		return refusal(err)
	}
	return s.authorize(identity, name)
}

// cramMD5 is CRAM-MD5 (RFC 2195 §2).
func (s *Server) cramMD5(nonce string) sasl.Server {
	host := s.Name
	if host == "" {
		host = "localhost"
	}
	challenge := "<" + nonce + "@" + host + ">"
	return serve(MechanismCRAMMD5, []byte(challenge), func(response []byte) ([]byte, step, error) {
		// The user name may have blanks in it; the digest has none.
		at := strings.LastIndexByte(string(response), ' ')
		username := string(response[:max(at, 0)])
		if username == "" || len(response)-at-1 != hex.EncodedLen(md5.Size) || !isText(username) {
			return nil, nil, &MessageError{MechanismCRAMMD5, "malformed response"}
		}
		return nil, nil, s.checkDigest(challenge, username, response[at+1:])
	})
}

func (s *Server) checkDigest(challenge, username string, digest []byte) error {
	name, err := PrepareUsername(username)
	if err != nil {
		return ErrCredentials
	}
	secret, err := s.Secret(name)
	known := err == nil && secret != ""
	if err = refusal(err); err != nil && err != ErrCredentials {
		return err
	}
	// Users that do not exist are compared too: it takes as long.
	mac := hmac.New(md5.New, []byte(secret))
	mac.Write([]byte(challenge))
	if !hmac.Equal(hex.AppendEncode(nil, mac.Sum(nil)), digest) || !known {
		return ErrCredentials
	}
	return s.authorize("", name)
}
