package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// toB is one message in a group, and accepted how it goes well.
const (
	toB = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA`
	accepted = `
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: hi
			C: .`
)

// A whole session in which no reply has a text, with CRLF and with LF alone; where
// CRLF is insisted on, the first LF ends it.
func TestHazardBareReplies(t *testing.T) { // H-R5, H-R6, C28
	begin := does(hello, sendSteps("send", "hi\r\n", "b@mx.example"), quit)
	text := `
			S: 220
			= greeting: 220
			C: EHLO me.example
			S: 250-mx.example
			S: 250-
			S: 250-PIPELINING
			S: 250
			= hello: ok from mx.example` + toB + `
			S: 250-
			S: 250-
			S: 250 at last
			S: 250
			S: 354
			= send mail: 250  /  / at last
			= send rcpt 0: 250
			C: hi
			C: .
			S: 250
			= send: accepted: 250
			C: QUIT
			S: 221
			= quit: 221
			= closed: EOF`
	play(t, conversation{begin: begin, text: text})
	var lf strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, "S: ") {
			line = strings.TrimSuffix(line, "\n") + "\\n\\\n"
		}
		lf.WriteString(line)
	}
	play(t, conversation{begin: begin, text: lf.String()})
	const bare = "protocol error at the greeting: reply line: LF without CR at offset 3"
	play(t, conversation{
		cfg:   protocol.ClientConfig{StrictCRLF: true},
		begin: hello,
		text:  "S: 220\\n\\\n= greeting: " + bare + "\n= hello: " + bare + "\n= closed: " + bare,
	})
}

// A reply that comes before its command was sent answers nothing: a second greeting,
// one verdict too many. It does not settle what is queued, and ends the session; a
// 421 does with its reason.
func TestHazardReplyToNothing(t *testing.T) { // H-R7
	for _, test := range []struct {
		name, ahead string // what the last flight holds behind what is awaited
		flights     []string
		awaited     string
	}{
		{"two greetings", "220 mx.example\n", []string{"220 mx.example\n"}, " at the reply to EHLO"},
		{"EHLO answered ahead", "250 mx.example\n", []string{"220 mx.example\n"}, " at the reply to EHLO"},
		{"two verdicts", "250 queued\n", []string{"220 mx.example\n", "250 mx.example\n", "250 ok\n", "250 ok\n", "354 go\n", "250 queued\n"}, " at the reply to MAIL"},
		{"more replies than commands", "250 ok\n", []string{"220 mx.example\n", "250-mx.example\n250 PIPELINING\n", "250 ok\n250 ok\n354 go\n"}, " at the verdict on the content"},
		{"refused ahead", "550 no\n", []string{"220 mx.example\n", "250-mx.example\n250 PIPELINING\n", "250 ok\n250 ok\n354 go\n"}, " at the verdict on the content"},
	} {
		for _, last := range []string{test.ahead, "421 closing\n"} {
			n := len(test.flights) - 1
			p := stop{name: test.name, begin: does(hello, send("one"), send("two"), noop), flights: test.flights[:n]}
			s := p.reach(t)
			s.say(test.flights[n] + last)
			if last == "421 closing\n" {
				s.wantEnd(test.name, "connection: 421 closing")
			} else {
				s.wantEnd(test.name, "protocol error"+test.awaited+": reply to nothing that was sent: "+strings.TrimSuffix(last, "\n"))
			}
			if got := s.settled[len(s.settled)-2]; !strings.HasPrefix(got, "noop: ") || !strings.HasSuffix(got, s.Err().Error()) {
				t.Errorf("%s: %q", test.name, s.settled)
			}
		}
	}
	// Behind the reply to QUIT nothing is read any more.
	for _, behind := range []string{"250 more", "421 closing", "nonsense", "22\\"} {
		play(t, conversation{
			begin: does(hello, quit),
			text:  opening() + "C: QUIT\nS: 221 bye\nS: " + behind + "\n= quit: 221 bye\n= closed: EOF",
		})
	}
	// While nothing is under way, any reply is one to nothing.
	for _, input := range []string{"220 mx.example", "250 ok", "354 go", "450 later", "550 no"} {
		play(t, conversation{begin: hello, text: opening() + "S: " + input + "\n= closed: protocol error: reply to nothing that was sent: " + input})
	}
}

// A 421 refuses what it answers. Of the messages behind it nothing was sent, and a
// retry is safe for all of them; the one before it keeps its outcome.
func TestHazard421AmongMessages(t *testing.T) { // H-R8, C33
	play(t, conversation{
		begin: does(hello, send("one"), sendSteps("two", "hi\r\n", "b@mx.example", "c@mx.example"), send("three"), noop, quit),
		text: opening("PIPELINING") + toB + accepted + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: DATA
			S: 250 queued
			= one: accepted: 250 queued
			S: 250 ok
			S: 421-too much
			S: 421 for today
			= two mail: 250 ok
			= two rcpt 0: RCPT <b@mx.example>: 421 too much / for today
			= two rcpt 1: RCPT: 421 too much / for today
			= two: not delivered: RCPT: 421 too much / for today
			= three: not delivered: RCPT: 421 too much / for today
			= noop: RCPT: 421 too much / for today
			= quit: RCPT: 421 too much / for today
			= closed: RCPT: 421 too much / for today
		`,
	})
	closing := reply(421, "closing")
	for _, test := range []struct {
		name  string
		cfg   protocol.ClientConfig
		input string
		want  []protocol.RecipientResult // Rcpt left out
	}{
		{"verdict", protocol.ClientConfig{}, "421 closing\r\n", []protocol.RecipientResult{
			{Outcome: protocol.Refused, Reply: closing}, {Outcome: protocol.Refused, Reply: closing}}},
		{"first verdict of two", lmtp, "421 closing\r\n", []protocol.RecipientResult{
			{Outcome: protocol.Refused, Reply: closing}, {Outcome: protocol.Unknown, Reply: closing}}},
		{"second verdict of two", lmtp, "250 for b\r\n421 closing\r\n", []protocol.RecipientResult{
			{Outcome: protocol.Accepted, Reply: reply(250, "for b")}, {Outcome: protocol.Refused, Reply: closing}}},
	} {
		c := newClient(t, test.cfg)
		c.Hello("me.example")
		d := c.Send(envelope("a@me.example", "b@mx.example", "c@mx.example"), protocol.BodyText("hi\r\n"))
		next := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
		feed(c, "220 mx.example\r\n")
		feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
		feed(c, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")
		if out := feed(c, test.input); out != "" {
			t.Errorf("%s: wrote %q", test.name, out)
		}
		receipt, _ := resultOf(t, d)
		for i, r := range receipt.Recipients {
			if r.Outcome != test.want[i].Outcome || r.Reply != test.want[i].Reply {
				t.Errorf("%s: recipient %d: %+v", test.name, i, r)
			}
		}
		behind, err := resultOf(t, next)
		if behind.Outcome != protocol.NotDelivered || !behind.Outcome.RetrySafe() || !asError[*protocol.DeliveryError](t, err).Temporary() {
			t.Errorf("%s: behind it: %+v, %v", test.name, behind, err)
		}
		if e := asError[*protocol.ReplyError](t, err); e.Reply != closing || e.Command != "end of data" {
			t.Errorf("%s: behind it: %+v", test.name, e)
		}
	}
}

