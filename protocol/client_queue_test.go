package protocol_test

import (
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// Operations queue in their order and never mix. One that fails does not stop the
// next, and the state of the queue can be asked at any time.
func TestQueue(t *testing.T) { // P16, F1, F3
	state := func(busy bool, queued int) func(*session) {
		return func(s *session) {
			if s.Busy() != busy || s.Queued() != queued {
				s.t.Errorf("%v: busy %v, %d queued; want %v, %d", s.mode, s.Busy(), s.Queued(), busy, queued)
			}
		}
	}
	play(t, conversation{
		cfg:   inClear,
		begin: does(state(false, 0), hello, login(plain), send("one"), send("two"), noop, quit, state(false, 6)),
		acts: map[string]func(*session){
			"busy with EHLO": state(true, 5),
			"busy with AUTH": state(true, 4),
			"busy with one":  state(true, 3),
			"busy with two":  state(true, 2),
			"busy with NOOP": state(true, 1),
			"busy with QUIT": state(true, 0),
			"at rest":        state(false, 0),
		},
		text: `
			S: 220 mx.example
			= greeting: 220 mx.example
			C: EHLO me.example
			! busy with EHLO
			S: 250-mx.example
			S: 250 AUTH PLAIN
			= hello: ok from mx.example
			C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
			! busy with AUTH
			S: 535 no
			= login: AUTH: 535 no (want 235)
			C: MAIL FROM:<a@me.example>
			! busy with one
			S: 530 log in
			= one: refused: MAIL: 530 log in
			C: RSET
			! busy with two
			S: 250 reset
			C: MAIL FROM:<a@me.example>
			! busy with two
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			C: hi
			C: .
			! busy with two
			S: 250 queued
			= two: accepted: 250 queued
			C: NOOP
			! busy with NOOP
			S: 250 ok
			= noop: 250 ok
			C: QUIT
			! busy with QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF
			! at rest
		`,
	})
}

// Two messages never mix on the wire, however slowly the first one's content goes
// out: the commands of the next one stand behind its end of data, and their content
// waits for their own 354.
func TestQueueSlowContent(t *testing.T) { // F1, F12
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("one\r\n"))
	c.Send(envelope("a@me.example", "c@mx.example"), protocol.BodyText("two\r\n"))
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	c.Feed(start, []byte("250 ok\r\n250 ok\r\n354 go\r\n"))
	out := ""
	const next = "MAIL FROM:<a@me.example>\r\nRCPT TO:<c@mx.example>\r\nDATA\r\n"
	for range len("one\r\n.\r\n" + next) {
		chunks := c.Output(start, nil, 1)
		if len(chunks) != 1 || len(chunks[0].Bytes) != 1 {
			t.Fatalf("behind %q: %v", out, chunks)
		}
		out += string(chunks[0].Bytes)
		// An attempt to write that gets nowhere offers the same octet again.
		if again := c.Output(start, nil, 1); string(again[0].Bytes) != string(chunks[0].Bytes) {
			t.Fatalf("offered %q and then %q", chunks[0].Bytes, again[0].Bytes)
		}
		c.Wrote(start, 1)
	}
	if rest := flush(c); out != "one\r\n.\r\n"+next || rest != "" {
		t.Errorf("wrote %q, then %q", out, rest)
	}
	if out := feed(c, "250 queued\r\n250 ok\r\n250 ok\r\n"); out != "" {
		t.Errorf("wrote %q ahead of the 354", out)
	}
	if out := feed(c, "354 go\r\n"); out != "two\r\n.\r\n" {
		t.Errorf("wrote %q", out)
	}
}

