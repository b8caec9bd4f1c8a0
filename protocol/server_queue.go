package protocol

import (
	"cmp"
	"io"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// slot is a command that was read and not yet answered in full.
type slot struct {
	verb, args string
	is         serverCommand
	kind       RequestSet // what the application was asked; 0: nothing
	state      slotState
	starts     bool // a 354 is due ahead of the reply
	last       bool // the session ends behind the reply
	broken     bool // and the client is at fault, as input.cause says
	lastChunk  bool // BDAT … LAST
	guarded    bool // octets that come ahead of the reply end the session
	fault      fault
	sent       int32 // verdicts that have left, with LMTP
	again      int32 // how many more times the reply is due, with LMTP
	size       int64 // of a chunk
	tx         *transaction
	rcpt       *wire.Recipient
	reply      wire.Reply
}

type slotState uint8

const (
	slotWaiting  slotState = iota // at its gate
	slotAsked                     // for the application to answer
	slotContent                   // content comes, or its verdict is for the application to give
	slotAnswered                  // the reply leaves when it is its turn
)

// at returns the slot of a command that is in the queue.
func (s *Server) at(seq uint64) *slot { return &s.mem.slots[seq&uint64(len(s.mem.slots)-1)] }

// push adds a command to the queue. What it returns is valid until the next push.
func (s *Server) push(is serverCommand) *slot {
	s.wake()
	if n := uint64(len(s.mem.slots)); s.tail-s.head == n {
		grown := make([]slot, max(8, 2*n))
		for seq := s.head; seq != s.tail; seq++ {
			grown[seq&uint64(len(grown)-1)] = *s.at(seq)
		}
		s.mem.slots = grown
	}
	c := s.at(s.tail)
	s.tail++
	s.mem.used++
	// What the last command in this place has left is overwritten where it is used.
	c.is, c.kind, c.state = is, 0, slotWaiting
	c.starts, c.last, c.broken, c.lastChunk, c.guarded = false, false, false, false, false
	c.fault, c.sent, c.again, c.size = faultNone, 0, 0, 0
	if c.tx != nil {
		c.tx, c.rcpt = nil, nil
	}
	c.verb, c.args = "", ""
	c.reply.Code = 0
	return c
}

// Next returns the next request, in the order of the commands, and false while there is none.
func (s *Server) Next() (Request, bool) {
	if s.err != nil {
		if s.closed || s.cfg.Requests&RequestClosed == 0 {
			return Request{}, false
		}
		s.closed = true
		return Request{s: s, seq: closedRequest}, true
	}
	for s.pulled = max(s.pulled, s.head); s.pulled < s.next; {
		seq := s.pulled
		c := s.at(seq)
		if c.state == slotWaiting {
			break // it is being done: this is a callback of what it aborts
		}
		s.pulled++
		if c.state == slotAsked {
			return Request{s: s, seq: seq, data: c.kind == RequestData, tx: c.tx, rcpt: c.rcpt}, true
		}
	}
	return Request{}, false
}

// closedRequest is the number of RequestClosed, which no command has.
const closedRequest = ^uint64(0)

// proceed does whatever may be done now, unless a call is under way that will do so
// before it returns.
func (s *Server) proceed() {
	if !s.busy {
		s.busy = true
		s.settle()
		s.busy = false
		s.restIfIdle()
	}
}

// settle brings the machine to rest between two commands: replies leave, and commands
// are done, as far as they may.
func (s *Server) settle() {
	for s.err == nil {
		if s.filling != nil && s.failure == nil {
			s.offer()
		}
		if s.eof && s.failure == nil {
			s.cutOff()
		}
		if s.failure != nil {
			s.end(s.failure)
			s.dropOutput()
			return
		}
		for c := s.answered(); c != nil && s.reply(c); c = s.answered() {
		}
		if s.err != nil {
			return
		}
		if s.in.ending != nil {
			if s.head == 0 {
				s.in.ending.reply.Enhanced = wire.EnhancedCode{} // it stands for the greeting
			}
			if !s.handshakes() { // H-T9
				s.plan(&s.in.ending.reply)
			}
			s.end(s.in.ending.cause)
			return
		}
		if s.next == s.tail {
			if s.head == s.tail {
				s.atRest()
			}
			return
		}
		c := s.at(s.next)
		if !s.open(c) {
			return
		}
		s.next++
		s.do(c)
	}
}

// causeOf returns what a session ends with whose last reply is that of c.
func (s *Server) causeOf(c *slot) error {
	switch {
	case c.broken:
		return s.in.cause
	case c.is == isQuit:
		return io.EOF
	}
	return &ReplyError{Reply: c.reply, Command: cmp.Or(c.verb, "greeting")}
}

// atRest is what comes once every command is answered.
func (s *Server) atRest() {
	switch {
	case s.eof:
		s.endOfInput()
	case s.shutdown && s.tx == nil && s.tail > 0 && !s.upgrading:
		reply := s.named(replyShutdown)
		s.plan(&reply)
		s.end(&ReplyError{Reply: reply, Command: "connection"})
	}
}

// answered returns the oldest command if its turn to be replied to has come, in part at
// least; else nil.
func (s *Server) answered() *slot {
	if s.head < s.next {
		if c := s.at(s.head); c.state >= slotContent {
			return c
		}
	}
	return nil
}

// reply plans the reply to the oldest command, and reports whether that was all of it and
// the session goes on.
func (s *Server) reply(c *slot) bool {
	if c.starts {
		c.starts = false
		s.plan(&replyStart)
		s.clock.content()
	}
	if c.state == slotContent && !s.verdicts(c) {
		return false
	}
	if c.fault != faultNone && s.refusals.leave(c.fault, &s.cfg) {
		s.refuseAll(c)
	}
	if c.sent == 0 {
		s.plan(&c.reply)
	}
	for ; c.again > 0 && !c.last; c.again-- {
		s.plan(&c.reply)
	}
	if c.guarded {
		s.in.guardEnd = s.out.planned
	}
	s.head++
	if s.head == s.next {
		s.alone = false
		s.clock.clientBegins = true
	}
	if c.last {
		s.end(s.causeOf(c))
		return false
	}
	return true
}

// refuseAll makes the reply to c, a refusal that is one too many, the last.
func (s *Server) refuseAll(c *slot) {
	c.reply = s.named(replyTooManyErrors)
	c.last, c.broken = true, true
	s.in.cause = &ProtocolError{Reason: "too many errors"}
}
