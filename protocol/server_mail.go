package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func (s *Server) doMail(c *slot) {
	switch {
	case s.verb == "":
		s.refuse(c, s.helloFirst())
		return
	case s.cfg.RequireAuth && !s.authenticated:
		s.refuse(c, replyAuthRequired)
		return
	case s.tx != nil && s.tx.content != contentNone:
		s.refuse(c, replyChunksUnderWay)
		return
	case s.tx != nil:
		s.refuse(c, replyTransactionOpen)
		return
	case s.shutdown:
		// A client that sends ahead is never at rest.
		s.settled(c, s.named(replyShutdown))
		return
	case s.cfg.Limits.MailMax > 0 && s.mails >= s.cfg.Limits.MailMax:
		s.refuse(c, replyTooManyMessages)
		return
	}
	t := &transaction{mailPending: true}
	if err := t.mail.Parse(c.args, wire.ParseOptions{Enabled: s.set, Extra: s.cfg.ExtraParams}); err != nil {
		s.refuse(c, replyOf(err))
		return
	}
	if err := t.mail.From.CheckLength(); err != nil {
		r := replyOf(err)
		r.Enhanced.Detail = 7 // RFC 3463 §3.2: the sender's address, not the recipient's
		s.refuse(c, r)
		return
	}
	if r, ok := s.checkMail(&t.mail); !ok {
		s.settled(c, r)
		return
	}
	s.mails++
	s.tx, c.tx = t, t
	s.ask(c)
}

// checkMail refuses what a MAIL command asks for and cannot have.
func (s *Server) checkMail(m *wire.Mail) (wire.Reply, bool) {
	cfg := &s.cfg
	switch {
	// RFC 1870 §6.1
	case cfg.MaxContent > 0 && m.Size > cfg.MaxContent:
		return replyTooLarge, false
	// RFC 4865 §4
	case m.HoldFor > int64(cfg.HoldMax/time.Second):
		return replyHoldFor, false
	case !m.HoldUntil.IsZero() && m.HoldUntil.After(s.clock.now.Add(cfg.HoldMax)):
		return replyHoldUntil, false
	// RFC 2852 §4
	case m.By.Mode == wire.ByReturn && m.By.Seconds < cfg.DeliverByMin:
		return replyDeliverBy, false
	}
	return wire.Reply{}, true
}

// helloFirst is the answer to a command that needs EHLO.
func (s *Server) helloFirst() wire.Reply {
	if s.cfg.LMTP {
		return replyLhloFirst
	}
	return replyHelloFirst
}
