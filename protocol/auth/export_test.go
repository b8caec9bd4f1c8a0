package auth

import (
	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// SCRAMClient is the client of a SCRAM mechanism with a nonce that is known.
func SCRAMClient(name, identity, username, password, nonce string, tls protocol.TLSState) (sasl.Client, error) {
	l := scramLogin{identity: identity, username: username, password: password}
	return newSCRAMClient(name, scramHash(name), l, tls, func() string { return nonce })
}

// SCRAMServer is its server.
func (s *Server) SCRAMServer(name, nonce string, tls protocol.TLSState) sasl.Server {
	return s.scramServer(name, tls, func() string { return nonce })
}

// CRAMMD5Server is the server of CRAM-MD5 with a nonce that is known.
func (s *Server) CRAMMD5Server(nonce string) sasl.Server { return s.cramMD5(nonce) }
