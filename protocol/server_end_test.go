package protocol_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// A client that half-closes gets the answers to its whole commands; what it did not
// finish is nothing.
func TestServerEndOfInput(t *testing.T) { // H-R11 C18 C34
	cfg := protocol.ServerConfig{Requests: protocol.AllRequests &^ protocol.RequestConnect &^ protocol.RequestHello}
	playServer(t, service{cfg: cfg, text: opened + "EOF\n= closed: EOF\n? closed\n"})
	playServer(t, service{cfg: cfg, text: opened + "C: NOOP\\\nEOF\n= closed: connection lost before the end of the command: unexpected EOF\n? closed\n"})
	playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example> -> as mail
C: NOO\
EOF
A: mail 250
= closed: connection lost before the end of the command: unexpected EOF
? closed
S: 250 2.1.0 ok
`})
	playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
C: RCPT TO:<b@mx.example>
C: RCPT TO:<c@mx.example>
? MAIL FROM:<a@me.example> -> as mail
EOF
A: mail 250
? RCPT TO:<b@mx.example> -> as b
? RCPT TO:<c@mx.example> -> 550 5.1.1 no
S: 250 2.1.0 ok
A: b 250
= closed: connection lost before the end of the transaction: unexpected EOF
? closed
S: 250 2.1.5 ok
S: 550 5.1.1 no
`})
	mail := service{cfg: protocol.ServerConfig{Requests: forMail | protocol.RequestClosed}}
	for _, tt := range []struct{ then string }{
		// The dot was there: the verdict is still sent.
		{contentFollows[:len(contentFollows)-len("C: DATA\n? DATA\nS: 354 end data with <CR><LF>.<CR><LF>\n")] + `
C: DATA
? DATA -> accept as data
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
C: .
= content: "hi\r\n"
EOF
WAIT 1h
A: data 250 2.6.0 queued
= closed: EOF
? closed
S: 250 2.6.0 queued
`},
		{contentFollows + `
C: hi
C: .\
EOF
= content: connection lost before the end of data: unexpected EOF
= closed: connection lost before the end of data: unexpected EOF
? closed
`},
		{contentFollows + `
C: .\r\
EOF
= content: connection lost before the end of data: unexpected EOF
= closed: connection lost before the end of data: unexpected EOF
? closed
`},
		{addressed + `
C: BDAT 5 LAST
C: 0123\
? BDAT 5 LAST
EOF
= content: connection lost before the end of data: unexpected EOF
= closed: connection lost before the end of data: unexpected EOF
? closed
`},
		{addressed + `
C: BDAT 8
C: 0123\
? BDAT 8 -> 552 5.2.2 full
S: 552 5.2.2 full
EOF
= closed: connection lost before the end of data: unexpected EOF
? closed
`},
	} {
		mail.text = opened + tt.then
		playServer(t, mail)
	}
}

// The end of input does not overtake commands that wait at their gates: a last chunk
// among them makes its message complete.
func TestServerEndOfInputBehindGates(t *testing.T) { // H-R11 C54
	cfg := mailServer
	cfg.Requests |= protocol.RequestOther
	m := servedMachine(t, cfg)
	m.answerAll()
	m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 5\r\n01234")
	m.all = false
	// The refusal of LHLO waits for the answer to VRFY, and the chunk for that.
	m.feed("VRFY b\r\nLHLO me.example\r\nBDAT 0 LAST\r\n")
	m.FeedEOF(m.now)
	m.pump()
	if m.Err() != nil || len(m.asked) != 1 {
		t.Fatalf("Err is %v, %d requests", m.Err(), len(m.asked))
	}
	m.asked[0].Answer(reply(252, ""))
	m.pump()
	want := "252 2.0.0 cannot verify the user\r\n500 not the greeting of this protocol\r\n250 2.0.0 ok\r\n"
	if got := m.flush(); got != want || string(m.sinks[0].content) != "01234" || len(m.sinks) != 1 || m.Err() != io.EOF {
		t.Errorf("wrote %q, %d contents, Err %v", got, len(m.sinks), m.Err())
	}
}

