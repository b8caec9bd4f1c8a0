package protocol_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

var mailServer = protocol.ServerConfig{Requests: forMail}

// Only CRLF . CRLF ends content, and what follows something that looks like it never
// runs as a command.
func TestServerEndOfData(t *testing.T) { // C1 C2 C18 C37 F26 P45 H-I
	smuggled := "MAIL FROM:<evil@me.example>\\r\\n"
	ends := []string{
		"\\n.\\n", "\\n.\\r\\n", "\\r\\n.\\n", "\\r.\\r", "\\r.\\r\\n", "\\r\\n.\\r", "\\r\\r\\n.\\r\\r\\n",
		"\\r\\n\\x00.\\r\\n", "\\x00.\\r\\n", "\\r\\n.\\x00\\r\\n", "\\r\\n.\\x00\\n", "\\n\\r.\\r\\n", "\\r\\n.\\n\\r\\n", "\\x85.\\x85",
		"\\r\\n \\r\\n", "\\r\\n. \\r\\n", "\\r\\n.\\t\\r\\n", "\\n\\n.\\n\\n", "\\r\\n.\\r.\\r\\n",
	}
	// One dot at the start of a line goes, whatever stands behind it.
	unstuffed := strings.NewReplacer("\\r\\n.", "\\r\\n")
	for _, policy := range []protocol.BareEOL{protocol.BareEOLRefuse, protocol.BareEOLVerbatim} {
		for _, end := range ends {
			cfg := mailServer
			cfg.BareEOL = policy
			content := "hi" + end + smuggled + "RCPT TO:<c@mx.example>\\r\\nDATA\\r\\nevil\\r\\n"
			what := `= content: "` + unstuffed.Replace(content) + `"` + "\nS: 250 2.0.0 ok"
			bare := strings.ReplaceAll(end, "\\r\\n", "")
			if policy == protocol.BareEOLRefuse && strings.ContainsAny(strings.ReplaceAll(strings.ReplaceAll(bare, "\\x00", ""), "\\t", ""), "rn") {
				what = "= content: message content: bare CR or LF\nS: 550 5.6.0 bare CR or LF in the content"
			}
			playServer(t, service{cfg: cfg, text: opened + contentFollows + "C: " + content + ".\n" + what + "\n" + bye})
		}
	}
}

// The first dot of a line goes if something follows, and the lone dot ends content at
// its very start too.
func TestServerUnstuffs(t *testing.T) { // C37 C124 F11 F26
	tests := []struct{ wire, content string }{
		{".", ""},
		{"\\r\\n.", "\\r\\n"},
		{"..\\r\\n.", ".\\r\\n"},
		{"...\\r\\n.", "..\\r\\n"},
		{".x\\r\\n.", "x\\r\\n"},
		{"x.\\r\\n.y.\\r\\n.", "x.\\r\\ny.\\r\\n"},
		{"a\\r\\n\\r\\n..\\r\\n\\r\\n.", "a\\r\\n\\r\\n.\\r\\n\\r\\n"},
		{"Return-Path: <x@y.example>\\r\\nReceived: by me\\r\\n\\r\\n.", "Return-Path: <x@y.example>\\r\\nReceived: by me\\r\\n\\r\\n"},
		{"\\x00\\xff\\x80 \\t\\r\\n.", "\\x00\\xff\\x80 \\t\\r\\n"},
	}
	for _, tt := range tests {
		playServer(t, service{cfg: mailServer, text: opened + contentFollows + "C: " + tt.wire + "\n= content: " +
			quotedOctets(t, tt.content) + "\nS: 250 2.0.0 ok\n" + bye})
	}
}

