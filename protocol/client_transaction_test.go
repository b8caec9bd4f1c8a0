package protocol_test

import (
	"slices"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// MAIL, RCPT for each recipient in order, DATA, content and dot, one command at a
// time where PIPELINING is not offered; content only once the 354 is there.
func TestTransactionLockStep(t *testing.T) { // P10, P11, F10, C14, C15, C16, C17, C49, H-R13
	play(t, conversation{
		begin: does(hello, sendSteps("send", "Subject: hi\r\n\r\nhello\r\n", "b@mx.example", "c@mx.example")),
		text: opening("8BITMIME", "SIZE 10000") + `
			C: MAIL FROM:<a@me.example> SIZE=22 BODY=8BITMIME
			S: 250 sender ok
			= send mail: 250 sender ok
			C: RCPT TO:<b@mx.example>
			S: 250 one ok
			= send rcpt 0: 250 one ok
			C: RCPT TO:<c@mx.example>
			S: 251 two will be forwarded
			= send rcpt 1: 251 two will be forwarded
			C: DATA
			S: 354 go
			C: Subject: hi
			C:
			C: hello
			C: .
			S: 250 queued as 42
			= send: accepted: 250 queued as 42
		`,
	})
}

// With PIPELINING the commands up to DATA are one group; the content waits for the
// 354 and a reply is matched to its own command.
func TestTransactionPipelined(t *testing.T) { // P11, C16, C17, C32, C49, C51, H-R13
	play(t, conversation{
		begin: does(hello, sendSteps("send", "hi\r\n", "b@mx.example", "c@mx.example", "d@mx.example")),
		text: opening("PIPELINING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: RCPT TO:<d@mx.example>
			C: DATA
			S: 250 sender
			= send mail: 250 sender
			S: 550 one
			= send rcpt 0: RCPT <b@mx.example>: 550 one
			S: 250 two
			S: 450 three
			= send rcpt 1: 250 two
			= send rcpt 2: RCPT <d@mx.example>: 450 three
			S: 354 go
			C: hi
			C: .
			S: 250 queued
			= send: accepted: 250 queued
		`,
	})
}

// The receipt holds the final reply, and for each recipient what decided it.
func TestTransactionReceipt(t *testing.T) { // P10, F6, C16
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example", "c@mx.example", "d@mx.example", "e@mx.example"), protocol.BodyText("hi\r\n"))
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	feed(c, "250 ok\r\n250 b\r\n251 c\r\n252 d\r\n450-e\r\n450 later\r\n354 go\r\n")
	feed(c, "250-queued\r\n250 as 42\r\n")
	receipt, err := resultOf(t, d)
	queued := wire.Reply{Code: 250, Text: "queued\nas 42"}
	later := wire.Reply{Code: 450, Text: "e\nlater"}
	taken := func(code wire.Code, text string) protocol.RecipientResult {
		return protocol.RecipientResult{Outcome: protocol.Accepted, Reply: queued, Rcpt: wire.Reply{Code: code, Text: text}}
	}
	want := []protocol.RecipientResult{
		taken(250, "b"), taken(251, "c"), taken(252, "d"), {Outcome: protocol.Refused, Reply: later, Rcpt: later},
	}
	if err != nil || receipt.Outcome != protocol.Accepted || receipt.Reply != queued || !slices.Equal(receipt.Recipients, want) {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// The null sender, and postmaster without a domain.
func TestTransactionNullSender(t *testing.T) { // P14, C45, F10
	play(t, conversation{
		begin: does(hello, sendEnvelope("send", envelope("", "postmaster"), protocol.BodyText(""))),
		text: opening("PIPELINING") + `
			C: MAIL FROM:<>
			C: RCPT TO:<postmaster>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: .
			S: 250 queued
			= send: accepted: 250 queued
		`,
	})
}

// refusal is a transaction that fails. The next one comes behind RSET, unless a
// reply to the end of data ended this one.
type refusal struct {
	name string
	text string // from the reply to EHLO to the failure
	rset bool
}

// play plays the refusal, with one more message behind it.
func (r refusal) play(t *testing.T, pipelining bool) {
	t.Run(r.name, func(t *testing.T) {
		text := opening()
		if pipelining {
			text = opening("PIPELINING")
		}
		text += r.text + "\n"
		switch {
		case pipelining && r.rset:
			text += `
				C: RSET
				C: MAIL FROM:<a@me.example>
				C: RCPT TO:<b@mx.example>
				C: DATA
				S: 250 reset
				S: 250 ok`
		case pipelining:
			text += `
				C: MAIL FROM:<a@me.example>
				C: RCPT TO:<b@mx.example>
				C: DATA
				S: 250 ok`
		case r.rset:
			text += `
				C: RSET
				S: 250 reset
				C: MAIL FROM:<a@me.example>
				S: 250 ok
				C: RCPT TO:<b@mx.example>`
		default:
			text += `
				C: MAIL FROM:<a@me.example>
				S: 250 ok
				C: RCPT TO:<b@mx.example>`
		}
		if pipelining {
			text += `
				S: 250 ok
				S: 354 go`
		} else {
			text += `
				S: 250 ok
				C: DATA
				S: 354 go`
		}
		text += `
			C: hi
			C: .
			S: 250 queued
			= next: accepted: 250 queued`
		play(t, conversation{
			begin: does(hello, sendTo("send", "hi\r\n", "b@mx.example", "c@mx.example"), send("next")),
			text:  text,
		})
	})
}

// Every refusal is the failure of its own message and of no other.
func TestTransactionRefusedLockStep(t *testing.T) { // P16, F3, F4, F6, C19
	for _, r := range []refusal{
		{"MAIL", `
			C: MAIL FROM:<a@me.example>
			S: 550-not
			S: 550 you
			= send: refused: MAIL: 550 not / you`, true}, // P15, P35, F7
		{"MAIL, for now", `
			C: MAIL FROM:<a@me.example>
			S: 451 later
			= send: refused: MAIL: 451 later`, true}, // P35
		{"all RCPT", `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 500 what
			C: RCPT TO:<c@mx.example>
			S: 450 later
			= send: refused: RCPT <b@mx.example>: 500 what; 2 recipients refused in all`, true}, // P35, F6, C52
		{"DATA", `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: RCPT TO:<c@mx.example>
			S: 250 ok
			C: DATA
			S: 500 what
			= send: refused: DATA: 500 what (want 354)`, true}, // P35, F19, C17
		{"content", `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: RCPT TO:<c@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			C: hi
			C: .
			S: 554 spam
			= send: refused: end of data: 554 spam`, false}, // P35, F18, C31
		{"content, for now", `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: RCPT TO:<c@mx.example>
			S: 550 no
			C: DATA
			S: 354 go
			C: hi
			C: .
			S: 452 full
			= send: refused: end of data: 452 full`, false}, // P35
	} {
		r.play(t, false)
	}
}

func TestTransactionRefusedPipelined(t *testing.T) { // P16, F3, F4, F6, C19, C51
	const group = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: DATA`
	for _, r := range []refusal{
		{"MAIL", group + `
			S: 550 not you
			S: 503 no sender
			S: 503 no sender
			S: 503 no recipient
			= send: refused: MAIL: 550 not you`, true}, // P35, H-R15
		{"all RCPT, DATA 503", group + `
			S: 250 ok
			S: 550 who
			S: 550 who
			S: 503 no recipient
			= send: refused: RCPT <b@mx.example>: 550 who; 2 recipients refused in all`, true}, // F6, H-R15
		{"all RCPT, DATA 554", group + `
			S: 250 ok
			S: 550 who
			S: 450 later
			S: 554 no valid recipients
			= send: refused: RCPT <b@mx.example>: 550 who; 2 recipients refused in all`, true}, // H-R15
		{"all RCPT, DATA 354, content 554", group + `
			S: 250 ok
			S: 550 who
			S: 550 who
			S: 354 go
			C: .
			S: 554 no valid recipients
			= send: refused: RCPT <b@mx.example>: 550 who; 2 recipients refused in all`, false}, // C52, H-R15, F4
		{"all RCPT, DATA 354, content 250", group + `
			S: 250 ok
			S: 550 who
			S: 550 who
			S: 354 go
			C: .
			S: 250 queued for nobody
			= send: refused: RCPT <b@mx.example>: 550 who; 2 recipients refused in all`, false}, // C52, H-R15, F4
		{"MAIL, DATA 354", group + `
			S: 550 not you
			S: 503 no sender
			S: 503 no sender
			S: 354 go
			C: .
			S: 554 nothing here
			= send: refused: MAIL: 550 not you`, false}, // C52, H-R15, F4
		{"DATA", group + `
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 451 not now
			= send: refused: DATA: 451 not now (want 354)`, true}, // P35, F19, C17
	} {
		r.play(t, true)
	}
}

// A server that takes a recipient behind a refused sender, and then asks for
// content, would take a lone dot for a message.
func TestTransactionRecipientWithoutSender(t *testing.T) {
	play(t, conversation{
		begin: does(hello, send("send")),
		text: opening("PIPELINING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 550 not you
			S: 250 ok
			S: 354 go
			= send: refused: MAIL: 550 not you
			= closed: protocol error at the reply to DATA: content asked for though nobody was accepted: 354 go
		`,
	})
}

// A RSET that is refused ends the connection: the next message could be mixed with
// the one before.
func TestTransactionResetRefused(t *testing.T) { // F4
	for _, keyword := range []string{"PIPELINING", "8BITMIME"} {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
		d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
		feed(c, "220 mx.example\r\n")
		feed(c, "250-mx.example\r\n250 "+keyword+"\r\n")
		feed(c, "550 no\r\n")
		if keyword == "PIPELINING" {
			feed(c, "503 no\r\n503 no\r\n")
		}
		feed(c, "502 RSET?\r\n")
		const want = "not delivered: RSET: 502 RSET?"
		if _, err := resultOf(t, d); err == nil || err.Error() != want || c.Err() == nil || c.Err().Error() != "RSET: 502 RSET?" {
			t.Errorf("%s: %v, closed %v", keyword, err, c.Err())
		}
	}
}

// What is wrong with an envelope by itself is found before anything is queued.
func TestTransactionEnvelopeRefused(t *testing.T) { // F6, F9, P33
	long := "0123456789012345678901234567890123456789012345678901234567890123456789"
	for _, test := range []struct {
		name string
		env  protocol.Envelope
		body protocol.Body
		want string
	}{
		{"no recipient", envelope("a@me.example"), protocol.BodyText(""), "not delivered: To: no recipient"},
		{"null recipient", envelope("a@me.example", "b@mx.example", ""), protocol.BodyText(""), "not delivered: To[1]: null path"},
		{"no body", envelope("a@me.example", "b@mx.example"), nil, "not delivered: Body: nil"},
		{"postmaster sends", envelope("postmaster", "b@mx.example"), protocol.BodyText(""), "not delivered: From: no domain"},
		{"long sender", envelope(long+"@me.example", "b@mx.example"), protocol.BodyText(""), "not delivered: From: path: local part of more than 64 octets"},
		{"long recipient", envelope("a@me.example", long+"@mx.example"), protocol.BodyText(""), "not delivered: To[0]: path: local part of more than 64 octets"}, // C38
	} {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		d := c.Send(test.env, test.body)
		receipt, err := resultOf(t, d)
		asError[*protocol.ConfigError](t, err)
		if err.Error() != test.want || receipt.Outcome != protocol.NotDelivered || len(receipt.Recipients) != len(test.env.To) || c.Queued() != 1 {
			t.Errorf("%s: %v, %+v, %d queued", test.name, err, receipt, c.Queued())
		}
		if _, err, ok := d.Mail().Result(); !ok || err == nil {
			t.Errorf("%s: MAIL is %v", test.name, err)
		}
	}
	c := newClient(t, protocol.ClientConfig{LongPaths: true})
	c.Hello("me.example")
	c.Send(envelope("a@me.example", long+"@mx.example"), protocol.BodyText(""))
	feed(c, "220 mx.example\r\n")
	if out := feed(c, "250-mx.example\r\n250 PIPELINING\r\n"); out != "MAIL FROM:<a@me.example>\r\nRCPT TO:<"+long+"@mx.example>\r\nDATA\r\n" {
		t.Errorf("with LongPaths: wrote %q", out)
	}
}
