package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// rejections are arguments of one verb and the replies to them, each of which leaves
// the session as it was.
type rejections []struct{ args, reply string }

func (r rejections) text(verb string) string {
	var b strings.Builder
	for _, row := range r {
		b.WriteString("C: " + verb + " " + row.args + "\nS: " + row.reply + "\n")
	}
	return b.String()
}

var allParameters = protocol.ServerConfig{
	Requests: forMail, MaxErrors: 1000,
	Enable:  wire.DSN | wire.DeliverBy | wire.MTPriority | wire.RRVS,
	HoldMax: 1000e9, DeliverByMin: 60, PriorityProfile: "MIXER",
	Mechanisms: func(protocol.TLSState) []string { return []string{"CRAM-MD5"} },
}

func openedWithAll() string {
	return offering("PIPELINING", "SIZE 67108864", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES",
		"AUTH CRAM-MD5", "DELIVERBY 60", "MT-PRIORITY MIXER", "FUTURERELEASE 1000 2026-01-01T00:16:40Z", "RRVS")
}

// What MAIL may not say gets the reply that fits, and opens nothing.
func TestServerRefusesMail(t *testing.T) { // C4 C23 C58 C60 C61 C72 C78 C79 C96 C110 C114 C115 C116 H-I6 H-R18 H-R19 H-R21 H-R23 H-R24 H-R34 H-R36 H-R37
	playServer(t, service{cfg: allParameters, text: openedWithAll() + rejections{
		{"", `501 5.5.4 reverse-path: no "FROM:" in front at offset 0`},
		{"<a@me.example>", `501 5.5.4 reverse-path: no "FROM:" in front at offset 0`},
		{"FROM:", `501 5.1.7 reverse-path: no "<" to begin with at offset 5`},
		{"FROM:a@me.example", `501 5.1.7 reverse-path: no "<" to begin with at offset 5`},
		{"FROM:<a@me.example", `501 5.1.7 reverse-path: no closing ">" at offset 18`},
		{"FROM:<a b@me.example>", `501 5.1.7 reverse-path: octet 0x20 does not fit into a local part at offset 7`},
		{"FROM:<a>", `501 5.1.7 reverse-path: no domain behind the local part at offset 7`},
		{"FROM:<postmaster>", `501 5.1.7 reverse-path: no domain at offset 16`},
		{"FROM:<m\\xc3\\xbcller@me.example>", `553 5.6.7 reverse-path: octet 0xC3 outside ASCII without SMTPUTF8 at offset 7`},
		{"FROM:<m\\xfcller@me.example> SMTPUTF8", `501 5.1.7 reverse-path: octet 0xFC is not valid UTF-8 at offset 7`},
		{"FROM:<a@me.example>SIZE=1", `501 5.5.4 parameter: no blank in front at offset 19`},
		{"FROM:<a@me.example> SIZE=abc", `501 5.5.4 SIZE: not 1 to 20 digits at offset 25`},
		{"FROM:<a@me.example> SIZE=123456789012345678901", `501 5.5.4 SIZE: not 1 to 20 digits at offset 25`},
		{"FROM:<a@me.example> SIZE=", `501 5.5.4 parameter: value is empty or has an equals sign at offset 25`},
		{"FROM:<a@me.example> SIZE", `501 5.5.4 SIZE: has a value, or none, against its definition at offset 24`},
		{"FROM:<a@me.example> SIZE=1 size=1", `501 5.5.4 SIZE: given twice at offset 27`},
		{"FROM:<a@me.example> SIZE=67108865", `552 5.3.4 message too large`},
		{"FROM:<a@me.example> SIZE=99999999999999999999", `552 5.3.4 message too large`},
		{"FROM:<a@me.example> BODY=9BIT", `501 5.5.4 BODY: not 7BIT, 8BITMIME or BINARYMIME at offset 25`},
		{"FROM:<a@me.example> BODY=7BIT BODY=7BIT", `501 5.5.4 BODY: given twice at offset 30`},
		{"FROM:<a@me.example> RET=ALL", `501 5.5.4 RET: not FULL or HDRS at offset 24`},
		{"FROM:<a@me.example> RET=FULL RET=HDRS", `501 5.5.4 RET: given twice at offset 29`},
		{"FROM:<a@me.example> ENVID=a+2b", `501 5.5.4 ENVID: "+" without two hexadecimal digits in upper case at offset 27`},
		{"FROM:<a@me.example> ENVID=" + strings.Repeat("x", 101), `501 5.5.4 ENVID: over 100 octets at offset 26`},
		{"FROM:<a@me.example> AUTH=a+3d", `501 5.5.4 AUTH: "+" without two hexadecimal digits in upper case at offset 26`},
		{"FROM:<a@me.example> MT-PRIORITY=10", `501 5.5.4 MT-PRIORITY: not -9 to 9 at offset 32`},
		{"FROM:<a@me.example> MT-PRIORITY=1 MT-PRIORITY=1", `501 5.5.4 MT-PRIORITY: given twice at offset 34`},
		{"FROM:<a@me.example> BY=x;R", `501 5.5.4 BY: time is not 1 to 9 digits at offset 23`},
		{"FROM:<a@me.example> BY=0;R", `501 5.5.4 BY: time with mode R is not over 0 at offset 23`},
		{"FROM:<a@me.example> BY=59;R", `550 5.5.4 BY: less than the server's least time`},
		{"FROM:<a@me.example> HOLDFOR=1001", `501 5.5.4 HOLDFOR: over the limit`},
		{"FROM:<a@me.example> HOLDFOR=0", `501 5.5.4 HOLDFOR: not 1 to 999999999 at offset 28`},
		{"FROM:<a@me.example> HOLDUNTIL=2026-01-01T01:00:00Z", `501 5.5.4 HOLDUNTIL: over the limit`},
		{"FROM:<a@me.example> HOLDFOR=1 HOLDUNTIL=2026-01-01T00:00:10Z", `501 5.5.4 HOLDUNTIL: with HOLDFOR at offset 40`},
		{"FROM:<a@me.example> REQUIRETLS", `555 5.5.4 parameter: not recognized or not on offer at offset 20`},
		{"FROM:<a@me.example> XFANCY=1", `555 5.5.4 parameter: not recognized or not on offer at offset 20`},
		{"FROM:<a@me.example> NOTIFY=NEVER", `555 5.5.4 parameter: not recognized or not on offer at offset 20`},
		{"FROM:<a@me.example>\\tSIZE=1", `501 5.5.2 command: control octet 0x09 at offset 24`},
		{"FROM:<" + strings.Repeat("a", 65) + "@me.example>", `501 5.1.7 path: local part of more than 64 octets`},
		{"FROM:<a@" + strings.Repeat("a.", 127) + "bc>", `501 5.1.7 path: domain of more than 255 octets`},
	}.text("MAIL") + "C: RCPT TO:<b@mx.example>\nS: 503 5.5.1 MAIL first\n"})
}