// quotedOctets is content as its future shows it.
func quotedOctets(t *testing.T, s string) string {
	t.Helper()
	return strconv.Quote(string(octets(t, s+`\`)))
}

// Messages follow each other in one flight, and nothing of one is in the next.
func TestServerManyMessages(t *testing.T) { // F26 C32 C54 C55
	flight := "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: DATA\n"
	playServer(t, service{cfg: mailServer, text: opened + flight + `
? RCPT TO:<b@mx.example>
? DATA
S: 250 2.1.0 ok
S: 250 2.1.5 ok
S: 354 end data with <CR><LF>.<CR><LF>
C: one
C: .
C: MAIL FROM:<a@me.example>
C: RCPT TO:<c@mx.example>
C: DATA
= content: "one\r\n"
? RCPT TO:<c@mx.example>
? DATA
S: 250 2.0.0 ok
S: 250 2.1.0 ok
S: 250 2.1.5 ok
S: 354 end data with <CR><LF>.<CR><LF>
C: two
C: .
C: RSET
C: NOOP
= content: "two\r\n"
S: 250 2.0.0 ok
S: 250 2.0.0 ok
S: 250 2.0.0 ok
` + bye})
}

// The verdict is what the application says, at the end of the content at the earliest.
func TestServerVerdict(t *testing.T) { // C31 C121 P45 C22
	data := "C: DATA\n"
	reply := "S: 354 end data with <CR><LF>.<CR><LF>\n"
	tests := []struct{ name, answer, then string }{
		{"taken", "? DATA -> accept: 250 2.6.0 queued as 1", "C: hi\nC: .\n= content: \"hi\\r\\n\"\nS: 250 2.6.0 queued as 1\n"},
		{"refused", "? DATA -> accept: 554 5.7.1 spam", "C: hi\nC: .\n= content: \"hi\\r\\n\"\nS: 554 5.7.1 spam\n"},
		{"later", "? DATA -> accept as one", "C: hi\nC: .\n= content: \"hi\\r\\n\"\nWAIT 2h\nA: one 250 2.6.0 at last\nS: 250 2.6.0 at last\n"},
		{"early", "? DATA -> early: 250 2.6.0 queued", "C: hi\nC: .\n= content: \"hi\\r\\n\"\nS: 250 2.6.0 queued\n"},
		{"many lines", `? DATA -> accept: 250 2.6.0 one\ntwo`, "C: hi\nC: .\n= content: \"hi\\r\\n\"\nS: 250-2.6.0 one\nS: 250 2.6.0 two\n"},
		{"421", "? DATA -> accept: 421 4.3.2 that was too much", "C: hi\nC: .\n= content: \"hi\\r\\n\"\nS: 421 4.3.2 that was too much\n= closed: DATA: 421 4.3.2 that was too much\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := opened + addressed + data + tt.answer + "\n" + reply + tt.then
			if !strings.Contains(tt.then, "closed") {
				text += "C: RCPT TO:<b@mx.example>\nS: 503 5.5.1 MAIL first\n" + bye
			}
			playServer(t, service{cfg: mailServer, text: text})
		})
	}
}

// DATA can be refused as well, and the transaction stays open then.
func TestServerRefusesData(t *testing.T) { // C17 F26 C108
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: DATA
? DATA -> 451 4.3.0 not now
S: 451 4.3.0 not now
C: RSET
S: 250 2.0.0 ok
` + contentFollows + inContentEnd + bye})
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestRcpt}, text: opened + addressed + `
C: DATA
S: 554 5.3.2 no mail is taken here
` + bye})
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: DATA now
S: 501 5.5.4 no arguments are allowed
` + bye})
}

// Content that comes ahead of a refusal of DATA never runs as commands.
func TestServerContentAheadOfRefusal(t *testing.T) { // F26 C54
	const ahead = "C: MAIL FROM:<evil@me.example>\nC: .\n"
	cases := []struct{ name, text string }{
		{"refused at once", opened + addressed + "C: DATA\n" + ahead + "? DATA -> 451 4.3.0 not now\nS: 451 4.3.0 not now\nS: 554 5.5.0 content ahead of the 354\n"},
		{"refused later", opened + addressed + "C: DATA\n" + ahead + "? DATA -> as it\nA: it 451 4.3.0 not now\nS: 451 4.3.0 not now\nS: 554 5.5.0 content ahead of the 354\n"},
		{"out of turn", opened + "C: DATA\n" + ahead + "S: 503 5.5.1 MAIL first\nS: 554 5.5.0 content ahead of the 354\n"},
		{"no recipient", opened + "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: DATA\n" + ahead + `
? RCPT TO:<b@mx.example> -> 550 5.1.1 no such user
S: 250 2.1.0 ok
S: 550 5.1.1 no such user
S: 503 5.5.1 no valid recipients
S: 554 5.5.0 content ahead of the 354
`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			playServer(t, service{cfg: mailServer, ahead: true, text: c.text + "= closed: protocol error: content ahead of the reply to DATA\n"})
		})
	}
	// Taken, it is content.
	playServer(t, service{cfg: mailServer, ahead: true, text: opened + addressed + "C: DATA\n" + ahead + `
? DATA
= content: "MAIL FROM:<evil@me.example>\r\n"
S: 354 end data with <CR><LF>.<CR><LF>
S: 250 2.0.0 ok
` + bye})
	playServer(t, service{cfg: mailServer, ahead: true, text: opened + addressed + "C: DATA\n" + ahead + `
