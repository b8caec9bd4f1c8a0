package protocol_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// everything is a queue in which each kind of task stands.
var everything = does(hello, startTLS, login(plain, cram), send("send"), noop, quit)

// allFail is how everything but hello and starttls fails with one error.
func allFail(err string) string {
	return "\n= login: " + err + "\n= send: not delivered: " + err + "\n= noop: " + err + "\n= quit: " + err + "\n= closed: " + err
}

// Somebody on the path who writes behind the 220 gets nothing for it, whatever it
// looks like: the client neither starts TLS nor says QUIT.
func TestHazardInjectedBehind220(t *testing.T) { // H-T1, C83
	const err = "protocol error at the TLS handshake: octets in clear behind the reply to STARTTLS"
	for name, injected := range map[string]string{
		"reply to EHLO":    "S: 250-evil.example\nS: 250 AUTH PLAIN",
		"login accepted":   "S: 250 evil.example\nS: 235 welcome",
		"421":              "S: 421 closing",
		"refusal":          "S: 550 no",
		"another 220":      "S: 220 go",
		"no reply":         "S: \\x16\\x03\\x01\\",
		"part of a reply":  "S: 250-evi\\",
		"one octet":        "S: \\n\\",
		"more than a code": "S: 25\\",
	} {
		t.Run(name, func(t *testing.T) {
			play(t, conversation{cfg: toMX, begin: everything, text: opening("STARTTLS", "AUTH PLAIN CRAM-MD5") + `
				C: STARTTLS
				S: 220 go
				` + injected + "\n= starttls: " + err + allFail(err)})
		})
	}
	// It makes no difference that the upgrade has been asked for, nor whether the
	// driver reports TLS afterwards: there is no way on.
	c := newClient(t, toMX)
	c.Hello("me.example")
	c.StartTLS()
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 STARTTLS\r\n")
	feed(c, "220 go\r\n")
	if c.Upgrade() == nil || c.WantRead() {
		t.Fatal("no upgrade")
	}
	if n, err := c.Feed(start, []byte("2")); n != 0 || !errors.Is(err, protocol.ErrPlaintextAfterSTARTTLS) {
		t.Errorf("took %d, %v", n, err)
	}
	c.Upgraded(start, verified, nil)
	if out := flush(c); out != "" || c.Upgrade() != nil || c.TLS().Active() {
		t.Errorf("wrote %q, upgrade %v, TLS %v", out, c.Upgrade(), c.TLS())
	}
}

// A 220 that comes before STARTTLS was sent answers nothing and starts nothing.
func TestHazard220BeforeSTARTTLS(t *testing.T) { // H-T1, H-R7
	c := newClient(t, toMX)
	c.Hello("me.example")
	c.StartTLS()
	feed(c, "220 mx.example\r\n")
	out := feed(c, "250-mx.example\r\n250 STARTTLS\r\n220 go\r\n")
	if out != "" || c.Upgrade() != nil || c.Err() == nil ||
		c.Err().Error() != "protocol error at the reply to STARTTLS: reply to nothing that was sent: 220 go" {
		t.Errorf("wrote %q, upgrade %v, %v", out, c.Upgrade(), c.Err())
	}
}

// Where TLS is required and does not come, not an octet of AUTH, MAIL or anything
// of the caller's is written. QUIT is all that goes in clear.
func TestHazardTLSRequired(t *testing.T) { // H-T3, H-T9, C84
	const refused = `
			= login: AUTH: TLS is required
			= send: not delivered: MAIL: TLS is required
			= noop: NOOP: TLS is required
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF`
	ends := func(err string) string { return "\n= starttls: " + err + allFail(err) }
	for _, test := range []struct{ name, text string }{
		{"not offered", opening("AUTH PLAIN CRAM-MD5", "PIPELINING") + `
			= starttls: STARTTLS: not offered by the server` + refused},
		{"EHLO has no keyword at all", opening() + `
			= starttls: STARTTLS: not offered by the server` + refused},
		{"454", opening("STARTTLS", "AUTH PLAIN CRAM-MD5") + `
			C: STARTTLS
			S: 454-TLS
			S: 454 not available
			= starttls: STARTTLS: 454 TLS / not available (want 220)` + refused},
		{"502", opening("STARTTLS", "AUTH PLAIN CRAM-MD5") + `
			C: STARTTLS
			S: 502 what
			= starttls: STARTTLS: 502 what (want 220)` + refused},
		{"354", opening("STARTTLS", "AUTH PLAIN CRAM-MD5") + `
			C: STARTTLS
			S: 354 go` + ends("protocol error at the reply to STARTTLS: unexpected reply: 354 go (want 220)")},
		{"421", opening("STARTTLS", "AUTH PLAIN CRAM-MD5") + `
			C: STARTTLS
			S: 421 closing
			= starttls: STARTTLS: 421 closing (want 220)` + allFail("STARTTLS: 421 closing")},
		{"closed", opening("STARTTLS", "AUTH PLAIN CRAM-MD5") + `
			C: STARTTLS
			EOF` + ends("connection lost before the reply to STARTTLS: unexpected EOF")},
		{"handshake fails", opening("STARTTLS", "AUTH PLAIN CRAM-MD5") + `
			C: STARTTLS
			S: 220 go
			TLS FAILS` + ends("TLS: bad certificate")},
		{"closed in the handshake", opening("STARTTLS", "AUTH PLAIN CRAM-MD5") + `
			C: STARTTLS
			S: 220 go
			RESET` + ends("connection lost before the TLS handshake: connection reset")},
		{"EHLO refused in clear", `
			S: 220 mx.example
			= greeting: 220 mx.example
			C: EHLO me.example
			S: 502 what
			= hello: EHLO: 502 what (want 250)
			= starttls: STARTTLS: no EHLO has succeeded yet` + refused}, // H-T4
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, conversation{cfg: protocol.ClientConfig{RequireTLS: true, ServerName: "mx.example"}, begin: everything, text: test.text})
		})
	}
}