// What MAIL may say is what the application sees.
func TestServerTakesMailArguments(t *testing.T) { // C15 C24 C26 C38 C39 C45 C46 C61 C71 C96 H-R31 H-R33 H-R38 H-R18
	local64, domain := strings.Repeat("l", 64), strings.Repeat("d.", 93)+"ex"
	tests := []struct {
		args, from string
		mail       wire.MailParams
	}{
		{"FROM:<>", "<>", wire.MailParams{}},
		{"FROM: <a@me.example>", "<a@me.example>", wire.MailParams{}},
		{"FROM:<a@me.example> ", "<a@me.example>", wire.MailParams{}},
		{"FROM:<@x.example,@y.example:a@me.example>", "<a@me.example>", wire.MailParams{}},
		{`FROM:<"a b"@me.example>`, `<"a b"@me.example>`, wire.MailParams{}},
		{`FROM:<"ab"@me.example>`, "<ab@me.example>", wire.MailParams{}},
		{`FROM:<"a@b> ORCPT=x"@c.example>`, `<"a@b> ORCPT=x"@c.example>`, wire.MailParams{}},
		{"FROM:<a%b@me.example>", "<a%b@me.example>", wire.MailParams{}},
		{"FROM:<a@[192.0.2.1]>", "<a@[192.0.2.1]>", wire.MailParams{}},
		{"FROM:<a@[IPv6:2001:db8::1]>", "<a@[IPv6:2001:db8::1]>", wire.MailParams{}},
		{"FROM:<" + local64 + "@" + domain + ">", "<" + local64 + "@" + domain + ">", wire.MailParams{}},
		{"FROM:<m\\xc3\\xbcller@me.example> SMTPUTF8 BODY=8BITMIME", "<müller@me.example>", wire.MailParams{SMTPUTF8: true, Body: wire.Body8BitMIME}},
		{"FROM:<a@me.example> SIZE=67108864 BODY=7BIT", "<a@me.example>", wire.MailParams{Size: 67108864, Body: wire.Body7Bit}},
		{"FROM:<a@me.example> AUTH=<>", "<a@me.example>", wire.MailParams{Auth: "<>"}},
		{"FROM:<a@me.example> AUTH=e+3Dmc2@example.com", "<a@me.example>", wire.MailParams{Auth: "e=mc2@example.com"}},
		{"FROM:<a@me.example> RET=HDRS ENVID=QQ314159", "<a@me.example>", wire.MailParams{Ret: wire.RetHeaders, EnvID: "QQ314159"}},
		{"FROM:<a@me.example> MT-PRIORITY=-3", "<a@me.example>", wire.MailParams{Priority: wire.Priority{Given: true, Level: -3}}},
		{"FROM:<a@me.example> BY=60;R", "<a@me.example>", wire.MailParams{By: wire.DeliverByTime{Seconds: 60, Mode: wire.ByReturn}}},
		{"FROM:<a@me.example> BY=5;NT", "<a@me.example>", wire.MailParams{By: wire.DeliverByTime{Seconds: 5, Mode: wire.ByNotify, Trace: true}}},
		{"FROM:<a@me.example> HOLDFOR=1000", "<a@me.example>", wire.MailParams{HoldFor: 1000}},
	}
	cfg := allParameters
	cfg.Requests |= protocol.RequestMail
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			playServer(t, service{cfg: cfg, text: openedWithAll() + `
C: MAIL ` + tt.args + `
? MAIL ` + strings.TrimSpace(string(octets(t, tt.args))) + ` -> do look
S: 250 2.1.0 ok
`, acts: map[string]func(*serving, protocol.Request){"look": func(s *serving, r protocol.Request) {
				m := r.Mail()
				if m.From.String() != tt.from || printed(m.MailParams) != printed(tt.mail) {
					t.Errorf("MAIL is %s %+v, want %s %+v", m.From, m.MailParams, tt.from, tt.mail)
				}
				s.take(r)
			}}})
		})
	}
}

