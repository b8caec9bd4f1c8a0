package protocol_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

const (
	// chunkToB is a whole message by BDAT.
	chunkToB = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: BDAT 4 LAST
			C: hi`
	// nextToB is one behind a message that is not known clean.
	nextToB = `
			C: RSET` + chunkToB
	taken = `
			S: 250 ok
			S: 250 ok
			S: 250 queued`
	nextTaken = `
			S: 250 reset` + taken
)

// chunking is an opening that offers windows.
func chunking(keywords ...string) string {
	return opening(append([]string{"PIPELINING", "CHUNKING"}, keywords...)...)
}

func windowOf(messages int, octets, ahead int64) protocol.ClientConfig {
	return protocol.ClientConfig{Window: protocol.Window{Messages: messages, Octets: octets, Ahead: ahead}}
}

// Whole messages go back to back, with one RSET between two of them, and none in front
// of the first nor behind one that is known clean.
func TestWindow(t *testing.T) { // C50, C63, C64, C66, C69, F1, F4
	play(t, conversation{
		begin: does(hello, sendSteps("one", "hi\r\n", "b@mx.example"), send("two"), send("three"), noop),
		acts:  map[string]func(*session){"send": send("four")},
		text: chunking() + chunkToB + nextToB + nextToB + taken + `
			= one mail: 250 ok
			= one rcpt 0: 250 ok
			= one: accepted: 250 queued` + nextTaken + `
			= two: accepted: 250 queued` + nextTaken + `
			= three: accepted: 250 queued
			C: NOOP
			S: 250 ok
			= noop: 250 ok
			! send` + chunkToB + taken + `
			= four: accepted: 250 queued
		`,
	})
}

// A message that is added while others are under way joins them.
func TestWindowAddedLater(t *testing.T) { // P16
	play(t, conversation{
		begin: does(hello, send("one")),
		acts:  map[string]func(*session){"send": send("two"), "quit": quit},
		text: chunking() + chunkToB + `
			! send` + nextToB + `
			! quit` + taken + `
			= one: accepted: 250 queued` + nextTaken + `
			= two: accepted: 250 queued
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF
		`,
	})
}

// A server that answers each message of a window differently: every refusal is that of
// its own message. Behind one the window drains, the content of the next message waits
// for its recipient, and the window grows again.
func TestWindowAnsweredDifferently(t *testing.T) { // P16, F3, F4, F6, C19, C51, C52, C65, H-R15, H-R16, H-S
	play(t, conversation{
		cfg: windowOf(7, 0, 0),
		begin: does(hello, send("taken"), send("mail"), send("mail, for now"), sendTo("rcpt", "hi\r\n", "b@mx.example", "c@mx.example"),
			sendSteps("nobody", "hi\r\n", "b@mx.example"), send("content"), send("content, for now"),
			send("drained"), send("two"), send("three"), send("four")),
		text: chunking() + chunkToB + nextToB + nextToB + `
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: BDAT 4 LAST
			C: hi` + nextToB + nextToB + nextToB + taken + `
			= taken: accepted: 250 queued
			# The message accepted makes room for one more.` + nextToB + `
			S: 250 reset
			S: 550 not you
			S: 503 no
			S: 503 no
			= mail: refused: MAIL: 550 not you
			S: 250 reset
			S: 451 later
			S: 503 no
			S: 503 no
			= mail, for now: refused: MAIL: 451 later
			S: 250 reset
			S: 250 ok
			S: 550 who
			S: 250 ok
			S: 250 queued for c
			= rcpt: accepted: 250 queued for c
			S: 250 reset
			S: 250 ok
			S: 450 later
			S: 554 nobody
			= nobody mail: 250 ok
			= nobody rcpt 0: RCPT <b@mx.example>: 450 later
			= nobody: refused: RCPT <b@mx.example>: 450 later
			S: 250 reset
			S: 250 ok
			S: 250 ok
			S: 554 spam
			= content: refused: end of data: 554 spam
			S: 250 reset
			S: 250 ok
			S: 250 ok
			S: 452 full
			= content, for now: refused: end of data: 452 full` + nextTaken + `
			= drained: accepted: 250 queued
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			S: 250 ok
			C: BDAT 4 LAST
			C: hi
			S: 250 queued
			= two: accepted: 250 queued` + chunkToB + taken + `
			= three: accepted: 250 queued` + chunkToB + `
			EOF
			= four: outcome unknown, a retry may duplicate: connection lost before the reply to MAIL: unexpected EOF
			= closed: connection lost before the reply to MAIL: unexpected EOF
		`,
	})
}

// The server that ends its session after a few fully refused messages sees no BDAT
// without a recipient but those of the window in which the first was refused.
func TestWindowOfRefusals(t *testing.T) { // H-S, H-R15
	play(t, conversation{
		cfg:   windowOf(2, 0, 0),
		begin: does(hello, send("one"), send("two"), send("three"), send("four")),
		text: chunking() + chunkToB + nextToB + `
			S: 250 ok
			S: 550 who
			S: 503 nobody
			= one: refused: RCPT <b@mx.example>: 550 who
			S: 250 reset
			S: 250 ok
			S: 550 who
			S: 503 nobody
			= two: refused: RCPT <b@mx.example>: 550 who
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			S: 250 reset
			S: 250 ok
			S: 550 who
			= three: refused: RCPT <b@mx.example>: 550 who
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			S: 250 reset
			S: 550 not you
			S: 503 no sender
			= four: refused: MAIL: 550 not you
		`,
	})
}

// A RSET that is refused is fatal: what is behind it may have been taken for anything.
func TestWindowResetRefused(t *testing.T) { // F4
	for reply, err := range map[string]string{
		"502 RSET?":   "RSET: 502 RSET?",
		"421 closing": "RSET: 421 closing",
		"354 go":      "protocol error at the reply to RSET: unexpected reply: 354 go",
	} {
		play(t, conversation{
			begin: does(hello, send("one"), send("two"), send("three"), noop),
			text: chunking() + chunkToB + nextToB + nextToB + taken + "\n= one: accepted: 250 queued\nS: " + reply + strings.ReplaceAll(`
			= two: outcome unknown, a retry may duplicate: ERR
			= three: outcome unknown, a retry may duplicate: ERR
			= noop: ERR
			= closed: ERR`, "ERR", err),
		})
	}
}

// A server that closes inside a window, or is silent: what it answered counts, and of
// the rest nobody knows. A 421 answers the oldest command alone.
func TestWindowClosed(t *testing.T) { // F2, C33, C47, H-R8, H-R9
	replies := []string{"250 ok", "250 ok", "250 queued", "250 reset", "250 ok", "550 who", "503 nobody", "250 reset", "250 ok", "250 ok", "250 queued"}
	steps := []string{"MAIL", "RCPT", "", "RSET", "MAIL", "RCPT", "", "RSET", "MAIL", "RCPT", ""}
	for n := range replies {
		for _, end := range []string{"EOF", "RESET", "WRITE FAILS\nEOF", "S: 421 closing"} {
			awaited := "reply to " + steps[n]
			if steps[n] == "" {
				awaited = "verdict on the content"
			}
			err := "connection lost before the " + awaited + ": "
			answered := -1 // the message that a 421 refuses
			switch end {
			case "EOF":
				err += "unexpected EOF"
			case "RESET":
				err += "connection reset"
			case "S: 421 closing":
				if err = strings.ReplaceAll(steps[n]+": 421 closing", "", ""); steps[n] == "" {
					err = "end of data: 421 closing"
				}
				if steps[n] != "RSET" {
					answered = n / 4
					if n > 2 {
						answered = 1 + (n-3)/4
					}
				}
			default:
				err += "broken pipe"
			}
			const unknown = "outcome unknown, a retry may duplicate: "
			var b strings.Builder
			b.WriteString(chunking() + chunkToB + nextToB + nextToB + "\n")
			for i, r := range replies[:n] {
				b.WriteString("S: " + r + "\n")
				switch i {
				case 2:
					b.WriteString("= one: accepted: 250 queued\n")
				case 6:
					b.WriteString("= two: refused: RCPT <b@mx.example>: 550 who\n")
				}
			}
			b.WriteString(end + "\n")
			for i, name := range []string{"one", "two", "three"} {
				switch {
				case i == 0 && n > 2, i == 1 && n > 6:
				case i == 1 && n == 6:
					b.WriteString("= two: refused: RCPT <b@mx.example>: 550 who\n") // and the rest does not matter
				case answered == i && steps[n] == "RCPT":
					b.WriteString("= " + name + ": refused: RCPT <b@mx.example>: 421 closing\n")
				case answered == i:
					b.WriteString("= " + name + ": refused: " + err + "\n")
				default:
					b.WriteString("= " + name + ": " + unknown + err + "\n")
				}
			}
			b.WriteString("= noop: " + err + "\n= closed: " + err + "\n")
			play(t, conversation{begin: does(hello, send("one"), send("two"), send("three"), noop), text: b.String()})
		}
	}
}

// The message that a 421 makes unknown carries it.
func TestWindowUnknownCarries421(t *testing.T) { // H-R8
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
	m.send("one", protocol.BodyText("hi\r\n"), "b@mx.example")
	two := m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	m.take(1000)
	m.Feed(m.now, []byte("250 ok\r\n421 closing\r\n"))
	receipt, _ := resultOf(t, two)
	if receipt.Outcome != protocol.Unknown || receipt.Recipients[0] != (protocol.RecipientResult{Outcome: protocol.Unknown, Reply: reply(421, "closing")}) {
		t.Errorf("%+v", receipt)
	}
}

// Content over the limit waits for the first recipient that is accepted, and nothing
// flows meanwhile; what is behind it follows as far as the window goes.
func TestWindowLargeContentWaits(t *testing.T) { // C69, F11
	begin := does(hello, sendTo("one", "0123456789\r\n", "b@mx.example", "c@mx.example"), send("two"), send("three"))
	const envelope = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			S: 250 ok
			S: 550 who`
	play(t, conversation{
		cfg: windowOf(0, 16, 8), begin: begin,
		text: chunking() + envelope + `
			S: 250 ok
			C: BDAT 12 LAST
			C: 0123456789` + nextToB + `
			S: 250 queued
			= one: accepted: 250 queued` + nextToB + nextTaken + `
			= two: accepted: 250 queued` + nextTaken + `
			= three: accepted: 250 queued
		`,
	})
	// Larger than the window it goes alone.
	play(t, conversation{
		cfg: windowOf(0, 11, 8), begin: begin,
		text: chunking() + envelope + `
			S: 250 ok
			C: BDAT 12 LAST
			C: 0123456789
			S: 250 queued
			= one: accepted: 250 queued` + chunkToB + nextToB + taken + `
			= two: accepted: 250 queued` + nextTaken + `
			= three: accepted: 250 queued
		`,
	})
	// With nobody accepted there is no BDAT.
	play(t, conversation{
		cfg: windowOf(0, 16, -1), begin: begin,
		text: chunking() + envelope + `
			S: 450 later
			= one: refused: RCPT <b@mx.example>: 550 who; 2 recipients refused in all
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			S: 250 reset
			S: 250 ok
			S: 250 ok
			C: BDAT 4 LAST
			C: hi
			S: 250 queued
			= two: accepted: 250 queued
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			S: 250 ok
			C: BDAT 4 LAST
			C: hi
			S: 250 queued
			= three: accepted: 250 queued
		`,
	})
}

