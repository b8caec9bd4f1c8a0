package protocol_test

import (
	"errors"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

var toMX = protocol.ClientConfig{ServerName: "mx.example"}

// STARTTLS, the TLS hook, and EHLO again by itself, ahead of the queue. What was
// learned in clear is forgotten: the PIPELINING of the first EHLO is not used.
func TestStartTLS(t *testing.T) { // P5, F14, C81, C82, H-T5
	play(t, conversation{
		cfg:   toMX,
		begin: does(hello, startTLS, send("send"), quit),
		text: opening("PIPELINING", "SIZE 100", "STARTTLS") + `
			C: STARTTLS
			S: 220 go ahead
			TLS
			C: EHLO me.example
			S: 250-mx.example
			S: 250 8BITMIME
			= starttls: ok for mx.example
			C: MAIL FROM:<a@me.example> BODY=8BITMIME
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			C: hi
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

// Between the 220 and TLS the client asks for no input, and knows no extension
// until the EHLO behind TLS.
func TestStartTLSForgets(t *testing.T) { // F14, C82, H-T5, H-T10
	c := newClient(t, toMX)
	c.Hello("me.example")
	f := c.StartTLS()
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250-SIZE 100\r\n250 STARTTLS\r\n")
	if c.Upgrade() != nil || !c.WantRead() {
		t.Error("TLS before the 220")
	}
	feed(c, "220 go\r\n")
	if u := c.Upgrade(); u == nil || *u != (protocol.Upgrade{Client: true, ServerName: "mx.example"}) || c.WantRead() {
		t.Errorf("upgrade %+v, WantRead %v", u, c.WantRead())
	}
	c.Upgraded(start, verified, nil)
	if c.Upgrade() != nil || !c.WantRead() || c.Extensions().Has("SIZE") || c.TLS().ServerName != "mx.example" {
		t.Errorf("behind TLS: upgrade %+v, WantRead %v, %v, %+v", c.Upgrade(), c.WantRead(), c.Extensions(), c.TLS())
	}
	if out := flush(c); out != "EHLO me.example\r\n" {
		t.Errorf("wrote %q", out)
	}
	feed(c, "250-mx.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
	if got, err, ok := f.Result(); err != nil || !ok || !got.Verified || !got.Active() {
		t.Errorf("settled %v: %+v, %v", ok, got, err)
	}
	if !c.Extensions().Has("AUTH") {
		t.Error("the second EHLO was not read")
	}
}

// Upgrade waits until the command itself is written: a reply can overtake Wrote.
func TestStartTLSWaitsForWrote(t *testing.T) {
	c := newClient(t, toMX)
	c.Hello("me.example")
	c.StartTLS()
	feed(c, "220 mx.example\r\n")
	c.Feed(start, []byte("250-mx.example\r\n250 STARTTLS\r\n"))
	c.Output(start, nil, 100)
	c.Feed(start, []byte("220 go\r\n"))
	if c.Upgrade() != nil {
		t.Error("TLS before STARTTLS is written")
	}
	c.Wrote(start, int64(len("STARTTLS\r\n")))
	if c.Upgrade() == nil {
		t.Error("no TLS though STARTTLS is written")
	}
}

// A server that does not offer STARTTLS, or refuses it, leaves the connection as it
// was; nothing falls back to clear by itself where TLS is required.
func TestStartTLSRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  protocol.ClientConfig
		text string
	}{
		{"454", protocol.ClientConfig{ServerName: "mx.example", RequireTLS: true}, opening("STARTTLS") + `
			C: STARTTLS
			S: 454 TLS not available
			= starttls: STARTTLS: 454 TLS not available (want 220)
			= send: not delivered: MAIL: TLS is required`}, // P6, H-T3, C84, C86
		{"502", protocol.ClientConfig{RequireTLS: true}, opening("STARTTLS") + `
			C: STARTTLS
			S: 502 what
			= starttls: STARTTLS: 502 what (want 220)
			= send: not delivered: MAIL: TLS is required`}, // P6, H-T3
		{"not offered", protocol.ClientConfig{RequireTLS: true}, opening("PIPELINING") + `
			= starttls: STARTTLS: not offered by the server
			= send: not delivered: MAIL: TLS is required`}, // H-T3, F16
		{"454, clear allowed", protocol.ClientConfig{}, opening("STARTTLS") + `
			C: STARTTLS
			S: 454 TLS not available
			= starttls: STARTTLS: 454 TLS not available (want 220)
			C: MAIL FROM:<a@me.example>
			S: 550 no
			= send: refused: MAIL: 550 no`}, // P6
		{"354", protocol.ClientConfig{}, opening("STARTTLS") + `
			C: STARTTLS
			S: 354 go
			= starttls: protocol error at the reply to STARTTLS: unexpected reply: 354 go (want 220)
			= send: not delivered: protocol error at the reply to STARTTLS: unexpected reply: 354 go (want 220)
			= closed: protocol error at the reply to STARTTLS: unexpected reply: 354 go (want 220)`}, // H-T3, H-T12, F19
		{"250", protocol.ClientConfig{}, opening("STARTTLS") + `
			C: STARTTLS
			S: 250 ok
			= starttls: protocol error at the reply to STARTTLS: unexpected reply: 250 ok (want 220)
			= send: not delivered: protocol error at the reply to STARTTLS: unexpected reply: 250 ok (want 220)
			= closed: protocol error at the reply to STARTTLS: unexpected reply: 250 ok (want 220)`}, // H-T12, F19
		{"handshake fails", toMX, opening("STARTTLS") + `
			C: STARTTLS
			S: 220 go
			TLS FAILS
			= starttls: TLS: bad certificate
			= send: not delivered: TLS: bad certificate
			= closed: TLS: bad certificate`}, // H-T9, C84
		{"EHLO behind TLS refused", toMX, opening("STARTTLS") + `
			C: STARTTLS
			S: 220 go
			TLS
			C: EHLO me.example
			S: 502 what
			= starttls: EHLO: 502 what (want 250)
			= send: not delivered: MAIL: no EHLO has succeeded yet`}, // H-T4, H-T5, C8
		{"EOF instead of TLS", toMX, opening("STARTTLS") + `
			C: STARTTLS
			S: 220 go
			EOF
			= starttls: connection lost before the TLS handshake: unexpected EOF
			= send: not delivered: connection lost before the TLS handshake: unexpected EOF
			= closed: connection lost before the TLS handshake: unexpected EOF`}, // F2
		{"TLS takes too long", toMX, opening("STARTTLS") + `
			C: STARTTLS
			S: 220 go
			WAIT 119s
			WAIT 1s
			= starttls: timeout: no TLS handshake within 2m0s
			= send: not delivered: timeout: no TLS handshake within 2m0s
			= closed: timeout: no TLS handshake within 2m0s`}, // F20
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, conversation{cfg: test.cfg, begin: does(hello, startTLS, send("send")), text: test.text})
		})
	}
}

// Octets in clear behind the 220 were injected: no TLS, no QUIT, and no command of
// theirs is believed. It does not matter whether they came with the 220 or later,
// whole or in part.
func TestStartTLSInjection(t *testing.T) { // F14, C83, H-T1
	const fatal = `
			= starttls: protocol error at the TLS handshake: octets in clear behind the reply to STARTTLS
			= send: not delivered: protocol error at the TLS handshake: octets in clear behind the reply to STARTTLS
			= closed: protocol error at the TLS handshake: octets in clear behind the reply to STARTTLS`
	for name, text := range map[string]string{
		"a reply":        "S: 220 go\nS: 250 AUTH PLAIN" + fatal,
		"a fragment":     "S: 220 go\nS: 2\\" + fatal,
		"a line end":     "S: 220 go\nS:" + fatal,
		"later, a reply": "S: 220 go\n! nothing\nS: 250 AUTH PLAIN" + fatal,
		"later, one":     "S: 220 go\n! nothing\nS: 2\\" + fatal,
	} {
		t.Run(name, func(t *testing.T) {
			play(t, conversation{
				cfg:   toMX,
				begin: does(hello, startTLS, send("send")),
				acts:  map[string]func(*session){"nothing": func(*session) {}},
				text:  opening("STARTTLS") + "C: STARTTLS\n" + text,
			})
		})
	}
	c := newClient(t, toMX)
	c.Hello("me.example")
	c.StartTLS()
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 STARTTLS\r\n")
	feed(c, "220 go\r\n250 ok\r\n")
	if !errors.Is(c.Err(), protocol.ErrPlaintextAfterSTARTTLS) {
		t.Error(c.Err())
	}
}

// A second STARTTLS, or one before EHLO, is refused here, and a server that offers
// it inside TLS is not believed.
func TestStartTLSOutOfTurn(t *testing.T) { // C85, H-T6
	play(t, conversation{
		cfg: toMX,
		begin: does(startTLS, hello,
			func(s *session) { watch(s, "first", s.StartTLS()) }, func(s *session) { watch(s, "second", s.StartTLS()) }),
		text: `
			S: 220 mx.example
			= greeting: 220 mx.example
			= starttls: STARTTLS: no EHLO has succeeded yet
			C: EHLO me.example
			S: 250-mx.example
			S: 250 STARTTLS
			= hello: ok from mx.example
			C: STARTTLS
			S: 220 go
			TLS
			C: EHLO me.example
			S: 250-mx.example
			S: 250 STARTTLS
			= first: ok for mx.example
			= second: STARTTLS: TLS is active already
		`,
	})
}

// With implicit TLS the state comes before the greeting, and what depends on TLS
// may be used from then on.
func TestImplicitTLS(t *testing.T) { // C103
	c := newClient(t, protocol.ClientConfig{RequireTLS: true})
	c.Upgraded(start, verified, nil)
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
	feed(c, "220 mx.example\r\n")
	if out := feed(c, "250 mx.example\r\n"); out != "MAIL FROM:<a@me.example>\r\n" {
		t.Errorf("wrote %q", out)
	}
	if _, _, ok := d.Result().Result(); ok || !c.TLS().Verified {
		t.Errorf("settled %v, TLS %+v", ok, c.TLS())
	}
}

// The driver must not report TLS that nobody asked for.
func TestUpgradedOutOfTurn(t *testing.T) {
	const unasked = "protocol: rule 9: Upgraded without an Upgrade"
	c := newClient(t, protocol.ClientConfig{})
	feed(c, "220 mx.example\r\n")
	wantPanic(t, unasked, func() { c.Upgraded(start, verified, nil) })

	c = newClient(t, protocol.ClientConfig{})
	c.Feed(start, []byte("2"))
	wantPanic(t, unasked, func() { c.Upgraded(start, verified, nil) })

	c = newClient(t, protocol.ClientConfig{})
	c.Upgraded(start, verified, nil)
	wantPanic(t, unasked, func() { c.Upgraded(start, verified, nil) })

	c = newClient(t, protocol.ClientConfig{})
	wantPanic(t, "protocol: rule 9: Upgraded without TLS", func() { c.Upgraded(start, protocol.TLSState{}, nil) })

	// After the end it does not matter.
	c = newClient(t, protocol.ClientConfig{})
	c.Fail(start, nil)
	c.Upgraded(start, verified, nil)
	if c.TLS().Active() {
		t.Error("TLS on a dead connection")
	}
}
