package auth

import (
	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// Login is LOGIN, which no RFC describes: the server asks for the user name and
// then for the password. Prefer anything else.
//
// It is not go-sasl's: that one wants the second prompt to read "Password:" to
// the letter and sends the user name ahead of the first, and servers differ in
// both.
func Login(username, password string) protocol.Mechanism {
	return protocol.Mechanism{
		Name:      MechanismLogin,
		Cleartext: true,
		New: func(protocol.TLSState) (sasl.Client, error) {
			if err := check(username, password); err != nil {
				return nil, err
			}
			return client{start: waitFirst(MechanismLogin), next: answers(username, password)}, nil
		},
	}
}

// answers gives one answer to each prompt, whatever it says.
func answers(list ...string) func([]byte) ([]byte, error) {
	return func([]byte) ([]byte, error) {
		if len(list) == 0 {
			return nil, sasl.ErrUnexpectedServerChallenge
		}
		answer := []byte(list[0])
		list = list[1:]
		return answer, nil
	}
}
