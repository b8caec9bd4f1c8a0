package protocol_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// stage is a point of a session at which it can end: one message is under way, and
// a NOOP and a QUIT are queued.
type stage struct {
	text     string   // what came before
	awaited  string   // the reply that is awaited, in errors
	limit    string   // how long
	command  string   // what a 421 answers
	pending  []string // the message's futures that are not settled
	unknown  bool     // the end of data was lent
	answered string   // how the 421 settles them
}

func stages(pipelining bool) map[string]stage {
	const (
		mail = "\nC: MAIL FROM:<a@me.example>"
		rcpt = "\nC: RCPT TO:<b@mx.example>"
		data = "\nC: DATA"
		sent = "\n= send mail: 250 a ok"
		to   = "\n= send rcpt 0: 250 b ok"
	)
	text := map[string]string{}
	if pipelining {
		text["MAIL"] = opening("PIPELINING") + mail + rcpt + data
		text["RCPT"] = text["MAIL"] + "\nS: 250 a ok" + sent
		text["DATA"] = text["RCPT"] + "\nS: 250 b ok" + to
	} else {
		text["MAIL"] = opening() + mail
		text["RCPT"] = text["MAIL"] + "\nS: 250 a ok" + sent + rcpt
		text["DATA"] = text["RCPT"] + "\nS: 250 b ok" + to + data
	}
	text["content"] = text["DATA"] + "\nS: 354 go\nC: hi\nC: ."
	all := []string{"send mail", "send rcpt 0"}
	return map[string]stage{
		"MAIL": {text: text["MAIL"], awaited: "reply to MAIL", limit: "5m0s", command: "MAIL", pending: all, answered: `
			= send mail: MAIL: 421 closing
			= send rcpt 0: MAIL: 421 closing
			= send: refused: MAIL: 421 closing`},
		"RCPT": {text: text["RCPT"], awaited: "reply to RCPT", limit: "5m0s", command: "RCPT", pending: all[1:], answered: `
			= send rcpt 0: RCPT <b@mx.example>: 421 closing
			= send: refused: RCPT <b@mx.example>: 421 closing`},
		"DATA": {text: text["DATA"], awaited: "reply to DATA", limit: "2m0s", command: "DATA", answered: `
			= send: refused: DATA: 421 closing (want 354)`},
		"content": {text: text["content"], awaited: "verdict on the content", limit: "10m0s", command: "end of data", unknown: true, answered: `
			= send: refused: end of data: 421 closing`},
	}
}

// play plays the stage and an end that settles everything with one error.
func (g stage) play(t *testing.T, end, err string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(g.text + "\n" + end)
	for _, name := range g.pending {
		b.WriteString("\n= " + name + ": " + err)
	}
	outcome := "not delivered: "
	if g.unknown {
		outcome = "outcome unknown, a retry may duplicate: "
	}
	b.WriteString("\n= send: " + outcome + err)
	b.WriteString("\n= noop: " + err + "\n= quit: " + err + "\n= closed: " + err)
	play(t, conversation{begin: does(hello, sendSteps("send", "hi\r\n", "b@mx.example"), noop, quit), text: b.String()})
}

// However a session ends, and wherever it stands, every future settles with the
// cause, in wire order. What was lent decides what is known: before the end of
// data the message was not delivered, behind it nobody knows.
func TestEndSettlesEverything(t *testing.T) { // F2, F20, C33, C34, C47, H-R8, H-R9
	for _, pipelining := range []bool{false, true} {
		name := "lock-step "
		if pipelining {
			name = "pipelined "
		}
		for at, g := range stages(pipelining) {
			t.Run(name+at, func(t *testing.T) {
				lost := "connection lost before the " + g.awaited + ": "
				g.play(t, "EOF", lost+"unexpected EOF")
				g.play(t, "S: 250-o\\\nEOF", lost+"unexpected EOF")
				g.play(t, "RESET", lost+"connection reset")
				g.play(t, "WAIT "+g.limit, "timeout: no "+g.awaited+" within "+g.limit)
				g.play(t, "WRITE FAILS\nEOF", lost+"broken pipe")
				g.play(t, "WRITE FAILS\nRESET", lost+"connection reset")
				g.play(t, "WRITE FAILS\nWAIT 10s", lost+"broken pipe")
				g.play(t, "S: 150 what", "protocol error at the "+g.awaited+": reply code: first digit is not 2 to 5 but octet 0x31 at offset 0")
			})
		}
	}
}

// A 421 refuses the command that it answers; what is behind it fails with it.
func TestEndBy421(t *testing.T) { // F2, C33, H-R8
	for _, pipelining := range []bool{false, true} {
		for at, g := range stages(pipelining) {
			t.Run(at, func(t *testing.T) {
				err := g.command + ": 421 closing"
				play(t, conversation{
					begin: does(hello, sendSteps("send", "hi\r\n", "b@mx.example"), noop, quit),
					text:  g.text + "\nS: 421 closing" + g.answered + "\n= noop: " + err + "\n= quit: " + err + "\n= closed: " + err,
				})
			})
		}
	}
}

// Of two recipients the 421 refuses the one whose RCPT it answers.
func TestEndBy421PerRecipient(t *testing.T) { // F6, F7, C33, H-R8
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example", "c@mx.example", "d@mx.example"), protocol.BodyText("hi\r\n"))
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	feed(c, "250 ok\r\n250 ok\r\n421 closing\r\n")
	receipt, err := resultOf(t, d)
	closing := wire.Reply{Code: 421, Text: "closing"}
	want := []protocol.RecipientResult{
		{Outcome: protocol.NotDelivered, Rcpt: wire.Reply{Code: 250, Text: "ok"}},
		{Outcome: protocol.Refused, Reply: closing, Rcpt: closing},
		{Outcome: protocol.NotDelivered},
	}
	for i, r := range receipt.Recipients {
		if r != want[i] {
			t.Errorf("recipient %d: %+v", i, r)
		}
	}
	if e := asError[*protocol.ReplyError](t, err); receipt.Outcome != protocol.NotDelivered || e.Reply != closing {
		t.Errorf("%+v, %v", receipt, err)
	}
	if failed := asError[*protocol.DeliveryError](t, err); !failed.Temporary() || !failed.Receipt.Outcome.RetrySafe() {
		t.Error("a retry is not offered")
	}
}

