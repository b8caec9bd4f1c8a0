package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// A server of which nothing was said is a careful one that takes no mail.
func TestServerWithoutConfiguration(t *testing.T) { // F25 F29 C36 C20 C21 P41 H-R42 C119
	playServer(t, service{text: opened + `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: RCPT TO:<b@mx.example>
S: 550 5.7.1 no mail is taken for this recipient
C: RCPT TO:<postmaster>
S: 550 5.7.1 no mail is taken for this recipient
C: RSET
S: 250 2.0.0 ok
C: NOOP
S: 250 2.0.0 ok
C: VRFY b
S: 252 2.1.5 cannot verify the user
C: EXPN list
S: 502 5.5.1 command not implemented
C: TURN
S: 502 5.5.1 command not implemented
C: ETRN mx.example
S: 502 5.5.1 command not implemented
C: STARTTLS
S: 502 5.5.1 command not implemented
C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
S: 502 5.5.1 command not implemented
C: XCLIENT NAME=localhost
S: 502 5.5.1 command not implemented
C: FROBNICATE this
S: 502 5.5.1 command not implemented
C: 250 ok
S: 502 5.5.1 command not implemented
C: <html>
S: 500 5.5.2 command not recognized
C:
S: 500 5.5.2 command not recognized
` + bye})
}

func TestServerHostname(t *testing.T) { // P39
	playServer(t, service{cfg: protocol.ServerConfig{Hostname: "a.host.example", Disable: allButCodes}, text: `
S: 220 a.host.example ESMTP
C: EHLO me.example
S: 250-a.host.example
S: 250 ENHANCEDSTATUSCODES
C: QUIT
S: 221 2.0.0 a.host.example closes the connection
= closed: EOF
`})
	s, err := protocol.NewServer(epoch, protocol.ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if got := joined(s.Output(epoch, nil, 100)); got != "220 localhost ESMTP\r\n" {
		t.Errorf("greeting of a server without a name: %q", got)
	}
}

// NOOP, HELP, EXPN, VRFY, RSET and QUIT are answered ahead of EHLO too.
func TestServerAnyTime(t *testing.T) { // C13 C21 C74
	const greeting = "S: 220 mx.example ESMTP\n"
	const any = `
C: NOOP
S: 250 2.0.0 ok
C: noop and whatever follows
S: 250 2.0.0 ok
C: HELP
S: 214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP QUIT HELP VRFY
C: HELP MAIL
S: 214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP QUIT HELP VRFY
C: EXPN list
S: 502 5.5.1 command not implemented
C: VRFY b SMTPUTF8
S: 252 2.1.5 cannot verify the user
`
	playServer(t, service{text: greeting + any + "C: RSET\nS: 250 2.0.0 ok\n" + bye})
	playServer(t, service{text: opened + any + bye})
	playServer(t, service{cfg: protocol.ServerConfig{Requests: forMail}, text: opened + addressed + any + `
C: DATA
? DATA
S: 354 end data with <CR><LF>.<CR><LF>
` + inContentEnd + bye})
}

const inContentEnd = `
C: hi
C: .
= content: "hi\r\n"
S: 250 2.0.0 ok
`

// What comes out of turn gets a 503, and changes nothing.
func TestServerOrder(t *testing.T) { // C52 C12 C14 C17 F26 P45
	cfg := protocol.ServerConfig{Requests: forMail}
	t.Run("before EHLO", func(t *testing.T) {
		playServer(t, service{cfg: cfg, text: `
S: 220 mx.example ESMTP
C: MAIL FROM:<a@me.example>
S: 503 5.5.1 say EHLO first
C: RCPT TO:<b@mx.example>
S: 503 5.5.1 say EHLO first
C: BDAT 6
C: QUIT
S: 503 5.5.1 say EHLO first
C: BDAT 6 LAST
C: QUIT
S: 503 5.5.1 say EHLO first
` + helloed("EHLO", byDefault...) + bye})
	})
	t.Run("DATA before EHLO", func(t *testing.T) {
		playServer(t, service{cfg: cfg, text: `
S: 220 mx.example ESMTP
C: DATA
S: 503 5.5.1 say EHLO first
` + helloed("EHLO", byDefault...) + bye})
	})
	t.Run("without MAIL", func(t *testing.T) {
		playServer(t, service{cfg: cfg, text: opened + `
C: RCPT TO:<b@mx.example>
S: 503 5.5.1 MAIL first
C: DATA
S: 503 5.5.1 MAIL first
` + contentFollows + inContentEnd + `
C: RCPT TO:<b@mx.example>
S: 503 5.5.1 MAIL first
C: DATA
S: 503 5.5.1 MAIL first
` + bye})
	})
	t.Run("without a recipient", func(t *testing.T) {
		playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: DATA
S: 503 5.5.1 no valid recipients
C: RCPT TO:<no@mx.example>
? RCPT TO:<no@mx.example> -> 550 5.1.1 no such user
S: 550 5.1.1 no such user
C: DATA
S: 503 5.5.1 no valid recipients
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example>
S: 250 2.1.5 ok
C: DATA
? DATA
S: 354 end data with <CR><LF>.<CR><LF>
` + inContentEnd + bye})
	})
	t.Run("nested MAIL", func(t *testing.T) {
		playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: MAIL FROM:<other@me.example>
S: 503 5.5.1 a transaction is open
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example>
S: 250 2.1.5 ok
C: MAIL FROM:<other@me.example>
S: 503 5.5.1 a transaction is open
C: DATA
? DATA -> do check
S: 354 end data with <CR><LF>.<CR><LF>
` + inContentEnd + bye, acts: map[string]func(*serving, protocol.Request){"check": func(s *serving, r protocol.Request) {
			if got := r.Mail().From.String(); got != "<a@me.example>" || r.Recipients() != 1 {
				t.Errorf("content from %s for %d", got, r.Recipients())
			}
			s.take(r)
		}}})
	})
	t.Run("refused MAIL opens nothing", func(t *testing.T) {
		playServer(t, service{cfg: protocol.ServerConfig{Requests: forMail | protocol.RequestMail}, text: opened + `
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example> -> 451 4.3.0 later
S: 451 4.3.0 later
C: RCPT TO:<b@mx.example>
S: 503 5.5.1 MAIL first
C: MAIL FROM:<b@me.example>
? MAIL FROM:<b@me.example>
S: 250 2.1.0 ok
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example>
S: 250 2.1.5 ok
` + bye})
	})
}

