package protocol_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// contentOf sends a message and returns what goes over the wire between the 354 and
// the verdict, offered max octets at a time, and what the message came to.
func contentOf(t *testing.T, cfg protocol.ClientConfig, body protocol.Body, max int) (string, error) {
	t.Helper()
	c := newClient(t, cfg)
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example"), body)
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	c.Feed(start, []byte("250 ok\r\n250 ok\r\n354 go\r\n"))
	var b strings.Builder
	for {
		out := joined(c.Output(start, nil, max))
		if out == "" {
			break
		}
		b.WriteString(out)
		c.Wrote(start, int64(len(out)))
	}
	c.Feed(start, []byte("250 queued\r\n"))
	_, err := resultOf(t, d)
	return b.String(), err
}

// Content arrives octet for octet, whatever kind of body it comes from and in
// whatever pieces: as bytes, as text, from a reader, of known size and not.
func TestContent(t *testing.T) { // P12, P13, F11, F12, C2, C37, C124, H-I10
	for _, test := range []struct{ name, content, want string }{
		{"empty", "", ".\r\n"},
		{"a line end", "\r\n", "\r\n.\r\n"},
		{"no last line end", "hi", "hi\r\n.\r\n"},
		{"last line end", "hi\r\n", "hi\r\n.\r\n"},
		{"blank lines at the end", "hi\r\n\r\n\r\n", "hi\r\n\r\n\r\n.\r\n"},
		{"blank lines at the start", "\r\n\r\nhi\r\n", "\r\n\r\nhi\r\n.\r\n"},
		{"a dot", ".", "..\r\n.\r\n"},
		{"a lone dot first", ".\r\nhi\r\n", "..\r\nhi\r\n.\r\n"},
		{"a lone dot inside", "hi\r\n.\r\nho\r\n", "hi\r\n..\r\nho\r\n.\r\n"},
		{"a lone dot last", "hi\r\n.\r\n", "hi\r\n..\r\n.\r\n"},
		{"two dots", "..\r\n..\r\n", "...\r\n...\r\n.\r\n"},
		{"dots on every line", ".a\r\n.b\r\n.c", "..a\r\n..b\r\n..c\r\n.\r\n"},
		{"dots elsewhere", "a.\r\n .b\r\nc.d\r\n", "a.\r\n .b\r\nc.d\r\n.\r\n"},
		{"bare LF", "a\nb\n.\nc\n", "a\r\nb\r\n..\r\nc\r\n.\r\n"},
		{"bare CR", "a\rb\r.\r", "a\r\nb\r\n..\r\n.\r\n"},
		{"bare both", "a\n\rb\r\r\nc\n\n", "a\r\n\r\nb\r\n\r\nc\r\n\r\n.\r\n"},
		{"UTF-8", "Grüße, 世界\n", "Grüße, 世界\r\n.\r\n"},
		{"not text", "\x00\xff\x80\r\n", "\x00\xff\x80\r\n.\r\n"},
		{"Return-Path and Received", "Return-Path: <x>\r\nReceived: y\r\n", "Return-Path: <x>\r\nReceived: y\r\n.\r\n"},
		{"scenario 9", "Subject: x\n\n.Line\n.\nmore\n", "Subject: x\r\n\r\n..Line\r\n..\r\nmore\r\n.\r\n"},
		{"long", strings.Repeat("0123456789.\n.", 10000), strings.Repeat("0123456789.\r\n..", 10000) + "\r\n.\r\n"},
	} {
		b := []byte(test.content)
		for kind, body := range map[string]func() protocol.Body{
			"bytes":             func() protocol.Body { return protocol.BodyBytes(b) },
			"text":              func() protocol.Body { return protocol.BodyText(test.content) },
			"reader":            func() protocol.Body { return protocol.BodyFrom(bytes.NewReader(b), int64(len(b))) },
			"reader, unsized":   func() protocol.Body { return protocol.BodyFrom(bytes.NewReader(b), -1) },
			"reader of 64":      func() protocol.Body { return protocol.BodyFrom(pieces{bytes.NewReader(b), 64}, -1) },
			"reader of 1":       func() protocol.Body { return protocol.BodyFrom(iotest.OneByteReader(bytes.NewReader(b)), -1) },
			"reader, EOF early": func() protocol.Body { return protocol.BodyFrom(iotest.DataErrReader(bytes.NewReader(b)), -1) },
			"source of 64":      func() protocol.Body { return &source{content: test.content, piece: 64, size: -1} },
			"source of 1":       func() protocol.Body { return &source{content: test.content, piece: 1, size: int64(len(b))} },
		} {
			for _, max := range []int{1, 7, 64, 1 << 20} {
				if max < 64 && len(b) > 1000 {
					continue
				}
				got, err := contentOf(t, protocol.ClientConfig{Allow8Bit: true}, body(), max)
				if got != test.want || err != nil {
					t.Errorf("%s as %s, %d at a time: %.200q, %v\nwant %.200q", test.name, kind, max, got, err, test.want)
				}
			}
		}
		if string(b) != test.content {
			t.Errorf("%s: the caller's bytes were changed", test.name)
		}
	}
}

