package auth

import (
	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// Plain is PLAIN (RFC 4616). identity is whom to act as; leave it empty to act as
// the user, which is what nearly every server wants (F17).
func Plain(identity, username, password string) protocol.Mechanism {
	return protocol.Mechanism{
		Name:      MechanismPlain,
		Cleartext: true,
		New: func(protocol.TLSState) (sasl.Client, error) {
			if err := check(username, password); err != nil {
				return nil, err
			}
			if err := checkText("authorization identity", identity); err != nil {
				return nil, err
			}
			return hide(sasl.NewPlainClient(identity, username, password)), nil
		},
	}
}