// The window's bounds, one by one; a window of one message is none.
func TestWindowBounds(t *testing.T) {
	for _, test := range []struct {
		window protocol.Window
		at     int // messages at a time
	}{
		{protocol.Window{Messages: 1}, 1}, {protocol.Window{Messages: 3}, 3}, {protocol.Window{}, 32},
		{protocol.Window{Octets: 1}, 1}, {protocol.Window{Octets: 7}, 1}, {protocol.Window{Octets: 8}, 2}, {protocol.Window{Octets: 127}, 31},
		{protocol.Window{Messages: 100, Octets: 400}, 100}, {protocol.Window{Ahead: 4}, 32},
	} {
		m := greeted(t, protocol.ClientConfig{Window: test.window}, "PIPELINING", "CHUNKING")
		for range 200 {
			m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
		}
		out := m.take(1 << 20)
		const one = "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 4 LAST\r\nhi\r\n"
		if want := one + strings.Repeat("RSET\r\n"+one, test.at-1); out != want {
			t.Errorf("%+v: %d messages at once, want %d", test.window, strings.Count(out, "MAIL"), test.at)
		}
		m.feed("250 ok\r\n250 ok\r\n250 queued\r\n")
		want := "RSET\r\n" + one
		if test.at == 1 {
			want = one // the one before is known clean
		}
		if out := m.take(1 << 20); out != want {
			t.Errorf("%+v: behind a verdict %q, want %q", test.window, out, want)
		}
	}
	for window, want := range map[protocol.Window]string{
		{Messages: -1}: "Window.Messages: negative", {Octets: -1}: "Window.Octets: negative",
	} {
		if _, err := protocol.NewClient(start, protocol.ClientConfig{Window: window}); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", window, err, want)
		}
	}
}

