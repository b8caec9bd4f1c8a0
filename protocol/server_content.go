package protocol

import (
	"errors"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func (s *Server) doData(c *slot) {
	t := s.tx
	switch {
	case s.verb == "":
		s.refuse(c, s.helloFirst())
	case c.args != "":
		s.refuse(c, replyNoArguments)
	case t == nil:
		s.refuse(c, replyMailFirst)
	// RFC 3030 §2: no DATA behind BDAT.
	case t.byChunks || t.refused:
		s.refuse(c, replyChunksUnderWay)
	// RFC 3030 §3
	case t.mail.Body == wire.BodyBinaryMIME:
		s.refuse(c, replyBinary)
	case t.accepted == 0:
		s.refuse(c, replyNoRecipients)
	default:
		t.content = contentAsked
		t.slot = s.next - 1
		c.tx = t
		s.ask(c)
	}
}

// accept takes the content of a message.
func (s *Server) accept(t *transaction, dst Sink) {
	t.content, t.sink = contentTaking, dst
	s.filling = t
	c := s.at(t.slot)
	c.state = slotContent
	s.in.stopped = false
	s.clock.content()
	if t.byChunks {
		s.in.beginChunk(c.size, inputChunk)
		if c.size == 0 {
			s.endOfChunk()
		}
		return
	}
	c.starts = true
	s.in.mode = inputContent
	s.in.dot.Reset()
}

// takeContent takes content by DATA.
func (s *Server) takeContent(p []byte) int {
	p = p[:min(len(p), maxPiece)]
	var n int
	var done bool
	s.mem.pieces, s.mem.scratch, n, done = s.in.dot.Decode(s.mem.pieces[:0], s.mem.scratch[:0], p)
	s.clock.received(n)
	for _, piece := range s.mem.pieces {
		s.deliver(piece)
	}
	clear(s.mem.pieces)
	if done {
		s.in.mode = inputLine
		if s.in.dot.Bare() && s.cfg.BareEOL == BareEOLRefuse {
			s.spoil(s.filling, replyBareEOL, ErrBareEOL)
		}
		s.endOfContent()
	}
	return n
}

// deliver gives a piece of content to the sink, up to the limit. What the sink does not
// take now is held.
func (s *Server) deliver(p []byte) {
	t := s.filling
	if t == nil {
		return
	}
	room := s.cfg.MaxContent - t.size
	t.size += int64(len(p))
	if t.fault.Code != 0 {
		return
	}
	tooLarge := s.cfg.MaxContent > 0 && int64(len(p)) > room
	if tooLarge {
		p = p[:room]
	}
	if len(s.mem.held) == 0 {
		p = p[s.write(t, p):]
	}
	s.mem.held = append(s.mem.held, p...)
	if tooLarge {
		s.spoil(t, replyTooLarge, ErrTooLarge)
	}
}

// write gives octets to the sink and returns how many are done with: all of them once it
// has failed.
func (s *Server) write(t *transaction, p []byte) int {
	if t.sink == nil || len(p) == 0 {
		return len(p)
	}
	s.in.resumed = false
	n, err := t.sink.WriteBody(p)
	switch {
	case err != nil:
		r := replySinkFailed
		if refusal := (*ReplyError)(nil); errors.As(err, &refusal) && refusal.Reply.Code.Class() >= 4 {
			r = s.fit(refusal.Reply, t.mail.SMTPUTF8)
		}
		// The sink sees no more than the octets ahead of any other fault, so this one
		// comes first, however late it is.
		t.fault, t.faultErr = r, &BodyError{Err: err}
		return len(p)
	case n < 0 || n > len(p):
		panic("protocol: Sink took more than it was given")
	case n < len(p) && !s.in.resumed:
		s.in.blocked = true
	}
	return n
}

// spoil notes why the machine refuses the message once it is complete.
func (s *Server) spoil(t *transaction, r wire.Reply, err error) {
	if t.fault.Code == 0 {
		t.fault, t.faultErr = r, &BodyError{Err: err}
	}
}

// offer gives the sink what it did not take before. A verdict waits for that, a chunk's
// too: whether the sink fails must not depend on when it is ready.
func (s *Server) offer() {
	t := s.filling
	for t != nil && len(s.mem.held) > 0 && !s.in.blocked {
		n := s.write(t, s.mem.held)
		if len(s.mem.held) > 0 {
			s.mem.held = s.mem.held[:copy(s.mem.held, s.mem.held[n:])]
		}
	}
	switch {
	case t == nil || len(s.mem.held) > 0:
	case t.ended:
		s.complete(t)
	case t.chunkEnded:
		s.chunkTaken(t)
	}
}

// endOfContent is the true end of a message. It clears the transaction (RFC 5321
// §4.1.1.4).
func (s *Server) endOfContent() {
	t := s.filling
	t.ended = true
	if s.tx == t {
		s.tx = nil
	}
	s.offer()
}

// complete settles what the content came to.
func (s *Server) complete(t *transaction) {
	s.filling = nil
	s.traceContent(t)
	if t.fault.Code != 0 {
		t.content = contentOver
		s.decideAll(t, t.fault)
		t.completed.Reject(t.faultErr)
		return
	}
	early := t.verdict
	t.content = contentComplete
	t.completed.Resolve(t.size)
	if early.Code != 0 && !s.cfg.LMTP {
		s.settled(s.at(t.slot), early)
	}
}

// decideAll gives the verdict, or takes it over.
func (s *Server) decideAll(t *transaction, r wire.Reply) {
	if !s.cfg.LMTP {
		s.settled(s.at(t.slot), r)
		return
	}
	s.roomForVerdicts(t)
	for i := range t.verdicts {
		t.verdicts[i] = r
	}
}

// decideRest takes the application's verdict on what is undecided. Until the content is
// complete it is kept.
func (s *Server) decideRest(t *transaction, r wire.Reply) {
	t.verdict = r
	if s.cfg.LMTP {
		s.roomForVerdicts(t)
		for i := range t.verdicts {
			if t.verdicts[i].Code == 0 {
				t.verdicts[i] = r
			}
		}
		return
	}
	if t.content == contentComplete {
		s.settled(s.at(t.slot), r)
	}
}

// decided reports whether the application has said all there is to say.
func (t *transaction) decided(lmtp bool) bool {
	if t.verdict.Code != 0 {
		return true
	}
	if !lmtp || t.verdicts == nil {
		return false
	}
	for i := range t.verdicts {
		if t.verdicts[i].Code == 0 {
			return false
		}
	}
	return true
}

func (s *Server) roomForVerdicts(t *transaction) {
	if t.verdicts == nil {
		t.verdicts = make([]wire.Reply, t.accepted)
	}
}

// verdicts plans the verdicts of an LMTP message whose turn it is (RFC 2033 §4.2), and
// reports whether all of them are.
func (s *Server) verdicts(c *slot) bool {
	if !s.cfg.LMTP || c.tx == nil || !c.tx.ended || s.filling == c.tx {
		return false
	}
	t := c.tx
	for int(c.sent) < len(t.verdicts) && t.verdicts[c.sent].Code != 0 {
		r := t.verdicts[c.sent]
		s.plan(&r)
		c.sent++
		if r.Code == wire.CodeNotAvailable {
			s.end(&ReplyError{Reply: r, Command: stepRules[stepContent].command})
			return false
		}
	}
	return c.sent > 0 && int(c.sent) == len(t.verdicts)
}