// A command line of 512 octets and of all that the extensions add is taken.
func TestServerTakesLongLines(t *testing.T) { // C39 C80
	cfg := allParameters
	line := "MAIL FROM:<" + strings.Repeat("a", 64) + "@" + strings.Repeat("d.", 92) + "ex> ENVID=" + strings.Repeat("e", 100) + " AUTH=" + strings.Repeat("+2B", 500)
	playServer(t, service{cfg: cfg, text: openedWithAll() + "C: " + line + "\nS: 250 2.1.0 ok\n"})
}

// What RCPT may not say.
func TestServerRefusesRcpt(t *testing.T) { // C4 C23 C45 C76 C77 H-R23 H-R24 H-R34 H-R35 H-R36
	playServer(t, service{cfg: allParameters, text: openedWithAll() + `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
` + rejections{
		{"", `501 5.5.4 forward-path: no "TO:" in front at offset 0`},
		{"TO:<>", `501 5.1.3 forward-path: null at offset 4`},
		{"TO:<b>", `501 5.1.3 forward-path: no domain behind the local part at offset 5`},
		{"TO:b@mx.example", `501 5.1.3 forward-path: no "<" to begin with at offset 3`},
		{"TO:<b@mx.example> NOTIFY=NEVER,SUCCESS", `501 5.5.4 NOTIFY: NEVER with another keyword at offset 25`},
		{"TO:<b@mx.example> NOTIFY=SUCCESS,SUCCESS", `501 5.5.4 NOTIFY: keyword given twice at offset 25`},
		{"TO:<b@mx.example> NOTIFY=NEVER NOTIFY=NEVER", `501 5.5.4 NOTIFY: given twice at offset 31`},
		{"TO:<b@mx.example> NOTIFY=SOMETIMES", `501 5.5.4 NOTIFY: not NEVER, SUCCESS, FAILURE or DELAY at offset 25`},
		{"TO:<b@mx.example> ORCPT=rfc822;a+2b", `501 5.5.4 ORCPT: "+" without two hexadecimal digits in upper case at offset 32`},
		{"TO:<b@mx.example> ORCPT=nothing", `501 5.5.4 ORCPT: no address type at offset 24`},
		{"TO:<b@mx.example> SIZE=1", `555 5.5.4 parameter: not recognized or not on offer at offset 18`},
		{"TO:<m\\xc3\\xbcller@mx.example>", `553 5.6.7 forward-path: octet 0xC3 outside ASCII without SMTPUTF8 at offset 5`},
		{"TO:<m\\xfcller@mx.example>", `501 5.1.3 forward-path: octet 0xFC is not valid UTF-8 at offset 5`},
		{"TO:<" + strings.Repeat("a", 65) + "@mx.example>", `501 5.1.3 path: local part of more than 64 octets`},
	}.text("RCPT") + "C: DATA\nS: 503 5.5.1 no valid recipients\n"})
}

