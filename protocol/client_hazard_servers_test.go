package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// What servers were seen to do, a conversation for each.

// "Pipelining not supported" in place of the reply that is waited for, and then the
// connection is closed: the message is refused by it, or was not delivered, and what
// is behind it was not delivered. Nobody takes the refusal for another message's.
func TestServerPipeliningNotSupported(t *testing.T) { // H-S
	const no = "500 5.5.1 Pipelining not supported"
	lost := func(step string) string {
		err := "connection lost before the " + step + ": unexpected EOF"
		return "\n= two: not delivered: " + err + "\n= closed: " + err
	}
	for _, text := range []string{
		toB + "\nS: " + no + "\nEOF\n= one: refused: MAIL: " + no + lost("reply to RCPT"),
		toB + "\nS: 250 ok\nS: " + no + "\nEOF\n= one: refused: RCPT <b@mx.example>: " + no + lost("reply to DATA"),
		toB + "\nS: 250 ok\nS: 250 ok\nS: " + no + "\n= one: refused: DATA: " + no + " (want 354)\nC: RSET" + toB + "\nEOF" + lost("reply to RSET"),
		toB + accepted + toB + "\nS: " + no + "\n= one: refused: end of data: " + no + "\nEOF" + lost("reply to MAIL"),
	} {
		play(t, conversation{begin: does(hello, send("one"), send("two")), text: opening("PIPELINING") + text})
	}
}

// An unknown parameter of MAIL is answered in any of these ways. A refusal is that of
// its own message, and the next one goes.
func TestServerUnknownParameter(t *testing.T) { // H-S, C23
	for _, code := range []string{"555", "501", "503", "500"} {
		env := envelope("a@me.example", "b@mx.example")
		env.Params.Extra = []wire.Param{{Keyword: "XFOO", Value: "bar"}}
		for _, pipelining := range []bool{false, true} {
			text := opening() + "C: MAIL FROM:<a@me.example> XFOO=bar\nS: CODE unsupported\n= one: refused: MAIL: CODE unsupported\n" +
				"C: RSET\nS: 250 ok\nC: MAIL FROM:<a@me.example>\nS: 550 no\n= two: refused: MAIL: 550 no"
			if pipelining {
				text = opening("PIPELINING") + "C: MAIL FROM:<a@me.example> XFOO=bar\nC: RCPT TO:<b@mx.example>\nC: DATA\n" +
					"S: CODE unsupported\nS: 503 no\nS: 503 no\n= one: refused: MAIL: CODE unsupported\n" +
					"C: RSET" + toB + "\nS: 250 ok\nS: 550 no\nS: 503 no\nS: 503 no\n= two: refused: MAIL: 550 no"
			}
			play(t, conversation{
				begin: does(hello, sendEnvelope("one", env, protocol.BodyText("hi\r\n")), send("two")),
				text:  strings.ReplaceAll(text, "CODE", code),
			})
		}
	}
	env := envelope("a@me.example", "b@mx.example")
	env.Params.Extra = []wire.Param{{Keyword: "XFOO", Value: "bar"}}
	play(t, conversation{
		begin: does(hello, sendEnvelope("one", env, protocol.BodyText("hi\r\n"))),
		text: opening("PIPELINING") + "C: MAIL FROM:<a@me.example> XFOO=bar\nC: RCPT TO:<b@mx.example>\nC: DATA" + accepted +
			"\nS: 250 queued\n= one: accepted: 250 queued",
	})
}

// A size too big is refused at MAIL, at RCPT, at DATA or behind the content, for good
// or for now; the Temporary of the error is that of the reply.
func TestServerOversize(t *testing.T) { // H-S, C59
	for _, code := range []string{"552", "550", "452", "501"} {
		for at, replies := range map[string]string{
			"MAIL":                "CODE big\n503 no\n503 no\n",
			"RCPT <b@mx.example>": "250 ok\nCODE big\n503 no\n",
			"DATA":                "250 ok\n250 ok\nCODE big\n",
			"end of data":         "250 ok\n250 ok\n354 go\n|CODE big\n",
		} {
			p := stop{begin: does(hello, send("one"), send("two")), flights: []string{"220 mx.example\n", "250-mx.example\n250-SIZE\n250 PIPELINING\n"}}
			s := p.reach(t)
			for flight := range strings.SplitSeq(strings.ReplaceAll(replies, "CODE", code), "|") {
				s.say(flight)
				s.drain()
			}
			want := "one: refused: " + at + ": " + code + " big"
			if at == "DATA" {
				want += " (want 354)"
			}
			if len(s.settled) != 1 || s.settled[0] != want || s.Err() != nil {
				t.Errorf("%s at %s: %q, %v", code, at, s.settled, s.Err())
			}
			_, err := resultOf(t, s.deliveries["one"])
			if got := asError[*protocol.DeliveryError](t, err).Temporary(); got != (code == "452") {
				t.Errorf("%s at %s: temporary %v", code, at, got)
			}
			next := "MAIL FROM:<a@me.example> SIZE=4\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n"
			if at != "end of data" {
				next = "RSET\r\n" + next
			}
			if !strings.HasSuffix(string(s.out), next) {
				t.Errorf("%s at %s: wrote %q", code, at, s.out)
			}
		}
	}
}

