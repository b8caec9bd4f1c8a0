package auth

import (
	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// External is EXTERNAL (RFC 4422 appendix A): the server knows the user already,
// as by the certificate of the TLS connection. identity is whom to act as; leave
// it empty to act as that user.
func External(identity string) protocol.Mechanism {
	return protocol.Mechanism{
		Name: MechanismExternal,
		New: func(protocol.TLSState) (sasl.Client, error) {
			if err := checkText("authorization identity", identity); err != nil {
				return nil, err
			}
			return hide(sasl.NewExternalClient(identity)), nil
		},
	}
}
