package protocol_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

const chunkGroup = "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n"

// lastChunk is content as it goes in one chunk.
func lastChunk(content string) string {
	return fmt.Sprintf("BDAT %d LAST\r\n%s", len(content), content)
}

// By BDAT content arrives as by DATA, whatever kind of body it comes from: lines that
// end in CRLF, no dot-stuffing, no end of data.
func TestChunkContent(t *testing.T) { // P12, C2, C64, C67, C124, H-I10, H-I11
	for content, want := range map[string]string{
		"":                           "",
		"\r\n":                       "\r\n",
		"hi":                         "hi\r\n",
		"hi\r\n":                     "hi\r\n",
		".\r\n..\r\n.a":              ".\r\n..\r\n.a\r\n",
		"a\nb\n.\nc\n":               "a\r\nb\r\n.\r\nc\r\n",
		"a\rb\r":                     "a\r\nb\r\n",
		"\x00\xff\x80":               "\x00\xff\x80\r\n",
		strings.Repeat("long ", 900): strings.Repeat("long ", 900) + "\r\n",
	} {
		for kind, body := range map[string]func() protocol.Body{
			"text":            func() protocol.Body { return protocol.BodyText(content) },
			"reader":          func() protocol.Body { return protocol.BodyFrom(strings.NewReader(content), int64(len(content))) },
			"reader, unsized": func() protocol.Body { return protocol.BodyFrom(strings.NewReader(content), -1) },
			"source of 1":     func() protocol.Body { return &source{content: content, piece: 1, size: int64(len(content))} },
			"source, unsized": func() protocol.Body { return &source{content: content, piece: 7, size: -1} },
		} {
			for _, max := range []int{1, 7, 64, 1 << 20} {
				m := greeted(t, protocol.ClientConfig{Allow8Bit: true}, "PIPELINING", "CHUNKING", "SIZE")
				d := m.Send(envelope("a@me.example", "b@mx.example"), body())
				out := m.take(max)
				if kind == "source, unsized" { // waits for the recipient
					m.feed("250 ok\r\n250 ok\r\n")
					out += m.take(max)
					m.feed("250 queued\r\n")
				} else {
					m.feed("250 ok\r\n250 ok\r\n250 queued\r\n")
				}
				_, out, _ = strings.Cut(out, "RCPT TO:<b@mx.example>\r\n")
				if _, err := resultOf(t, d); out != lastChunk(want) || err != nil {
					t.Errorf("%.20q as %s, %d at a time: %.100q, %v", content, kind, max, out, err)
				}
			}
		}
	}
}

// Where nobody was accepted, what the server says to the content decides nothing: the
// Receipt is as it is by DATA.
func TestChunkForNobody(t *testing.T) { // C52
	for name, cfg := range map[string]protocol.ClientConfig{
		"BDAT": {}, "DATA": {Disable: wire.Chunking},
		"BDAT to LMTP": {LMTP: true}, "DATA to LMTP": {LMTP: true, Disable: wire.Chunking},
	} {
		for mail, decided := range map[string]string{"250 ok\r\n": "550 nobody", "451 later\r\n": "451 later"} {
			m := greeted(t, cfg, "PIPELINING", "CHUNKING")
			d := m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
			m.take(1 << 20)
			m.feed(mail + "550 nobody\r\n503 no valid recipients\r\n")
			receipt, _ := resultOf(t, d)
			if receipt.Outcome != protocol.Refused || receipt.Reply != (wire.Reply{}) || receipt.Recipients[0].Reply.String() != decided {
				t.Errorf("%s: got %+v, want refused by %q", name, receipt, decided)
			}
		}
	}
}