// pieces is a reader of n octets at a time.
type pieces struct {
	r io.Reader
	n int
}

func (p pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(p.n, len(b))]) }

// source is a body of the caller's own, which may fail and counts its releases.
type source struct {
	content  string
	piece    int
	size     int64
	openErr  error
	err      error // instead of io.EOF
	opened   int
	released int
	rest     string
}

func (s *source) Size() int64 { return s.size }

func (s *source) Open() (protocol.BodyReader, error) {
	s.opened++
	s.rest = s.content
	return s, s.openErr
}

func (s *source) Next(max int) (protocol.Chunk, error) {
	if s.rest == "" {
		if s.err != nil {
			return protocol.Chunk{}, s.err
		}
		return protocol.Chunk{}, io.EOF
	}
	n := min(max, s.piece, len(s.rest))
	p := []byte(s.rest[:n])
	s.rest = s.rest[n:]
	return protocol.Chunk{Bytes: p}, nil
}

func (s *source) Release() { s.released++ }

// A source that fails, or yields more or less than it said, never gets an end of
// data: the connection ends in the middle of the content. It is released once.
func TestContentFails(t *testing.T) { // F11, F12, C31
	broken := errors.New("disk on fire")
	for _, test := range []struct {
		name string
		body *source
		want string
		err  error
	}{
		{"fails at once", &source{size: -1, err: broken}, "message content: disk on fire", broken},
		{"fails later", &source{content: "0123456789", piece: 3, size: -1, err: broken}, "message content: disk on fire", broken},
		{"is truncated", &source{content: "0123456789", piece: 3, size: -1, err: io.ErrUnexpectedEOF}, "message content: unexpected EOF", io.ErrUnexpectedEOF},
		{"is shorter than it said", &source{content: "0123456789", piece: 3, size: 11}, "message content: source yields 10 octets, but promised 11", nil},
		{"is longer than it said", &source{content: "0123456789", piece: 3, size: 8}, "message content: source yields 9 octets, but promised 8", nil},
		{"is not empty", &source{content: "0123456789", piece: 3, size: 0}, "message content: source yields 3 octets, but promised 0", nil},
		{"is empty", &source{size: 5}, "message content: source yields 0 octets, but promised 5", nil},
		{"makes no progress", &source{content: "0123456789", size: -1}, "message content: multiple Read calls return no data or error", io.ErrNoProgress},
	} {
		for _, max := range []int{1, 1000} {
			out, err := contentOf(t, protocol.ClientConfig{}, test.body, max)
			if strings.Contains(out, "\n") || !strings.HasPrefix(test.body.content, out) {
				t.Errorf("%s: wrote %q", test.name, out)
			}
			if max == 1 && test.name == "is longer than it said" {
				continue // the pieces are of one octet then, and the count another
			}
			if failed := asError[*protocol.DeliveryError](t, err); failed.Receipt.Outcome != protocol.NotDelivered || failed.Temporary() {
				t.Errorf("%s: %+v", test.name, failed)
			}
			if max == 1000 && err.Error() != "not delivered: "+test.want {
				t.Errorf("%s: %v", test.name, err)
			}
			if asError[*protocol.BodyError](t, err); test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("%s: %v is not %v", test.name, err, test.err)
			}
			if test.body.opened != test.body.released {
				t.Errorf("%s: opened %d times, released %d times", test.name, test.body.opened, test.body.released)
			}
		}
	}
}

