package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// One command has one reply, whatever an application tries.
func TestServerAnswersOnce(t *testing.T) { // F27 C32
	cfg := protocol.ServerConfig{Requests: protocol.RequestMail | protocol.RequestOther}
	playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example> -> as mail
A: mail 250
S: 250 2.1.0 ok
A: mail 250
= too late
A: mail default
= too late
C: NOOP
? NOOP -> as noop
A: mail 421 not for me
= too late
A: noop 250
S: 250 2.0.0 ok
A: noop 250
= too late
` + bye})
}

// A request that is over is so for good, however often its slot is used again.
func TestServerRequestsDoNotComeBack(t *testing.T) { // F27
	m := servedMachine(t, protocol.ServerConfig{Requests: protocol.RequestOther})
	m.send("EHLO me.example\r\n")
	for range 3000 {
		m.feed("XYZZY\r\n")
		m.asked[len(m.asked)-1].Answer(reply(250, ""))
		m.flush()
	}
	m.feed("XYZZY\r\n")
	for i, r := range m.asked[:3000] {
		if r.Kind() != 0 || r.Answer(reply(550, "")) || r.AnswerDefault() || r.Verb() != "" {
			t.Fatalf("request %d is there again: %v %s", i, r.Kind(), r.Verb())
		}
	}
	if s := m.flush(); s != "" {
		t.Errorf("an answer of old says %q", s)
	}
	if r := m.asked[3000]; !r.Answer(reply(250, "")) || m.flush() != "250 2.0.0 ok\r\n" {
		t.Error("the last request cannot be answered")
	}
}

// No text that an application gives can become a second reply, or octets that the
// client did not ask for.
func TestServerCleansAnswers(t *testing.T) { // H-I8 C75 C40 C30
	text := "one\r\n250 two\rthree\n\x00four\x1b[2J\x7f ümlaut \xff"
	for _, tt := range []struct{ mail, want string }{
		{"MAIL FROM:<a@me.example>", "550-5.7.1 one\r\n550-5.7.1 250 two\r\n550-5.7.1 three\r\n550 5.7.1  four [2J  ?mlaut ?\r\n"},
		{"MAIL FROM:<a@me.example> SMTPUTF8", "550-5.7.1 one\r\n550-5.7.1 250 two\r\n550-5.7.1 three\r\n550 5.7.1  four [2J  ümlaut ?\r\n"},
	} {
		m := servedMachine(t, protocol.ServerConfig{Requests: protocol.RequestRcpt})
		m.send("EHLO me.example\r\n" + tt.mail + "\r\nRCPT TO:<b@mx.example>\r\n")
		m.asked[0].Answer(wire.Reply{Code: 550, Enhanced: wire.EnhancedCode{Class: 5, Subject: 7, Detail: 1}, Text: text})
		if got := m.flush(); !strings.EqualFold(got, tt.want) || got != tt.want {
			t.Errorf("%s:\n%q\nwant\n%q", tt.mail, got, tt.want)
		}
	}
}

// Codes that cannot be the reply are an error of the program.
func TestServerAnswerPanics(t *testing.T) { // C120 C31
	for _, tt := range []struct {
		line string
		code wire.Code
	}{
		{"MAIL FROM:<c@me.example>\r\n", 354}, {"MAIL FROM:<c@me.example>\r\n", 334}, {"NOOP\r\n", 354}, {"DATA\r\n", 250}, {"DATA\r\n", 354},
		{"NOOP\r\n", 0}, {"NOOP\r\n", 150}, {"NOOP\r\n", 600}, {"AUTH XTEST\r\n", 334},
	} {
		cfg := protocol.ServerConfig{Requests: protocol.AllRequests &^ protocol.RequestConnect &^ protocol.RequestHello, Mechanisms: mechanisms}
		m := servedMachine(t, cfg)
		m.send("EHLO me.example\r\n")
		if tt.line == "DATA\r\n" {
			m.feed("MAIL FROM:<a@me.example>\r\n")
			m.asked[0].AnswerDefault()
			m.feed("RCPT TO:<b@mx.example>\r\n")
			m.asked[1].Answer(reply(250, ""))
		}
		m.feed(tt.line)
		r := m.asked[len(m.asked)-1]
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d to %q is taken", tt.code, tt.line)
				}
			}()
			r.Answer(wire.Reply{Code: tt.code})
		}()
		// It is still there to be answered.
		m.flush()
		if !r.Answer(reply(550, "")) || m.flush() != "550 5.0.0 \r\n" {
			t.Errorf("behind the panic %q has no answer", tt.line)
		}
	}
	m := servedMachine(t, protocol.ServerConfig{Requests: protocol.RequestOther})
	m.send("EHLO me.example\r\nNOOP\r\n")
	for name, call := range map[string]func(){
		"AcceptContent": func() { m.asked[0].AcceptContent(nil) },
		"AcceptAuth":    func() { m.asked[0].AcceptAuth(&dialog{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of NOOP is taken", name)
				}
			}()
			call()
		}()
	}
}

// Content without a sink is dropped, and counted.
func TestServerDropsContent(t *testing.T) { // P45
	m := servedMachine(t, mailServer)
	m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n")
	m.asked[0].Answer(reply(250, ""))
	m.send("DATA\r\n")
	var n *future.Future[int64] = m.asked[1].AcceptContent(nil)
	m.send("..hi\r\n.\r\n")
	if got, err, ok := n.Result(); got != 5 || err != nil || !ok {
		t.Errorf("%d octets, %v, %v", got, err, ok)
	}
}

// Default tells what AnswerDefault says.
func TestServerDefault(t *testing.T) { // P41
	cfg := protocol.ServerConfig{Requests: protocol.AllRequests, TLS: true, Mechanisms: mechanisms}
	m := servedMachine(t, cfg)
	m.pump()
	m.feed("EHLO me.example\r\nNOOP\r\nAUTH XTEST\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nEXPN x\r\nRSET\r\nSTARTTLS\r\n")
	for i := 0; i < len(m.asked) && i < 20; i++ {
		r := m.asked[i]
		if r.Kind() == protocol.RequestClosed {
			break
		}
		verb, want := r.Verb(), string(r.Default().AppendTo(nil))
		r.AnswerDefault()
		got := m.flush()
		if verb == "EHLO" {
			if !strings.HasPrefix(got, "250-mx.example\r\n") {
				t.Errorf("%s: %q", verb, got)
			}
		} else if got != want {
			t.Errorf("%s: Default %q, said %q", verb, want, got)
		}
		m.feed(map[int]string{0: ""}[i])
	}
}
