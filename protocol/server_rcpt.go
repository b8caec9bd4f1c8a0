package protocol

import (
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func (s *Server) doRcpt(c *slot) {
	t := s.tx
	switch {
	case s.verb == "":
		s.refuse(c, s.helloFirst())
		return
	case t == nil:
		s.refuse(c, replyMailFirst)
		return
	case t.content != contentNone || t.refused:
		s.refuse(c, replyChunksUnderWay)
		return
	case t.accepted >= s.cfg.MaxRecipients:
		s.settled(c, replyTooManyRecipients)
		return
	}
	rcpt := s.mem.roomForRecipient()
	err := rcpt.Parse(c.args, wire.ParseOptions{Enabled: s.set, UTF8: t.mail.SMTPUTF8, Extra: s.cfg.ExtraParams})
	if err == nil {
		err = rcpt.Path.CheckLength()
	}
	if err != nil {
		s.refuse(c, replyOf(err))
		return
	}
	if s.cfg.Limits.RcptDomainMax > 0 && !s.roomForDomain(rcpt.Path.Domain()) {
		s.settled(c, replyTooManyDomains)
		return
	}
	s.mem.recipients = s.mem.recipients[:len(s.mem.recipients)+1]
	t.pending++
	c.tx, c.rcpt = t, rcpt
	s.ask(c)
}

// roomForRecipient returns the place behind the recipients. Like lines they share memory,
// other sessions' too, and those that were handed out stay as they are.
func (b *buffers) roomForRecipient() *wire.Recipient {
	const block = 31 // which makes 4 KiB, with what the allocator adds
	n := len(b.recipients)
	if n == cap(b.recipients) {
		b.recipients, n = make([]wire.Recipient, 0, block), 0
	}
	return &b.recipients[:n+1][n]
}

// roomIsKnown reports whether it is certain if one more recipient is too many, whatever
// the answers to those before it will be.
func (s *Server) roomIsKnown(t *transaction) bool {
	most := s.cfg.MaxRecipients
	return t.accepted+t.pending < most || t.accepted >= most
}

// roomForDomain counts the domains of a session's recipients (RFC 9422 §4.3).
func (s *Server) roomForDomain(domain string) bool {
	domain = strings.ToLower(domain)
	if _, known := s.domains[domain]; known {
		return true
	}
	if len(s.domains) >= s.cfg.Limits.RcptDomainMax {
		return false
	}
	if s.domains == nil {
		s.domains = map[string]struct{}{}
	}
	s.domains[domain] = struct{}{}
	return true
}
