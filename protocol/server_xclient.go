package protocol

import "github.com/sansmtp/sansmtp/protocol/wire"

// doXClient is XCLIENT of a trusted peer.
func (s *Server) doXClient(c *slot) {
	switch {
	case !s.offered.Has(wire.XClient):
		s.refuseUnknown(c, replyNotImplemented)
	case s.tx != nil:
		s.refuse(c, replyTransactionOpen)
	case c.args == "":
		s.refuse(c, replyArguments)
	default:
		s.ask(c)
	}
}

// extensions returns what the configuration offers, as far as it does not depend on the
// connection.
func (cfg *ServerConfig) extensions() wire.ExtensionSet {
	set := DefaultExtensions | cfg.Enable&^(wire.StartTLS|wire.Auth|wire.Limits|wire.FutureRelease|wire.XClient)
	if cfg.TLS {
		set |= wire.StartTLS
	}
	if cfg.Mechanisms != nil {
		set |= wire.Auth
	}
	if cfg.Limits != (wire.SessionLimits{}) {
		set |= wire.Limits
	}
	if cfg.HoldMax > 0 {
		set |= wire.FutureRelease
	}
	if cfg.Trusted {
		set |= wire.XClient
	}
	set &^= cfg.Disable
	// RFC 3030 §3: binary content goes by BDAT only.
	if !set.Has(wire.Chunking) {
		set &^= wire.BinaryMIME
	}
	return set
}
