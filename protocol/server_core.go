package protocol

import (
	"errors"
	"io"
	"time"
)

var _ Core = (*Server)(nil)

// wake takes buffers for a server that is about to have something to do.
func (s *Server) wake() {
	if s.mem == &noBuffers {
		s.mem = idleBuffers.Get().(*buffers)
		s.out.mem = s.mem
	}
}

// rest gives the buffers of an idle server back. All that was lent from them has been
// acknowledged.
func (s *Server) rest() {
	b := s.mem
	if b == &noBuffers {
		return
	}
	s.mem, s.out.mem = &noBuffers, &noBuffers
	// The slots that were used lie in a row, around the end: they refer to transactions.
	used := min(b.used, len(b.slots))
	if used > 0 {
		end := int(s.tail)&(len(b.slots)-1) + len(b.slots)
		begin := end - used
		clear(b.slots[max(0, begin-len(b.slots)) : end-len(b.slots)])
		if begin < len(b.slots) {
			clear(b.slots[begin:])
		}
	}
	b.used = 0
	b.rest()
}

// restIfIdle gives the buffers back where nothing is under way.
func (s *Server) restIfIdle() {
	if s.head == s.tail && s.in.length == 0 && !s.out.pending() && s.filling == nil && s.err == nil && s.traces == nil {
		s.rest()
	}
}

// enter begins a call of the driver's.
func (s *Server) enter(now time.Time, method string) {
	if s.busy {
		panic("protocol: rule 5: " + method + " called from a callback")
	}
	s.busy = true
	s.clock.stamp(now)
}

// leave ends it.
func (s *Server) leave() {
	s.settle()
	s.leaveSettled()
}

// leaveSettled ends a call that has changed nothing that a command waits for.
func (s *Server) leaveSettled() {
	s.busy = false
	s.restIfIdle()
	s.clock.begin()
}

// Feed implements Core.
func (s *Server) Feed(now time.Time, p []byte) (n int, err error) {
	s.enter(now, "Feed")
	for n < len(p) && s.err == nil && s.ready() {
		s.wake()
		n += s.take(p[n:])
		s.settle()
	}
	s.leave()
	return n, s.err
}

// FeedEOF implements Core.
func (s *Server) FeedEOF(now time.Time) {
	s.enter(now, "FeedEOF")
	s.eof = true
	s.leave()
}

// cutOff settles what waits for input that never comes.
func (s *Server) cutOff() {
	// A chunk may wait at its gate yet.
	if t := s.filling; t != nil && !t.ended && !t.chunkEnded && s.next == s.tail {
		// RFC 5321 §4.1.1.4: without its end of data there is no message.
		err := s.lost(io.ErrUnexpectedEOF)
		if s.in.mode != inputLine {
			s.dropLast()
		}
		s.lose(t, err)
	}
	if x := s.auth; x != nil && s.in.mode == inputResponse && !s.in.stopped {
		s.dropLast()
		s.auth = nil
		x.promise.Reject(s.lost(io.ErrUnexpectedEOF))
	}
}

// dropLast takes the last command back: its reply would be to what never came.
func (s *Server) dropLast() {
	s.tail--
	s.next = s.tail
	if s.head > s.tail {
		s.head = s.tail
	}
}

// endOfInput ends the session behind the last answer to a client that sends no more.
func (s *Server) endOfInput() {
	switch {
	case s.writeErr != nil:
		s.end(s.writeErr)
	case s.upgrading || s.tx != nil || s.in.mode != inputLine || s.in.length > 0:
		s.end(s.lost(io.ErrUnexpectedEOF))
	default:
		s.end(io.EOF)
	}
}

// lost is the error of a connection that went away.
func (s *Server) lost(err error) error {
	step := ""
	switch {
	case s.handshakes():
		step = "TLS handshake"
	case s.in.mode == inputResponse:
		step = "response to the challenge"
	case s.in.mode != inputLine:
		step = "end of data"
	case s.in.length > 0:
		step = "end of the command"
	case s.tx != nil:
		step = "end of the transaction"
	}
	return &ConnectionError{Step: step, Err: err}
}

// Fail implements Core. A nil error counts as io.ErrUnexpectedEOF.
func (s *Server) Fail(now time.Time, err error) {
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	if s.busy {
		if s.failure == nil {
			s.failure = s.lost(err)
		}
		return
	}
	s.enter(now, "Fail")
	s.end(s.lost(err))
	s.dropOutput()
	s.leave()
}

// WriteFailed implements Core. Nobody will read a reply any more; messages that are
// complete are decided all the same.
func (s *Server) WriteFailed(now time.Time, err error) {
	s.enter(now, "WriteFailed")
	if s.writeErr == nil {
		if err == nil {
			err = errors.New("write failed")
		}
		s.writeErr = s.lost(err)
		s.clock.write = now
		s.dropOutput()
		if s.err == nil && s.upgrading {
			s.end(s.writeErr)
		}
	}
	s.leave()
}

// dropOutput forgets what was not acknowledged. A driver may still be writing from the
// old buffers.
func (s *Server) dropOutput() {
	if s.mem != &noBuffers {
		old := s.mem
		s.mem = &buffers{slots: old.slots, used: old.used, line: old.line, held: old.held}
	}
	s.out.drop(s.mem)
	s.out.lent, s.out.acked = s.out.planned, s.out.planned
	s.dropped = true
	s.traces = nil
}

// Output implements Core.
func (s *Server) Output(now time.Time, dst []Chunk, max int) []Chunk {
	s.enter(now, "Output")
	if !s.dropped {
		dst = s.out.lend(dst, max)
		if s.traces != nil {
			s.traceSent(now)
		}
	}
	s.leaveSettled()
	return dst
}

// Wrote implements Core.
func (s *Server) Wrote(now time.Time, n int64) {
	s.enter(now, "Wrote")
	if !s.dropped && n != 0 {
		s.clock.write = now
		s.out.wrote(n)
		if !s.out.pending() {
			s.clock.client = now
		}
	}
	s.leaveSettled()
}

// Err implements Core. Other than io.EOF it is what ended the session: a *ReplyError for
// a 421 of the application's or of Shutdown, a *ProtocolError, *TimeoutError,
// *ConnectionError or *TLSError.
func (s *Server) Err() error { return s.err }

// end is the end of the session. Replies that are planned may still be written.
func (s *Server) end(err error) {
	if s.err != nil {
		return
	}
	s.err = err
	s.upgrading = false
	s.head, s.next = s.tail, s.tail
	s.in.closing = true
	if t := s.filling; t != nil {
		s.lose(t, s.endOf(err))
	}
	s.tx, s.filling = nil, nil
	if x := s.auth; x != nil {
		s.auth = nil
		x.promise.Reject(s.endOf(err))
	}
}

// endOf is the error of what was under way at the end.
func (s *Server) endOf(err error) error {
	if err == io.EOF {
		return ErrClosed
	}
	return err
}