// Recipients beyond the server's limit are refused for now, in the middle of the
// list; those before and behind them are not touched.
func TestServerTooManyRecipients(t *testing.T) { // H-S, C43
	for _, code := range []string{"452", "451", "552"} {
		for _, keywords := range [][]string{{"PIPELINING"}, {"8BITMIME"}} {
			c := newClient(t, protocol.ClientConfig{Disable: wire.EightBitMIME})
			c.Hello("me.example")
			to := make([]string, 1005)
			for i := range to {
				to[i] = fmt.Sprintf("u%d@mx.example", i)
			}
			d := c.Send(envelope("a@me.example", to...), protocol.BodyText("hi\r\n"))
			feed(c, "220 mx.example\r\n")
			out := feed(c, "250-mx.example\r\n250 "+keywords[0]+"\r\n")
			input := "250 ok\r\n"
			for i := range to {
				switch {
				case i == 1004:
					input += "250 this one all the same\r\n"
				case i >= 1000:
					input += code + " 4.5.3 too many\r\n"
				default:
					input += "250 ok\r\n"
				}
			}
			input += "354 go\r\n"
			if keywords[0] == "PIPELINING" {
				out = feed(c, input)
			} else {
				for line := range strings.Lines(input) {
					out = feed(c, line)
				}
			}
			if out != "hi\r\n.\r\n" {
				t.Fatalf("wrote %.40q", out)
			}
			feed(c, "250 queued\r\n")
			receipt, err := resultOf(t, d)
			if err != nil || receipt.Outcome != protocol.Accepted {
				t.Fatalf("%v, %v", receipt.Outcome, err)
			}
			for i, r := range receipt.Recipients {
				refused := i >= 1000 && i < 1004
				if (r.Outcome == protocol.Refused) != refused || (r.Outcome == protocol.Accepted) == refused ||
					refused && r.Reply.Text != "4.5.3 too many" || !refused && r.Reply != reply(250, "queued") {
					t.Fatalf("recipient %d: %+v", i, r)
				}
			}
		}
	}
}

// A server that has enough after so many messages answers MAIL with 503 from then
// on: each message fails with that reply, and none is lost or sent by halves.
func TestServerEndsSessionAtAHundred(t *testing.T) { // H-S
	const refused = `
			S: 503 5.5.0 too many messages in this session
			S: 503 5.5.1 no sender
			S: 503 5.5.1 no recipient
			= NAME: refused: MAIL: 503 5.5.0 too many messages in this session`
	play(t, conversation{
		begin: does(hello, send("one"), send("two"), send("three"), noop),
		text: opening("PIPELINING", "ENHANCEDSTATUSCODES") + toB + accepted + toB + `
			S: 250 2.0.0 queued
			= one: accepted: 250 2.0.0 queued` + strings.ReplaceAll(refused, "NAME", "two") + `
			C: RSET` + toB + `
			S: 250 2.0.0 flushed` + strings.ReplaceAll(refused, "NAME", "three") + `
			C: NOOP
			S: 250 2.0.0 ok
			= noop: 250 2.0.0 ok`,
	})
	// One that is fed up refuses the RSET too; then the session is over.
	play(t, conversation{
		begin: does(hello, send("two"), send("three"), noop),
		text: opening("PIPELINING", "ENHANCEDSTATUSCODES") + toB + strings.ReplaceAll(refused, "NAME", "two") + `
			C: RSET` + toB + `
			S: 503 5.5.0 too many
			= three: not delivered: RSET: 503 5.5.0 too many
			= noop: RSET: 503 5.5.0 too many
			= closed: RSET: 503 5.5.0 too many`,
	})
}