// A handshake that failed is not followed by another try, nor by anything in clear,
// with TLS required or not.
func TestHazardHandshakeFails(t *testing.T) { // H-T9
	for _, cfg := range []protocol.ClientConfig{{}, {AllowCleartextAuth: true}, {LMTP: true}} {
		cfg.ServerName = "mx.example"
		text := opening("STARTTLS", "AUTH PLAIN CRAM-MD5") + `
			C: STARTTLS
			S: 220 go
			TLS FAILS
			= starttls: TLS: bad certificate` + allFail("TLS: bad certificate") + `
			S: 250 mx.example`
		if cfg.LMTP {
			text = strings.ReplaceAll(text, "C: EHLO", "C: LHLO")
		}
		play(t, conversation{cfg: cfg, begin: everything, text: text})
	}
}

// HELO loses STARTTLS and AUTH. A caller that means to use either says so, and then
// nothing falls back; one that does not gets no login by what HELO's reply says.
func TestHazardHELOLosesTLS(t *testing.T) { // H-T4, C8
	const refused = `
			S: 220 mx.example
			= greeting: 220 mx.example
			C: EHLO me.example
			S: CODE what
			= hello: EHLO: CODE what (want 250)
			= starttls: STARTTLS: no EHLO has succeeded yet
			= login: AUTH: not offered by the server
			= send: not delivered: MAIL: no EHLO has succeeded yet
			C: NOOP
			S: 250 ok
			= noop: 250 ok
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF`
	for _, code := range []string{"500", "502", "504", "501", "550", "450"} {
		play(t, conversation{
			cfg:   protocol.ClientConfig{NoHELO: true, AllowCleartextAuth: true},
			begin: everything,
			text:  strings.ReplaceAll(refused, "CODE", code),
		})
	}
	play(t, conversation{
		cfg:   inClear,
		begin: does(hello, startTLS, login(plain, cram), quit),
		text: `
			S: 220 mx.example
			= greeting: 220 mx.example
			C: EHLO me.example
			S: 502 what
			C: HELO me.example
			S: 250-AUTH PLAIN
			S: 250-STARTTLS
			S: 250 AUTH PLAIN CRAM-MD5
			= hello: ok from AUTH
			= starttls: STARTTLS: not offered by the server
			= login: AUTH: not offered by the server
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF
		`,
	})
}

