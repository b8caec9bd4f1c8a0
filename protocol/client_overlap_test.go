package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// By DATA the commands of the next message stand behind the end of data of the one
// before; its content waits for its own 354.

// A refusal is that of its own message, whatever it refuses: the neighbours go on.
func TestOverlap(t *testing.T) { // P16, F1, F3, F4, C31, C49, C50, C51, C52, H-R15
	const (
		first  = toB + accepted + toB
		taken  = "\nS: 250 queued\n= one: accepted: 250 queued"
		second = "\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: hi\nC: .\nS: 250 queued too\n= two: accepted: 250 queued too"
		// What is behind a refused message begins with RSET; so does nothing else.
		third = toB + "\nS: 250 reset\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: hi\nC: .\nS: 250 3\n= three: accepted: 250 3"
		end   = "\nC: NOOP\nS: 250 ok\n= noop: 250 ok"
	)
	for name, text := range map[string]string{
		"all accepted": first + taken + "\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: hi\nC: ." + toB +
			"\nS: 250 queued too\n= two: accepted: 250 queued too" +
			"\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: hi\nC: .\nS: 250 3\n= three: accepted: 250 3" + end,
		"first content refused": first + "\nS: 554 spam\n= one: refused: end of data: 554 spam" +
			"\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: hi\nC: ." + toB + "\nS: 250 2\n= two: accepted: 250 2" +
			"\nS: 550 no\nS: 503 no\nS: 503 no\n= three: refused: MAIL: 550 no" + end,
		"second MAIL refused": first + taken + "\nS: 550 not you\nS: 503 no\nS: 503 no\n= two: refused: MAIL: 550 not you\nC: RSET" + third + end,
		"second RCPT refused": first + taken + "\nS: 250 ok\nS: 550 who\nS: 554 nobody\n= two: refused: RCPT <b@mx.example>: 550 who\nC: RSET" + third + end,
		"second RCPT refused, 354": first + taken + "\nS: 250 ok\nS: 550 who\nS: 354 go\nC: .\nS: 554 nobody\n= two: refused: RCPT <b@mx.example>: 550 who" +
			strings.Replace(third, "S: 250 reset\n", "", 1) + end,
		"second DATA refused": first + taken + "\nS: 250 ok\nS: 250 ok\nS: 451 later\n= two: refused: DATA: 451 later (want 354)\nC: RSET" + third + end,
		"closed behind the first verdict": first + taken + "\nEOF" + strings.ReplaceAll(`
			= two: not delivered: ERR
			= three: not delivered: ERR
			= noop: ERR
			= closed: ERR`, "ERR", "connection lost before the reply to MAIL: unexpected EOF"),
		"421 for the first": first + "\nS: 421 closing" + strings.ReplaceAll(`
			= one: refused: ERR
			= two: not delivered: ERR
			= three: not delivered: ERR
			= noop: ERR
			= closed: ERR`, "ERR", "end of data: 421 closing"),
		"closed before the first verdict": first + "\nRESET" + strings.ReplaceAll(`
			= one: outcome unknown, a retry may duplicate: ERR
			= two: not delivered: ERR
			= three: not delivered: ERR
			= noop: ERR
			= closed: ERR`, "ERR", "connection lost before the verdict on the content: connection reset"),
	} {
		t.Run(name, func(t *testing.T) {
			play(t, conversation{begin: does(hello, send("one"), send("two"), send("three"), noop), text: opening("PIPELINING") + text})
		})
	}
}

// What is added while a verdict is awaited goes out at once; what is no message waits.
func TestOverlapAddedLater(t *testing.T) { // P16, F1
	play(t, conversation{
		begin: does(hello, send("one")),
		acts:  map[string]func(*session){"send": send("two"), "noop": noop, "send last": send("three")},
		text: opening("PIPELINING") + toB + accepted + `
			! send` + toB + `
			! noop
			! send last
			S: 250 queued
			= one: accepted: 250 queued
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: hi
			C: .
			S: 250 queued
			= two: accepted: 250 queued
			C: NOOP
			S: 250 ok
			= noop: 250 ok` + toB + `
			EOF
			= three: not delivered: connection lost before the reply to MAIL: unexpected EOF
			= closed: connection lost before the reply to MAIL: unexpected EOF`,
	})
}

// With LMTP the verdicts on the one come ahead of the replies to the other.
func TestOverlapLMTP(t *testing.T) { // C107, H-R17
	play(t, conversation{
		cfg:   lmtp,
		begin: does(hello, send("one"), send("two")),
		text: lhlo("PIPELINING") + toB + `
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: hi
			C: .` + toB + `
			S: 552 full
			= one: refused: end of data: 552 full` + accepted + `
			S: 250 for b
			= two: accepted: 250 for b
		`,
	})
	// Behind several recipients nothing goes out until all verdicts are in.
	play(t, conversation{
		cfg:   lmtp,
		begin: does(hello, sendTo("one", "hi\r\n", "b@mx.example", "c@mx.example", "d@mx.example"), send("two")),
		text: lhlo("PIPELINING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: RCPT TO:<d@mx.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 550 who
			S: 250 ok
			S: 354 go
			C: hi
			C: .
			S: 250 for b
			S: 552 full
			= one: accepted: 552 full` + toB + accepted + `
			S: 250 for b
			= two: accepted: 250 for b
		`,
	})
}

// The message whose commands stand behind content can be given up: what was not lent
// is taken back, and what is behind it moves up.
func TestOverlapCancelled(t *testing.T) { // F23
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	m.send("one", protocol.BodyText("hi\r\n"), "b@mx.example")
	two := m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	m.send("three", protocol.BodyText("hi\r\n"), "c@mx.example")
	m.wrote(mailGroup)
	m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
	m.lend(len("hi\r\n.\r\n")) // all of the content, and nothing of the commands behind it
	if !two.Cancel() {
		t.Error("cannot be taken back")
	}
	m.wrote("hi\r\n.\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<c@mx.example>\r\nDATA\r\n")
	m.feed("250 queued\r\n")
	m.wantLog("one mail", "one rcpt", "two mail: canceled", "two rcpt: canceled", "two: not delivered: canceled", "one")

	// With the first octet lent it settles in its turn.
	m = greeted(t, protocol.ClientConfig{}, "PIPELINING")
	m.send("one", protocol.BodyText("hi\r\n"), "b@mx.example")
	two = m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	m.wrote(mailGroup)
	m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
	m.lend(len("hi\r\n.\r\nM"))
	if !two.Cancel() {
		t.Error("cannot be given up")
	}
	m.wrote("hi\r\n.\r\n" + mailGroup)
	m.feed("250 queued\r\n250 ok\r\n250 ok\r\n451 later\r\n")
	m.wantLog("one mail", "one rcpt", "one", "two mail", "two rcpt", "two: refused: DATA: 451 later (want 354)")
}

// A refusal ahead of the end of data ends the connection: neither that nor the commands
// behind it are written.
func TestOverlapEarlyVerdict(t *testing.T) { // F19, C31
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	m.send("one", protocol.BodyText(strings.Repeat("line\r\n", 100)), "b@mx.example")
	m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	m.wrote(mailGroup)
	m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
	m.Wrote(m.now, int64(len(m.lend(600))))
	m.Feed(m.now, []byte("552 too much\r\n"))
	const err = "end of data: 552 too much"
	m.wantLog("one mail", "one rcpt", "one: refused: "+err, "two mail: "+err, "two rcpt: "+err, "two: not delivered: "+err)
	if out := m.take(100); out != "" || m.Err() == nil {
		t.Errorf("wrote %q, %v", out, m.Err())
	}
}
