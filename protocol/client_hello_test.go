package protocol_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// EHLO follows the 220, and nothing follows EHLO until the last line of its reply.
func TestHelloWaitsForTheLastLine(t *testing.T) { // P3, C8, H-R14
	play(t, conversation{
		begin: does(hello, noop),
		text: `
			S: 220 mx.example
			= greeting: 220 mx.example
			C: EHLO me.example
			S: 250-mx.example greets you
			WAIT 1m
			S: 250-SIZE 10240000
			WAIT 1m
			S: 250-PIPELINING
			WAIT 1m
			S: 250 8BITMIME
			= hello: ok from mx.example
			C: NOOP
			S: 250 ok
			= noop: 250 ok
		`,
	})
}

// What the server said can be asked, whatever its letter case; the first line is
// its name and no keyword.
func TestHelloExtensions(t *testing.T) { // P3, P7, F13, C10, H-A11, H-R20
	c := newClient(t, protocol.ClientConfig{})
	f := c.Hello("me.example")
	feed(c, "220 mx.example\r\n")
	if got := c.Extensions(); got.Has("SIZE") || got.Name() != "" {
		t.Errorf("before EHLO: %v", got)
	}
	feed(c, "250-PIPELINING at your service\r\n250-size 1000\r\n250-8BitMime\r\n250-\r\n250-auth plain\r\n250-AUTH=LOGIN PLAIN\r\n250 X-THING a b \r\n")
	ext, err, ok := f.Result()
	if err != nil || !ok {
		t.Fatal(err, ok)
	}
	if ext.Name() != "PIPELINING" || ext.Has("pipelining") || !ext.Has("8bitmime") || ext.Has("DSN") {
		t.Errorf("name %q, set %v", ext.Name(), ext.Set())
	}
	if size, ok := ext.Param("Size"); size != "1000" || !ok {
		t.Errorf("SIZE %q, %v", size, ok)
	}
	if thing, ok := ext.Param("x-thing"); thing != "a b" || !ok {
		t.Errorf("X-THING %q, %v", thing, ok)
	}
	if _, ok := ext.Param("DSN"); ok {
		t.Error("DSN has a parameter")
	}
	if got := ext.AuthMechanisms(); !slices.Equal(got, []string{"PLAIN", "LOGIN"}) {
		t.Errorf("mechanisms %q", got)
	}
	if got := c.Extensions(); got.Name() != "PIPELINING" || !got.Has("SIZE") {
		t.Errorf("Client.Extensions: %v", got)
	}
}

// The name is the caller's own, a domain or an address literal.
func TestHelloName(t *testing.T) { // P26, F13, C9
	for _, name := range []string{"me.example", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]"} {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello(name)
		if got, want := feed(c, "220 mx\r\n"), "EHLO "+name+"\r\n"; got != want {
			t.Errorf("wrote %q, want %q", got, want)
		}
	}
}

// A name that could carry a second command is refused before anything is written.
func TestHelloNameRefused(t *testing.T) { // F9, H-I1, C9
	for _, test := range []struct{ name, want string }{
		{"", "HELO name: domain: a domain ends too early at offset 0"},
		{"me.example\r\nMAIL FROM:<>", "HELO name: domain: control octet 0x0D at offset 10"},
		{"me.example\n", "HELO name: domain: control octet 0x0A at offset 10"},
		{"me\x00.example", "HELO name: domain: control octet 0x00 at offset 2"},
		{"me\x1b.example", "HELO name: domain: control octet 0x1B at offset 2"},
		{"me\x7f.example", "HELO name: domain: control octet 0x7F at offset 2"},
		{"me example", "HELO name: domain: octet 0x20 does not fit into a domain at offset 2"},
		{"mé.example", "HELO name: domain: octet 0xC3 does not fit into a domain in ASCII at offset 1"},
	} {
		c := newClient(t, protocol.ClientConfig{})
		_, err, _ := c.Hello(test.name).Result()
		asError[*protocol.ConfigError](t, err)
		if err.Error() != test.want {
			t.Errorf("%q: %q, want %q", test.name, err, test.want)
		}
		if out := feed(c, "220 mx\r\n"); out != "" || c.Queued() != 0 {
			t.Errorf("%q: wrote %q, %d queued", test.name, out, c.Queued())
		}
	}
}

// A server that does not know EHLO is asked for HELO, by which nothing is offered,
// whatever the reply goes on to say.
func TestHelloFallsBack(t *testing.T) { // F13, C8
	for _, code := range []string{"500", "502", "504"} {
		play(t, conversation{
			begin: does(hello, send("send")),
			text: strings.ReplaceAll(`
				S: 220 mx.example
				= greeting: 220 mx.example
				C: EHLO me.example
				S: CODE what?
				C: HELO me.example
				S: 250-mx.example
				S: 250-PIPELINING
				S: 250-8BITMIME
				S: 250 SIZE
				= hello: ok from mx.example
				C: MAIL FROM:<a@me.example>
				S: 250 ok
				C: RCPT TO:<b@mx.example>
				S: 250 ok
				C: DATA
				S: 354 go
				C: hi
				C: .
				S: 250 queued
				= send: accepted: 250 queued`, "CODE", code),
		})
	}
}