// A verdict may come sooner than the acknowledgement of the content it is about: what
// was lent stays as it is, and its source is kept.
func TestQueueVerdictOvertakesWrote(t *testing.T) { // F1
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	one := &spoiled{content: "one\r\n"}
	d := c.Send(envelope("a@me.example", "b@mx.example"), one)
	c.Send(envelope("a@me.example", "c@mx.example"), protocol.BodyText("two\r\n"))
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	c.Feed(start, []byte("250 ok\r\n250 ok\r\n354 go\r\n"))
	lent := c.Output(start, nil, 100)
	c.Feed(start, []byte("250 queued\r\n250 ok\r\n250 ok\r\n354 go\r\n"))
	if receipt, err := resultOf(t, d); err != nil || receipt.Outcome != protocol.Accepted {
		t.Errorf("%+v, %v", receipt, err)
	}
	const want = "one\r\n.\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<c@mx.example>\r\nDATA\r\n"
	again := c.Output(start, nil, 100)
	if joined(lent) != want || joined(again) != want+"two\r\n.\r\n" || one.released != 0 {
		t.Errorf("lent %q, then %q, released %d times", joined(lent), joined(again), one.released)
	}
	c.Wrote(start, int64(len("one\r\n.\r\n")))
	if one.released != 1 {
		t.Errorf("released %d times behind Wrote", one.released)
	}
	c.Wrote(start, int64(len(joined(again))-len("one\r\n.\r\n")))
	if out := flush(c); out != "" {
		t.Errorf("wrote %q", out)
	}
}

// What is added to an idle session is written at once.
func TestQueueIdle(t *testing.T) { // P16
	play(t, conversation{
		begin: hello,
		acts:  map[string]func(*session){"send": send("send"), "quit": quit, "noop": noop},
		text: opening("PIPELINING") + `
			WAIT 1h
			! send
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: hi
			C: .
			S: 250 queued
			= send: accepted: 250 queued
			WAIT 1h
			! noop
			C: NOOP
			S: 250 ok
			= noop: 250 ok
			! quit
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF
		`,
	})
}

// Nothing is taken behind Quit, nor behind the end.
func TestQueueClosed(t *testing.T) { // C22, F2
	play(t, conversation{
		begin: does(hello, quit, noop, send("late"), func(s *session) { watch(s, "quit again", s.Quit()) }),
		acts: map[string]func(*session){
			"more": func(s *session) {
				watch(s, "hello 2", s.Hello("me.example"))
				watch(s, "tls 2", s.StartTLS())
				watch(s, "login 2", s.Login(cram))
				watch(s, "wait 2", s.WaitFor(250))
				watch(s, "quit 2", s.Quit())
				watchAll(s, "send 2", s.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("")), 1)
			},
		},
		text: `
			= noop: the connection is closed
			= late: not delivered: the connection is closed
			= quit again: the connection is closed
			S: 220 mx.example
			= greeting: 220 mx.example
			C: EHLO me.example
			S: 250 mx.example
			= hello: ok from mx.example
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF
			! more
			= hello 2: the connection is closed
			= tls 2: the connection is closed
			= login 2: the connection is closed
			= wait 2: the connection is closed
			= quit 2: the connection is closed
			= send 2 mail: the connection is closed
			= send 2 rcpt 0: the connection is closed
			= send 2: not delivered: the connection is closed
		`,
	})
}

// A QUIT that comes to nothing changes no message's outcome, and the end is clean:
// some servers close without a word.
func TestQueueQuitLost(t *testing.T) { // F18, C22
	const delivered = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: hi
			C: .
			S: 250 queued
			= send: accepted: 250 queued
			C: QUIT`
	for name, text := range map[string]string{
		"EOF": `
			EOF
			= quit: connection lost before the reply to QUIT: unexpected EOF
			= closed: EOF`,
		"reset": `
			RESET
			= quit: connection lost before the reply to QUIT: connection reset
			= closed: EOF`,
		"refused": `
			S: 500 what
			= quit: QUIT: 500 what (want 221)
			= closed: EOF`,
		"421": `
			S: 421 closing
			= quit: QUIT: 421 closing (want 221)
			= closed: EOF`,
		"silence": `
			WAIT 5m
			= quit: timeout: no reply to QUIT within 5m0s
			= closed: timeout: no reply to QUIT within 5m0s`,
		"half a reply": `
			S: 22\
			EOF
			= quit: connection lost before the reply to QUIT: unexpected EOF
			= closed: EOF`,
	} {
		t.Run(name, func(t *testing.T) {
			play(t, conversation{begin: does(hello, send("send"), quit), text: opening("PIPELINING") + delivered + text})
		})
	}
}
