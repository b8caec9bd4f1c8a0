package protocol_test

import (
	"slices"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

func TestSendPipelined(t *testing.T) {
	play(t, conversation{
		begin: func(s *session) {
			watch(s, "hello", s.Hello("me.example"))
			watchAll(s, "send", s.Send(envelope("a@me.example", "b@mx.example", "c@mx.example"), protocol.BodyText("Subject: hi\n\n.\n..x\nlast")), 2)
			watch(s, "quit", s.Quit())
		},
		text: `
			S: 220 mx.example ESMTP
			= greeting: 220 mx.example ESMTP
			C: EHLO me.example
			S: 250-mx.example
			S: 250-PIPELINING
			S: 250-8BITMIME
			S: 250 SIZE 1000
			= hello: ok from mx.example
			C: MAIL FROM:<a@me.example> SIZE=29 BODY=8BITMIME
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 550 no such user
			S: 354 go
			= send mail: 250 ok
			= send rcpt 0: 250 ok
			= send rcpt 1: RCPT <c@mx.example>: 550 no such user
			C: Subject: hi
			C:
			C: ..
			C: ...x
			C: last
			C: .
			S: 250 queued
			= send: accepted: 250 queued
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF
		`,
	})
}

func TestSendLockStep(t *testing.T) {
	play(t, conversation{
		begin: func(s *session) {
			watch(s, "hello", s.Hello("me.example"))
			watchAll(s, "one", s.Send(envelope("", "b@mx.example", "c@mx.example"), protocol.BodyText("")), 2)
			watchAll(s, "two", s.Send(envelope("", "d@mx.example"), protocol.BodyText("hi\r\n")), 1)
		},
		text: `
			S: 220 mx.example ESMTP
			= greeting: 220 mx.example ESMTP
			C: EHLO me.example
			S: 500 what
			C: HELO me.example
			S: 250 mx.example
			= hello: ok from mx.example
			C: MAIL FROM:<>
			S: 250 ok
			= one mail: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 450 later
			= one rcpt 0: RCPT <b@mx.example>: 450 later
			C: RCPT TO:<c@mx.example>
			S: 550 never
			= one rcpt 1: RCPT <c@mx.example>: 550 never
			= one: refused: RCPT <b@mx.example>: 450 later; 2 recipients refused in all
			C: RSET
			S: 250 reset
			C: MAIL FROM:<>
			S: 250 ok
			= two mail: 250 ok
			C: RCPT TO:<d@mx.example>
			S: 250 ok
			= two rcpt 0: 250 ok
			C: DATA
			S: 354 go
			C: hi
			C: .
			EOF
			= two: outcome unknown, a retry may duplicate: connection lost before the verdict on the content: unexpected EOF
			= closed: connection lost before the verdict on the content: unexpected EOF
		`,
	})
}

// What is known of a message can be asked for at any time, and is what was said and lent
// by then.
func TestDeliveryReceipt(t *testing.T) { // F6
	m := greeted(t, protocol.ClientConfig{LMTP: true}, "PIPELINING")
	d := m.Send(envelope("a@me.example", "b@mx.example", "no@mx.example", "c@mx.example"), protocol.BodyText("hi\r\n"))
	want := func(whole protocol.Outcome, each ...protocol.Outcome) {
		t.Helper()
		receipt := d.Receipt()
		var got []protocol.Outcome
		for _, r := range receipt.Recipients {
			got = append(got, r.Outcome)
		}
		if receipt.Outcome != whole || !slices.Equal(got, each) {
			t.Errorf("%v, %v; want %v, %v", receipt.Outcome, got, whole, each)
		}
		if len(receipt.Recipients) > 0 {
			receipt.Recipients[0] = protocol.RecipientResult{} // it is a copy
		}
	}
	const no, refused, accepted, unknown = protocol.NotDelivered, protocol.Refused, protocol.Accepted, protocol.Unknown
	want(no, no, no, no)
	m.take(1 << 20)
	m.feed("250 ok\r\n250 ok\r\n550 who\r\n")
	want(no, no, refused, no)
	m.feed("250 ok\r\n354 go\r\n")
	want(no, no, refused, no)
	m.lend(len("hi\r\n.\r"))
	want(no, no, refused, no)
	m.take(1 << 20)
	want(unknown, unknown, refused, unknown)
	m.feed("250 queued\r\n")
	want(unknown, accepted, refused, unknown)
	m.feed("452 full\r\n")
	want(accepted, accepted, refused, refused)
	if receipt, err := resultOf(t, d); err != nil || receipt.Outcome != accepted {
		t.Errorf("%+v, %v", receipt, err)
	}
}
