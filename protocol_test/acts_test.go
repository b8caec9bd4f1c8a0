package protocol_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// act does something to the client that a callback may do, which is all but driving it.
func (s *simulation) act(r *rand.Rand) {
	if s.adding || len(s.messages) > 40 {
		return // futures are to be watched in the order of their tasks
	}
	switch r.IntN(13) {
	case 0, 1:
		s.randomSend(r)
	case 2:
		s.do("NOOP")
	case 12:
		s.task(r)
	case 3, 4, 5, 6:
		s.giveUp(s.messages[r.IntN(len(s.messages))])
	case 7:
		if n := len(s.commands); n > 0 {
			s.cancelDo(s.commands[r.IntN(n)])
		}
	case 8:
		s.BodyReady()
	case 9:
		s.lonelyWait(r)
	case 10:
		if s.monitor.inside && r.IntN(8) == 0 { // outside of a call it would say that the link is gone
			s.Fail(s.link.Now(), errHadEnough)
		}
	case 11:
		if r.IntN(8) == 0 {
			s.quit()
		}
	}
}

// lonelyWait waits for a reply that nobody sends, and takes that back after a while.
func (s *simulation) lonelyWait(r *rand.Rand) {
	var f *future.Future[wire.Reply]
	s.add(func() {
		f = s.WaitFor()
		watch(s, f, "lonely wait", f, nil)
	})
	s.link.AfterFunc(time.Duration(r.IntN(60))*time.Millisecond, func(time.Time) { s.cancel(f, f.Cancel) })
}

// onSettled lets a callback of the message act on the client, between two replies.
func (s *simulation) onSettled(m *message, r *rand.Rand) {
	switch r.IntN(4) {
	case 0:
		m.Mail().OnReady(func(wire.Reply, error) { s.act(r) })
	case 1:
		m.Rcpt(len(m.rcpt) - 1).OnReady(func(wire.Reply, error) { s.act(r) })
	default:
		m.Result().OnReady(func(protocol.Receipt, error) { s.act(r) })
	}
}

// enliven has a source that is not always ready, or acts on the client where it is
// asked for something.
func (s *simulation) enliven(b *source, r *rand.Rand) {
	if naps := 2 + r.IntN(6); r.IntN(4) == 0 {
		b.nap = func() bool {
			if r.IntN(naps) > 0 {
				return false
			}
			if r.IntN(3) == 0 {
				s.BodyReady() // it finds just now that there is more
			} else {
				s.link.AfterFunc(time.Duration(r.IntN(20))*time.Millisecond, func(time.Time) { s.BodyReady() })
			}
			return true
		}
	}
	if acts := 1 + r.IntN(8); r.IntN(4) == 0 {
		b.act = func() {
			if r.IntN(acts) == 0 {
				s.act(r)
			}
		}
	}
}

// step is a Task of one line, which may be cancelled while it says it.
type step struct {
	s      *simulation
	line   string
	cancel func() bool // nil: it is not
}

func (t *step) Step(last *wire.Reply, dst []byte) ([]byte, bool, error) {
	if last != nil {
		return dst, true, nil
	}
	if t.cancel != nil && t.s.cancel(t, t.cancel) {
		t.s.unsaid = append(t.s.unsaid, t.line)
	}
	return append(dst, t.line...), false, nil
}

// task queues a step.
func (s *simulation) task(r *rand.Rand) {
	t := &step{s: s, line: fmt.Sprintf("NOOP step %d", len(s.futures))}
	s.add(func() {
		f := s.AddTask(t)
		watch(s, t, t.line, f, nil)
		if r.IntN(2) == 0 {
			t.cancel = f.Cancel
		}
	})
}