// Both directions gone: everything settles, nothing is said, late answers do nothing.
func TestServerFail(t *testing.T) { // C34 F27 P43
	cfg := protocol.ServerConfig{Requests: forMail | protocol.RequestMail | protocol.RequestClosed}
	const lost = "= closed: connection lost: connection reset\n? closed\n"
	playServer(t, service{cfg: cfg, text: opened + "RESET\n" + lost + "RESET\nEOF\nWAIT 1h\n"})
	playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example> -> as mail
RESET
` + strings.Replace(lost, "lost", "lost before the end of the transaction", 1) + "A: mail 250\n= too late\n"})
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: DATA
? DATA -> accept as data
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
RESET
= content: connection lost before the end of data: connection reset
= closed: connection lost before the end of data: connection reset
A: data 250
= too late
`})
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: DATA
? DATA -> accept as data
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
C: .
= content: "hi\r\n"
RESET
= closed: connection lost: connection reset
A: data 250
= too late
`})
}

// AcceptContent on a session that is over is rejected, and does not panic.
func TestServerAcceptsTooLate(t *testing.T) { // F27
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: DATA
? DATA -> as data
RESET
= closed: connection lost before the end of the transaction: connection reset
A: data accept as data
= content: connection lost before the end of the transaction: connection reset
A: data 250
= too late
`})
	playServer(t, service{cfg: loginServer, acts: scriptedLogin(nil, "done"), text: openedForLogin + `
C: AUTH XTEST
? AUTH XTEST -> as auth
RESET
= closed: connection lost: connection reset
A: auth do script
= auth: connection lost: connection reset
`})
}

// Nobody reads any more: whole messages are still decided, and reading goes on for a
// while.
func TestServerWriteFails(t *testing.T) { // C31 C34
	const broken = "= closed: connection lost: broken pipe\n? closed\n"
	cfg := protocol.ServerConfig{Requests: forMail | protocol.RequestClosed}
	playServer(t, service{cfg: cfg, text: opened + "WRITE FAILS\nWAIT 9999ms\nWAIT 1ms\n" + broken})
	playServer(t, service{cfg: cfg, text: opened + "WRITE FAILS\nEOF\n" + broken})
	playServer(t, service{cfg: cfg, text: opened + contentFollows + `
C: hi
WRITE FAILS
C: ho
C: .
= content: "hi\r\nho\r\n"
EOF
` + strings.Replace(broken, "lost", "lost before the end of data", 1)})
	playServer(t, service{cfg: cfg, text: opened + addressed + `
C: DATA
? DATA -> accept as data
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
C: .
= content: "hi\r\n"
WRITE FAILS
EOF
A: data 250
` + broken})
}