// Every other refusal is one, and so is that of HELO.
func TestHelloRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  protocol.ClientConfig
		text string
	}{
		{"501", protocol.ClientConfig{}, `
			C: EHLO me.example
			S: 501 bad name
			= hello: EHLO: 501 bad name (want 250)
			= send: not delivered: MAIL: no EHLO has succeeded yet`}, // C8
		{"550", protocol.ClientConfig{}, `
			C: EHLO me.example
			S: 550-not
			S: 550 you
			= hello: EHLO: 550 not / you (want 250)
			= send: not delivered: MAIL: no EHLO has succeeded yet`}, // P35, P15, F7
		{"450", protocol.ClientConfig{}, `
			C: EHLO me.example
			S: 450 later
			= hello: EHLO: 450 later (want 250)
			= send: not delivered: MAIL: no EHLO has succeeded yet`}, // P35
		{"HELO too", protocol.ClientConfig{}, `
			C: EHLO me.example
			S: 500 what
			C: HELO me.example
			S: 500 what
			= hello: HELO: 500 what (want 250)
			= send: not delivered: MAIL: no EHLO has succeeded yet`}, // P35
		{"NoHELO", protocol.ClientConfig{NoHELO: true}, `
			C: EHLO me.example
			S: 500 what
			= hello: EHLO: 500 what (want 250)
			= send: not delivered: MAIL: no EHLO has succeeded yet`}, // C8, H-T4
		{"RequireTLS", protocol.ClientConfig{RequireTLS: true}, `
			C: EHLO me.example
			S: 500 what
			= hello: EHLO: 500 what (want 250)
			= send: not delivered: MAIL: TLS is required`}, // C8, H-T4
		{"LMTP", protocol.ClientConfig{LMTP: true}, `
			C: LHLO me.example
			S: 500 what
			= hello: LHLO: 500 what (want 250)
			= send: not delivered: MAIL: no EHLO has succeeded yet`}, // C106
		{"220", protocol.ClientConfig{}, `
			C: EHLO me.example
			S: 220 again
			= hello: protocol error at the reply to EHLO: unexpected reply: 220 again (want 250)
			= send: not delivered: protocol error at the reply to EHLO: unexpected reply: 220 again (want 250)
			= closed: protocol error at the reply to EHLO: unexpected reply: 220 again (want 250)`}, // F19, H-T12
		{"354", protocol.ClientConfig{}, `
			C: EHLO me.example
			S: 354 go
			= hello: protocol error at the reply to EHLO: unexpected reply: 354 go (want 250)
			= send: not delivered: protocol error at the reply to EHLO: unexpected reply: 354 go (want 250)
			= closed: protocol error at the reply to EHLO: unexpected reply: 354 go (want 250)`}, // F19, C120
		{"421", protocol.ClientConfig{}, `
			C: EHLO me.example
			S: 421 closing
			= hello: EHLO: 421 closing (want 250)
			= send: not delivered: EHLO: 421 closing
			= closed: EHLO: 421 closing`}, // C33, H-R8
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, conversation{
				cfg:   test.cfg,
				begin: does(hello, send("send")),
				text:  "S: 220 mx.example\n= greeting: 220 mx.example\n" + test.text,
			})
		})
	}
}

// Each EHLO replaces what the one before it brought, and clears a transaction that
// failed, so that no RSET is needed.
func TestHelloAgain(t *testing.T) { // F14, C11, F4
	play(t, conversation{
		begin: does(hello, send("one"), helloAgain, send("two")),
		text: opening("PIPELINING", "8BITMIME") + `
			C: MAIL FROM:<a@me.example> BODY=8BITMIME
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 550 no
			S: 503 no
			S: 503 no
			= one: refused: MAIL: 550 no
			C: EHLO me.example
			S: 250 mx2.example
			= again: ok from mx2.example
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			C: hi
			C: .
			S: 250 queued
			= two: accepted: 250 queued
		`,
	})
}

// An EHLO that is refused leaves what the one before it brought.
func TestHelloAgainRefused(t *testing.T) { // F14, C12
	play(t, conversation{
		begin: does(hello, helloAgain, send("send")),
		text: opening("PIPELINING") + `
			C: EHLO me.example
			S: 550 once is enough
			= again: EHLO: 550 once is enough (want 250)
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
		`,
	})
}

// Enhanced codes are read where they are offered, and never from the greeting or
// the reply to EHLO.
func TestHelloEnhancedCodes(t *testing.T) { // C100, F7
	c := newClient(t, protocol.ClientConfig{})
	greeting, ehlo, once := c.Greeting(), c.Hello("me.example"), c.Do(protocol.Command{Verb: "NOOP"})
	feed(c, "220 2.0.0 mx.example\r\n")
	feed(c, "250-2.0.0 mx.example\r\n250 ENHANCEDSTATUSCODES\r\n")
	feed(c, "550-5.7.1 not\r\n550 5.7.1 you\r\n")
	again := c.Hello("me.example")
	flush(c)
	feed(c, "250 2.0.0 mx.example\r\n")
	if ext, _, _ := again.Result(); ext.Name() != "2.0.0" {
		t.Errorf("name %q", ext.Name())
	}
	if r, _, _ := greeting.Result(); r != (wire.Reply{Code: 220, Text: "2.0.0 mx.example"}) {
		t.Errorf("greeting %+v", r)
	}
	if ext, _, _ := ehlo.Result(); ext.Name() != "2.0.0" {
		t.Errorf("name %q", ext.Name())
	}
	_, err, _ := once.Result()
	want := wire.Reply{Code: 550, Enhanced: wire.EnhancedCode{Class: 5, Subject: 7, Detail: 1}, Text: "not\nyou"}
	if e := asError[*protocol.ReplyError](t, err); e.Reply != want || e.Error() != "NOOP: 550 5.7.1 not / you" {
		t.Errorf("%v, %+v", e, e.Reply)
	}
}
