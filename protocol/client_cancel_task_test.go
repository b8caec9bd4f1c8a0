package protocol_test

import (
	"slices"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Commands and waits that were not sent are taken back; what was sent is answered
// all the same, and the reply is not taken for another's.
func TestCancelCommands(t *testing.T) { // F23, F8, C32
	var vrfy, task, wait func() bool
	play(t, conversation{
		begin: does(hello, func(s *session) {
			watch(s, "queued", s.Do(protocol.Command{Verb: "VRFY", Args: "a"})).Cancel()
			watch(s, "queued wait", s.WaitFor(250)).Cancel()
			watch(s, "queued login", s.Login(cram)).Cancel()
			watch(s, "queued hello", s.Hello("other.example")).Cancel()
			watch(s, "queued tls", s.StartTLS()).Cancel()
			watch(s, "queued task", s.AddTask(&lines{"X-ONE"})).Cancel()
			vrfy = watch(s, "vrfy", s.Do(protocol.Command{Verb: "VRFY", Args: "b"})).Cancel
			task = watch(s, "task", s.AddTask(&lines{"X-ONE", "X-TWO"})).Cancel
			wait = watch(s, "wait", s.WaitFor(250)).Cancel
		}, noop),
		acts: map[string]func(*session){
			"cancel vrfy": func(*session) { vrfy() },
			"cancel task": func(*session) { task() },
			"cancel wait": func(*session) { wait() },
		},
		text: `
			= queued: canceled
			= queued wait: canceled
			= queued login: canceled
			= queued hello: canceled
			= queued tls: canceled
			= queued task: canceled
		` + opening() + `
			C: VRFY b
			! cancel vrfy
			= vrfy: canceled
			S: 252 maybe
			C: X-ONE
			S: 250 one
			C: X-TWO
			! cancel task
			= task: canceled
			S: 250 two
			! cancel wait
			= wait: canceled
			C: NOOP
			S: 250 ok
			= noop: 250 ok
		`,
	})
}

// A login that is cancelled between two lines stops with "*", so that the next
// command is not taken for an answer.
func TestCancelLogin(t *testing.T) { // F5, F23, C90, H-A3
	var future func() bool
	play(t, conversation{
		cfg:   inClear,
		begin: does(hello, func(s *session) { future = watch(s, "login", s.Login(login2)).Cancel }, noop),
		acts:  map[string]func(*session){"cancel": func(*session) { future() }},
		text: opening("AUTH LOGIN") + `
			C: AUTH LOGIN
			! cancel
			= login: canceled
			S: 334 VXNlcm5hbWU6
			C: *
			S: 501 cancelled
			C: NOOP
			S: 250 ok
			= noop: 250 ok
		`,
	})
}

// Once an exchange has begun, the server may wait for its next line: that one is
// never taken back, not even before it was lent.
func TestCancelTaskBetweenLines(t *testing.T) { // F23, F8
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	f := c.AddTask(&lines{"X-ONE", "answer"})
	c.Do(protocol.Command{Verb: "NOOP"})
	feed(c, "220 mx.example\r\n")
	feed(c, "250 mx.example\r\n")
	c.Feed(start, []byte("334 go on\r\n"))
	f.Cancel()
	if out := flush(c); out != "answer\r\n" {
		t.Errorf("wrote %q", out)
	}
	if out := feed(c, "250 ok\r\n"); out != "NOOP\r\n" {
		t.Errorf("wrote %q", out)
	}

	// Its first line is.
	f = c.AddTask(&lines{"X-ONE", "answer"})
	c.Feed(start, []byte("250 ok\r\n"))
	f.Cancel()
	if out := flush(c); out != "" || c.Busy() {
		t.Errorf("wrote %q", out)
	}
}

// lines is a Task that sends lines, whatever is answered.
type lines []string

func (l *lines) Step(last *wire.Reply, dst []byte) ([]byte, bool, error) {
	if len(*l) == 0 {
		return dst, true, nil
	}
	dst = append(dst, (*l)[0]...)
	*l = (*l)[1:]
	return dst, false, nil
}

// A wait that is taken back leaves alone what is still to go out of a command that was
// refused early, and takes no reply from what comes behind it.
func TestCancelWaitBehindHalfACommand(t *testing.T) { // F8, F23
	for _, before := range []bool{true, false} {
		m := greeted(t, protocol.ClientConfig{})
		note(m, "noop", m.Do(protocol.Command{Verb: "NOOP"}))
		m.lend(2)
		m.Wrote(m.now, 2)
		m.feed("500 no\r\n")
		wait := note(m, "wait", m.WaitFor())
		rest := "OP\r\n"
		if !before {
			m.wrote(rest)
			rest = ""
		}
		wait.Cancel()
		note(m, "vrfy", m.Do(protocol.Command{Verb: "VRFY", Args: "b"}))
		m.wrote(rest + "VRFY b\r\n")
		m.feed("252 maybe\r\n")
		want := []string{"noop: NOOP: 500 no", "wait: canceled", "vrfy"}
		if !slices.Equal(m.log, want) || m.Busy() {
			t.Errorf("cancelled ahead of the rest %v: settled %q, want %q, busy %v", before, m.log, want, m.Busy())
		}
	}
}

// A task may be cancelled while it says its first line: that is not sent, and the next
// task has its turn.
func TestCancelTaskInFirstStep(t *testing.T) { // F23, F8
	for _, helloFirst := range []bool{false, true} {
		m := newMachine(t, protocol.ClientConfig{})
		m.feed("220 mx.example\r\n")
		if helloFirst {
			m.Hello("me.example")
			m.wrote("EHLO me.example\r\n")
		}
		task := &selfish{}
		var cancel func() bool
		task.cancel = func() { cancel() }
		wait := m.WaitFor() // it keeps the task from its turn
		cancel = note(m, "task", m.AddTask(task)).Cancel
		note(m, "noop", m.Do(protocol.Command{Verb: "NOOP"}))
		note(m, "vrfy", m.Do(protocol.Command{Verb: "VRFY", Args: "b"}))
		if helloFirst {
			m.feed("250 mx.example\r\n")
		}
		wait.Cancel()
		m.wrote("NOOP\r\n")
		m.feed("250 ok\r\n")
		m.wrote("VRFY b\r\n")
		m.feed("252 maybe\r\n")
		m.wantLog("task: canceled", "noop", "vrfy")
		if m.Busy() || task.steps != 1 {
			t.Errorf("EHLO first %v: busy %v, %d steps", helloFirst, m.Busy(), task.steps)
		}
	}
}

// selfish is a Task that cancels itself in its first step.
type selfish struct {
	steps  int
	cancel func()
}

func (s *selfish) Step(_ *wire.Reply, dst []byte) ([]byte, bool, error) {
	s.steps++
	s.cancel()
	return append(dst, "X-ONE"...), false, nil
}
