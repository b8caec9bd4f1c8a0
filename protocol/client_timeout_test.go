package protocol_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// Every step has a limit of its own, and nothing happens before it has passed.
func TestTimeouts(t *testing.T) { // P31, F2, F20, C44, H-R10
	const (
		mail = "\nC: MAIL FROM:<a@me.example>"
		rcpt = mail + "\nS: 250 ok\nC: RCPT TO:<b@mx.example>"
		data = rcpt + "\nS: 250 ok\nC: DATA"
		dot  = data + "\nS: 354 go\nC: hi\nC: ."
	)
	short := protocol.Timeouts{
		Greeting: 1 * time.Second, Command: 2 * time.Second, Mail: 3 * time.Second, Rcpt: 4 * time.Second,
		Data: 5 * time.Second, Final: 6 * time.Second,
	}
	for _, test := range []struct{ before, step, limit, configured string }{
		{"", "greeting", "5m0s", "1s"},
		{"S: 220 mx.example\n= greeting: 220 mx.example\nC: EHLO me.example", "reply to EHLO", "5m0s", "2s"},
		{opening() + mail, "reply to MAIL", "5m0s", "3s"},
		{opening() + rcpt, "reply to RCPT", "5m0s", "4s"},
		{opening() + data, "reply to DATA", "2m0s", "5s"},
		{opening() + dot, "verdict on the content", "10m0s", "6s"},
	} {
		for _, cfg := range []protocol.ClientConfig{{}, {Timeouts: short}} {
			limit := test.limit
			if cfg.Timeouts != (protocol.Timeouts{}) {
				limit = test.configured
			}
			d, _ := time.ParseDuration(limit)
			err := "timeout: no " + test.step + " within " + limit
			outcome := "not delivered: "
			if strings.Contains(test.before, "354") {
				outcome = "outcome unknown, a retry may duplicate: "
			}
			text := test.before + "\nWAIT " + (d - 1).String() + "\nWAIT 1ns"
			if test.before == "" {
				text += "\n= greeting: " + err
			}
			if !strings.Contains(test.before, "hello: ok") {
				text += "\n= hello: " + err
			}
			play(t, conversation{cfg: cfg, begin: does(hello, send("send")), text: text + "\n= send: " + outcome + err + "\n= closed: " + err})
		}
	}
}

// Octets of an unfinished reply do not put the end off: a peer that sends one octet
// a minute is not waited for.
func TestTimeoutOfATrickle(t *testing.T) { // F20, H-R10
	err := "timeout: no greeting within 5m0s"
	play(t, conversation{
		begin: hello,
		text: "S: 220-\\\nWAIT 2m\nS: x\\\nWAIT 2m\nS: \\r\\n220-\\\nWAIT 59s\nS: y\\\nWAIT 1s" +
			"\n= greeting: " + err + "\n= hello: " + err + "\n= closed: " + err,
	})
}