// A reader that fails is told from one that ends.
func TestContentReaderFails(t *testing.T) { // F12, P24
	broken := errors.New("disk on fire")
	for _, test := range []struct {
		r    io.Reader
		size int64
		want string
	}{
		{io.MultiReader(strings.NewReader("0123"), iotest.ErrReader(broken)), -1, "not delivered: message content: disk on fire"},
		{io.MultiReader(strings.NewReader("0123"), iotest.ErrReader(io.ErrUnexpectedEOF)), -1, "not delivered: message content: unexpected EOF"},
		{strings.NewReader("0123"), 3, "not delivered: message content: source yields 4 octets, but promised 3"},
		{strings.NewReader("0123"), 5, "not delivered: message content: source yields 4 octets, but promised 5"},
		{idle{}, -1, "not delivered: message content: multiple Read calls return no data or error"},
	} {
		out, err := contentOf(t, protocol.ClientConfig{}, protocol.BodyFrom(test.r, test.size), 1000)
		if out != "" || err == nil || err.Error() != test.want {
			t.Errorf("wrote %q, %v; want %s", out, err, test.want)
		}
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// A source that cannot be opened costs nothing: nothing is written, and the next
// message goes.
func TestContentCannotBeOpened(t *testing.T) { // P16, P24, F3
	used := protocol.BodyFrom(strings.NewReader("x"), -1)
	if _, err := used.Open(); err != nil {
		t.Fatal(err)
	}
	play(t, conversation{
		begin: does(hello,
			sendEnvelope("one", envelope("", "b@mx.example"), &source{size: -1, openErr: errors.New("no such file")}),
			sendEnvelope("two", envelope("", "b@mx.example"), used), send("next")),
		text: opening() + `
			= one: not delivered: message content: no such file
			= two: not delivered: message content: the reader was used for an earlier transaction
			C: MAIL FROM:<a@me.example>
			EOF
			= next: not delivered: connection lost before the reply to MAIL: unexpected EOF
			= closed: connection lost before the reply to MAIL: unexpected EOF
		`,
	})
}

// A body is opened when its message's turn comes, and released once, wherever the
// message ends.
func TestContentIsReleased(t *testing.T) {
	flights := []string{"220 mx.example\r\n", "250-mx.example\r\n250 PIPELINING\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 queued\r\n", "250 more\r\n"}
	for n := range len(flights) + 1 {
		for _, end := range []string{"Fail", "Cancel", "Output"} {
			s := &source{content: "0123456789", piece: 3, size: 10}
			c := newClient(t, protocol.ClientConfig{})
			c.Hello("me.example")
			d := c.Send(envelope("a@me.example", "b@mx.example"), s)
			for i, flight := range flights[:n] {
				c.Feed(start, []byte(flight))
				if i < n-1 {
					flush(c)
				} else {
					c.Output(start, nil, 2)
				}
			}
			switch end {
			case "Cancel":
				d.Cancel()
			case "Output":
				flush(c)
			}
			c.Fail(start, nil)
			want := 0
			if n >= 2 {
				want = 1
			}
			if s.opened != want || s.released != want {
				t.Errorf("%d flights, %s: opened %d times, released %d times", n, end, s.opened, s.released)
			}
		}
	}
}

// A source may find that it has more while it says that it has not: BodyReady counts at
// any time. One that goes on like this makes no progress.
func TestContentReadyInsideNext(t *testing.T) { // F12
	for _, keyword := range []string{"PIPELINING", "CHUNKING"} {
		for _, times := range []int{1, 99, 100} {
			m := greeted(t, protocol.ClientConfig{}, "PIPELINING", keyword)
			b := &hasty{source: source{content: "hi\r\n", piece: 2, size: -1}, m: m, times: times}
			m.send("one", b, "b@mx.example")
			m.take(1 << 20)
			m.feed("250 ok\r\n250 ok\r\n")
			if keyword == "PIPELINING" {
				m.feed("354 go\r\n")
			}
			m.take(1 << 20)
			m.Feed(m.now, []byte("250 ok\r\n"))
			want := "one"
			if times == 100 {
				want = "one: not delivered: message content: multiple Read calls return no data or error"
			}
			m.wantLog("one mail", "one rcpt", want)
		}
	}
}

// hasty is a source that is ready inside Next, so many times before it is.
type hasty struct {
	source
	m            *machine
	times, calls int
}

func (e *hasty) Open() (protocol.BodyReader, error) {
	_, err := e.source.Open()
	return e, err
}

func (e *hasty) Next(max int) (protocol.Chunk, error) {
	if e.calls++; e.calls <= e.times {
		e.m.BodyReady()
		return protocol.Chunk{}, protocol.ErrNotReady
	}
	e.calls = 0
	return e.source.Next(max)
}

// The policy for bare CR and LF can refuse them, wherever the content comes from.
func TestContentStrict(t *testing.T) { // F11, C2
	strict := protocol.ClientConfig{EOL: wire.EOLStrict}
	for content, want := range map[string]string{
		"a\r\nb\r\n":   "",
		"a\nb\r\n":     "content: bare LF at offset 1",
		"a\rb\r\n":     "content: bare CR at offset 1",
		"a\r\nb\r\r":   "content: bare CR at offset 4",
		"\n":           "content: bare LF at offset 0",
		"a\r\nb\r\n\n": "content: bare LF at offset 6",
	} {
		for kind, body := range map[string]protocol.Body{
			"bytes":  protocol.BodyText(content),
			"reader": protocol.BodyFrom(strings.NewReader(content), -1),
			"source": &source{content: content, piece: 100, size: -1},
		} {
			out, err := contentOf(t, strict, body, 1000)
			if want == "" {
				if err != nil || out != content+".\r\n" {
					t.Errorf("%q as %s: %q, %v", content, kind, out, err)
				}
				continue
			}
			text := "not delivered: message content: " + want
			if kind != "source" {
				text = "not delivered: message content: bare CR or LF" // found before MAIL
			}
			if out != "" || err == nil || err.Error() != text {
				t.Errorf("%q as %s: wrote %q, %v", content, kind, out, err)
			}
			asError[*protocol.BodyError](t, err)
		}
	}
	for eol, want := range map[wire.EOL]string{
		wire.EOLVerbatim: "EOL: DATA cannot carry bare CR or LF", 17: "EOL: no such policy",
	} {
		if _, err := protocol.NewClient(start, protocol.ClientConfig{EOL: eol}); err == nil || err.Error() != want {
			t.Errorf("%v: %v", eol, err)
		}
	}
}