// BODY=BINARYMIME goes octet for octet, by BDAT alone; one command at a time where
// PIPELINING is not offered.
func TestChunkBinary(t *testing.T) { // C67, C68
	const content = "\x00a\nb\rc.\r\n.\r\n\xff"
	env := envelope("a@me.example", "b@mx.example", "c@mx.example")
	env.Params.Body = wire.BodyBinaryMIME
	const mail = "MAIL FROM:<a@me.example> SIZE=13 BODY=BINARYMIME\r\n"
	for kind, body := range map[string]func() protocol.Body{
		"bytes":  func() protocol.Body { return protocol.BodyText(content) },
		"source": func() protocol.Body { return &source{content: content, piece: 3, size: int64(len(content))} },
	} {
		for _, eol := range []wire.EOL{wire.EOLFix, wire.EOLStrict} {
			m := greeted(t, protocol.ClientConfig{EOL: eol}, "PIPELINING", "CHUNKING", "BINARYMIME", "8BITMIME", "SIZE")
			d := m.Send(env, body())
			m.wrote(mail + "RCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\n" + lastChunk(content))
			m.feed("250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n")
			if _, err := resultOf(t, d); err != nil {
				t.Error(kind, err)
			}

			m = greeted(t, protocol.ClientConfig{EOL: eol}, "CHUNKING", "BINARYMIME", "8BITMIME", "SIZE")
			d = m.Send(env, body())
			next := m.Send(env, body())
			m.wrote(mail)
			m.feed("250 ok\r\n")
			m.wrote("RCPT TO:<b@mx.example>\r\n")
			m.feed("250 ok\r\n")
			m.wrote("RCPT TO:<c@mx.example>\r\n")
			m.feed("250 ok\r\n")
			m.wrote(lastChunk(content))
			m.feed("554 no\r\n")
			if _, err := resultOf(t, d); err == nil || err.Error() != "refused: end of data: 554 no" {
				t.Error(kind, err)
			}
			m.wrote("RSET\r\n")
			m.feed("250 ok\r\n")
			m.wrote(mail)
			m.feed("550 no\r\n")
			if _, err := resultOf(t, next); err == nil || err.Error() != "refused: MAIL: 550 no" {
				t.Error(kind, err)
			}
		}
	}
}

const chunkSize = 64 << 10

// long is content of so many chunks and a bit.
func long(chunks int) string {
	return strings.Repeat(strings.Repeat("x", 62)+"\r\n", chunks*chunkSize/64) + "end\r\n"
}

// chunked is content as a source of unknown size sends it.
func chunked(content string) string {
	var b strings.Builder
	for len(content) > chunkSize {
		fmt.Fprintf(&b, "BDAT %d\r\n%s", chunkSize, content[:chunkSize])
		content = content[chunkSize:]
	}
	return b.String() + lastChunk(content)
}

// accepting returns a machine whose message waits for its content, and the message.
func accepting(t *testing.T, cfg protocol.ClientConfig, body protocol.Body) (*machine, *protocol.Delivery) {
	t.Helper()
	m := greeted(t, cfg, "PIPELINING", "CHUNKING")
	d := m.send("one", body, "b@mx.example")
	m.wrote(chunkGroup)
	m.feed("250 ok\r\n250 ok\r\n")
	return m, d
}

// Content of unknown size goes in chunks of bounded size, without waiting for the
// replies; with LMTP each chunk waits for the reply to the one before, because behind a
// refused one nobody could count the replies to the last.
func TestChunkUnknownSize(t *testing.T) { // C64, C69, C118
	content := long(3)
	m, d := accepting(t, protocol.ClientConfig{}, protocol.BodyFrom(strings.NewReader(content), -1))
	next := m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	if out := m.take(1 << 20); out != chunked(content) {
		t.Errorf("wrote %d octets: %.60q", len(out), out)
	}
	m.feed("250 1\r\n250 2\r\n250 3\r\n250 queued\r\n")
	m.wrote(chunkGroup + "BDAT 4 LAST\r\nhi\r\n")
	m.feed("250 ok\r\n250 ok\r\n250 queued\r\n")
	for _, d := range []*protocol.Delivery{d, next} {
		if receipt, err := resultOf(t, d); err != nil || receipt.Reply.Text != "queued" {
			t.Error(receipt, err)
		}
	}

	m, d = accepting(t, lmtp, protocol.BodyFrom(strings.NewReader(content), -1))
	out := ""
	for range 3 {
		piece := m.take(1 << 20)
		if len(piece) != len("BDAT 65536\r\n")+chunkSize {
			t.Errorf("wrote %d octets: %.60q", len(piece), piece)
		}
		out += piece
		m.feed("250 go on\r\n")
	}
	out += m.take(1 << 20)
	m.feed("250 for b\r\n")
	if _, err := resultOf(t, d); err != nil || out != chunked(content) {
		t.Errorf("%v, wrote %d octets", err, len(out))
	}

	// An empty source is an empty last chunk.
	m, _ = accepting(t, protocol.ClientConfig{}, &source{size: -1})
	m.wrote("BDAT 0 LAST\r\n")
}