// Shutdown ends an idle session at once, and one with a transaction behind it.
func TestServerShutdown(t *testing.T) { // F28 C33 P50
	const down = "S: 421 4.3.2 mx.example is shutting down\n"
	cfg := protocol.ServerConfig{Requests: forMail | protocol.RequestClosed | protocol.RequestOther}
	playServer(t, service{cfg: cfg, text: opened + "A: shutdown\n= closed: connection: 421 4.3.2 mx.example is shutting down\n? closed\n" + down})
	playServer(t, service{cfg: cfg, text: opened + addressed + `
A: shutdown
C: DATA
? DATA -> accept as data
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
C: .
= content: "hi\r\n"
A: data 250
= closed: connection: 421 4.3.2 mx.example is shutting down
? closed
S: 250 2.0.0 ok
` + down})
	playServer(t, service{cfg: cfg, text: opened + addressed + `
A: shutdown
C: RSET
= closed: connection: 421 4.3.2 mx.example is shutting down
? closed
S: 250 2.0.0 ok
` + down})
	playServer(t, service{cfg: cfg, text: opened + `
C: XYZZY
? XYZZY -> as it
A: shutdown
A: it 250
= closed: connection: 421 4.3.2 mx.example is shutting down
? closed
S: 250 2.0.0 ok
` + down})
	// A client that sends the next message ahead is not served for as long as it likes.
	next := "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: DATA\n"
	playServer(t, service{cfg: cfg, text: opened + addressed + `
C: DATA
? DATA -> accept as first
S: 354 end data with <CR><LF>.<CR><LF>
A: shutdown
C: hi
C: .
` + next + `
= content: "hi\r\n"
A: first 250
= closed: MAIL: 421 4.3.2 mx.example is shutting down
? closed
S: 250 2.0.0 ok
` + down})
	playServer(t, service{cfg: cfg, text: opened + addressed + `
C: DATA
? DATA -> accept as first
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
C: .
C: MAIL FROM:<a@me.example>
C: RCPT TO:<b@mx.example>
= content: "hi\r\n"
? RCPT TO:<b@mx.example>
A: shutdown
A: first 250
S: 250 2.0.0 ok
S: 250 2.1.0 ok
S: 250 2.1.5 ok
C: RSET
= closed: connection: 421 4.3.2 mx.example is shutting down
? closed
S: 250 2.0.0 ok
` + down})
	// A transaction that does not go on has its timeout.
	playServer(t, service{cfg: cfg, text: opened + addressed + "A: shutdown\nWAIT 5m\n= closed: timeout: no command within 5m0s\n? closed\nS: 421 4.4.2 mx.example timed out\n"})
}

