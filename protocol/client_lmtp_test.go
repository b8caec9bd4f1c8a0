package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

var lmtp = protocol.ClientConfig{LMTP: true}

// lhlo is opening for LMTP.
func lhlo(keywords ...string) string {
	return strings.Replace(opening(keywords...), "C: EHLO", "C: LHLO", 1)
}

const toThree = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 550 who
			S: 250 ok
			S: 354 go
			C: hi
			C: .`

// LMTP: LHLO, and behind the content a verdict for each recipient that was
// accepted, in their order, a recipient named twice counted twice.
func TestLMTP(t *testing.T) { // C106, C107, H-R17
	for name, text := range map[string]string{
		"all accepted": `
			S: 250 for b
			S: 250 for b again
			= send: accepted: 250 for b again`,
		"one refused": `
			S: 250 for b
			S: 552 full
			= send: accepted: 552 full`,
		"the other refused": `
			S: 452 full
			S: 250 for b again
			= send: accepted: 250 for b again`,
		"all refused": `
			S: 552 full
			S: 552 full again
			= send: refused: end of data: 552 full again`,
	} {
		t.Run(name, func(t *testing.T) {
			play(t, conversation{
				cfg:   lmtp,
				begin: does(hello, sendTo("send", "hi\r\n", "b@mx.example", "c@mx.example", "b@mx.example"), noop),
				text:  lhlo("PIPELINING") + toThree + text + "\nC: NOOP\nS: 250 ok\n= noop: 250 ok",
			})
		})
	}
}

// DATA without an accepted recipient is answered once; a 354 to it would leave the
// server waiting for content of which it owes no verdict.
func TestLMTPNobodyAccepted(t *testing.T) { // C108, C118, H-R17
	const group = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 250 ok
			S: 550 who`
	play(t, conversation{
		cfg:   lmtp,
		begin: does(hello, send("send"), send("next")),
		text: lhlo("PIPELINING") + group + `
			S: 503 nobody
			= send: refused: RCPT <b@mx.example>: 550 who
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 250 reset
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: hi
			C: .
			S: 250 for b
			= next: accepted: 250 for b
		`,
	})
	play(t, conversation{
		cfg:   lmtp,
		begin: does(hello, send("send"), send("next")),
		text: lhlo("PIPELINING") + group + `
			S: 354 go
			= send: refused: RCPT <b@mx.example>: 550 who
			= next: not delivered: protocol error at the reply to DATA: content asked for though nobody was accepted: 354 go
			= closed: protocol error at the reply to DATA: content asked for though nobody was accepted: 354 go
		`,
	})
}

// A server that answers once for a recipient who is there twice owes a verdict. The
// reply to the next message's MAIL must not pass for it.
func TestLMTPRecipientTwice(t *testing.T) { // C107, H-R17
	for _, set := range [][]string{{"PIPELINING"}, {"PIPELINING", "CHUNKING"}} {
		for _, second := range []string{"b@mx.example", "B@MX.example"} {
			m := greeted(t, lmtp, set...)
			m.Send(envelope("a@me.example", "b@mx.example", second, "c@mx.example"), protocol.BodyText("hi\r\n"))
			m.Send(envelope("a@me.example", "d@mx.example"), protocol.BodyText("hi\r\n"))
			out := m.take(1 << 20)
			m.feed("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n")
			if len(set) == 1 {
				m.feed("354 go\r\n")
			}
			out += m.take(1 << 20)
			m.feed("250 for b\r\n452 not for c\r\n")
			if out += m.take(1 << 20); strings.Contains(out, "d@mx.example") {
				t.Errorf("%q, %s: the next message follows an undecided one: %q", set, second, out)
			}
			m.feed("250 at last\r\n")
			if out := m.take(1 << 20); !strings.Contains(out, "d@mx.example") {
				t.Errorf("%q, %s: the next message does not follow: %q", set, second, out)
			}
		}
	}
}