// A connection that ends in the middle of the verdict leaves the outcome unknown, at
// each of its octets; with the last one the message is accepted.
func TestHazardEndInVerdict(t *testing.T) { // H-R9, C47
	const verdict = "250-queued\r\n250 as 42\r\n"
	for _, end := range []string{"EOF", "RESET", "WRITE FAILS\nEOF"} {
		for n := range len(verdict) + 1 {
			quoted := strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(verdict[:n])
			text := opening("PIPELINING") + toB + accepted
			if n > 0 {
				text += "\nS: " + quoted + `\`
			}
			if n == len(verdict) {
				text += "\n= send: accepted: 250 queued / as 42"
			} else {
				err := "connection lost before the verdict on the content: unexpected EOF"
				switch end {
				case "RESET":
					err = "connection lost before the verdict on the content: connection reset"
				case "WRITE FAILS\nEOF":
					err = "connection lost before the verdict on the content: broken pipe"
				}
				text += "\n" + end + "\n= send: outcome unknown, a retry may duplicate: " + err + "\n= closed: " + err
			}
			play(t, conversation{begin: does(hello, send("send")), text: text})
		}
	}
}

// With the content out, the client stays and reads: it ends nothing before the
// verdict is there, however long the server may take for it.
func TestHazardWaitsForVerdict(t *testing.T) { // H-R11
	p := stop{name: "content", begin: does(hello, send("send"), quit), flights: []string{
		"220 mx.example\n", "250-mx.example\n250 PIPELINING\n", "250 ok\n250 ok\n354 go\n"}}
	s := p.reach(t)
	s.wait(599e9)
	if s.Err() != nil || !s.WantRead() || len(s.out) > 0 || len(s.settled) > 0 {
		t.Errorf("%v, WantRead %v, wrote %q, settled %q", s.Err(), s.WantRead(), s.out, s.settled)
	}
	s.say("250 queued\n")
	s.drain()
	if string(s.out) != "QUIT\r\n" || s.settled[0] != "send: accepted: 250 queued" {
		t.Errorf("wrote %q, settled %q", s.out, s.settled)
	}
}

// With everything queued at once, nothing is written behind EHLO, STARTTLS and AUTH,
// nothing behind DATA before the 354, and no group before PIPELINING is offered;
// what the greeting or HELO says about it does not count.
func TestHazardGroupEnds(t *testing.T) { // H-R13, H-R14, C49, C50
	play(t, conversation{
		cfg:   toMX,
		begin: does(hello, startTLS, login(cram), noop, send("one"), send("two"), do("vrfy", protocol.Command{Verb: "VRFY", Args: "b"}), quit),
		text: `
			S: 220 PIPELINING STARTTLS
			= greeting: 220 PIPELINING STARTTLS
			C: EHLO me.example
			S: 250-PIPELINING
			S: 250-PIPELINING
			S: 250 STARTTLS
			= hello: ok from PIPELINING
			C: STARTTLS
			S: 220 PIPELINING
			TLS
			C: EHLO me.example
			S: 250-mx.example
			S: 250-PIPELINING
			S: 250 AUTH CRAM-MD5
			= starttls: ok for mx.example
			C: AUTH CRAM-MD5
			S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
			C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
			S: 235 welcome
			= login: 235 welcome
			C: NOOP
			S: 250 ok
			= noop: 250 ok` + toB + accepted + toB + `
			S: 250 queued
			= one: accepted: 250 queued
			S: 250 ok
			S: 250 ok
			S: 451 not now
			= two: refused: DATA: 451 not now (want 354)
			C: VRFY b
			S: 252 maybe
			= vrfy: 252 maybe
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF
		`,
	})
	for name, hello := range map[string]string{
		"EHLO without it": "S: 250-PIPELINING\nS: 250 XPIPELINING",
		"HELO":            "S: 500 what\nC: HELO me.example\nS: 250-mx.example\nS: 250 PIPELINING",
	} {
		name, _, _ := strings.Cut(map[string]string{"EHLO without it": "PIPELINING", "HELO": "mx.example"}[name], " ")
		play(t, conversation{
			begin: does(func(s *session) { watch(s, "hello", s.Hello("me.example")) }, send("send")),
			text: "S: 220 PIPELINING\n= greeting: 220 PIPELINING\nC: EHLO me.example\n" + hello + "\n= hello: ok from " + name + `
			C: MAIL FROM:<a@me.example>
			S: 250 PIPELINING
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			C: hi
			C: .
			S: 250 queued
			= send: accepted: 250 queued`,
		})
	}
}

// Nobody is there for the content, and DATA was written already. Whatever the server
// makes of it, the message is refused by what its recipients were told, and the next
// one is accepted. Where the server takes content nevertheless it gets a lone dot,
// and its verdict on that is nobody's.
func TestHazardNobodyAccepted(t *testing.T) { // H-R15, H-S, C52
	const next = `
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: hi
			C: .
			S: 250 queued
			= next: accepted: 250 queued`
	const reset = "\nC: RSET" + toB + "\nS: 250 reset" + next
	for _, refusal := range []struct{ replies, err string }{
		{"\nS: 250 ok\nS: 550 who", "refused: RCPT <b@mx.example>: 550 who"},
		{"\nS: 250 ok\nS: 452 full", "refused: RCPT <b@mx.example>: 452 full"},
		{"\nS: 553 bad sender\nS: 503 no sender", "refused: MAIL: 553 bad sender"},
	} {
		begin := does(hello, send("send"), send("next"))
		for _, code := range []string{"554", "503", "502", "500", "550", "451"} {
			play(t, conversation{begin: begin, text: opening("PIPELINING") + toB + refusal.replies +
				"\nS: " + code + "-nobody\nS: " + code + " there\n= send: " + refusal.err + reset})
		}
		for _, verdict := range []string{"554 no valid recipients", "550 no", "451 later", "250 thanks for nothing", "299 well"} {
			play(t, conversation{begin: begin, text: opening("PIPELINING") + toB + refusal.replies +
				"\nS: 354 go\nC: .\nS: " + verdict + "\n= send: " + refusal.err + toB + next})
		}
	}
	for _, end := range []string{"EOF", "S: 421 closing", "WAIT 10m"} {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
		feed(c, "220 mx.example\r\n")
		feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
		if out := feed(c, "250 ok\r\n550 who\r\n354 go\r\n"); out != ".\r\n" {
			t.Errorf("wrote %q", out)
		}
		switch end {
		case "EOF":
			c.FeedEOF(start)
		case "WAIT 10m":
			c.Tick(start.Add(600e9))
		default:
			c.Feed(start, []byte("421 closing\r\n"))
		}
		receipt, err := resultOf(t, d)
		if receipt.Outcome != protocol.Refused || receipt.Recipients[0].Reply != reply(550, "who") || c.Err() == nil {
			t.Errorf("%s: %+v, %v, closed %v", end, receipt, err, c.Err())
		}
		if asError[*protocol.DeliveryError](t, err).Temporary() {
			t.Errorf("%s: a refusal for good is called temporary: %v", end, err)
		}
	}
}

// With LMTP a refused DATA is answered once, whatever the number of recipients that
// were accepted; behind content each of them has a verdict, of any number of lines.
func TestHazardLMTP(t *testing.T) { // H-R17, C107, C118
	begin := does(hello, sendTo("send", "hi\r\n", "b@mx.example", "c@mx.example", "b@mx.example"), noop)
	const group = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 250 ok`
	const then = `
			C: NOOP
			S: 250 ok
			= noop: 250 ok`
	play(t, conversation{cfg: lmtp, begin: begin, text: lhlo("PIPELINING") + group + `
			S: 451-not
			S: 451 now
			= send: refused: DATA: 451 not / now (want 354)` + then})
	play(t, conversation{cfg: lmtp, begin: begin, text: lhlo("PIPELINING") + group + `
			S: 354 go
			C: hi
			C: .
			S: 250-2.0.0 for b
			S: 250 saved
			S: 452-4.2.2 full
			S: 452 4.2.2 quota
			S: 250 2.0.0 for b again
			= send: accepted: 250 2.0.0 for b again` + then})

	c := newClient(t, lmtp)
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example", "c@mx.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	feed(c, "250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")
	feed(c, "250-one\r\n250 two\r\n552-full\r\n552 quota\r\n250-agai")
	c.FeedEOF(start)
	receipt, _ := resultOf(t, d)
	for i, want := range []protocol.RecipientResult{
		{Outcome: protocol.Accepted, Reply: reply(250, "one\ntwo"), Rcpt: reply(250, "ok")},
		{Outcome: protocol.Refused, Reply: reply(552, "full\nquota"), Rcpt: reply(250, "ok")},
		{Outcome: protocol.Unknown, Rcpt: reply(250, "ok")},
	} {
		if receipt.Recipients[i] != want {
			t.Errorf("recipient %d: %+v, want %+v", i, receipt.Recipients[i], want)
		}
	}
	if receipt.Outcome != protocol.Unknown {
		t.Errorf("%v", receipt.Outcome)
	}
}

// Any refusal in place of the banner is answered with QUIT, and without EHLO; behind
// a 521 and a 421 nothing is said at all.
func TestHazardBanner(t *testing.T) { // H-R45, C6, C7
	for code := 400; code < 600; code++ {
		p := stop{name: "banner", begin: does(hello, startTLS, send("send"))}
		s := p.reach(t)
		r := wire.Reply{Code: wire.Code(code), Text: "no"}
		s.say(r.String() + "\n")
		s.drain()
		want := "QUIT\r\n"
		if code == 521 || code == 421 {
			want = ""
		}
		if string(s.out) != want || len(s.pending) > 0 {
			t.Fatalf("%d: wrote %q, %d futures unsettled", code, s.out, len(s.pending))
		}
		s.say("221 bye\n")
		if s.Err() == nil || s.Err().Error() != "greeting: "+r.String()+" (want 220)" {
			t.Fatalf("%d: closed %v", code, s.Err())
		}
	}
}