// End ends the session behind the replies that are due.
func TestServerEnd(t *testing.T) { // C33 C34
	playServer(t, service{text: opened + "A: end 421 4.7.0 enough of you\n= closed: connection: 421 4.7.0 enough of you\nS: 421 4.7.0 enough of you\nC: NOOP\n"})
	cfg := protocol.ServerConfig{Requests: forMail | protocol.RequestMail | protocol.RequestClosed}
	playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example> -> as it
A: end 421 4.7.0 enough of you
= closed: connection: 421 4.7.0 enough of you
? closed
S: 421 4.7.0 enough of you
A: it 250
= too late
`})
	playServer(t, service{cfg: mailServer, text: opened + contentFollows + `
C: hi
A: end 421 4.7.0 enough of you
= content: connection: 421 4.7.0 enough of you
= closed: connection: 421 4.7.0 enough of you
S: 421 4.7.0 enough of you
C: .
`})
}

// A 421 is the last reply, whatever it answers.
func TestServerAnswers421(t *testing.T) { // C33 H-R8
	for _, tt := range []struct{ line, request string }{
		{"EHLO me.example", "EHLO me.example"},
		{"MAIL FROM:<a@me.example>", "MAIL FROM:<a@me.example>"},
		{"NOOP", "NOOP"},
		{"RSET", "RSET"},
	} {
		cfg := protocol.ServerConfig{Requests: protocol.AllRequests &^ protocol.RequestConnect}
		text := "S: 220 mx.example ESMTP\n"
		if tt.line != "EHLO me.example" {
			text += "C: HELO me.example\n? HELO me.example\nS: 250 mx.example\n"
		}
		verb, _, _ := strings.Cut(tt.line, " ")
		said := "421 4.3.2 bye"
		if verb == "EHLO" {
			said = "421 bye" // RFC 2034 §4: no enhanced code there
		}
		playServer(t, service{ahead: true, cfg: cfg, text: text + "C: " + tt.line + "\nC: NOOP\n? " + tt.request + " -> 421 4.3.2 bye\n= closed: " + verb + ": " + said + "\n? closed\nS: " + said + "\n"})
	}
}

// However a session ends, RequestClosed comes once, and Err stays what it is.
func TestServerClosedOnce(t *testing.T) { // P43 F27
	ends := map[string]func(*serverMachine){
		"QUIT":         func(m *serverMachine) { m.send("QUIT\r\n") },
		"EOF":          func(m *serverMachine) { m.FeedEOF(m.now) },
		"Fail":         func(m *serverMachine) { m.Fail(m.now, io.ErrClosedPipe) },
		"End":          func(m *serverMachine) { m.End(reply(421, "bye")) },
		"Shutdown":     func(m *serverMachine) { m.Shutdown() },
		"timeout":      func(m *serverMachine) { m.now = m.Deadline(); m.Tick(m.now) },
		"write failed": func(m *serverMachine) { m.WriteFailed(m.now, io.ErrClosedPipe); m.FeedEOF(m.now) },
		"bad BDAT":     func(m *serverMachine) { m.send("BDAT x\r\n") },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			m := servedMachine(t, protocol.ServerConfig{Requests: protocol.RequestClosed})
			m.send("EHLO me.example\r\n")
			end(m)
			m.pump()
			err := m.Err()
			if err == nil || len(m.asked) != 1 {
				t.Fatalf("Err %v, %d requests", err, len(m.asked))
			}
			m.flush()
			for again, call := range ends {
				if again != "QUIT" && again != "bad BDAT" {
					m.now = m.now.Add(time.Second)
					call(m)
				}
			}
			m.Feed(m.now, []byte("NOOP\r\n"))
			m.Upgraded(m.now, protocol.TLSState{}, errors.New("no"))
			m.pump()
			if m.Err() != err || len(m.asked) != 1 || m.WantRead() || !m.Deadline().IsZero() || m.Upgrade() != nil {
				t.Errorf("behind the end: Err %v, was %v, %d requests, WantRead %v, deadline %v", m.Err(), err, len(m.asked), m.WantRead(), m.Deadline())
			}
			if r := m.asked[0]; r.AnswerDefault() || r.Answer(reply(250, "")) || r.Verb() != "" || r.Args() != "" {
				t.Error(fmt.Sprint("RequestClosed was answered: ", r.Verb(), r.Args()))
			}
			if s := m.flush(); s != "" {
				t.Errorf("it says %q behind its end", s)
			}
		})
	}
}

// Between STARTTLS and the end of the handshake nothing is said, whatever ends the
// session.
func TestServerEndsInHandshake(t *testing.T) { // H-T9 H-T10
	for _, implicit := range []bool{false, true} {
		for name, end := range map[string]func(*serverMachine){
			"End":      func(m *serverMachine) { m.End(reply(421, "bye")) },
			"Shutdown": func(m *serverMachine) { m.Shutdown() },
			"deadline": func(m *serverMachine) { m.SetDeadline(m.now); m.Tick(m.now) },
			"EOF":      func(m *serverMachine) { m.FeedEOF(m.now) },
		} {
			m := servedMachine(t, protocol.ServerConfig{TLS: true, ImplicitTLS: implicit})
			if !implicit {
				m.send("EHLO me.example\r\nSTARTTLS\r\n")
			}
			end(m)
			if s := m.flush(); s != "" {
				t.Errorf("implicit %v, %s: it says %q in clear", implicit, name, s)
			}
			if name != "Shutdown" && m.Err() == nil {
				t.Errorf("implicit %v, %s: the session goes on", implicit, name)
			}
			if name == "Shutdown" { // it waits, and then says why under TLS
				m.Upgraded(m.now, clientTLS, nil)
				m.pump()
				if s := m.flush(); !strings.HasSuffix(s, "421 4.3.2 mx.example is shutting down\r\n") || m.Err() == nil {
					t.Errorf("implicit %v: it says %q, Err %v", implicit, s, m.Err())
				}
			}
		}
	}
}

// A client that was refused is sent away by Shutdown like any other.
func TestServerShutdownOfRefused(t *testing.T) { // C33
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestConnect}, text: `
? connect -> 554 no mail for you
S: 554 no mail for you
A: shutdown
= closed: connection: 421 4.3.2 mx.example is shutting down
S: 421 4.3.2 mx.example is shutting down
`})
	// Ahead of the greeting too: that is the greeting then.
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestConnect}, text: `
? connect -> as it
A: shutdown
A: it default
= closed: connection: 421 4.3.2 mx.example is shutting down
S: 220 mx.example ESMTP
S: 421 4.3.2 mx.example is shutting down
`})
}