? DATA -> as it
A: it accept: 250 2.0.0 well
= content: "MAIL FROM:<evil@me.example>\r\n"
S: 354 end data with <CR><LF>.<CR><LF>
S: 250 2.0.0 well
` + bye})
}

// Content over the limit is read to its end, and refused there.
func TestServerTooLarge(t *testing.T) { // C58 C59 H-R18 F28
	cfg := mailServer
	cfg.MaxContent = 10
	open := strings.Replace(opened, "67108864", "10", 1)
	for _, tt := range []struct{ content, outcome string }{
		{"12345678", "= content: \"12345678\\r\\n\"\nS: 250 2.0.0 ok"},
		{"..234567", "= content: \".234567\\r\\n\"\nS: 250 2.0.0 ok"},
		{"..2345678", "= content: \".2345678\\r\\n\"\nS: 250 2.0.0 ok"},
		{"123456789", "= content: message content: more octets than the server takes\nS: 552 5.3.4 message too large"},
		{"12345678901234567890", "= content: message content: more octets than the server takes\nS: 552 5.3.4 message too large"},
		{"123\\nMAIL FROM:<x@y.example>", "= content: message content: more octets than the server takes\nS: 552 5.3.4 message too large"},
	} {
		playServer(t, service{cfg: cfg, text: open + contentFollows + "C: " + tt.content + "\nC: .\n" + tt.outcome + "\n" + contentFollows + inContentEnd + bye})
	}
	playServer(t, service{cfg: cfg, text: open + `
C: MAIL FROM:<a@me.example> SIZE=11
S: 552 5.3.4 message too large
C: MAIL FROM:<a@me.example> SIZE=10
S: 250 2.1.0 ok
` + bye})
	// A verdict that came early gives way.
	playServer(t, service{cfg: cfg, text: open + addressed + `
C: DATA
? DATA -> early: 250 2.0.0 queued
S: 354 end data with <CR><LF>.<CR><LF>
C: 12345678901234567890
C: .
= content: message content: more octets than the server takes
S: 552 5.3.4 message too large
` + bye})
	cfg.MaxContent = -1
	playServer(t, service{cfg: cfg, text: strings.Replace(opened, " 67108864", "", 1) + "C: MAIL FROM:<a@me.example> SIZE=99999999999999999999\nS: 250 2.1.0 ok\n" + bye})
}

// Lines of any length are content, and so is more than RFC 5321 wants.
func TestServerLongContent(t *testing.T) { // C41 C42 H-R26
	for _, content := range []string{
		strings.Repeat("x", 998) + "\r\n", strings.Repeat("x", 9000) + "\r\n", strings.Repeat(strings.Repeat("0123456789", 6)+"\r\n", 1100),
		strings.Repeat(".\n..\r", 5000) + "\r\n",
	} {
		cfg := mailServer
		cfg.BareEOL = protocol.BareEOLVerbatim
		m := servedMachine(t, cfg)
		m.answerAll()
		m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n")
		m.send(strings.ReplaceAll("\r\n"+content, "\r\n.", "\r\n..")[2:] + ".\r\n")
		if got := string(m.sinks[0].content); got != content {
			t.Errorf("content of %d octets became one of %d", len(content), len(got))
		}
	}
}

// What a sink does not take is offered again when it can take more; the server reads
// nothing meanwhile.
func TestServerSinkPauses(t *testing.T) { // H-R41 P45
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: DATA
? DATA -> sink 3: 250 2.0.0 ok
S: 354 end data with <CR><LF>.<CR><LF>
C: ..23456
C: .
C: NOOP
A: do paused
A: resume
A: do paused
A: resume
= content: ".23456\r\n"
S: 250 2.0.0 ok
S: 250 2.0.0 ok
` + bye, acts: map[string]func(*serving, protocol.Request){"paused": func(s *serving, _ protocol.Request) {
		if s.WantRead() {
			t.Errorf("%v: it wants to read with a full sink", s.mode)
		}
		if d := s.Deadline(); !d.IsZero() {
			t.Errorf("%v: a full sink has the deadline %v", s.mode, d)
		}
	}}})
}

// A sink that fails refuses the message at its end.
func TestServerSinkFails(t *testing.T) { // F27
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: DATA
? DATA -> fails 3
S: 354 end data with <CR><LF>.<CR><LF>
C: 0123456789
C: MAIL FROM:<x@y.example>
C: .
= content: message content: disk on fire
S: 451 4.3.0 local error in processing
` + contentFollows + inContentEnd + bye})
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: DATA
? DATA -> fails 3 with 452 4.3.1 full: 250 2.0.0 ok
S: 354 end data with <CR><LF>.<CR><LF>
C: 0123456789
C: .
= content: message content: store: : 452 4.3.1 full
S: 452 4.3.1 full
` + bye})
}

// What comes first in the content is what the message is refused for, whether the sink
// takes its octets in time or late.
func TestServerSinkFailsLate(t *testing.T) { // F27
	cfg := mailServer
	cfg.MaxContent = 10
	for name, content := range map[string]string{"bare": "012345\\n", "too large": "0123456789"} {
		t.Run(name, func(t *testing.T) {
			playServer(t, service{cfg: cfg, text: strings.Replace(opened, "67108864", "10", 1) + addressed + `
C: DATA
? DATA -> fails 5 by 3
S: 354 end data with <CR><LF>.<CR><LF>
C: ` + content + `
C: .
A: resume
= content: message content: disk on fire
S: 451 4.3.0 local error in processing
` + bye})
		})
	}
}
