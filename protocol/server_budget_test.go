package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// A line over the cap gets a 500, and the session stays in step; beyond four times the
// cap without an end it is over.
func TestServerLongLines(t *testing.T) { // C39 H-R27 F28 C48
	cfg := protocol.ServerConfig{MaxLine: 64, Disable: allButCodes}
	line := func(n int) string { return "NOOP " + strings.Repeat("x", n-len("NOOP \r\n")) }
	playServer(t, service{cfg: cfg, text: offering("ENHANCEDSTATUSCODES") + `
C: ` + line(64) + `
S: 250 2.0.0 ok
C: ` + line(65) + `
S: 500 5.5.2 line too long
C: NOOP
S: 250 2.0.0 ok
C: ` + line(255) + `
C: NOOP
S: 500 5.5.2 line too long
S: 250 2.0.0 ok
` + bye})
	playServer(t, service{cfg: cfg, ahead: true, text: offering("ENHANCEDSTATUSCODES") + "C: " + line(1000) + `
C: NOOP
S: 421 4.7.0 mx.example line too long
= closed: protocol error: line too long
`})
	// A CR that ends what is allowed may still have its LF behind.
	playServer(t, service{cfg: cfg, ahead: true, text: offering("ENHANCEDSTATUSCODES") + "C: " + strings.Repeat("x", 1000) + `\
S: 421 4.7.0 mx.example line too long
= closed: protocol error: line too long
`})
	// 512 octets are little enough for everybody (RFC 5321 §4.5.3.1.4).
	playServerAt(t, service{text: opened + "C: " + line(512) + "\nS: 250 2.0.0 ok\nC: " + line(4096) + "\nS: 250 2.0.0 ok\nC: " + line(4097) + "\nS: 500 5.5.2 line too long\n" + bye}, 4000)
}

// More recipients than are taken get a 452, and those before it have their mail.
func TestServerBoundsRecipients(t *testing.T) { // C43 H-R30 F28
	cfg := mailServer
	cfg.MaxRecipients = 2
	playServer(t, service{cfg: cfg, text: opened + `
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
C: RCPT TO:<d@mx.example>
S: 452 4.5.3 too many recipients
C: RCPT TO:<d@mx.example>
S: 452 4.5.3 too many recipients
C: DATA
? DATA
S: 354 end data with <CR><LF>.<CR><LF>
` + inContentEnd + strings.ReplaceAll(contentFollows, "b@", "e@") + inContentEnd + bye})
	// Side by side as well: no more are asked for than may be accepted.
	playServer(t, service{cfg: cfg, text: opened + `
C: MAIL FROM:<a@me.example>
C: RCPT TO:<b@mx.example>
C: RCPT TO:<c@mx.example>
C: RCPT TO:<d@mx.example>
C: RCPT TO:<e@mx.example>
? RCPT TO:<b@mx.example> -> as b
? RCPT TO:<c@mx.example> -> as c
S: 250 2.1.0 ok
A: c 250
A: b 550 5.1.1 no such user
? RCPT TO:<d@mx.example>
S: 550 5.1.1 no such user
S: 250 2.1.5 ok
S: 250 2.1.5 ok
S: 452 4.5.3 too many recipients
` + bye})
	m := servedMachine(t, mailServer)
	m.answerAll()
	m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\n")
	for i := range 1000 {
		if got := m.send(fmt.Sprintf("RCPT TO:<u%d@mx.example>\r\n", i)); got != "250 2.1.5 ok\r\n" {
			t.Fatalf("recipient %d: %q", i, got)
		}
	}
	if got := m.send("RCPT TO:<one@toomany.example>\r\n"); got != "452 4.5.3 too many recipients\r\n" {
		t.Errorf("recipient 1,001: %q", got)
	}
}

// LIMITS are not only said.
func TestServerLimits(t *testing.T) { // C112
	cfg := mailServer
	cfg.Limits = wire.SessionLimits{MailMax: 2, RcptMax: 2, RcptDomainMax: 1}
	message := "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: DATA\n? RCPT TO:<b@mx.example>\n? DATA\nS: 250 2.1.0 ok\nS: 250 2.1.5 ok\nS: 354 end data with <CR><LF>.<CR><LF>\n" + inContentEnd
	playServer(t, service{cfg: cfg, text: offering(plus("LIMITS MAILMAX=2 RCPTMAX=2 RCPTDOMAINMAX=1")...) + `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example>
S: 250 2.1.5 ok
C: RCPT TO:<b@other.example>
S: 452 4.5.3 too many domains
C: RCPT TO:<c@MX.Example>
? RCPT TO:<c@MX.Example>
S: 250 2.1.5 ok
C: RCPT TO:<d@mx.example>
S: 452 4.5.3 too many recipients
C: DATA
? DATA
S: 354 end data with <CR><LF>.<CR><LF>
` + inContentEnd + message + `
C: MAIL FROM:<a@me.example>
S: 452 4.5.3 too many messages in this session
` + bye})
}