// Without PIPELINING, without CHUNKING and with either disabled there is no window.
func TestWindowNotOffered(t *testing.T) { // C49, C63, H-R13, H-S
	for _, test := range []struct {
		keywords string
		disable  wire.ExtensionSet
		want     string
	}{
		{"PIPELINING", 0, mailGroup},
		{"CHUNKING", 0, "MAIL FROM:<a@me.example>\r\n"},
		{"PIPELINING CHUNKING", wire.Chunking, mailGroup},
		{"PIPELINING CHUNKING", wire.Pipelining, "MAIL FROM:<a@me.example>\r\n"},
	} {
		m := greeted(t, protocol.ClientConfig{Disable: test.disable}, strings.Fields(test.keywords)...)
		for range 3 {
			m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
		}
		m.wrote(test.want)
		if test.want != mailGroup {
			m.feed("250 ok\r\n")
			m.wrote("RCPT TO:<b@mx.example>\r\n")
			m.feed("250 ok\r\n")
			m.wrote("DATA\r\n")
		}
	}
}

// LMTP: the last chunk has a verdict for each recipient that was accepted, and one if
// none was.
func TestWindowLMTP(t *testing.T) { // C106, C107, C118, H-R17
	play(t, conversation{
		cfg: lmtp,
		begin: does(hello, sendTo("one", "hi\r\n", "b@mx.example", "c@mx.example", "d@mx.example"), send("nobody"),
			sendTo("full", "hi\r\n", "b@mx.example", "c@mx.example"), send("mail"), send("last"), noop),
		text: lhlo("PIPELINING", "CHUNKING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: RCPT TO:<d@mx.example>
			C: BDAT 4 LAST
			C: hi
			S: 250 ok
			S: 250 ok
			S: 550 who
			S: 250 ok
			S: 250 for b
			S: 452 full
			= one: accepted: 452 full` + chunkToB + `
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: BDAT 4 LAST
			C: hi
			S: 250 ok
			S: 550 who
			S: 503 nobody
			= nobody: refused: RCPT <b@mx.example>: 550 who
			S: 250 reset
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 452 full
			S: 552 full
			= full: refused: end of data: 552 full
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			S: 250 reset
			S: 550 not you
			S: 503 no
			= mail: refused: MAIL: 550 not you
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			S: 250 reset
			S: 250 ok
			S: 250 ok
			C: BDAT 4 LAST
			C: hi
			S: 250 queued
			= last: accepted: 250 queued
			C: NOOP
			S: 250 ok
			= noop: 250 ok
		`,
	})
}

// A server that takes the content although it refused the sender may have taken it for
// somebody: nobody knows for whom.
func TestWindowContentTakenWithoutSender(t *testing.T) {
	const err = "protocol error at the verdict on the content: content taken behind a refusal: 250 queued"
	play(t, conversation{
		begin: does(hello, send("one"), send("two")),
		text: chunking() + chunkToB + nextToB + `
			S: 503 sender already given
			S: 250 ok
			S: 250 queued
			= one: outcome unknown, a retry may duplicate: ` + err + `
			= two: outcome unknown, a retry may duplicate: ` + err + `
			= closed: ` + err,
	})
	// A verdict that refuses leaves no doubt, and neither does one for nobody.
	play(t, conversation{
		begin: does(hello, send("one"), send("two"), send("three")),
		text: chunking() + chunkToB + nextToB + nextToB + `
			S: 503 sender already given
			S: 250 ok
			S: 554 no
			= one: refused: MAIL: 503 sender already given
			S: 250 reset
			S: 250 ok
			S: 550 who
			S: 250 queued for nobody
			= two: refused: RCPT <b@mx.example>: 550 who` + nextTaken + `
			= three: accepted: 250 queued`,
	})
}

// A message in the window is taken back if nothing of it was lent, and what is behind it
// is planned anew; with its commands lent alone it gets no BDAT; with its last chunk lent
// it is too late.
func TestWindowCancel(t *testing.T) { // F23
	one := "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 4 LAST\r\nhi\r\n"
	begin := func() (*machine, []*protocol.Delivery) {
		m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
		var all []*protocol.Delivery
		for i := range 4 {
			all = append(all, m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n")))
			note(m, fmt.Sprint(i), all[i].Result())
		}
		return m, all
	}
	m, all := begin()
	if !all[0].Cancel() || !all[2].Cancel() {
		t.Error("cannot be taken back")
	}
	m.wrote(one + "RSET\r\n" + one)
	m.feed("250 ok\r\n250 ok\r\n250 queued\r\n250 reset\r\n250 ok\r\n250 ok\r\n250 queued\r\n")
	m.wantLog("0: not delivered: canceled", "2: not delivered: canceled", "1", "3")

	reset := "RSET\r\n"
	for lent := range len(one) + 1 {
		m, all := begin()
		m.lend(len(one) + len(reset) + lent)
		content := strings.Index(one, "BDAT")
		got := all[1].Cancel()
		switch {
		case lent == len(one):
			if got {
				t.Error("cancelled behind its end of data")
			}
			continue
		case !got:
			t.Errorf("octet %d: cannot be cancelled", lent)
		case lent > content:
			// Within the last chunk only the end of the connection keeps it from being taken.
			if m.Err() != protocol.ErrAborted {
				t.Errorf("octet %d: %v", lent, m.Err())
			}
			m.wantLog("0: outcome unknown, a retry may duplicate: "+protocol.ErrAborted.Error(), "1: not delivered: canceled",
				"2: not delivered: "+protocol.ErrAborted.Error(), "3: not delivered: "+protocol.ErrAborted.Error())
			continue
		}
		m.wrote(one + reset + one[:content] + reset + one + reset + one)
		m.feed("250 ok\r\n250 ok\r\n250 queued\r\n250 reset\r\n250 ok\r\n550 who\r\n")
		m.feed("250 reset\r\n250 ok\r\n250 ok\r\n250 queued\r\n250 reset\r\n250 ok\r\n250 ok\r\n250 queued\r\n")
		m.wantLog("0", "1: refused: RCPT <b@mx.example>: 550 who", "2", "3")
	}
}

// What cannot be sent to this server writes nothing, and settles in its turn.
func TestWindowRefusedBeforeAnythingIsWritten(t *testing.T) { // F2
	large := envelope("a@me.example", "b@mx.example")
	large.Params.Size = 1000
	play(t, conversation{
		begin: does(hello, send("one"), sendEnvelope("large", large, protocol.BodyText("hi\r\n")), send("two")),
		text: strings.ReplaceAll(chunking("SIZE 500")+chunkToB+nextToB, "example>\n			C: RCPT", "example> SIZE=4\n			C: RCPT") + taken + `
			= one: accepted: 250 queued
			= large: not delivered: SIZE limit of the server: 1000 is over 500` + nextTaken + `
			= two: accepted: 250 queued`,
	})
	// So it does at the end of the connection, with its own reason; it has failed, and
	// cannot be given up any more.
	play(t, conversation{
		begin: does(hello, send("one"), sendEnvelope("send", large, protocol.BodyText("hi\r\n")), send("two")),
		acts:  cancelActs,
		text: strings.ReplaceAll(chunking("SIZE 500")+chunkToB+nextToB, "example>\n			C: RCPT", "example> SIZE=4\n			C: RCPT") + `
			! cancel in vain
			EOF
			= one: outcome unknown, a retry may duplicate: connection lost before the reply to MAIL: unexpected EOF
			= send: not delivered: SIZE limit of the server: 1000 is over 500
			= two: outcome unknown, a retry may duplicate: connection lost before the reply to MAIL: unexpected EOF
			= closed: connection lost before the reply to MAIL: unexpected EOF`,
	})
}

// A peer that stops reading sees no more than the window, however much is queued, and
// the block timeout ends it.
func TestWindowPeerStopsReading(t *testing.T) { // C46, C53, H-R41
	m := greeted(t, windowOf(8, 100, 0), "PIPELINING", "CHUNKING")
	for range 1000 {
		m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
	}
	out := m.lend(1 << 20)
	if n := strings.Count(out, "MAIL"); n != 8 || !m.WantRead() {
		t.Errorf("%d messages offered, WantRead %v", n, m.WantRead())
	}
	if again := m.lend(1 << 20); again != out {
		t.Error("more is offered without Wrote")
	}
	m.now = m.Deadline()
	m.Tick(m.now)
	if m.Err() == nil || m.Err().Error() != "timeout: no progress in writing within 3m0s" {
		t.Error(m.Err())
	}
}

// Each RCPT of a run is answered by itself: a 2yz needs its last octet lent, a 4yz or
// 5yz its first, and its time begins when it is written.
func TestRecipientsAnsweredOneByOne(t *testing.T) { // H-R7, C17, C51
	const mail, one = "MAIL FROM:<a@me.example>\r\n", "RCPT TO:<b@mx.example>\r\n"
	for answered := range 3 {
		for extra := range len(one) + 1 {
			for _, reply := range []string{"250 ok", "550 no"} {
				m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
				m.send("one", protocol.BodyText("hi"), "b@mx.example", "b@mx.example", "b@mx.example")
				if n := len(mail) + answered*len(one) + extra; n > 0 {
					m.lend(n)
				}
				m.feed("250 ok\r\n" + strings.Repeat("250 ok\r\n", answered))
				m.Feed(m.now, []byte(reply+"\r\n"))
				good := extra == len(one) || reply == "550 no" && extra > 0
				if (m.Err() == nil) != good {
					t.Errorf("%s to recipient %d, %d octets of it lent: %v", reply, answered, extra, m.Err())
				}
			}
		}
	}
	// With the first RCPT written and no more the reply to it is due, and the next is not.
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	m.send("one", protocol.BodyText("hi"), "b@mx.example", "b@mx.example", "b@mx.example")
	m.lend(1 << 10)
	m.Wrote(m.now, int64(len(mail+one)))
	m.feed("250 ok\r\n")
	wantDue := func(want time.Duration) {
		t.Helper()
		if due := m.Deadline().Sub(m.now); due != want {
			t.Errorf("due in %v, want %v", due, want)
		}
	}
	m.now = m.now.Add(time.Minute)
	m.Wrote(m.now, 1) // progress: the block timeout is 3 minutes
	wantDue(3 * time.Minute)
	m.now = m.now.Add(2 * time.Minute)
	wantDue(time.Minute)
	m.Wrote(m.now, int64(len(one)-1))
	wantDue(2 * time.Minute) // of 5 from the reply to MAIL on
	m.feed("250 ok\r\n")
	wantDue(3 * time.Minute) // the block timeout: the second is written, and all of 5 minutes are left
	m.feed("250 ok\r\n")
	m.lend(1 << 10)
	m.now = m.now.Add(time.Minute)
	wantDue(2 * time.Minute)
}

// A callback may give up its own message at any step; behind the last reply it settles
// at once.
func TestWindowCancelFromCallback(t *testing.T) { // F23, rule 5
	for _, lmtp := range []bool{false, true} {
		for step := range 3 {
			for _, ahead := range []int64{0, -1} {
				cfg := windowOf(0, 0, ahead)
				cfg.LMTP = lmtp
				m := greeted(t, cfg, "PIPELINING", "CHUNKING")
				one := m.Send(envelope("a@me.example", "b@mx.example", "c@mx.example"), protocol.BodyText("hi\r\n"))
				futures := []*future.Future[wire.Reply]{one.Mail(), one.Rcpt(0), one.Rcpt(1)}
				canceled := false
				futures[step].OnReady(func(wire.Reply, error) { canceled = one.Cancel() })
				note(m, "one", one.Result())
				m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
				m.take(1 << 10)
				m.feed("250 ok\r\n550 who\r\n450 later\r\n")
				if ahead == 0 {
					m.feed("554 nobody\r\n")
				}
				if canceled == (ahead == 0) {
					t.Errorf("LMTP %v, step %d, ahead %d: Cancel is %v", lmtp, step, ahead, canceled)
				}
				m.wantLog("one: refused: RCPT <b@mx.example>: 550 who; 2 recipients refused in all")
				if ahead != 0 || lmtp {
					m.wrote("RSET\r\n" + chunkGroup)
				}
				m.feed("250 reset\r\n250 ok\r\n250 ok\r\n")
				m.take(1 << 10)
				m.feed("250 queued\r\n")
				if n := len(m.log); m.log[n-1] != "two" || m.Err() != nil {
					t.Errorf("LMTP %v, step %d, ahead %d: %q, %v", lmtp, step, ahead, m.log, m.Err())
				}
			}
		}
	}
}