// Verdicts that are missing leave those recipients alone unknown, and one too many
// is a reply to nothing.
func TestLMTPVerdicts(t *testing.T) { // C107, H-R7, H-R17
	closing := wire.Reply{Code: 421, Text: "closing"}
	for _, test := range []struct {
		name, input string
		eof         bool
		want        []protocol.RecipientResult
		outcome     protocol.Outcome
		err, closed string
	}{
		{"none", "", true, []protocol.RecipientResult{
			{Outcome: protocol.Unknown}, {Outcome: protocol.Refused, Reply: reply(550, "who")}, {Outcome: protocol.Unknown},
		}, protocol.Unknown, "outcome unknown, a retry may duplicate: connection lost before the verdict on the content: unexpected EOF",
			"connection lost before the verdict on the content: unexpected EOF"},
		{"the second", "250 for b\r\n", true, []protocol.RecipientResult{
			{Outcome: protocol.Accepted, Reply: reply(250, "for b")}, {Outcome: protocol.Refused, Reply: reply(550, "who")}, {Outcome: protocol.Unknown},
		}, protocol.Unknown, "outcome unknown, a retry may duplicate: connection lost before the verdict on the content: unexpected EOF",
			"connection lost before the verdict on the content: unexpected EOF"},
		{"the second, after a 421", "250 for b\r\n421 closing\r\n", false, []protocol.RecipientResult{
			{Outcome: protocol.Accepted, Reply: reply(250, "for b")}, {Outcome: protocol.Refused, Reply: reply(550, "who")}, {Outcome: protocol.Refused, Reply: closing},
		}, protocol.Accepted, "", "end of data: 421 closing"},
		{"the second, behind a 421", "421 closing\r\n", false, []protocol.RecipientResult{
			{Outcome: protocol.Refused, Reply: closing}, {Outcome: protocol.Refused, Reply: reply(550, "who")}, {Outcome: protocol.Unknown, Reply: closing},
		}, protocol.Unknown, "outcome unknown, a retry may duplicate: end of data: 421 closing", "end of data: 421 closing"},
		{"one too many", "250 for b\r\n452 full\r\n250 what\r\n", false, []protocol.RecipientResult{
			{Outcome: protocol.Accepted, Reply: reply(250, "for b")}, {Outcome: protocol.Refused, Reply: reply(550, "who")}, {Outcome: protocol.Refused, Reply: reply(452, "full")},
		}, protocol.Accepted, "", "protocol error: reply to nothing that was sent: 250 what"},
	} {
		c := newClient(t, lmtp)
		c.Hello("me.example")
		d := c.Send(envelope("a@me.example", "b@mx.example", "c@mx.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
		feed(c, "220 mx.example\r\n")
		feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
		feed(c, "250 ok\r\n250 ok\r\n550 who\r\n250 ok\r\n354 go\r\n")
		feed(c, test.input)
		if test.eof {
			c.FeedEOF(start)
		}
		receipt, err := resultOf(t, d)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if receipt.Outcome != test.outcome || text != test.err || c.Err().Error() != test.closed {
			t.Errorf("%s: %v, %s, closed by %v", test.name, receipt.Outcome, text, c.Err())
		}
		for i, r := range receipt.Recipients {
			if r.Outcome != test.want[i].Outcome || r.Reply != test.want[i].Reply {
				t.Errorf("%s: recipient %d: %+v", test.name, i, r)
			}
		}
	}
}

// Where every recipient is refused, some for now, a later try may reach those.
func TestLMTPTemporary(t *testing.T) { // C107
	for input, want := range map[string]bool{
		"452 full\r\n552 full\r\n": true,
		"552 full\r\n452 full\r\n": true,
		"552 full\r\n552 full\r\n": false,
	} {
		c := newClient(t, lmtp)
		c.Hello("me.example")
		d := c.Send(envelope("a@me.example", "b@mx.example", "c@mx.example"), protocol.BodyText("hi\r\n"))
		feed(c, "220 mx.example\r\n")
		feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
		feed(c, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")
		feed(c, input)
		_, err := resultOf(t, d)
		if got := asError[*protocol.DeliveryError](t, err).Temporary(); got != want {
			t.Errorf("%q: temporary %v", input, got)
		}
	}
}
