package auth

import (
	"crypto"
	_ "crypto/sha1" // the hashes of SCRAM
	_ "crypto/sha256"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// Bounds of the iteration count. RFC 7677 §4 sets the lower one. The upper one keeps
// a hostile server from taking the client's time: it costs some tenths of a second.
const (
	MinSCRAMIterations = 4096
	MaxSCRAMIterations = 1_000_000
)

// SCRAMSHA256 is SCRAM-SHA-256 (RFC 7677): the password never reaches the server,
// and the server proves that it knows it too. identity is whom to act as; leave it
// empty to act as the user.
//
// RFC 5802 §6: where the connection has a channel binding and the server offers no
// mechanism that uses one, the client says so with the flag "y", and a server that
// did offer one learns that somebody took it out of the list. In every other case
// the flag is "n": the client does not bind.
//
// The user name and the password are prepared by the profiles UsernameCasePreserved
// and OpaqueString of RFC 8265; what these do not allow is a *protocol.ConfigError.
func SCRAMSHA256(identity, username, password string) protocol.Mechanism {
	return scramMechanism(MechanismSCRAMSHA256, crypto.SHA256, scramLogin{identity, username, password, nil})
}

// SCRAMSHA1 is SCRAM-SHA-1 (RFC 5802), and like SCRAMSHA256.
func SCRAMSHA1(identity, username, password string) protocol.Mechanism {
	return scramMechanism(MechanismSCRAMSHA1, crypto.SHA1, scramLogin{identity, username, password, nil})
}

// SCRAMSHA256Plus is SCRAM-SHA-256-PLUS: as SCRAMSHA256, and bound to the TLS
// connection, so that nobody in the middle can pass the exchange on. It takes the
// first of bindings that the connection has; without any named, tls-exporter and
// then tls-server-end-point. Client.Login passes it over on a connection that has
// no binding at all.
func SCRAMSHA256Plus(identity, username, password string, bindings ...Binding) protocol.Mechanism {
	return scramMechanism(MechanismSCRAMSHA256Plus, crypto.SHA256, scramLogin{identity, username, password, bindings})
}

// SCRAMSHA1Plus is SCRAM-SHA-1-PLUS (RFC 5802), and like SCRAMSHA256Plus.
func SCRAMSHA1Plus(identity, username, password string, bindings ...Binding) protocol.Mechanism {
	return scramMechanism(MechanismSCRAMSHA1Plus, crypto.SHA1, scramLogin{identity, username, password, bindings})
}

// scramLogin is what a client logs in with. It stays in closures.
type scramLogin struct {
	identity, username, password string
	bindings                     []Binding // of a mechanism that binds; none: any
}

func scramMechanism(name string, hash crypto.Hash, l scramLogin) protocol.Mechanism {
	return protocol.Mechanism{
		Name:  name,
		Binds: plus(name),
		New: func(tls protocol.TLSState) (sasl.Client, error) {
			return newSCRAMClient(name, hash, l, tls, newNonce)
		},
	}
}
