package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// stop is a point of a session at which one reply is awaited.
type stop struct {
	name    string
	cfg     protocol.ClientConfig
	begin   func(*session)
	flights []string // of the server; "TLS" stands for TLS
	awaited string   // the reply, in errors
	command string   // what it answers, in errors

	ok     string // the codes that are success: "250", "2" for any 2yz
	want   string // what the error about another one says of them
	reject string // the error about another one, where it is not a protocol error
}

// stops are all the replies that a client can wait for.
func stops() []stop {
	opened := []string{"220 mx.example\n", "250 mx.example\n"}
	grouped := []string{"220 mx.example\n", "250-mx.example\n250 PIPELINING\n"}
	withAuth := []string{"220 mx.example\n", "250-mx.example\n250 AUTH LOGIN\n"}
	withTLS := []string{"220 mx.example\n", "250-mx.example\n250 STARTTLS\n"}
	then := func(flights []string, more ...string) []string {
		return append(append([]string{}, flights...), more...)
	}
	message := does(hello, send("send"))
	messages := does(hello, send("refused"), send("send"))
	return []stop{
		{name: "greeting", begin: message, awaited: "greeting", command: "greeting", ok: "220", want: " (want 220)"},
		{name: "EHLO", begin: message, flights: opened[:1], awaited: "reply to EHLO", command: "EHLO", ok: "250", want: " (want 250)"},
		{name: "HELO", begin: message, flights: then(opened[:1], "502 no\n"), awaited: "reply to HELO", command: "HELO", ok: "250", want: " (want 250)"},
		{name: "LHLO", cfg: lmtp, begin: message, flights: opened[:1], awaited: "reply to EHLO", command: "LHLO", ok: "250", want: " (want 250)"},
		{name: "STARTTLS", cfg: toMX, begin: does(hello, startTLS, send("send")), flights: withTLS, awaited: "reply to STARTTLS", command: "STARTTLS", ok: "220", want: " (want 220)"},
		{name: "EHLO behind TLS", cfg: toMX, begin: does(hello, startTLS, send("send")), flights: then(withTLS, "220 go\n", "TLS"), awaited: "reply to EHLO", command: "EHLO", ok: "250", want: " (want 250)"},
		{name: "LHLO behind TLS", cfg: protocol.ClientConfig{LMTP: true}, begin: does(hello, startTLS, send("send")), flights: then(withTLS, "220 go\n", "TLS"), awaited: "reply to EHLO", command: "LHLO", ok: "250", want: " (want 250)"},
		{name: "AUTH", cfg: inClear, begin: does(hello, login(login2), send("send")), flights: withAuth, awaited: "reply to AUTH", command: "AUTH", ok: "235 334", want: " (want 235 or 334)"},
		{name: "AUTH, answered", cfg: inClear, begin: does(hello, login(login2), send("send")), flights: then(withAuth, "334 \n"), awaited: "reply to AUTH", command: "AUTH", ok: "235 334", want: " (want 235 or 334)"},
		{name: "AUTH, cancelled", cfg: inClear, begin: does(hello, login(login2), send("send")), flights: then(withAuth, "334 ?\n"), awaited: "reply to AUTH", command: "AUTH"},
		{name: "NOOP", begin: does(hello, noop, send("send")), flights: opened, awaited: "reply to a command", command: "NOOP", ok: "2", reject: "NOOP: "},
		{name: "MAIL", begin: message, flights: opened, awaited: "reply to MAIL", command: "MAIL", ok: "2"},
		{name: "MAIL of a group", begin: message, flights: grouped, awaited: "reply to MAIL", command: "MAIL", ok: "2"},
		{name: "RCPT", begin: message, flights: then(opened, "250 ok\n"), awaited: "reply to RCPT", command: "RCPT", ok: "2"},
		{name: "RCPT of a group", begin: message, flights: then(grouped, "250 ok\n"), awaited: "reply to RCPT", command: "RCPT", ok: "2"},
		{name: "DATA", begin: message, flights: then(opened, "250 ok\n", "250 ok\n"), awaited: "reply to DATA", command: "DATA", ok: "354", want: " (want 354)"},
		{name: "DATA of a group", begin: message, flights: then(grouped, "250 ok\n250 ok\n"), awaited: "reply to DATA", command: "DATA", ok: "354", want: " (want 354)"},
		{name: "content", begin: message, flights: then(opened, "250 ok\n", "250 ok\n", "354 go\n"), awaited: "verdict on the content", command: "end of data", ok: "2"},
		{name: "content, LMTP", cfg: lmtp, begin: message, flights: then(grouped, "250 ok\n250 ok\n354 go\n"), awaited: "verdict on the content", command: "end of data", ok: "2"},
		{name: "lone dot", begin: message, flights: then(grouped, "250 ok\n550 no\n354 go\n"), awaited: "verdict on the empty content", command: "end of data", ok: "2"},
		{name: "RSET", begin: messages, flights: then(opened, "550 no\n"), awaited: "reply to RSET", command: "RSET", ok: "2"},
		{name: "RSET of a group", begin: messages, flights: then(grouped, "550 no\n503 no\n503 no\n"), awaited: "reply to RSET", command: "RSET", ok: "2"},
		{name: "QUIT", begin: does(hello, quit), flights: opened, awaited: "reply to QUIT", command: "QUIT", ok: "221", want: " (want 221)"},
	}
}

