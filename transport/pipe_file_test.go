package transport

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// fileLink joins a core that lends a file between octets in memory with one that
// takes what comes.
func fileLink(t *testing.T, file *bytes.Reader, n int64, opts PipeOptions) (*Pipe, *lender, *peer) {
	a := &lender{peer: peer{t: t}, piece: 1 << 20, chunks: []protocol.Chunk{
		{Bytes: []byte("head")}, {File: file, N: n}, {Bytes: []byte("tail")},
	}}
	b := &peer{t: t}
	return NewPipe(a, b, opts), a, b
}

// A file goes over the link as octets in memory do, and a tap sees them.
func TestPipeFile(t *testing.T) {
	content := noise(300_000)
	want := "head" + string(content) + "tail"
	for _, way := range []Way{
		{}, {Max: 2}, {Max: 1000, CutRandom: 5000}, {Window: 1500}, {WriteTime: ms}, {Window: 70_000, WriteTime: ms, CutEvery: 999},
	} {
		var seen strings.Builder
		p, a, b := fileLink(t, bytes.NewReader(content), int64(len(content)), PipeOptions{Latency: ms, AtoB: way, Tap: func(e PipeEvent) {
			if e.Kind == EventWrite {
				seen.Write(e.Data)
			}
		}})
		if err := p.Run(1_000_000); err != nil {
			t.Fatal(err)
		}
		if string(b.got) != want || seen.String() != want || a.wrote != int64(len(want)) {
			t.Errorf("%+v: got %d octets, saw %d, want %d", way, len(b.got), seen.Len(), len(want))
		}
	}
}

// A file that ends early is a write that failed, behind all that could be had.
func TestPipeFileFails(t *testing.T) { // C31
	for _, way := range []Way{{}, {Max: 7}, {WriteTime: ms}} {
		p, a, b := fileLink(t, bytes.NewReader([]byte("content")), 8, PipeOptions{AtoB: way})
		if err := p.Run(1000); err != nil {
			t.Fatal(err)
		}
		body := (*protocol.BodyError)(nil)
		if string(b.got) != "headcontent" || a.wrote != 11 || !errors.As(a.err, &body) {
			t.Errorf("%+v: got %q, wrote %d, %v", way, b.got, a.wrote, a.err)
		}
		wantCalls(t, "A", &a.peer, "WriteFailed: message content: the file ends at octet 7 of 8: unexpected EOF")
	}
}

// A file that is changed while it is lent breaks rule 3 as anything else does.
func TestPipeFileChanges(t *testing.T) {
	content := noise(1000)
	p, _, _ := fileLink(t, bytes.NewReader(content), 1000, PipeOptions{AtoB: Way{WriteTime: time.Second}})
	p.AfterFunc(ms, func(time.Time) { content[500]++ })
	wantPanic(t, "transport: rule 3: octets changed while they were lent", func() { p.Run(1000) })
}

// Only the last chunk may be a file.
func TestPipeFileInFront(t *testing.T) {
	file := protocol.Chunk{File: strings.NewReader("x"), N: 1}
	p := NewPipe(&misplaced{peer{t: t}, []protocol.Chunk{file, file}}, &peer{t: t}, PipeOptions{})
	wantPanic(t, "transport: a File is lent in front of other octets", func() { p.Run(10) })
}

// misplaced is a core that lends what it must not.
type misplaced struct {
	peer
	chunks []protocol.Chunk
}

func (c *misplaced) Output(_ time.Time, dst []protocol.Chunk, _ int) []protocol.Chunk {
	return append(dst, c.chunks...)
}
