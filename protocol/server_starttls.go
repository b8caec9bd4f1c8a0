package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// doStartTLS is STARTTLS (RFC 3207). Octets behind it were put there by somebody who
// wants them taken for what comes under TLS: nothing of them is done.
func (s *Server) doStartTLS(c *slot) {
	switch {
	case s.tls != nil:
		s.refuse(c, replyTLSTwice)
	case !s.offered.Has(wire.StartTLS):
		s.refuse(c, replyNotImplemented)
	case c.args != "":
		s.refuse(c, replyNoArguments)
	case s.in.ahead:
		s.fatal(c, replyBehindSTARTTLS, reasonBehindSTARTTLS)
	default:
		s.ask(c)
	}
}

// handshakes reports whether TLS is about to start: nothing more is said in clear.
func (s *Server) handshakes() bool { return s.upgrading || s.tail == 0 }

// Upgrade implements Core.
func (s *Server) Upgrade() *Upgrade {
	if !s.upgrading || s.out.pending() {
		return nil
	}
	return new(Upgrade)
}

// Upgraded implements Core.
func (s *Server) Upgraded(now time.Time, tls TLSState, err error) {
	s.enter(now, "Upgraded")
	implicit := s.cfg.ImplicitTLS && s.tail == 0
	switch {
	case s.err != nil:
	case !s.upgrading && !implicit:
		panic("protocol: rule 9: Upgraded without an Upgrade")
	case err != nil:
		// H-T9: nothing more is said in clear.
		s.end(&TLSError{Err: err})
	case !tls.Active():
		panic("protocol: rule 9: Upgraded without TLS")
	default:
		s.tls, s.upgrading = &tls, false
		s.clock.client = now
		if s.cfg.Trace != nil {
			s.traceTLS()
		}
		if implicit {
			s.greet()
		} else {
			s.beginAnew()
		}
	}
	s.leave()
}

// beginAnew forgets what the session has come to: EHLO has to come again.
func (s *Server) beginAnew() {
	s.dropTransaction()
	s.verb, s.name, s.set = "", "", wire.ExtensionSet(0)
	s.authenticated = false
	s.in.guarding, s.in.ahead = guardNone, false
}