// The oldest unanswered command of a group has the timer, and the next one's time
// begins with its reply.
func TestTimeoutOfAGroup(t *testing.T) { // F20, C51
	err := "timeout: no reply to RCPT within 5m0s"
	play(t, conversation{
		begin: does(hello, sendTo("send", "", "b@mx.example", "c@mx.example")),
		text: opening("PIPELINING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: DATA
			WAIT 4m
			S: 250 ok
			WAIT 4m
			S: 250 ok
			WAIT 299s
			WAIT 1s
			= send: not delivered: ` + err + `
			= closed: ` + err,
	})
}

// Over all steps stands one deadline, which can be moved and taken off.
func TestOverallDeadline(t *testing.T) { // F20
	set := func(d time.Duration) func(*session) {
		return func(s *session) { s.SetDeadline(s.now.Add(d)) }
	}
	play(t, conversation{
		begin: does(hello, set(time.Minute), send("send")),
		acts: map[string]func(*session){
			"off":        func(s *session) { s.SetDeadline(time.Time{}) },
			"in an hour": set(time.Hour),
			"in 20s":     set(20 * time.Second),
		},
		text: opening() + `
			C: MAIL FROM:<a@me.example>
			! off
			WAIT 4m
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			! in an hour
			WAIT 4m
			! in 20s
			WAIT 19s
			WAIT 1s
			= send: not delivered: timeout: overall deadline passed
			= closed: timeout: overall deadline passed`,
	})
}

// Output that cannot be written has a limit too, which every octet that goes out
// puts off; it says nothing of the peer's reply until all is out.
func TestTimeoutOfWriting(t *testing.T) { // F20, C53
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	c.Feed(start, []byte("220 mx.example\r\n"))
	now := start
	for range 10 {
		c.Output(now, nil, 100)
		if got := c.Deadline(); !got.Equal(now.Add(3 * time.Minute)) {
			t.Fatalf("deadline %v, want 3m", got.Sub(now))
		}
		now = now.Add(179 * time.Second)
		c.Tick(now)
		c.Wrote(now, 1)
	}
	c.Tick(now.Add(3 * time.Minute))
	if err := c.Err(); err == nil || err.Error() != "timeout: no progress in writing within 3m0s" {
		t.Error(err)
	}
	asError[*protocol.TimeoutError](t, c.Err())
}

// A Tick that nothing is due for does nothing.
func TestSpuriousTick(t *testing.T) { // F20
	c := newClient(t, protocol.ClientConfig{})
	for range 3 {
		c.Tick(start)
	}
	if got := c.Deadline(); !got.Equal(start.Add(5*time.Minute)) || c.Err() != nil {
		t.Errorf("deadline %v, %v", got, c.Err())
	}
	feed(c, "220 mx.example\r\n")
	c.Tick(start.Add(time.Hour))
	if !c.Deadline().IsZero() || c.Err() != nil {
		t.Errorf("an idle client has deadline %v, %v", c.Deadline(), c.Err())
	}
}

// Limits below zero are refused.
func TestTimeoutsRefused(t *testing.T) { // P33
	for want, cfg := range map[string]protocol.ClientConfig{
		"Timeouts.Greeting: negative": {Timeouts: protocol.Timeouts{Greeting: -1}},
		"Timeouts.Drain: negative":    {Timeouts: protocol.Timeouts{Drain: -1}},
		"MaxReplyLine: negative":      {MaxReplyLine: -1},
		"MaxReplyLines: negative":     {MaxReplyLines: -1},
		"MaxReplySize: negative":      {MaxReplySize: -1},
	} {
		_, err := protocol.NewClient(start, cfg)
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		asError[*protocol.ConfigError](t, err)
	}
}

// A command that is not all out is not the peer's to answer: its time begins when
// its last octet is acknowledged, however long that took.
func TestTimeoutBeginsWhenAllIsOut(t *testing.T) { // F20
	c := newClient(t, protocol.ClientConfig{Timeouts: protocol.Timeouts{Command: time.Minute}})
	c.Hello("me.example")
	c.Feed(start, []byte("220 mx.example\r\n"))
	c.Output(start, nil, 100)
	if got := c.Deadline().Sub(start); got != 3*time.Minute {
		t.Errorf("while it is written: %v", got)
	}
	now := start.Add(2 * time.Minute)
	c.Wrote(now, int64(len("EHLO me.example\r\n")))
	if got := c.Deadline().Sub(now); got != time.Minute {
		t.Errorf("when it is out: %v", got)
	}
}

// After a write error there are ten seconds to read on, from then.
func TestTimeoutOfDraining(t *testing.T) { // F20
	err := "connection lost before the reply to EHLO: broken pipe"
	play(t, conversation{
		begin: hello,
		text: "S: 220 mx.example\n= greeting: 220 mx.example\nC: EHLO me.example\nWAIT 1m\nWRITE FAILS\nWAIT 9s\nWAIT 1s" +
			"\n= hello: " + err + "\n= closed: " + err,
	})
}