// reach plays a session up to the stop. What settles and what is written from there
// on is in the session's settled and out.
func (p *stop) reach(t *testing.T) *session {
	t.Helper()
	s := &session{Client: newClient(t, p.cfg), t: t, now: start, mode: mode{max: 1 << 20}, pending: map[string]bool{}}
	watch(s, "greeting", s.Greeting())
	p.begin(s)
	for _, flight := range p.flights {
		if flight == "TLS" {
			s.Upgraded(s.now, verified, nil)
		} else {
			s.say(flight)
		}
		s.drain()
	}
	if s.Err() != nil {
		t.Fatalf("%s: never reached: %v", p.name, s.Err())
	}
	s.settled, s.out = nil, nil
	return s
}

// say feeds lines.
func (s *session) say(lines string) {
	s.feed([]byte(strings.ReplaceAll(lines, "\n", "\r\n")), false)
}

func (p *stop) takes(code int) bool {
	for ok := range strings.FieldsSeq(p.ok) {
		if strings.HasPrefix(fmt.Sprint(code), ok) {
			return true
		}
	}
	return false
}

// wantEnd wants the connection to be over with an error, nothing written since the
// stop, and nothing unsettled.
func (s *session) wantEnd(name, want string) {
	s.t.Helper()
	s.drain()
	if s.Err() == nil || s.Err().Error() != want || len(s.out) > 0 || len(s.pending) > 0 || s.WantRead() {
		s.t.Errorf("%s: %v\nwant %s\nwrote %q, %d futures unsettled", name, s.Err(), want, s.out, len(s.pending))
	}
}

// Every step takes its own success codes, and those of every other step are a
// protocol error, whatever they may say: 250 as a greeting, 220 or 354 to EHLO, 235
// unasked. Each 2yz and 3yz is tried at each step.
func TestHazardSuccessOfAnotherStep(t *testing.T) { // H-T12, C120
	tried := 0
	for _, p := range stops() {
		for code := 200; code < 400; code++ {
			tried++
			s := p.reach(t)
			s.say(fmt.Sprintf("%d x\n", code))
			switch {
			case !p.takes(code) && p.reject != "":
				s.wantEnd(p.name, fmt.Sprintf("%s%d x", p.reject, code))
			case !p.takes(code):
				s.wantEnd(p.name, fmt.Sprintf("protocol error at the %s: unexpected reply: %d x%s", p.awaited, code, p.want))
				asError[*protocol.ProtocolError](t, s.Err())
			case s.Err() != nil && p.name != "QUIT":
				t.Errorf("%s: %d ends the session: %v", p.name, code, s.Err())
			}
		}
	}
	t.Logf("%d replies", tried)
}

// No 4yz and 5yz is ever success, and the connection outlives each of them, except
// where nothing safe can follow: behind RSET and QUIT, in a refused greeting, and
// by a 421.
func TestHazardRefusals(t *testing.T) { // H-R4, C27
	for _, p := range stops() {
		for code := 400; code < 600; code++ {
			s := p.reach(t)
			s.say(fmt.Sprintf("%d x\n", code))
			s.drain()
			for _, line := range s.settled {
				if strings.Contains(line, "accepted") || strings.HasSuffix(line, " ok") {
					t.Errorf("%s: %d settles %q", p.name, code, line)
				}
			}
			over := code == 421 || p.command == "RSET" || p.command == "QUIT" || p.name == "greeting" && code == 521
			if (s.Err() != nil) != over {
				t.Errorf("%s: behind %d the session is %v", p.name, code, s.Err())
			}
		}
	}
}