// A transaction is over with RSET, EHLO and HELO; the session is as it was.
func TestServerEndsTransactions(t *testing.T) { // C11 C19 C8
	cfg := protocol.ServerConfig{Requests: forMail | protocol.RequestReset}
	gone := "\nC: RCPT TO:<c@mx.example>\nS: 503 5.5.1 MAIL first\nC: DATA\nS: 503 5.5.1 MAIL first\n"
	playServer(t, service{cfg: cfg, text: opened + addressed + "C: RSET\n? RSET\nS: 250 2.0.0 ok\n" + gone +
		contentFollows + inContentEnd + bye})
	playServer(t, service{cfg: cfg, text: opened + addressed + helloed("EHLO", byDefault...) + gone + bye})
	playServer(t, service{cfg: cfg, text: opened + addressed + "C: HELO me.example\nS: 250 mx.example\n" + gone + bye})
	playServer(t, service{cfg: cfg, text: opened + addressed + `
C: EHLO
S: 501 domain: a host name ends too early at offset 0
C: RCPT TO:<c@mx.example>
? RCPT TO:<c@mx.example>
S: 250 2.1.5 ok
` + bye})
	playServer(t, service{cfg: cfg, text: opened + addressed + `
C: BDAT 3
C: abc\
? BDAT 3 -> accept
S: 250 2.0.0 3 octets
C: RSET
= content: message content: the transaction was reset
? RSET
S: 250 2.0.0 ok
` + gone + bye})
	playServer(t, service{cfg: cfg, text: opened + addressed + `
C: RSET now
S: 501 5.5.4 no arguments are allowed
` + bye})
}

