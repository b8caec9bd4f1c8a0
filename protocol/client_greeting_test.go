package protocol_test

import (
	"slices"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Nothing at all is written before the 220, and its text is there to be read.
func TestGreetingComesFirst(t *testing.T) { // P2, C5
	play(t, conversation{
		begin: does(hello, send("send"), quit),
		text: `
			WAIT 4m
			S: 220-mx.example ESMTP\
			S: \r\n220 no spam, please
			= greeting: 220 mx.example ESMTP / no spam, please
			C: EHLO me.example
			RESET
			= hello: connection lost before the reply to EHLO: connection reset
			= send: not delivered: connection lost before the reply to EHLO: connection reset
			= quit: connection lost before the reply to EHLO: connection reset
			= closed: connection lost before the reply to EHLO: connection reset
		`,
	})
}

// A refused session is left by QUIT, without EHLO, and everything queued fails with
// the refusal.
func TestGreetingRefused(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"554", `
			S: 554-mx.example
			S: 554 go away
			= greeting: greeting: 554 mx.example / go away (want 220)
			= hello: greeting: 554 mx.example / go away (want 220)
			= send: not delivered: greeting: 554 mx.example / go away (want 220)
			C: QUIT
			S: 221 bye
			= closed: greeting: 554 mx.example / go away (want 220)`}, // P4, P35, C6, H-R45
		{"4yz", `
			S: 450 later
			= greeting: greeting: 450 later (want 220)
			= hello: greeting: 450 later (want 220)
			= send: not delivered: greeting: 450 later (want 220)
			C: QUIT
			EOF
			= closed: greeting: 450 later (want 220)`}, // P35
		{"554 to QUIT too", `
			S: 554 no
			= greeting: greeting: 554 no (want 220)
			= hello: greeting: 554 no (want 220)
			= send: not delivered: greeting: 554 no (want 220)
			C: QUIT
			S: 554 no
			= closed: greeting: 554 no (want 220)`},
		{"521", `
			S: 521 mx.example takes no mail
			= greeting: greeting: 521 mx.example takes no mail (want 220)
			= hello: greeting: 521 mx.example takes no mail (want 220)
			= send: not delivered: greeting: 521 mx.example takes no mail (want 220)
			= closed: greeting: 521 mx.example takes no mail (want 220)`}, // C7
		{"421", `
			S: 421 busy
			= greeting: greeting: 421 busy (want 220)
			= hello: greeting: 421 busy (want 220)
			= send: not delivered: greeting: 421 busy (want 220)
			= closed: greeting: 421 busy (want 220)`}, // C33, H-R8
		{"250", `
			S: 250 hello
			= greeting: protocol error at the greeting: unexpected reply: 250 hello (want 220)
			= hello: protocol error at the greeting: unexpected reply: 250 hello (want 220)
			= send: not delivered: protocol error at the greeting: unexpected reply: 250 hello (want 220)
			= closed: protocol error at the greeting: unexpected reply: 250 hello (want 220)`}, // P4, H-T12, C120
		{"354", `
			S: 354 go
			= greeting: protocol error at the greeting: unexpected reply: 354 go (want 220)
			= hello: protocol error at the greeting: unexpected reply: 354 go (want 220)
			= send: not delivered: protocol error at the greeting: unexpected reply: 354 go (want 220)
			= closed: protocol error at the greeting: unexpected reply: 354 go (want 220)`}, // H-T12, C120
		{"nothing", `
			EOF
			= greeting: connection lost before the greeting: unexpected EOF
			= hello: connection lost before the greeting: unexpected EOF
			= send: not delivered: connection lost before the greeting: unexpected EOF
			= closed: connection lost before the greeting: unexpected EOF`}, // F2
		{"half of it", `
			S: 220 mx.exam\
			EOF
			= greeting: connection lost before the greeting: unexpected EOF
			= hello: connection lost before the greeting: unexpected EOF
			= send: not delivered: connection lost before the greeting: unexpected EOF
			= closed: connection lost before the greeting: unexpected EOF`}, // F2
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, conversation{begin: does(hello, send("send")), text: test.text})
		})
	}
}

// A QUIT that was queued already is the one that is sent.
func TestGreetingRefusedWithQuitQueued(t *testing.T) {
	play(t, conversation{
		begin: does(hello, quit),
		text: `
			S: 554 no
			= greeting: greeting: 554 no (want 220)
			= hello: greeting: 554 no (want 220)
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: greeting: 554 no (want 220)
		`,
	})
}

// What a callback adds behind a refused greeting is rejected, and QUIT still goes.
func TestGreetingRefusedThenAdded(t *testing.T) {
	play(t, conversation{
		begin: func(s *session) {
			s.Greeting().OnReady(func(_ wire.Reply, err error) { noop(s) })
		},
		text: `
			S: 554 no
			= greeting: greeting: 554 no (want 220)
			= noop: the connection is closed
			C: QUIT
			S: 221 bye
			= closed: greeting: 554 no (want 220)
		`,
	})
}

// A second greeting is a reply to nothing.
func TestGreetingTwice(t *testing.T) { // H-R7
	play(t, conversation{
		text: `
			S: 220 mx.example
			= greeting: 220 mx.example
			S: 220 mx.example
			= closed: protocol error: reply to nothing that was sent: 220 mx.example
		`,
	})
}

// The error of a refused greeting is the whole reply, and says what was expected.
func TestGreetingError(t *testing.T) { // P4, F7
	c := newClient(t, protocol.ClientConfig{})
	feed(c, "554-mx.example\r\n554 go away\r\n")
	_, err, _ := c.Greeting().Result()
	e := asError[*protocol.ReplyError](t, err)
	if e.Reply != (wire.Reply{Code: 554, Text: "mx.example\ngo away"}) || e.Command != "greeting" || !slices.Equal(e.Want, want(220)) || e.Temporary() {
		t.Errorf("%+v", e)
	}
}
