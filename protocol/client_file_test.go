package protocol_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// inFile is a body whose content lies in a file, in parts.
type inFile struct {
	file   io.ReaderAt
	size   int64   // what it says
	parts  []int64 // octets of each
	early  bool    // io.EOF comes with the last part
	failed error   // in place of io.EOF

	at       int
	off      int64
	released int
}

func (b *inFile) Size() int64 { return b.size }

func (b *inFile) Open() (protocol.BodyReader, error) {
	b.at, b.off = 0, 0
	return b, nil
}

func (b *inFile) Next(int) (protocol.Chunk, error) {
	end := b.failed
	if end == nil {
		end = io.EOF
	}
	if b.at == len(b.parts) {
		return protocol.Chunk{}, end
	}
	c := protocol.Chunk{File: b.file, Off: b.off, N: b.parts[b.at]}
	b.at++
	b.off += c.N
	if b.early && b.at == len(b.parts) {
		return c, end
	}
	return c, nil
}

func (b *inFile) Release() { b.released++ }

// DATA looks at every octet, so that what lies in a file is read, in pieces, and
// dots at the start of a line are doubled.
func TestContentInFile(t *testing.T) { // F12, C37
	content := strings.Repeat(".dot\r\n..\r\nline\r\n", 6000)
	want := strings.Repeat("..dot\r\n...\r\nline\r\n", 6000) + ".\r\n"
	all := int64(len(content))
	for name, parts := range map[string][]int64{
		"whole": {all}, "in two": {7, all - 7}, "in many": {1, 1, 1, 40000, all - 40003}, "to the last octet": {all - 1, 1},
	} {
		for _, early := range []bool{false, true} {
			for _, max := range []int{1000, 1 << 20} {
				body := &inFile{file: strings.NewReader(content), size: all, parts: parts, early: early}
				got, err := contentOf(t, protocol.ClientConfig{}, body, max)
				if got != want || err != nil || body.released != 1 {
					t.Errorf("%s, end with it %v, %d at a time: %d octets, want %d; %v; released %d times", name, early, max, len(got), len(want), err, body.released)
				}
			}
		}
	}
}

// A file that is shorter or longer than promised, or fails, gets no end of data.
func TestContentInFileFails(t *testing.T) { // F11, F12, C31
	content := bytes.Repeat([]byte("0123456789abcde\n"), 5000)
	all := int64(len(content))
	for _, test := range []struct {
		name string
		body *inFile
		want string
	}{
		{"is shorter", &inFile{file: bytes.NewReader(content), size: all + 1, parts: []int64{all + 1}}, "the file ends at octet 80000 of 80001: unexpected EOF"},
		{"is shorter than its parts", &inFile{file: bytes.NewReader(content), size: -1, parts: []int64{all, 1}}, "the file ends at octet 80000 of 80001: unexpected EOF"},
		{"yields less", &inFile{file: bytes.NewReader(content), size: all, parts: []int64{all - 1}, early: true}, "source yields 79999 octets, but promised 80000"},
		{"yields more", &inFile{file: bytes.NewReader(content), size: all - 1, parts: []int64{all}}, "source yields 80000 octets, but promised 79999"},
		{"fails", &inFile{file: bytes.NewReader(content), size: -1, parts: []int64{all}, failed: errors.New("disk on fire")}, "disk on fire"},
		{"has an empty part", &inFile{file: bytes.NewReader(content), size: -1, parts: []int64{5, 0}}, "multiple Read calls return no data or error"},
	} {
		for _, max := range []int{1000, 1 << 20} {
			out, err := contentOf(t, protocol.ClientConfig{}, test.body, max)
			if !strings.HasPrefix(strings.ReplaceAll(string(content), "\n", "\r\n"), out) {
				t.Errorf("%s: %d octets, which are not the content's", test.name, len(out))
			}
			if failed := asError[*protocol.DeliveryError](t, err); failed.Receipt.Outcome != protocol.NotDelivered {
				t.Errorf("%s: %v", test.name, failed.Receipt.Outcome)
			}
			if err.Error() != "not delivered: message content: "+test.want || test.body.released != 1 {
				t.Errorf("%s: %v, released %d times", test.name, err, test.body.released)
			}
			asError[*protocol.BodyError](t, err)
			test.body.released = 0
		}
	}
}

// A driver that finds a file too short says that nothing is out but what it said
// before: the end of data was lent, and yet the message was not delivered.
func TestWriteFailsForContent(t *testing.T) { // C31
	lend := func() (*protocol.Client, *protocol.Delivery) {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
		feed(c, "220 mx.example\r\n")
		feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
		c.Feed(start, []byte("250 ok\r\n250 ok\r\n354 go\r\n"))
		if got := joined(c.Output(start, nil, 100)); got != "hi\r\n.\r\n" {
			t.Fatalf("lent %q", got)
		}
		c.Wrote(start, 2)
		return c, d
	}
	fault := &protocol.BodyError{Err: io.ErrUnexpectedEOF}
	c, d := lend()
	c.WriteFailed(start, fault)
	receipt, err := resultOf(t, d)
	if receipt.Outcome != protocol.NotDelivered || c.Err() != error(fault) || !errors.Is(err, fault) {
		t.Errorf("%v: %v; ended with %v", receipt.Outcome, err, c.Err())
	}
	if got := c.Output(start, nil, 100); got != nil {
		t.Errorf("lends %v behind the end", got)
	}

	c, d = lend()
	c.WriteFailed(start, io.ErrClosedPipe)
	c.FeedEOF(start)
	if receipt, _ := resultOf(t, d); receipt.Outcome != protocol.Unknown {
		t.Errorf("a failure of the connection: %v", receipt.Outcome)
	}
}

// A reply can overtake Wrote: what was read of one file stays as it is while it is lent,
// though the content of the next message is asked for already.
func TestContentInFileStaysAsItIs(t *testing.T) { // F12
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	one, two := strings.Repeat("1", 5000)+"\r\n", strings.Repeat("2", 5000)+"\r\n"
	for _, text := range []string{one, two} {
		m.send(text, &inFile{file: strings.NewReader(text), size: int64(len(text)), parts: []int64{int64(len(text))}, early: true}, "b@mx.example")
	}
	m.wrote(mailGroup)
	m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
	lent := m.Output(m.now, nil, 1<<16)
	m.feed("250 queued\r\n250 ok\r\n250 ok\r\n354 go\r\n")
	want := one + ".\r\n" + mailGroup
	if got := m.lend(1 << 16); got != want+two+".\r\n" {
		t.Errorf("lends %.100q", got)
	}
	var got []byte
	for _, c := range lent {
		got = append(got, c.Bytes...)
	}
	if string(got) != want {
		t.Errorf("what was lent is %.100q now", got)
	}
}
