package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

var lmtpServer = protocol.ServerConfig{LMTP: true, Requests: forMail}

const threeRecipients = `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example>
S: 250 2.1.5 ok
C: RCPT TO:<no@mx.example>
? RCPT TO:<no@mx.example> -> 550 5.1.1 no such user
S: 550 5.1.1 no such user
C: RCPT TO:<c@mx.example>
? RCPT TO:<c@mx.example>
S: 250 2.1.5 ok
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example>
S: 250 2.1.5 ok
`

// A verdict for each accepted recipient, in order; one given twice counts twice.
func TestServerLMTP(t *testing.T) { // C107 C109 H-R17
	data := "C: DATA\n%\nS: 354 end data with <CR><LF>.<CR><LF>\nC: hi\nC: .\n= content: \"hi\\r\\n\"\n"
	tests := []struct{ answer, verdicts string }{
		{"? DATA", "S: 250 2.0.0 ok\nS: 250 2.0.0 ok\nS: 250 2.0.0 ok\n"},
		{"? DATA -> each: 250 2.1.5 b has it | 452 4.2.2 full | 250 2.1.5 again", "S: 250 2.1.5 b has it\nS: 452 4.2.2 full\nS: 250 2.1.5 again\n"},
		{`? DATA -> each: 250 2.1.5 b\nhas it | 250 | 550 5.2.2 no`, "S: 250-2.1.5 b\nS: 250 2.1.5 has it\nS: 250 2.0.0 ok\nS: 550 5.2.2 no\n"},
		{"? DATA -> accept as it", "A: it each 2 250 2.1.5 third\nA: it each 0 451 4.2.0 first\nS: 451 4.2.0 first\nA: it each 1 250 2.1.5 second\nS: 250 2.1.5 second\nS: 250 2.1.5 third\n"},
		{"? DATA -> accept as it", "A: it each 1 250 2.1.5 second\nA: it each 1 250 2.1.5 twice\n= too late\nA: it 451 4.3.0 all others\nS: 451 4.3.0 all others\nS: 250 2.1.5 second\nS: 451 4.3.0 all others\nA: it each 0 250\n= too late\n"},
		{"? DATA -> accept: 550 5.7.1 spam", "S: 550 5.7.1 spam\nS: 550 5.7.1 spam\nS: 550 5.7.1 spam\n"},
	}
	for _, tt := range tests {
		playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + strings.Replace(data, "%", tt.answer, 1) + tt.verdicts + bye})
	}
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + `
C: DATA
? DATA -> 451 4.3.0 not now
S: 451 4.3.0 not now
` + bye})
}

// Verdicts that come before the content is whole wait for it, each; a 421 is the last.
func TestServerLMTPEarlyVerdicts(t *testing.T) { // C107 C33
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + `
C: DATA
? DATA -> accept as it
S: 354 end data with <CR><LF>.<CR><LF>
A: it each 1 452 4.2.2 full
C: hi
A: it each 0 250 2.1.5 one
C: .
= content: "hi\r\n"
S: 250 2.1.5 one
S: 452 4.2.2 full
A: it each 2 250 2.1.5 three
S: 250 2.1.5 three
` + bye})
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + `
C: DATA
? DATA -> each: 250 2.1.5 one | 421 4.3.2 bye | 250 2.1.5 three
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
C: .
= content: "hi\r\n"
= closed: end of data: 421 4.3.2 bye
S: 250 2.1.5 one
S: 421 4.3.2 bye
`})
	// The session can be over in the middle of the verdicts.
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + `
C: DATA
? DATA -> accept as it
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
C: .
= content: "hi\r\n"
A: it each 0 250
S: 250 2.0.0 ok
RESET
= closed: connection lost: connection reset
A: it each 1 250
= too late
A: it 250
= too late
`})
}