// Codes that differ within a reply, and what is no code at all, are a protocol error
// at every step: never the first, never the last, never a hang. So are 1yz, 6yz and
// all codes above.
func TestHazardMalformedAtEveryStep(t *testing.T) { // H-R3, H-R4, C30
	digit := func(octet string) string {
		return "reply code: first digit is not 2 to 5 but octet " + octet + " at offset 0"
	}
	inputs := []struct{ input, want string }{
		{"250-a\n550-b\n250 c\n", "reply code: 550 after 250 in one reply at offset 9"},
		{"220-a\n250 b\n", "reply code: 250 after 220 in one reply at offset 9"},
		{"550-a\n250 b\n", "reply code: 250 after 550 in one reply at offset 9"},
		{"250-a\n251 b\n", "reply code: 251 after 250 in one reply at offset 9"},
		{"354-a\n250 b\n", "reply code: 250 after 354 in one reply at offset 9"},
		{"250-\n450\n", "reply code: 450 after 250 in one reply at offset 8"},
		{"22 x\n", "reply code: not three digits but octet 0x20 at offset 2"},
		{"25O x\n", "reply code: not three digits but octet 0x4F at offset 2"},
		{"2500 x\n", "reply line: neither blank, hyphen nor line end behind the code but octet 0x30 at offset 3"},
		{" 250 x\n", digit("0x20")}, {"+50 x\n", digit("0x2B")}, {"000 x\n", digit("0x30")}, {"no code\n", digit("0x6E")},
		{"\n", digit("0x0D")}, {"\x00250 x\n", digit("0x00")}, {"\xef\xbb\xbf250 x\n", digit("0xEF")},
	}
	for first := byte('1'); first <= '9'; first++ {
		if first < '2' || first > '5' {
			inputs = append(inputs, struct{ input, want string }{string(first) + "50 x\n", digit(fmt.Sprintf("0x%02X", first))})
		}
	}
	for _, p := range stops() {
		if p.command == "AUTH" {
			p.awaited = "reply to an exchange" // what it is, only the exchange knows
		}
		for _, test := range inputs {
			s := p.reach(t)
			s.say(test.input)
			s.wantEnd(fmt.Sprintf("%s, %q", p.name, test.input), "protocol error at the "+p.awaited+": "+test.want)
		}
	}
}

// An unfinished reply is bounded at every step, in its lines, their length and the
// whole.
func TestHazardEndlessAtEveryStep(t *testing.T) { // H-R1, H-R2
	for _, p := range stops() {
		if p.command == "AUTH" {
			p.awaited = "reply to an exchange"
		}
		p.cfg.MaxReplyLine, p.cfg.MaxReplyLines, p.cfg.MaxReplySize = 40, 4, 90
		for _, test := range []struct{ input, want string }{
			{"250-" + strings.Repeat("x", 100), "reply line: too long at offset 40"},
			{strings.Repeat("250-\n", 100), "reply: too many lines at offset 24"},
			{strings.Repeat("250-0123456789012345678901234567\n", 3), "reply: too long at offset 90"},
		} {
			s := p.reach(t)
			s.say(test.input)
			s.wantEnd(p.name, "protocol error at the "+p.awaited+": "+test.want)
		}
	}
}

// A 421 in place of any reply is the end, with the command that it answers: nothing
// is written any more, not even QUIT, and the reset that follows changes nothing.
func TestHazard421AtEveryStep(t *testing.T) { // H-R8, C33
	for _, p := range stops() {
		if p.name == "QUIT" {
			continue // it goes anyway
		}
		s := p.reach(t)
		s.say("421-closing\n421 now\n")
		text := p.command + ": 421 closing / now"
		if p.name == "greeting" {
			text += " (want 220)"
		}
		s.wantEnd(p.name, text)
		asError[*protocol.ReplyError](t, s.Err())
		s.Fail(s.now, fmt.Errorf("connection reset"))
		s.FeedEOF(s.now)
		s.wantEnd(p.name, text)
	}
}
