package protocol

import (
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// doHello is EHLO, HELO and LHLO.
func (s *Server) doHello(c *slot) {
	// RFC 2033 §4.1: LHLO there, and no other.
	if (c.verb == wire.VerbLhlo) != s.cfg.LMTP {
		s.refuse(c, replyWrongHello)
		return
	}
	// RFC 3207 §4: EHLO alone is allowed before STARTTLS; HELO has no way to get there.
	if s.cfg.RequireTLS && s.tls == nil && c.verb == wire.VerbHelo {
		s.refuse(c, replyTLSRequired)
		return
	}
	if err := wire.CheckHelloName(c.args); err != nil {
		s.refuse(c, replyOf(err))
		return
	}
	s.ask(c)
}

// hello greets a client that said EHLO, HELO or LHLO.
func (s *Server) hello(c *slot, r wire.Reply) wire.Reply {
	// RFC 5321 §4.1.4: it clears the transaction as RSET does.
	s.dropTransaction()
	// The lines of other commands, and of other sessions, share the memory of this one.
	s.verb, s.name, s.set = strings.Clone(c.verb), strings.Clone(c.args), 0
	text := append(make([]byte, 0, 256), s.cfg.Hostname...)
	// A second line would be taken for a keyword.
	if line, _, _ := strings.Cut(r.Text, "\n"); line != "" {
		text = append(append(text, ' '), line...)
	}
	if c.verb != wire.VerbHelo {
		offer := s.offers()
		// It was tried when the server was made. What an application's Mechanisms breaks
		// all the same is left out.
		var err error
		if text, err = wire.AppendExtensions(text, &offer); err != nil {
			offer.Set &^= wire.Auth
			text, _ = wire.AppendExtensions(text, &offer)
		}
		s.set = offer.Set
	}
	return wire.Reply{Code: wire.CodeOK, Text: string(text)}
}

// offers returns what EHLO offers now.
func (s *Server) offers() wire.Offer {
	cfg := &s.cfg
	o := wire.Offer{
		Set: s.offered, SizeLimit: max(cfg.MaxContent, 0), Limits: cfg.Limits,
		DeliverByMin: cfg.DeliverByMin, PriorityProfile: cfg.PriorityProfile, Extra: cfg.Extra,
	}
	// RFC 3207 §4.2: not inside TLS. RFC 8689 §2: only there.
	if s.tls != nil {
		o.Set &^= wire.StartTLS
	} else {
		o.Set &^= wire.RequireTLS
	}
	if cfg.HoldMax > 0 {
		o.HoldMaxFor = int64(cfg.HoldMax / time.Second)
		o.HoldMaxUntil = s.clock.now.Add(cfg.HoldMax).UTC()
	}
	if o.Set.Has(wire.Auth) {
		if o.AuthMechanisms = cfg.Mechanisms(s.TLS()); len(o.AuthMechanisms) == 0 {
			o.Set &^= wire.Auth
		}
	}
	return o
}