// The octets of chunks do not depend on when, or with what max, Output is called.
func TestChunkRule2(t *testing.T) {
	content := strings.ReplaceAll(long(2), "\r\n", "\n")
	run := func(max, ack int) string {
		m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
		m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyFrom(strings.NewReader("small\n"), 6))
		m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("bare\n"))
		m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("whole\r\n"))
		m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyFrom(strings.NewReader(content), -1))
		m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("last\r\n"))
		var all strings.Builder
		write := func() {
			for {
				s := m.lend(max)
				if s == "" {
					return
				}
				n := min(ack, len(s))
				m.Wrote(m.now, int64(n))
				all.WriteString(s[:n])
			}
		}
		write()
		for range 3 {
			m.feed("250 ok\r\n250 ok\r\n250 queued\r\n250 reset\r\n")
			write()
			if strings.HasSuffix(all.String(), "whole\r\n") {
				break
			}
		}
		return all.String()
	}
	want := run(1<<20, 1<<20)
	for _, max := range []int{1, 3, 64, 512, 4096, chunkSize} {
		for _, ack := range []int{1, 5, max} {
			if got := run(max, ack); got != want {
				t.Errorf("max %d, %d acknowledged at a time: %d octets, want %d", max, ack, len(got), len(want))
			}
		}
	}
}