// TLS starts the session over: extensions, mechanisms, limits and how replies are
// read come from the second EHLO alone, and a login in clear does not count.
func TestHazardTLSForgets(t *testing.T) { // H-T5, C82
	fields := func(env protocol.Envelope) protocol.Envelope {
		env.Params.EnvID = "x"
		return env
	}
	play(t, conversation{
		cfg: toMX,
		begin: does(hello, func(s *session) { watch(s, "clear login", s.Login(cram)) },
			sendTo("failed", "hi\r\n", "b@mx.example"), startTLS, login(cram, plain),
			sendEnvelope("dsn", fields(envelope("a@me.example", "b@mx.example")), protocol.BodyText("hi\r\n")),
			sendTo("utf8", "hi\r\n", "jörg@mx.example"),
			sendTo("big", "0123456789", "b@mx.example"),
			do("vrfy", protocol.Command{Verb: "VRFY", Args: "jörg"})),
		text: opening("PIPELINING", "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "8BITMIME", "SIZE 5", "AUTH CRAM-MD5", "STARTTLS") + `
			C: AUTH CRAM-MD5
			S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
			C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
			S: 235 2.7.0 welcome
			= clear login: 235 2.7.0 welcome
			C: MAIL FROM:<a@me.example> SIZE=4 BODY=8BITMIME
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 550 5.7.1 no
			S: 503 5.5.1 no
			S: 503 5.5.1 no
			= failed: refused: MAIL: 550 5.7.1 no
			C: STARTTLS
			S: 220 2.0.0 go
			TLS
			C: EHLO me.example
			S: 250-mx.example
			S: 250-STARTTLS
			S: 250 AUTH PLAIN
			= starttls: ok for mx.example
			# the mechanism of the first EHLO is not offered any more
			C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
			S: 235 2.7.0 welcome
			= login: 235 2.7.0 welcome
			= dsn: not delivered: DSN: not offered by the server
			= utf8: not delivered: SMTPUTF8: not offered by the server
			# no RSET, no SIZE, no BODY, no group
			C: MAIL FROM:<a@me.example>
			S: 550 5.7.1 no
			= big: refused: MAIL: 550 5.7.1 no
			= vrfy: SMTPUTF8: not offered by the server
		`,
	})
	// Codes that look enhanced are text again, until they are offered again.
	c := newClient(t, toMX)
	c.Hello("me.example")
	c.StartTLS()
	f := c.Do(protocol.Command{Verb: "NOOP"})
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250-ENHANCEDSTATUSCODES\r\n250 STARTTLS\r\n")
	feed(c, "220 2.0.0 go\r\n")
	c.Upgraded(start, verified, nil)
	if ext := c.Extensions(); ext.Name() != "" || ext.Set() != 0 {
		t.Errorf("between TLS and EHLO: %v", ext)
	}
	flush(c)
	feed(c, "250 2.0.0 mx.example\r\n")
	if ext := c.Extensions(); ext.Name() != "2.0.0" {
		t.Errorf("name %q", ext.Name())
	}
	feed(c, "250 2.0.0 ok\r\n")
	if r, _, _ := f.Result(); r != (wire.Reply{Code: 250, Text: "2.0.0 ok"}) {
		t.Errorf("%+v", r)
	}
}

// TLS that ends in the middle of content takes the connection with it: what comes
// in clear is not read, nothing is written, and the API has no way back.
func TestHazardTLSEnds(t *testing.T) { // H-T10
	for name, end := range map[string]func(c *protocol.Client){
		"closed":    func(c *protocol.Client) { c.FeedEOF(start) },
		"truncated": func(c *protocol.Client) { c.Fail(start, errors.New("TLS: truncated")) },
		"no more to write, then closed": func(c *protocol.Client) {
			c.WriteFailed(start, errors.New("TLS: closed"))
			c.FeedEOF(start)
		},
	} {
		for _, lent := range []int{0, 10, 1000} {
			c := newClient(t, toMX)
			c.Hello("me.example")
			c.StartTLS()
			d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("0123456789\r\n0123456789\r\n"))
			next := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
			feed(c, "220 mx.example\r\n")
			feed(c, "250-mx.example\r\n250 STARTTLS\r\n")
			feed(c, "220 go\r\n")
			c.Upgraded(start, verified, nil)
			flush(c)
			feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
			c.Feed(start, []byte("250 ok\r\n250 ok\r\n354 go\r\n"))
			if lent > 0 {
				c.Output(start, nil, lent)
			}
			end(c)
			clear := "250 queued\r\n220 go\r\n"
			if n, err := c.Feed(start, []byte(clear)); n != 0 || err == nil || c.WantRead() || c.Upgrade() != nil {
				t.Errorf("%s: took %d of clear input, %v", name, n, err)
			}
			if out := flush(c); out != "" {
				t.Errorf("%s: wrote %q", name, out)
			}
			want := protocol.NotDelivered
			if lent == 1000 {
				want = protocol.Unknown
			}
			if receipt, err := resultOf(t, d); receipt.Outcome != want || err == nil {
				t.Errorf("%s, %d lent: %v, %v", name, lent, receipt.Outcome, err)
			}
			if receipt, err := resultOf(t, next); receipt.Outcome != protocol.NotDelivered || err == nil {
				t.Errorf("%s: next: %v, %v", name, receipt.Outcome, err)
			}
			if _, err, ok := c.StartTLS().Result(); !ok || err != c.Err() {
				t.Errorf("%s: STARTTLS again: %v", name, err)
			}
		}
	}
}