// What the machine itself refuses is refused for each.
func TestServerLMTPRefusesContent(t *testing.T) { // C107 H-R17 H-R18
	cfg := lmtpServer
	cfg.MaxContent = 5
	playServer(t, service{cfg: cfg, text: strings.Replace(openedLMTP, "67108864", "5", 1) + threeRecipients + `
C: DATA
? DATA -> early: 250
S: 354 end data with <CR><LF>.<CR><LF>
C: 123456
C: .
= content: message content: more octets than the server takes
S: 552 5.3.4 message too large
S: 552 5.3.4 message too large
S: 552 5.3.4 message too large
` + bye})
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + `
C: DATA
? DATA
S: 354 end data with <CR><LF>.<CR><LF>
C: a\nb
C: .
= content: message content: bare CR or LF
S: 550 5.6.0 bare CR or LF in the content
S: 550 5.6.0 bare CR or LF in the content
S: 550 5.6.0 bare CR or LF in the content
` + bye})
}

func TestServerLMTPChunks(t *testing.T) { // C118 H-R17
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + `
C: BDAT 2
C: hiBDAT 1 LAST
C: !NOOP
? BDAT 2 -> each: 250 2.1.5 one | 450 4.2.1 two | 250 2.1.5 three
= content: "hi!"
S: 250 2.0.0 2 octets
S: 250 2.1.5 one
S: 450 4.2.1 two
S: 250 2.1.5 three
S: 250 2.0.0 ok
` + bye})
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: BDAT 6 LAST
C: QUIT
S: 503 5.5.1 no valid recipients
C: DATA
S: 503 5.5.1 no valid recipients
` + bye})
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + `
C: BDAT 2
C: hi\
? BDAT 2 -> 452 4.3.1 full
S: 452 4.3.1 full
C: BDAT 6 LAST
C: QUIT
S: 503 5.5.1 a chunk of this message was refused
S: 503 5.5.1 a chunk of this message was refused
S: 503 5.5.1 a chunk of this message was refused
` + bye})
	// Refused or not, the last chunk has a reply for each: the client counts on them.
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + `
C: BDAT 2 LAST
C: hiNOOP
? BDAT 2 LAST -> 452 4.3.1 full
S: 452 4.3.1 full
S: 452 4.3.1 full
S: 452 4.3.1 full
S: 250 2.0.0 ok
` + bye})
	playServer(t, service{cfg: lmtpServer, text: openedLMTP + threeRecipients + `
C: BDAT 2 LAST
C: hi\
? BDAT 2 LAST -> 421 4.3.2 bye
S: 421 4.3.2 bye
= closed: BDAT: 421 4.3.2 bye
`})
}

// LMTP has LHLO and no other; SMTP has it not.
func TestServerLMTPHello(t *testing.T) { // C106 C108
	playServer(t, service{cfg: lmtpServer, text: `
S: 220 mx.example LMTP
C: EHLO me.example
S: 500 not the greeting of this protocol
C: HELO me.example
S: 500 not the greeting of this protocol
C: MAIL FROM:<a@me.example>
S: 503 5.5.1 say LHLO first
` + helloed("LHLO", byDefault...) + `
C: DATA
S: 503 5.5.1 MAIL first
` + bye})
	playServer(t, service{text: `
S: 220 mx.example ESMTP
C: LHLO me.example
S: 500 not the greeting of this protocol
` + bye})
}

// A verdict for a recipient that there is not is a mistake of the application's, and takes
// nobody else's.
func TestServerLMTPNoSuchRecipient(t *testing.T) { // C107
	for _, i := range []int{-1, 2} {
		m := servedMachine(t, lmtpServer)
		m.send("LHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\n")
		m.asked[0].Answer(reply(250, ""))
		m.asked[1].Answer(reply(250, ""))
		m.send("DATA\r\n")
		r := m.asked[2]
		r.AcceptContent(nil)
		m.send("hi\r\n.\r\n")
		panicked := func() (did bool) {
			defer func() { did = recover() != nil }()
			r.AnswerEach(i, reply(250, ""))
			return
		}()
		if !panicked {
			t.Errorf("verdict %d of 2 is taken", i)
		}
		if m.flush() != "" || !r.Answer(reply(250, "")) || m.flush() != "250 2.0.0 ok\r\n250 2.0.0 ok\r\n" {
			t.Errorf("behind verdict %d the others are lost", i)
		}
	}
}
