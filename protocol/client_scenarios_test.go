package protocol_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// The scenarios of the ancestors' own tests, PARITY.md part D, by their numbers.
// The rest of them is for packages that connect: netasync, and the server.

// Scenario 1: EHLO and a login; nothing is written between the lines of the reply.
func TestScenario1(t *testing.T) { // P3, P7, P9
	play(t, conversation{
		cfg:   inClear,
		begin: does(func(s *session) { watch(s, "hello", s.Hello("localhost")) }, login(cram, plain, login2)),
		text: `
			S: 220 localhost
			= greeting: 220 localhost
			C: EHLO localhost
			S: 250-localhost
			WAIT 1s
			S: 250-SIZE 10240000
			WAIT 1s
			S: 250-8BITMIME
			WAIT 1s
			S: 250-AUTH PLAIN LOGIN CRAM-MD5
			WAIT 1s
			S: 250 STARTTLS
			= hello: ok from localhost
			C: AUTH CRAM-MD5
			S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
			C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
			S: 235 Authentication successful
			= login: 235 Authentication successful
		`,
	})
}

// Scenario 2: a login before EHLO.
func TestScenario2(t *testing.T) { // P8
	play(t, conversation{
		begin: login(cram, plain, login2),
		text: `
			S: 220 localhost
			= greeting: 220 localhost
			= login: AUTH: not offered by the server
		`,
	})
}

// Scenario 3: RCPT answered 500; DATA answered 500; 700 to DATA. No content is
// sent.
func TestScenario3(t *testing.T) { // P35, P36, F19
	const mail = `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>`
	const bad = "protocol error at the reply to DATA: reply code: first digit is not 2 to 5 but octet 0x37 at offset 0"
	for name, text := range map[string]string{
		"RCPT 500": mail + `
			S: 500 what
			= send: refused: RCPT <b@mx.example>: 500 what`,
		"DATA 500": mail + `
			S: 250 ok
			C: DATA
			S: 500 what
			= send: refused: DATA: 500 what (want 354)`,
		"DATA 700": mail + `
			S: 250 ok
			C: DATA
			S: 700 what
			= send: not delivered: ` + bad + `
			= closed: ` + bad,
	} {
		t.Run(name, func(t *testing.T) {
			play(t, conversation{begin: does(hello, send("send")), text: opening() + text})
		})
	}
}

// Scenario 5: a server that accepts the connection and never speaks.
func TestScenario5(t *testing.T) { // P2, P31
	err := "timeout: no greeting within 3s"
	play(t, conversation{
		cfg:   protocol.ClientConfig{Timeouts: protocol.Timeouts{Greeting: 3 * time.Second}},
		begin: does(hello, send("send"), quit),
		text: `
			WAIT 2999ms
			WAIT 1ms
			= greeting: ` + err + `
			= hello: ` + err + `
			= send: not delivered: ` + err + `
			= quit: ` + err + `
			= closed: ` + err,
	})
}

// Scenario 7, the failing half: HELO answered 500 too.
func TestScenario7(t *testing.T) { // P34, P35
	cfg, log := traced(protocol.ClientConfig{})
	c := newClient(t, cfg)
	c.Hello("localhost")
	feed(c, "220 localhost\r\n")
	feed(c, "500 EHLO?\r\n")
	feed(c, "500 HELO?\r\n")
	wantLog(t, *log, `
		<- 220 localhost
		-> EHLO localhost
		<- 500 EHLO?
		-> HELO localhost
		<- 500 HELO?`)
}

// Scenario 9: ".Line" arrives as "..Line", and a lone dot inside does not end the
// message.
func TestScenario9(t *testing.T) { // P12, F11
	play(t, conversation{
		begin: does(hello, sendTo("send", "Subject: x\n\n.Line\n.\nmore", "b@mx.example")),
		text: opening("PIPELINING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: Subject: x
			C:
			C: ..Line
			C: ..
			C: more
			C: .
			S: 250 queued
			= send: accepted: 250 queued
		`,
	})
}

// Scenario 10: a server that answers every line, those of the content included,
// with a bare 250. There is exactly one outcome, and it is no success: 250 is no
// answer to DATA.
func TestScenario10(t *testing.T) { // P29, P37, F19
	const err = "protocol error at the reply to DATA: unexpected reply: 250 (want 354)"
	play(t, conversation{
		begin: does(func(s *session) { s.Hello("me.example") }, send("send"), quit),
		text: `
			S: 220
			= greeting: 220
			C: EHLO me.example
			S: 250
			C: MAIL FROM:<a@me.example>
			S: 250
			C: RCPT TO:<b@mx.example>
			S: 250
			C: DATA
			S: 250
			= send: not delivered: ` + err + `
			= quit: ` + err + `
			= closed: ` + err,
	})
	// The same one that does say 354 once, and then answers the two lines of content.
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	settled := 0
	d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("one\r\ntwo\r\n"))
	d.Result().OnReady(func(protocol.Receipt, error) { settled++ })
	for out, flight := "", "220\r\n"; flight != "" && c.Err() == nil; {
		out = feed(c, flight)
		flight = strings.Repeat("250\r\n", strings.Count(out, "\n"))
		if out == "DATA\r\n" {
			flight = "354\r\n"
		}
	}
	if receipt, err := resultOf(t, d); settled != 1 || err != nil || receipt.Outcome != protocol.Accepted {
		t.Errorf("settled %d times: %+v, %v", settled, receipt, err)
	}
	if err := c.Err(); err == nil || err.Error() != "protocol error: reply to nothing that was sent: 250" {
		t.Error(err)
	}
}
