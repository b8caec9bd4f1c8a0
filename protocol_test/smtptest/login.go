package smtptest

import (
	"crypto"
	"crypto/rand"
	"crypto/subtle"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// logins checks logins of users by their passwords.
func logins(users map[string]string) (*auth.Server, error) {
	key := make([]byte, 16)
	rand.Read(key)
	stored := map[string]auth.SCRAMCredentials{}
	for user, password := range users {
		credentials, err := auth.NewSCRAMCredentials(crypto.SHA256, password, nil, auth.MinSCRAMIterations)
		if err != nil {
			return nil, err
		}
		stored[user] = credentials
	}
	secret := func(user string) (string, error) {
		if password, known := users[user]; known {
			return password, nil
		}
		return "", auth.ErrUnknownUser
	}
	return &auth.Server{
		Password: func(user, password string) error {
			want, err := secret(user)
			if err == nil && subtle.ConstantTimeCompare([]byte(password), []byte(want)) == 0 {
				err = auth.ErrCredentials
			}
			return err
		},
		Secret: secret,
		SCRAM: func(_ crypto.Hash, user string) (auth.SCRAMCredentials, error) {
			if credentials, known := stored[user]; known {
				return credentials, nil
			}
			return auth.SCRAMCredentials{}, auth.ErrUnknownUser
		},
		SCRAMKey: key, SCRAMIterations: auth.MinSCRAMIterations,
		AllowCleartext: true,
	}, nil
}

// login answers AUTH.
func (s *session) login(r protocol.Request) {
	server := *s.server.auth
	server.Authorize = func(identity, user string) error {
		if identity != "" && identity != user {
			return auth.ErrNotAuthorized
		}
		s.user = user
		return nil
	}
	exchange, err := server.New(r.Args(), s.machine.TLS())
	if err != nil {
		r.AnswerDefault() // the machine has looked at what is offered
		return
	}
	r.AcceptAuth(exchange)
}
