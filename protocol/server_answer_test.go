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
		if !r.Answer(reply(550, "")) || m.flush() != "550 5.0.0 mailbox unavailable\r\n" {
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
	mail := "MAIL FROM:<a@me.example>\r\n"
	for _, tt := range []struct{ before, line, want string }{
		{"", "NOOP", "250 2.0.0 ok"},
		{"", "HELP", "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP QUIT HELP VRFY"},
		{"", "VRFY x", "252 2.1.5 cannot verify the user"},
		{"", "EXPN x", "502 5.5.1 command not implemented"},
		{"", "ETRN x", "502 5.5.1 command not implemented"},
		{"", "XYZZY", "502 5.5.1 command not implemented"},
		{"", "AUTH XTEST", "454 4.7.0 temporary authentication failure"},
		{"", "STARTTLS", "220 2.0.0 ready to start TLS"},
		{"", "MAIL FROM:<a@me.example>", "250 2.1.0 ok"},
		{mail, "RCPT TO:<b@mx.example>", "550 5.7.1 no mail is taken for this recipient"},
		{mail + "RCPT TO:<b@mx.example>\r\n", "DATA", "554 5.3.2 no mail is taken here"},
		{mail, "RSET", "250 2.0.0 ok"},
		{"", "QUIT", "221 2.0.0 mx.example closes the connection"},
	} {
		m := servedMachine(t, protocol.ServerConfig{Requests: protocol.AllRequests, TLS: true, Mechanisms: mechanisms})
		m.answerAll()
		m.send("EHLO me.example\r\n" + tt.before)
		m.all = false
		m.feed(tt.line + "\r\n")
		r := m.asked[0]
		text := string(r.Default().AppendTo(nil))
		if did := r.AnswerDefault(); !did || text != tt.want+"\r\n" || m.flush() != text {
			t.Errorf("%s: Default is %q, want %q; answered %v", tt.line, text, tt.want, did)
		}
	}
}
