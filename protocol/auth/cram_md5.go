package auth

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// CRAMMD5 is CRAM-MD5 (RFC 2195): the password stays secret, but who records an
// exchange can try passwords against it, and the server has to store the password
// itself.
func CRAMMD5(username, password string) protocol.Mechanism {
	return protocol.Mechanism{
		Name: MechanismCRAMMD5,
		New: func(protocol.TLSState) (sasl.Client, error) {
			if err := check(username, password); err != nil {
				return nil, err
			}
			return client{start: waitFirst(MechanismCRAMMD5), next: cramMD5(username, password)}, nil
		},
	}
}

// cramMD5 answers the one challenge with the user name, a blank and the keyed
// digest of the challenge in lower-case hexadecimal (RFC 2195 §2).
func cramMD5(username, password string) func([]byte) ([]byte, error) {
	answered := false
	return func(challenge []byte) ([]byte, error) {
		if answered {
			return nil, sasl.ErrUnexpectedServerChallenge
		}
		answered = true
		digest := hmac.New(md5.New, []byte(password))
		digest.Write(challenge)
		return hex.AppendEncode(append([]byte(username), ' '), digest.Sum(nil)), nil
	}
}