func TestServerTakesRcptArguments(t *testing.T) { // C16 C36 C71 C122 H-R31 H-R17 P40
	cfg := allParameters
	look := func(want string) func(*serving, protocol.Request) {
		return func(s *serving, r protocol.Request) {
			to := r.Recipient()
			if got := to.Path.String() + " " + to.Notify.String() + " " + to.ORCPT.Addr; got != want {
				t.Errorf("RCPT is %s, want %s", got, want)
			}
			s.take(r)
		}
	}
	playServer(t, service{cfg: cfg, text: openedWithAll() + `
C: MAIL FROM:<> SMTPUTF8
S: 250 2.1.0 ok
C: RCPT TO:<Postmaster>
? RCPT TO:<Postmaster> -> do postmaster
S: 250 2.1.5 ok
C: RCPT TO: <@x.example:b@mx.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@d.example
? RCPT TO: <@x.example:b@mx.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@d.example -> do routed
S: 250 2.1.5 ok
C: RCPT TO:<m\xc3\xbcller@mx.example>
? RCPT TO:<müller@mx.example> -> do utf8
S: 250 2.1.5 ok
C: RCPT TO:<c@mx.example>
? RCPT TO:<c@mx.example> -> 251 2.1.5 user not local; will forward to <c@d.example>
S: 251 2.1.5 user not local; will forward to <c@d.example>
C: RCPT TO:<d@mx.example>
? RCPT TO:<d@mx.example> -> 450 4.2.1 busy
S: 450 4.2.1 busy
C: RCPT TO:<e@mx.example>
? RCPT TO:<e@mx.example> -> 551 5.1.6 try <e@d.example>
S: 551 5.1.6 try <e@d.example>
C: RCPT TO:<c@mx.example>
? RCPT TO:<c@mx.example>
S: 250 2.1.5 ok
C: DATA
? DATA -> do count
S: 354 end data with <CR><LF>.<CR><LF>
C: .
= content: ""
S: 250 2.0.0 ok
`, acts: map[string]func(*serving, protocol.Request){
		"postmaster": look("<Postmaster>  "),
		"routed":     look("<b@mx.example> SUCCESS,DELAY c@d.example"),
		"utf8":       look("<müller@mx.example>  "),
		"count": func(s *serving, r protocol.Request) {
			if r.Recipients() != 5 {
				t.Errorf("%d recipients", r.Recipients())
			}
			s.take(r)
		},
	}})
}

// Parameters of an application's own reach it.
func TestServerExtraParameters(t *testing.T) { // C23
	cfg := protocol.ServerConfig{Requests: forMail | protocol.RequestMail, ExtraParams: true, Extra: []wire.Param{{Keyword: "XFANCY"}}}
	playServer(t, service{cfg: cfg, text: offering(plus("XFANCY")...) + `
C: MAIL FROM:<a@me.example> XFANCY=yes
? MAIL FROM:<a@me.example> XFANCY=yes -> do look
S: 250 2.1.0 ok
`, acts: map[string]func(*serving, protocol.Request){"look": func(s *serving, r protocol.Request) {
		if x := r.Mail().Extra; len(x) != 1 || x[0] != (wire.Param{Keyword: "XFANCY", Value: "yes"}) {
			t.Errorf("parameters %v", x)
		}
		s.take(r)
	}}})
}

// What a client says that is no text of a command.
func TestServerRefusesOctets(t *testing.T) { // C1 H-R22 H-R37 H-I6
	playServer(t, service{cfg: protocol.ServerConfig{MaxErrors: 1000}, text: opened + `
C: NOOP\x00
S: 501 5.5.2 command: control octet 0x00 at offset 4
C: NOOP\x07ring
S: 501 5.5.2 command: control octet 0x07 at offset 4
C: NOOP\x7f
S: 501 5.5.2 command: control octet 0x7F at offset 4
C: NOOP\nNOOP
S: 501 5.5.2 command: control octet 0x0A at offset 4
C: NOOP\rNOOP
S: 501 5.5.2 command: control octet 0x0D at offset 4
C: NOOP\r
S: 501 5.5.2 command: control octet 0x0D at offset 4
C: \nNOOP
S: 501 5.5.2 command: control octet 0x0A at offset 0
C: NOOP\t
S: 250 2.0.0 ok
C: NOOP  \x20
S: 250 2.0.0 ok
C: \x20NOOP
S: 500 5.5.2 command not recognized
C: \tNOOP
S: 501 5.5.2 command: control octet 0x09 at offset 0
C: NOOP\tx
S: 501 5.5.2 command: control octet 0x09 at offset 4
C: NOOP \xc3\xbc
S: 250 2.0.0 ok
C: MAIL:FROM:<a@me.example>
S: 500 5.5.2 command not recognized
C: MAILFROM:<a@me.example>
S: 500 5.5.2 command not recognized
` + bye})
}