// Nothing is done behind a command that ends the session, also where its own reply
// waits for others.
func TestServerNothingBehindTheEnd(t *testing.T) { // F26 C123
	cfg := protocol.ServerConfig{Requests: protocol.RequestMail | protocol.RequestRcpt | protocol.RequestOther}
	playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
C: RCPT TO:<b@mx.example>
C: GET / HTTP/1.1
C: NOOP
? MAIL FROM:<a@me.example> -> as mail
A: mail 250 2.1.0 ok
S: 250 2.1.0 ok
? RCPT TO:<b@mx.example> -> as rcpt
A: rcpt 250 2.1.5 ok
S: 250 2.1.5 ok
S: 554 5.5.0 this is no HTTP server
= closed: protocol error: HTTP on the SMTP port
`})
}

// Who a verb is for does not depend on its letter case; the case of a local part stays.
func TestServerLetterCase(t *testing.T) { // C3 P40
	cfg := protocol.ServerConfig{Requests: protocol.AllRequests &^ protocol.RequestConnect &^ protocol.RequestClosed}
	playServer(t, service{cfg: cfg, text: `
S: 220 mx.example ESMTP
C: ehlo Me.Example
? EHLO Me.Example
S: 250-mx.example
S: 250-PIPELINING
S: 250-SIZE 67108864
S: 250-8BITMIME
S: 250-BINARYMIME
S: 250-CHUNKING
S: 250-SMTPUTF8
S: 250 ENHANCEDSTATUSCODES
C: mAiL fRoM:<A.a@Me.Example> bOdY=8bitMime sIzE=2
? MAIL fRoM:<A.a@Me.Example> bOdY=8bitMime sIzE=2 -> do mail
S: 250 2.1.0 ok
C: rcpt to:<B.b@Mx.Example>
? RCPT to:<B.b@Mx.Example> -> do rcpt
S: 250 2.1.5 ok
C: data
? DATA
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
C: .
= content: "hi\r\n"
S: 250 2.0.0 ok
C: mail from:<a@b.example>
? MAIL from:<a@b.example>
S: 250 2.1.0 ok
C: rcpt to:<b@mx.example>
? RCPT to:<b@mx.example>
S: 250 2.1.5 ok
C: bdat 0 last
? BDAT 0 last
= content: ""
S: 250 2.0.0 ok
C: nOOp
? NOOP
S: 250 2.0.0 ok
C: xyzzy  and  more \t
? XYZZY and  more -> 250 2.0.0 nothing happens
S: 250 2.0.0 nothing happens
C: rSet
? RSET
S: 250 2.0.0 ok
C: vrfy You
? VRFY You
S: 252 2.1.5 cannot verify the user
C: quit
? QUIT
S: 221 2.0.0 mx.example closes the connection
= closed: EOF
`, acts: map[string]func(*serving, protocol.Request){
		"mail": func(s *serving, r protocol.Request) {
			if m := r.Mail(); m.From.String() != "<A.a@Me.Example>" || m.Body.String() != "8BITMIME" || m.Size != 2 {
				t.Errorf("MAIL: %+v", m)
			}
			s.take(r)
		},
		"rcpt": func(s *serving, r protocol.Request) {
			if got := r.Recipient().Path.String(); got != "<B.b@Mx.Example>" {
				t.Errorf("RCPT: %s", got)
			}
			s.take(r)
		},
	}})
}

// The verbs of a request's own kinds, and nothing else, reach what was asked for; no
// client can name what is not a verb.
func TestServerRequests(t *testing.T) { // P40 P41 P48 P43
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestOther}, text: opened + `
C: EXPN staff
? EXPN staff -> 250 2.0.0 <a@mx.example>\n<b@mx.example>
S: 250-2.0.0 <a@mx.example>
S: 250 2.0.0 <b@mx.example>
C: TURN
? TURN
S: 502 5.5.1 command not implemented
C: ETRN x
? ETRN x -> 250
S: 250 2.0.0 ok
C: HELP
? HELP -> 214 ask your mother
S: 214 2.0.0 ask your mother
C: CONNECTED
? CONNECTED
S: 502 5.5.1 command not implemented
C: closed
? CLOSED
S: 502 5.5.1 command not implemented
C: gotDATA
? GOTDATA
S: 502 5.5.1 command not implemented
C: _default
S: 500 5.5.2 command not recognized
` + bye})
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestConnect | protocol.RequestClosed}, text: `
? connect -> 220 2.0.0 the name says it
S: 220 the name says it
C: NOOP
S: 250 2.0.0 ok
EOF
= closed: EOF
? closed
`})
}

// Scenario 11: a server that has handlers for HELO and QUIT, and 502 for the rest.
func TestServerWithTwoHandlers(t *testing.T) { // P41 P42 P44
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.AllRequests &^ protocol.RequestClosed}, text: `
? connect
S: 220 mx.example ESMTP
C: HELO relay.perl.org
? HELO relay.perl.org -> 250 Welcome.
S: 250 mx.example Welcome.
C: mail from: <foo@perl.org>
? MAIL from: <foo@perl.org> -> 502 not implemented
S: 502 5.0.0 not implemented
C: rcpt to: <foo@perl.org>
S: 503 5.5.1 MAIL first
C: quit
? QUIT
S: 221 2.0.0 mx.example closes the connection
= closed: EOF
`})
}

// A reply is one line, many lines, or a code alone.
func TestServerAnswers(t *testing.T) { // C27 P42 C28 C29 C30 C40 C100 H-I8
	long := strings.Repeat("0123456789 ", 60)
	tests := []struct{ answer, reply string }{
		{"250", "250 2.0.0 ok"},
		{"250 fine", "250 2.0.0 fine"},
		{"250 2.5.0 fine", "250 2.5.0 fine"},
		{`250 one\ntwo\nthree`, "250-2.0.0 one\nS: 250-2.0.0 two\nS: 250 2.0.0 three"},
		{`550 5.7.0 no\n\n`, "550-5.7.0 no\nS: 550-5.7.0\\x20\nS: 550 5.7.0\\x20"},
		{"451", "451 4.0.0 local error in processing"},
		{"250 4.1.0 wrong class", "250 2.0.0 wrong class"},
		{"454 " + long, "454-4.0.0 " + strings.TrimRight(long[:495], " ") + "\nS: 454 4.0.0 " + strings.TrimRight(long[495:], " ")},
		{"211 state", "211 2.0.0 state"},
	}
	for _, tt := range tests {
		playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestOther}, text: opened + fmt.Sprintf(`
C: XYZZY
? XYZZY -> %s
S: %s
C: NOOP
? NOOP
S: 250 2.0.0 ok
`, tt.answer, tt.reply)})
	}
}