// Storms of nonsense end in a 421.
func TestServerTooManyErrors(t *testing.T) { // H-R28 F28 C33
	const over = "S: 421 4.7.0 mx.example too many errors\n= closed: protocol error: too many errors\n"
	cfg := protocol.ServerConfig{MaxUnknown: 2, MaxErrors: 4, Disable: allButCodes, Requests: protocol.RequestRcpt | protocol.RequestClosed}
	unknown := func(n int) string {
		return strings.Repeat("C: XYZZY\nS: 502 5.5.1 command not implemented\n", n)
	}
	closed := over + "? closed\n"
	playServer(t, service{cfg: cfg, text: offering("ENHANCEDSTATUSCODES") + unknown(2) + "C: XYZZY\n" + closed})
	playServer(t, service{cfg: cfg, text: offering("ENHANCEDSTATUSCODES") + unknown(1) + "C: *\nS: 500 5.5.2 command not recognized\nC: XYZZY\n" + closed})
	playServer(t, service{cfg: cfg, text: offering("ENHANCEDSTATUSCODES") + strings.Repeat("C: DATA\nS: 503 5.5.1 MAIL first\n", 4) + "C: MAIL FROM:a\n" + closed})
	playServer(t, service{cfg: cfg, text: offering("ENHANCEDSTATUSCODES") + strings.Repeat("C: MAIL FROM:a\nS: 501 5.1.7 reverse-path: no \"<\" to begin with at offset 5\n", 4) + "C: DATA\n" + closed})
	// A recipient who is refused is no error of the client's.
	playServer(t, service{cfg: cfg, text: offering("ENHANCEDSTATUSCODES") + "C: MAIL FROM:<a@me.example>\nS: 250 2.1.0 ok\n" +
		strings.Repeat("C: RCPT TO:<no@mx.example>\n? RCPT TO:<no@mx.example> -> 550 5.1.1 no such user\nS: 550 5.1.1 no such user\n", 20)})
	// What an application leaves to the default is unknown as well, and what it knows is not.
	asked := cfg
	asked.Requests = protocol.RequestOther | protocol.RequestClosed
	playServer(t, service{cfg: asked, text: offering("ENHANCEDSTATUSCODES") +
		strings.Repeat("C: XKNOWN\n? XKNOWN -> 250 2.0.0 fine\nS: 250 2.0.0 fine\nC: NOOP\n? NOOP\nS: 250 2.0.0 ok\n", 8) +
		strings.Repeat("C: XYZZY\n? XYZZY\nS: 502 5.5.1 command not implemented\n", 2) + "C: XYZZY\n? XYZZY\n" +
		"= closed: protocol error: too many errors\n? closed\nS: 421 4.7.0 mx.example too many errors\n"})
	// The 421 stands behind the replies that are due, and nothing behind it runs.
	playServer(t, service{cfg: cfg, ahead: true, text: offering("ENHANCEDSTATUSCODES") + "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: X\nC: X\nC: X\nC: RCPT TO:<c@mx.example>\n" + `
? RCPT TO:<b@mx.example> -> as it
S: 250 2.1.0 ok
A: it 250
S: 250 2.1.5 ok
S: 502 5.5.1 command not implemented
S: 502 5.5.1 command not implemented
` + closed})
	// The defaults.
	m := servedMachine(t, protocol.ServerConfig{})
	m.flush()
	for i := range 20 {
		if got := m.send("XYZZY\r\n"); got != "502 5.5.1 command not implemented\r\n" {
			t.Fatalf("unknown command %d: %q", i, got)
		}
	}
	if got := m.send("XYZZY\r\n"); got != "421 4.7.0 mx.example too many errors\r\n" {
		t.Errorf("unknown command 21: %q", got)
	}
	m = servedMachine(t, protocol.ServerConfig{})
	m.flush()
	for i := range 100 {
		if got := m.send("DATA\r\n"); got != "503 5.5.1 say EHLO first\r\n" {
			t.Fatalf("error %d: %q", i, got)
		}
	}
	if got := m.send("DATA\r\n"); got != "421 4.7.0 mx.example too many errors\r\n" {
		t.Errorf("error 101: %q", got)
	}
}

// So many commands are read ahead of their replies, and no more; all are answered.
func TestServerPipelinedBudget(t *testing.T) { // C48 C54 F28
	for _, bound := range []int{0, 1, 5} {
		cfg := mailServer
		cfg.MaxPipelined, cfg.MaxRecipients = bound, 10_000
		most := bound
		if bound == 0 {
			most = 1000
		}
		m := servedMachine(t, cfg)
		m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\n")
		const line = "RCPT TO:<b@mx.example>\r\n"
		all := strings.Repeat(line, 3*most)
		n := m.feed(all)
		if m.WantRead() || n != len(line)*most || len(m.asked) != most {
			t.Fatalf("bound %d: took %d octets, %d requests, WantRead %v", bound, n, len(m.asked), m.WantRead())
		}
		if s := m.flush(); s != "" {
			t.Fatalf("bound %d: it says %q unanswered", bound, s)
		}
		said := 0
		for i := 0; i < len(m.asked); i++ {
			m.asked[i].Answer(reply(250, ""))
			said += strings.Count(m.flush(), "250 2.1.5 ok\r\n")
			n += m.feed(all[n:])
		}
		if said != 3*most || n != len(all) {
			t.Errorf("bound %d: %d replies of %d, %d octets of %d", bound, said, 3*most, n, len(all))
		}
	}
}

// Output that nobody takes stops Feed.
func TestServerOutputBound(t *testing.T) { // C48 H-R41
	m := servedMachine(t, protocol.ServerConfig{})
	m.flush()
	const line = "NOOP\r\n"
	all := strings.Repeat(line, 200_000)
	n := m.feed(all)
	if m.WantRead() || n == len(all) {
		t.Fatalf("it took %d octets and wants to read: %v", n, m.WantRead())
	}
	queued := len(m.lend(1 << 30))
	if queued > 128<<10 {
		t.Errorf("%d octets of output are queued", queued)
	}
	said := 0
	for n < len(all) || m.lend(1) != "" {
		said += strings.Count(m.flush(), "250 2.0.0 ok\r\n")
		n += m.feed(all[n:])
	}
	if said != 200_000 {
		t.Errorf("%d replies", said)
	}
}