// Behind a refused chunk no other follows, except those on their way: RSET clears the
// message away, and the connection lives.
func TestChunkRefused(t *testing.T) { // C65, H-R16
	for _, code := range []string{"552", "452"} {
		content := long(3)
		m, d := accepting(t, protocol.ClientConfig{}, protocol.BodyFrom(strings.NewReader(content), -1))
		m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
		sent := m.lend(10) // of the first chunk
		m.Wrote(m.now, 10)
		m.feed(code + " too much\r\n")
		if _, _, settled := d.Result().Result(); settled {
			t.Error("settled while octets that were announced are not sent")
		}
		// What is announced of it is sent still.
		sent += m.take(1 << 20)
		if want := chunked(content)[:len("BDAT 65536\r\n")+chunkSize] + "RSET\r\n" + chunkGroup; sent != want {
			t.Errorf("wrote %d octets, want %d; %.40q", len(sent), len(want), sent[max(0, len(sent)-40):])
		}
		m.feed("250 reset\r\n250 ok\r\n250 ok\r\n")
		m.wrote("BDAT 4 LAST\r\nhi\r\n")
		m.feed("250 queued\r\n")
		m.wantLog("one mail", "one rcpt", "one: refused: BDAT: "+code+" too much", "two mail", "two rcpt", "two")
	}
	// Chunks that were sent ahead of the refusal are answered, and count for nothing.
	content := long(3)
	m, _ := accepting(t, protocol.ClientConfig{}, protocol.BodyFrom(strings.NewReader(content), -1))
	m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	m.take(1 << 20)
	m.feed("250 1\r\n552 too much\r\n503 no\r\n")
	m.wantLog("one mail", "one rcpt")
	m.feed("503 no\r\n")
	m.wantLog("one mail", "one rcpt", "one: refused: BDAT: 552 too much")
	m.wrote("RSET\r\n" + chunkGroup)
	// Whoever takes the last chunk after all has taken a part of the message.
	m, d := accepting(t, protocol.ClientConfig{}, protocol.BodyFrom(strings.NewReader(content), -1))
	m.take(1 << 20)
	m.feed("250 1\r\n552 too much\r\n503 no\r\n")
	m.Feed(m.now, []byte("250 queued\r\n"))
	if receipt, err := resultOf(t, d); receipt.Outcome != protocol.Unknown || err.Error() != "outcome unknown, a retry may duplicate: protocol error at the verdict on the content: content taken behind a refusal: 250 queued" {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// A refusal in the middle of the last chunk counts at once, and settles when the octets
// that were announced are out; neighbours go on.
func TestChunkRefusedEarly(t *testing.T) { // C31, C65, H-R16
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
	one := m.send("one", protocol.BodyText("0123456789\r\n"), "b@mx.example")
	m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	first := chunkGroup + "BDAT 12 LAST\r\n01234"
	m.Wrote(m.now, int64(len(m.lend(len(first)))))
	m.feed("250 ok\r\n250 ok\r\n552 too much\r\n")
	m.wantLog("one mail", "one rcpt")
	if one.Cancel() {
		t.Error("cancelled behind its refusal")
	}
	if s := m.lend(6); s != "56789\r" {
		t.Errorf("lent %q", s)
	}
	m.wantLog("one mail", "one rcpt")
	m.wrote("56789\r\nRSET\r\n" + chunkGroup + "BDAT 4 LAST\r\nhi\r\n")
	m.feed("250 reset\r\n250 ok\r\n250 ok\r\n250 queued\r\n")
	m.wantLog("one mail", "one rcpt", "one: refused: end of data: 552 too much", "two mail", "two rcpt", "two")

	// The end of the connection does not make it less refused.
	for name, end := range map[string]func(*machine){
		"EOF":   func(m *machine) { m.FeedEOF(m.now) },
		"reset": func(m *machine) { m.Fail(m.now, io.ErrClosedPipe) },
		"write": func(m *machine) { m.WriteFailed(m.now, io.ErrClosedPipe) },
	} {
		m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
		m.send("one", protocol.BodyText("0123456789\r\n"), "b@mx.example")
		m.Wrote(m.now, int64(len(m.lend(len(first)))))
		m.feed("250 ok\r\n250 ok\r\n552 too much\r\n")
		end(m)
		if m.Err() == nil {
			t.Errorf("%s: still open", name)
		}
		m.wantLog("one mail", "one rcpt", "one: refused: end of data: 552 too much")
	}

	// A 2yz needs all of it lent.
	m = greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
	m.send("one", protocol.BodyText("0123456789\r\n"), "b@mx.example")
	m.lend(len(first))
	m.Feed(m.now, []byte("250 ok\r\n250 ok\r\n250 queued\r\n"))
	const err = "protocol error at the verdict on the content: reply to nothing that was sent: 250 queued"
	m.wantLog("one mail", "one rcpt", "one: not delivered: "+err)
}

// A source that breaks its promise gets no last chunk; its neighbours and the connection
// are not touched.
func TestChunkSourceFails(t *testing.T) { // F11, F12, H-I11
	disk := errors.New("disk on fire")
	for _, test := range []struct {
		name string
		body func() *source
		sent string // of its content
		err  string
	}{
		{"fails", func() *source { return &source{content: "0123", piece: 3, size: 4, err: disk} }, "", "disk on fire"},
		{"short", func() *source { return &source{content: "0123", piece: 3, size: 5} }, "", "source yields 4 octets, but promised 5"},
		{"long", func() *source { return &source{content: "0123", piece: 3, size: 3} }, "", "source yields 4 octets, but promised 3"},
		{"no progress", func() *source { return &source{content: "0123", size: 4} }, "", io.ErrNoProgress.Error()},
	} {
		for _, max := range []int{1, 1 << 20} {
			m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
			m.send("one", protocol.BodyText("1\r\n"), "b@mx.example")
			body := test.body()
			m.send("two", body, "b@mx.example")
			m.send("three", protocol.BodyText("3\r\n"), "b@mx.example")
			out := m.take(max)
			if want := chunkGroup + "BDAT 3 LAST\r\n1\r\nRSET\r\n" + chunkGroup + test.sent + "RSET\r\n" + chunkGroup + "BDAT 3 LAST\r\n3\r\n"; out != want {
				t.Errorf("%s: wrote %q, want %q", test.name, out, want)
			}
			m.feed("250 ok\r\n250 ok\r\n250 queued\r\n250 reset\r\n250 ok\r\n250 ok\r\n250 reset\r\n250 ok\r\n250 ok\r\n250 queued\r\n")
			m.wantLog("one mail", "one rcpt", "one", "two mail", "two rcpt", "two: not delivered: message content: "+test.err, "three mail", "three rcpt", "three")
			if body.opened != 1 || body.released != 1 || m.Err() != nil {
				t.Errorf("%s: opened %d, released %d, %v", test.name, body.opened, body.released, m.Err())
			}
		}
	}
	// Behind chunks that were sent the same holds.
	content := long(1)
	m, _ := accepting(t, protocol.ClientConfig{}, protocol.BodyFrom(faulty{strings.NewReader(content), disk}, -1))
	m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	if out := m.take(1 << 20); out != chunked(content)[:len("BDAT 65536\r\n")+chunkSize] {
		t.Errorf("wrote %d octets", len(out))
	}
	m.feed("250 go on\r\n")
	m.wantLog("one mail", "one rcpt", "one: not delivered: message content: disk on fire")
	m.wrote("RSET\r\n" + chunkGroup + "BDAT 4 LAST\r\nhi\r\n")
}

// A chunk that was refused decides, also where the source failed at the next one before
// the refusal was read.
func TestChunkRefusedAndSourceFails(t *testing.T) { // F12, C65
	for _, readFirst := range []bool{true, false} {
		body := protocol.BodyFrom(faulty{strings.NewReader(long(1)), errors.New("disk on fire")}, -1)
		m, d := accepting(t, protocol.ClientConfig{}, body)
		sent := m.lend(len("BDAT 65536\r\n") + chunkSize)
		m.Wrote(m.now, int64(len(sent)))
		if !readFirst {
			m.wrote("")
		}
		m.feed("552 too much\r\n")
		m.wrote("")
		if receipt, _ := resultOf(t, d); receipt.Outcome != protocol.Refused || receipt.Reply.Code != 552 {
			t.Errorf("refusal first %v: %+v", readFirst, receipt)
		}
		m.wantLog("one mail", "one rcpt", "one: refused: BDAT: 552 too much")
	}
}

// Cancelled between chunks the message is cleared away by RSET; so it is when its own
// source gives it up.
func TestChunkCancel(t *testing.T) { // F23
	content := long(40)
	m, d := accepting(t, protocol.ClientConfig{}, protocol.BodyFrom(strings.NewReader(content), -1))
	m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	// No more than so many chunks are sent ahead of the replies.
	out := m.take(1 << 20)
	if n := strings.Count(out, "BDAT"); n != 32 || d.Result().Settled() {
		t.Errorf("%d chunks ahead of the replies", n)
	}
	m.feed("250 1\r\n")
	if out := m.take(1 << 20); strings.Count(out, "BDAT") != 1 {
		t.Errorf("%d octets behind a reply", len(out))
	}
	if !d.Cancel() || d.Result().Settled() {
		t.Error("cannot be cancelled, or settles ahead of its replies")
	}
	m.feed(strings.Repeat("250 go on\r\n", 32))
	m.wantLog("one mail", "one rcpt", "one: not delivered: canceled")
	m.wrote("RSET\r\n" + chunkGroup + "BDAT 4 LAST\r\nhi\r\n")

	var own *protocol.Delivery
	q := &quitter{source: source{content: "0123456789", piece: 5, size: -1}, cancel: func() bool { return own.Cancel() }}
	m = greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
	own = m.send("one", q, "b@mx.example")
	m.send("two", protocol.BodyText("hi\r\n"), "b@mx.example")
	m.wrote(chunkGroup)
	m.feed("250 ok\r\n250 ok\r\n")
	m.wrote("RSET\r\n" + chunkGroup + "BDAT 4 LAST\r\nhi\r\n")
	m.wantLog("one mail", "one rcpt", "one: not delivered: canceled")
	if q.released != 1 {
		t.Errorf("released %d times", q.released)
	}
}

// Each chunk has a time limit for its reply, and the last one that of a verdict.
func TestChunkTimeouts(t *testing.T) { // C42, C43, C44
	cfg := protocol.ClientConfig{Timeouts: protocol.Timeouts{Data: 7 * time.Second, Final: 9 * time.Second}}
	for replies, want := range map[string]string{
		"":                            "timeout: no reply to BDAT within 7s",
		"250 1\r\n":                   "timeout: no reply to BDAT within 7s",
		"250 1\r\n250 2\r\n250 3\r\n": "timeout: no verdict on the content within 9s",
	} {
		m, d := accepting(t, cfg, protocol.BodyFrom(strings.NewReader(long(3)), -1))
		m.take(1 << 20)
		m.feed(replies)
		m.now = m.Deadline()
		m.Tick(m.now)
		if m.Err() == nil || m.Err().Error() != want {
			t.Errorf("behind %q: %v", replies, m.Err())
		}
		if receipt, _ := resultOf(t, d); receipt.Outcome != protocol.Unknown {
			t.Errorf("behind %q: %v", replies, receipt.Outcome)
		}
	}
}

// A trace shows the command of each chunk, and its content as a count.
func TestChunkTrace(t *testing.T) { // P34
	cfg, log := traced(protocol.ClientConfig{})
	c := newClient(t, cfg)
	c.Hello("me.example")
	c.Send(envelope("", "b@mx.example"), protocol.BodyText("hi"))
	c.Send(envelope("", "b@mx.example"), protocol.BodyFrom(strings.NewReader("hi\n"), 3))
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n")
	wantLog(t, *log, `
		<- 220 mx.example
		-> EHLO me.example
		<- 250-mx.example
		<- 250-PIPELINING
		<- 250 CHUNKING
		-> MAIL FROM:<>
		-> RCPT TO:<b@mx.example>
		-> BDAT 4 LAST
		-> (4 octets of content)
		-> RSET
		-> MAIL FROM:<>
		-> RCPT TO:<b@mx.example>
		-> BDAT 4 LAST
		-> (4 octets of content)`)
}