// A verdict that comes behind a write error still counts: a server refuses in
// mid-content and closes, and the driver sees a broken pipe first.
func TestEndVerdictBehindWriteError(t *testing.T) { // F2, C34
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText(strings.Repeat("line\r\n", 100)))
	next := c.Do(protocol.Command{Verb: "NOOP"})
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	c.Feed(start, []byte("250 ok\r\n250 ok\r\n354 go\r\n"))
	c.Output(start, nil, 100)
	c.Wrote(start, 100)
	c.WriteFailed(start, errors.New("broken pipe"))
	if out := flush(c); out != "" || !c.WantRead() || c.Err() != nil {
		t.Errorf("behind a write error: wrote %q, WantRead %v, %v", out, c.WantRead(), c.Err())
	}
	if got := c.Deadline(); !got.Equal(start.Add(10 * 1e9)) {
		t.Errorf("deadline %v", got)
	}
	c.Feed(start, []byte("552 too much\r\n"))
	receipt, err := resultOf(t, d)
	if receipt.Outcome != protocol.Refused || err.Error() != "refused: end of data: 552 too much" {
		t.Errorf("%v, %v", receipt.Outcome, err)
	}
	if _, err, ok := next.Result(); !ok || err == nil {
		t.Errorf("NOOP: %v", err)
	}
	if c.Err() == nil {
		t.Error("still open")
	}
}

// An early refusal in the middle of content ends the connection without the dot:
// the server might take half a message for a whole one.
func TestEndEarlyVerdict(t *testing.T) { // F2, F19, C31
	for reply, want := range map[string]string{
		"552 too much\r\n": "refused: end of data: 552 too much",
		"451 later\r\n":    "refused: end of data: 451 later",
		"421 closing\r\n":  "refused: end of data: 421 closing",
		"250 thanks\r\n":   "not delivered: protocol error at the verdict on the content: reply to nothing that was sent: 250 thanks",
		"354 go on\r\n":    "not delivered: protocol error at the verdict on the content: reply to nothing that was sent: 354 go on",
	} {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText(strings.Repeat("line\r\n", 100)))
		feed(c, "220 mx.example\r\n")
		feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
		c.Feed(start, []byte("250 ok\r\n250 ok\r\n354 go\r\n"))
		c.Output(start, nil, 600)
		c.Wrote(start, 600)
		c.Feed(start, []byte(reply))
		if _, err := resultOf(t, d); err == nil || err.Error() != want {
			t.Errorf("%q: %v", reply, err)
		}
		if out := flush(c); out != "" || c.Err() == nil {
			t.Errorf("%q: wrote %q, %v", reply, out, c.Err())
		}
	}
}

// After the end nothing more happens: Fail is idempotent, input is not taken, and
// nothing is offered or awaited.
func TestEndIsFinal(t *testing.T) { // F2, F8
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	c.Output(start, nil, 100)
	c.Fail(start, nil)
	first := c.Err()
	if first == nil || first.Error() != "connection lost before the greeting: unexpected EOF" || !errors.Is(first, io.ErrUnexpectedEOF) {
		t.Error(first)
	}
	c.Fail(start, errors.New("again"))
	c.FeedEOF(start)
	c.WriteFailed(start, errors.New("again"))
	c.Wrote(start, 1000)
	c.Tick(start.Add(1e18))
	if n, err := c.Feed(start, []byte("220 mx.example\r\n")); n != 0 || err != first || c.Err() != first {
		t.Errorf("took %d, %v, %v", n, err, c.Err())
	}
	if c.WantRead() || len(c.Output(start, nil, 100)) != 0 || !c.Deadline().IsZero() || c.Upgrade() != nil || c.Busy() || c.Queued() != 0 {
		t.Error("something still goes on")
	}
}

// A connection that ends while nothing is under way is a clean end.
func TestEndIdle(t *testing.T) { // F2
	for _, input := range []string{"", "250"} {
		c := newClient(t, protocol.ClientConfig{})
		feed(c, "220 mx.example\r\n")
		c.Feed(start, []byte(input))
		c.FeedEOF(start)
		want := error(io.EOF)
		if input != "" {
			want = io.ErrUnexpectedEOF
		}
		if !errors.Is(c.Err(), want) {
			t.Errorf("behind %q: %v", input, c.Err())
		}
	}
}

// What was lent may have arrived, acknowledged or not: with the last octet of the
// end of data lent the outcome is unknown, one octet before it the message was not
// delivered.
func TestEndJudgesByWhatWasLent(t *testing.T) { // F2, C47, H-R9
	const all = 10 + len("\r\n.\r\n")
	for lent := range all + 1 {
		c, d := inContent(t, 10)
		if lent > 0 {
			c.Output(start, nil, lent)
		}
		c.Fail(start, errors.New("connection reset"))
		want := protocol.NotDelivered
		if lent == all {
			want = protocol.Unknown
		}
		if receipt, err := resultOf(t, d); receipt.Outcome != want || receipt.Recipients[0].Outcome != want || err == nil {
			t.Errorf("%d octets lent: %v, %v", lent, receipt.Outcome, err)
		}
	}
}
