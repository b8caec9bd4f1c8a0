package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// Fifty recipients in one flight are answered in one write.
func TestServerAnswersInOneWrite(t *testing.T) { // C55 F28
	var flight, want strings.Builder
	flight.WriteString("MAIL FROM:<a@me.example>\r\n")
	want.WriteString("250 2.1.0 ok\r\n")
	for i := range 50 {
		fmt.Fprintf(&flight, "RCPT TO:<u%d@mx.example>\r\n", i)
		want.WriteString("250 2.1.5 ok\r\n")
	}
	flight.WriteString("DATA\r\n")
	want.WriteString("354 end data with <CR><LF>.<CR><LF>\r\n")
	m := servedMachine(t, mailServer)
	m.answerAll()
	m.send("EHLO me.example\r\n")
	if n := m.feed(flight.String()); n != flight.Len() {
		t.Fatalf("it takes %d of %d octets", n, flight.Len())
	}
	chunks := m.Output(m.now, nil, 1<<20)
	if got := joined(chunks); got != want.String() {
		t.Errorf("one write has %q", got)
	}
	m.Wrote(m.now, int64(want.Len()))
	if s := m.lend(1 << 20); s != "" {
		t.Errorf("a second write has %q", s)
	}
}

// What is answered out of order leaves in order.
func TestServerAnswersOutOfOrder(t *testing.T) { // C32 C55 C51
	cfg := protocol.ServerConfig{Requests: forMail | protocol.RequestMail}
	playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
C: RCPT TO:<b@mx.example>
C: RCPT TO:<c@mx.example>
C: RCPT TO:<d@mx.example>
C: DATA
? MAIL FROM:<a@me.example> -> as mail
A: mail 250
? RCPT TO:<b@mx.example> -> as b
? RCPT TO:<c@mx.example> -> as c
? RCPT TO:<d@mx.example> -> as d
S: 250 2.1.0 ok
A: d 250 2.1.5 d
A: c 550 5.1.1 c
A: b 251 2.1.5 b
? DATA -> as data
S: 251 2.1.5 b
S: 550 5.1.1 c
S: 250 2.1.5 d
A: data accept as data
S: 354 end data with <CR><LF>.<CR><LF>
C: one
C: .
C: MAIL FROM:<two@me.example>
C: RCPT TO:<b@mx.example>
C: NOOP
= content: "one\r\n"
? MAIL FROM:<two@me.example> -> 250 2.1.0 next
? RCPT TO:<b@mx.example> -> as b
A: b 250 2.1.5 next
A: data 250 2.6.0 queued
S: 250 2.6.0 queued
S: 250 2.1.0 next
S: 250 2.1.5 next
S: 250 2.0.0 ok
` + bye})
}

// What has to wait does not show before its time, and what a handler sees does not
// depend on how fast it is.
func TestServerGates(t *testing.T) { // C12 C32 C56
	cfg := protocol.ServerConfig{TLS: true, Mechanisms: mechanisms, Requests: protocol.AllRequests &^ protocol.RequestConnect &^ protocol.RequestClosed}
	offer := "S: 220 mx.example ESMTP\n" + strings.Replace(helloed("EHLO", plus("STARTTLS", "AUTH XTEST")...), "EHLO me.example\n", "EHLO me.example\n? EHLO me.example\n", 1)
	behindMail := []string{"RCPT TO:<b@mx.example>", "MAIL FROM:<b@me.example>", "DATA", "EHLO me.example", "AUTH XTEST", "STARTTLS", "QUIT"}
	// Refused, the MAIL before them changes what they come to.
	after := map[string][2]string{
		"RCPT TO:<b@mx.example>":   {"? RCPT TO:<b@mx.example>\n", "S: 250 2.1.5 ok\n"},
		"MAIL FROM:<b@me.example>": {"", "S: 503 5.5.1 a transaction is open\n"},
		"DATA":                     {"", "S: 503 5.5.1 no valid recipients\n"},
		"EHLO me.example":          {"? EHLO me.example\n", strings.SplitAfterN(offer, "? EHLO me.example\n", 2)[1]},
		"AUTH XTEST":               {"", "S: 503 5.5.1 a transaction is open\n"},
		"STARTTLS":                 {"? STARTTLS\n", "S: 220 2.0.0 ready to start TLS\n"},
		"QUIT":                     {"? QUIT\n= closed: EOF\n", "S: 221 2.0.0 mx.example closes the connection\n"},
	}
	refused := map[string][2]string{
		"RCPT TO:<b@mx.example>":   {"", "S: 503 5.5.1 MAIL first\n"},
		"MAIL FROM:<b@me.example>": {"? MAIL FROM:<b@me.example>\n", "S: 250 2.1.0 ok\n"},
		"DATA":                     {"", "S: 503 5.5.1 MAIL first\n"},
		"AUTH XTEST":               {"? AUTH XTEST -> 535 5.7.8 no\n", "S: 535 5.7.8 no\n"},
	}
	for _, command := range behindMail {
		t.Run(command, func(t *testing.T) {
			begun := offer + "C: MAIL FROM:<a@me.example>\nC: " + command + "\n? MAIL FROM:<a@me.example> -> as mail\n"
			then := after[command]
			playServer(t, service{cfg: cfg, text: begun + "A: mail 250\n" + then[0] + "S: 250 2.1.0 ok\n" + then[1]})
			if no, has := refused[command]; has {
				then = no
			}
			playServer(t, service{cfg: cfg, text: begun + "A: mail 451 4.3.0 no\n" + then[0] + "S: 451 4.3.0 no\n" + then[1]})
		})
	}
}

// DATA and BDAT wait for all recipients.
func TestServerGatesContent(t *testing.T) { // C12 C32
	for _, tt := range []struct{ line, request, yes string }{
		{"C: DATA", "? DATA", "S: 354 end data with <CR><LF>.<CR><LF>"},
		{"C: BDAT 0 LAST", "? BDAT 0 LAST -> accept", "= content: \"\"\nA: do nothing"},
	} {
		begun := opened + "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: RCPT TO:<c@mx.example>\n" + tt.line + `
? RCPT TO:<b@mx.example> -> as b
? RCPT TO:<c@mx.example> -> as c
S: 250 2.1.0 ok
A: c 250
A: b 550 5.1.1 no
` + tt.request + "\n"
		settled := ""
		if strings.HasPrefix(tt.yes, "=") {
			settled, tt.yes, _ = strings.Cut(tt.yes, "\n")
			settled += "\n"
		}
		playServer(t, service{cfg: mailServer, text: begun + settled + "S: 550 5.1.1 no\nS: 250 2.1.5 ok\n" + tt.yes + "\n",
			acts: map[string]func(*serving, protocol.Request){"nothing": func(*serving, protocol.Request) {}}})
		begun = strings.Replace(begun, "A: c 250", "A: c 450 4.2.1 busy", 1)
		begun = strings.TrimSuffix(begun, tt.request+"\n")
		playServer(t, service{cfg: mailServer, text: begun + "S: 550 5.1.1 no\nS: 450 4.2.1 busy\nS: 503 5.5.1 no valid recipients\n"})
	}
}

// NOOP and its like do not wait for anybody, though their replies do.
func TestServerGatesNothingElse(t *testing.T) { // C13 C32
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestMail | protocol.RequestOther}, text: opened + `
C: MAIL FROM:<a@me.example>
C: NOOP
C: VRFY b
? MAIL FROM:<a@me.example> -> as mail
? NOOP
? VRFY b -> 250 2.1.5 <b@mx.example>
A: mail 250
S: 250 2.1.0 ok
S: 250 2.0.0 ok
S: 250 2.1.5 <b@mx.example>
` + bye})
}

// A transaction that RSET ended has its late answers too, and they touch nothing.
func TestServerResetWithAnswersDue(t *testing.T) { // C19 C32
	playServer(t, service{cfg: protocol.ServerConfig{Requests: forMail | protocol.RequestMail | protocol.RequestReset}, text: opened + `
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: RCPT TO:<b@mx.example>
C: RSET
C: MAIL FROM:<c@me.example>
C: DATA
? RCPT TO:<b@mx.example> -> as b
? RSET
? MAIL FROM:<c@me.example>
A: b 250
S: 250 2.1.5 ok
S: 250 2.0.0 ok
S: 250 2.1.0 ok
S: 503 5.5.1 no valid recipients
` + bye})
}

// The verdict on one message does not hold up the requests of the next.
func TestServerNextMessageDoesNotWait(t *testing.T) { // C121
	one := "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: BDAT 1 LAST\nC: "
	playServer(t, service{cfg: mailServer, text: opened + one + "1" + strings.TrimPrefix(one, "C: ") + "2" + strings.TrimPrefix(one, "C: ") + `3NOOP
? RCPT TO:<b@mx.example>
? BDAT 1 LAST -> accept as one
= content: "1"
? RCPT TO:<b@mx.example>
? BDAT 1 LAST -> accept as two
= content: "2"
? RCPT TO:<b@mx.example>
? BDAT 1 LAST -> accept as three
= content: "3"
S: 250 2.1.0 ok
S: 250 2.1.5 ok
A: three 250 2.6.0 three
A: one 250 2.6.0 one
S: 250 2.6.0 one
S: 250 2.1.0 ok
S: 250 2.1.5 ok
A: two 554 5.6.0 two
S: 554 5.6.0 two
S: 250 2.1.0 ok
S: 250 2.1.5 ok
S: 250 2.6.0 three
S: 250 2.0.0 ok
` + bye})
}

// Nothing behind QUIT is answered or asked, however fast the client is.
func TestServerNothingBehindQuit(t *testing.T) { // F26 C22 P44
	playServer(t, service{cfg: mailServer, ahead: true, text: opened + addressed + `
C: QUIT
C: RCPT TO:<c@mx.example>
C: DATA
C: NOOP
S: 221 2.0.0 mx.example closes the connection
= closed: EOF
`})
	cfg := protocol.ServerConfig{Requests: protocol.RequestQuit | protocol.RequestOther}
	playServer(t, service{cfg: cfg, ahead: true, text: opened + `
C: QUIT
C: NOOP
? QUIT -> as it
A: it 221 2.0.0 so long
S: 221 2.0.0 so long
= closed: EOF
`})
	// QUIT waits for what is due.
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestMail | protocol.RequestQuit}, ahead: true, text: opened + `
C: MAIL FROM:<a@me.example>
C: QUIT
C: NOOP
? MAIL FROM:<a@me.example> -> as it
A: it 250
? QUIT
S: 250 2.1.0 ok
S: 221 2.0.0 mx.example closes the connection
= closed: EOF
`})
}