// Enhanced codes that are not there, are of another class, differ from line to line
// or are no codes at all, although they were promised: the code alone decides, and
// what is not one is text.
func TestServerEnhancedCodes(t *testing.T) { // H-S, C100, C101
	for input, want := range map[string]wire.Reply{
		"250 ok\n":                        reply(250, "ok"),
		"250 5.1.1 odd\n":                 reply(250, "5.1.1 odd"),
		"250 2.1.0\n":                     {Code: 250, Enhanced: wire.EnhancedCode{Class: 2, Subject: 1}, Text: ""},
		"250 2.1.0 \n":                    {Code: 250, Enhanced: wire.EnhancedCode{Class: 2, Subject: 1}, Text: ""},
		"250 2.1 ok\n":                    reply(250, "2.1 ok"),
		"250 2.01.0 ok\n":                 reply(250, "2.01.0 ok"),
		"250 2.1.0ok\n":                   reply(250, "2.1.0ok"),
		"250 3.1.0 ok\n":                  reply(250, "3.1.0 ok"),
		"250-2.1.0 one\n250 two\n":        {Code: 250, Enhanced: wire.EnhancedCode{Class: 2, Subject: 1}, Text: "one\ntwo"},
		"250-one\n250 2.1.0 two\n":        reply(250, "one\n2.1.0 two"),
		"250-2.1.0 one\n250 2.1.5 two\n":  {Code: 250, Enhanced: wire.EnhancedCode{Class: 2, Subject: 1}, Text: "one\n2.1.5 two"},
		"550-5.1.1 who\n550 5.7.1 what\n": {Code: 550, Enhanced: wire.EnhancedCode{Class: 5, Subject: 1, Detail: 1}, Text: "who\n5.7.1 what"},
		"450 5.1.1 later\n":               reply(450, "5.1.1 later"),
	} {
		p := stop{begin: does(hello, send("one"), send("two")), flights: []string{
			"220 mx.example\n", "250-mx.example\n250-ENHANCEDSTATUSCODES\n250 PIPELINING\n", "250 ok\n250 ok\n354 go\n"}}
		s := p.reach(t)
		s.say(input)
		s.drain()
		receipt, _ := resultOf(t, s.deliveries["one"])
		if receipt.Reply != want || (receipt.Outcome == protocol.Accepted) != want.Code.Positive() || s.Err() != nil {
			t.Errorf("%q: %v, %+v, %v", input, receipt.Outcome, receipt.Reply, s.Err())
		}
	}
}

// An AUTH that was cancelled is answered in any of these ways, and the session goes
// on.
func TestServerCancelledAuth(t *testing.T) { // H-S, H-A3, C90
	for _, code := range []string{"501", "504", "500", "535", "454"} {
		play(t, conversation{
			cfg:   inClear,
			begin: does(hello, login(login2), send("send")),
			text: opening("AUTH LOGIN") + `
			C: AUTH LOGIN
			S: 334 not base64
			C: *
			S: ` + code + `-5.7.0 as
			S: ` + code + ` 5.7.0 you wish
			= login: AUTH LOGIN: challenge is not base64
			C: MAIL FROM:<a@me.example>
			S: 530 log in
			= send: refused: MAIL: 530 log in`,
		})
	}
}

// A reset behind a complete 421 or 221 is the end that was announced; one behind a
// verdict leaves the verdict. What arrived is read before anything is concluded from
// a write error.
func TestServerReset(t *testing.T) { // H-S, C34
	const closing = `
			S: 421 closing
			= send: refused: MAIL: 421 closing
			= noop: MAIL: 421 closing
			= closed: MAIL: 421 closing`
	for _, text := range []string{
		opening("PIPELINING") + toB + closing + "\nRESET",
		opening("PIPELINING") + toB + closing + "\nWRITE FAILS\nRESET",
		opening("PIPELINING") + toB + "\nWRITE FAILS" + closing + "\nRESET",
	} {
		play(t, conversation{begin: does(hello, send("send"), noop), text: text})
	}
	for _, end := range []string{"EOF", "RESET", "WRITE FAILS\nRESET"} {
		play(t, conversation{begin: does(hello, quit), text: opening() + "C: QUIT\nS: 221 bye\n= quit: 221 bye\n= closed: EOF\n" + end})
		play(t, conversation{begin: hello, text: opening() + "S: 421 idle\n= closed: connection: 421 idle\n" + end})
	}
	const lost = "connection lost before the verdict on the content: broken pipe"
	play(t, conversation{
		begin: does(hello, send("send"), noop),
		text: opening("PIPELINING") + toB + accepted + `
			WRITE FAILS
			S: 250 queued
			= send: accepted: 250 queued
			= noop: ` + lost + `
			= closed: ` + lost,
	})
}

// Verdicts of several lines are one verdict, with or without LMTP.
func TestServerVerdictOfLines(t *testing.T) { // H-S, C29
	for _, verdict := range []struct{ lines, want string }{
		{"S: 250-2.0.0 queued\nS: 250 2.0.0 as 42", "accepted: 250 2.0.0 queued / as 42"},
		{"S: 554-5.7.1 spam\nS: 554-5.7.1 of the\nS: 554 5.7.1 worst sort", "refused: end of data: 554 5.7.1 spam / of the / worst sort"},
	} {
		play(t, conversation{
			begin: does(hello, send("send"), quit),
			text: opening("PIPELINING", "ENHANCEDSTATUSCODES") + toB + accepted + "\n" + verdict.lines + "\n= send: " + verdict.want +
				"\nC: QUIT\nS: 221 2.0.0 bye\n= quit: 221 2.0.0 bye\n= closed: EOF",
		})
	}
}

// Some servers end a session after some ten RSET or NOOP beyond one for a message, or
// slow down: in twenty messages with all fates there is a RSET in front of each that
// follows a failed transaction, and nothing else but MAIL, RCPT and DATA.
func TestServerCountsRSET(t *testing.T) { // H-S, C19
	for _, keyword := range []string{"PIPELINING", "8BITMIME"} {
		c := newClient(t, protocol.ClientConfig{Disable: wire.EightBitMIME})
		c.Hello("me.example")
		const messages = 20
		for range messages {
			c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
		}
		feed(c, "220 mx.example\r\n")
		out := feed(c, "250-mx.example\r\n250 "+keyword+"\r\n")
		verbs, message, resets := map[string]int{}, -1, 0
		fate := func(verb string) string {
			switch fates := [...]string{"MAIL", "RCPT", "DATA", "end of data", ""}; {
			case fates[message%5] == verb:
				return "550 no\r\n"
			case message%5 == 0 && verb != "MAIL" || message%5 == 1 && verb == "DATA":
				return "503 no\r\n"
			}
			return "250 ok\r\n"
		}
		for turn := 0; out != ""; turn++ {
			if turn > 1000 {
				t.Fatal("no end")
			}
			answer := ""
			for line := range strings.Lines(out) {
				verb := strings.TrimRight(line, "\r\n")
				verb, _, _ = strings.Cut(verb, " ")
				verbs[verb]++
				switch verb {
				case "MAIL":
					message++
					resets = 0
					answer += fate(verb)
				case "RSET":
					if resets++; resets > 1 || message%5 > 2 {
						t.Errorf("RSET behind message %d", message)
					}
					answer += "250 ok\r\n"
				case "DATA":
					if r := fate(verb); r != "250 ok\r\n" {
						answer += r
					} else {
						answer += "354 go\r\n"
					}
				case ".":
					answer += fate("end of data")
				case "hi":
				default:
					answer += fate(verb)
				}
			}
			out = feed(c, answer)
		}
		want := map[string]int{"MAIL": 20, "RCPT": 20, "DATA": 20, "hi": 8, ".": 8, "RSET": 12}
		if keyword != "PIPELINING" {
			want["RCPT"], want["DATA"] = 16, 12
		}
		if fmt.Sprint(verbs) != fmt.Sprint(want) || c.Busy() || c.Err() != nil {
			t.Errorf("%s: wrote %v, want %v; %v", keyword, verbs, want, c.Err())
		}
	}
}

// A server that takes all of the content and never answers: at the limit the outcome
// is unknown, and what is queued behind was not delivered.
func TestServerNeverAnswers(t *testing.T) { // H-S, C44, C47
	err := "timeout: no verdict on the content within 10m0s"
	text := opening("PIPELINING") + toB + accepted + toB + `
			WAIT 9m
			S: 250-\
			WAIT 59s
			WAIT 1s
			= one: outcome unknown, a retry may duplicate: ` + err + `
			= two: not delivered: ` + err + `
			= quit: ` + err + `
			= closed: ` + err
	play(t, conversation{begin: does(hello, send("one"), send("two"), quit), text: text})

	cfg := protocol.ClientConfig{Timeouts: protocol.Timeouts{Final: 7e9}}
	p := stop{cfg: cfg, begin: does(hello, send("one")), flights: []string{
		"220 mx.example\n", "250-mx.example\n250 PIPELINING\n", "250 ok\n250 ok\n354 go\n"}}
	s := p.reach(t)
	s.wait(7e9)
	receipt, failed := resultOf(t, s.deliveries["one"])
	e := asError[*protocol.TimeoutError](t, failed)
	if receipt.Outcome != protocol.Unknown || receipt.Outcome.RetrySafe() || e.Limit != 7e9 || e.Step != "verdict on the content" || s.Err() != error(e) {
		t.Errorf("%v, %+v, closed %v", receipt.Outcome, e, s.Err())
	}
}
