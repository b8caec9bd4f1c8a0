package transport

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// lender is a core that lends chunks, of memory and of files, and ends behind them,
// or with content that is at fault.
type lender struct {
	peer
	chunks []protocol.Chunk
	piece  int64 // the most that is lent of a file at once
	wrote  int64
}

func (c *lender) Output(_ time.Time, dst []protocol.Chunk, limit int) []protocol.Chunk {
	if c.err != nil {
		return dst
	}
	for _, chunk := range c.chunks {
		if chunk.File != nil {
			chunk.N = min(chunk.N, c.piece)
			return append(dst, chunk)
		}
		chunk.Bytes = chunk.Bytes[:min(limit, len(chunk.Bytes))]
		dst = append(dst, chunk)
		if limit -= len(chunk.Bytes); limit == 0 {
			return dst
		}
	}
	return dst
}

func (c *lender) Wrote(_ time.Time, n int64) {
	c.wrote += n
	for n > 0 {
		k := min(n, c.chunks[0].Len())
		c.chunks[0] = c.chunks[0].Skip(k)
		if n -= k; c.chunks[0].Len() == 0 {
			c.chunks = c.chunks[1:]
		}
	}
	if len(c.chunks) == 0 {
		c.err = io.EOF
	}
}

func (c *lender) WriteFailed(now time.Time, err error) {
	c.note(now, "WriteFailed", err)
	c.err = err
}

// fileOf makes a file.
func fileOf(t testing.TB, content []byte) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "content"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	return f
}

// noise is n octets that differ from place to place.
func noise(n int) []byte {
	p := make([]byte, n)
	x := uint32(1)
	for i := range p {
		x = x*1664525 + 1013904223
		p[i] = byte(x >> 24)
	}
	return p
}

// Octets in memory and in files go out in order, whoever copies them: more than a
// socket takes at once, parts of less than a page, and files that are none of the
// system's.
func TestLoopFile(t *testing.T) { // P23
	everywhere(t, func(t *testing.T, m medium) {
		content := noise(2<<20 + 123)
		file := fileOf(t, content)
		const head, tail = "BDAT 1\r\n", "RSET\r\n"
		for name, r := range map[string]io.ReaderAt{"os.File": file, "memory": bytes.NewReader(content), "section": io.NewSectionReader(file, 0, 1<<30)} {
			for _, piece := range []int64{1 << 40, 70_000} {
				x, y := m.connect(t)
				core := &lender{peer: peer{t: t}, piece: piece, chunks: []protocol.Chunk{
					{Bytes: []byte(head)}, {File: r, N: 1}, {File: r, Off: 1, N: 4}, {Bytes: []byte(tail)},
					{File: r, Off: 5, N: int64(len(content)) - 5}, {Bytes: content[:200_000]},
				}}
				l := drive(t, x, core, m.config(false))
				got, err := io.ReadAll(m.peerOf(y))
				y.Close()
				<-l.Done()
				want := head + string(content[:5]) + tail + string(content[5:]) + string(content[:200_000])
				if string(got) != want || err != nil || core.wrote != int64(len(want)) {
					t.Errorf("%s in pieces of %d: got %d octets, wrote %d, want %d; %v", name, piece, len(got), core.wrote, len(want), err)
				}
			}
		}
		if at, err := file.Seek(0, io.SeekCurrent); at != int64(len(content)) || err != nil {
			t.Errorf("the file's own offset moved to %d, %v", at, err)
		}
	})
}

// Content that ends early or cannot be read is told from a connection that failed:
// the core hears how much is out, and why there is no more.
func TestLoopFileFails(t *testing.T) { // C31
	everywhere(t, func(t *testing.T, m medium) {
		content := noise(100_000)
		short := fileOf(t, content)
		closed := fileOf(t, content)
		closed.Close()
		writeOnly, err := os.OpenFile(short.Name(), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer writeOnly.Close()
		for _, test := range []struct {
			name string
			file io.ReaderAt
			n    int64
			out  int
			err  string
		}{
			{"short", short, 100_001, 100_000, "the file ends at octet 100000 of 100001: unexpected EOF"},
			{"short by much", short, 1 << 40, 100_000, "the file ends at octet 100000 of 1099511627776: unexpected EOF"},
			{"short and not a file", strings.NewReader("abc"), 5, 3, "the file ends at octet 3 of 5: unexpected EOF"},
			{"closed", closed, 5, 0, "read " + short.Name() + ": file already closed"},
			{"not for reading", writeOnly, 5, 0, "read " + short.Name() + ": bad file descriptor"},
		} {
			x, y := m.connect(t)
			core := &lender{peer: peer{t: t}, piece: 1 << 40, chunks: []protocol.Chunk{
				{Bytes: []byte("head")}, {File: test.file, N: test.n}, {Bytes: []byte("tail")},
			}}
			l := drive(t, x, core, m.config(false))
			got, _ := io.ReadAll(m.peerOf(y))
			y.Close()
			<-l.Done()
			if len(got) != len("head")+test.out || core.wrote != int64(len(got)) {
				t.Errorf("%s: got %d octets, wrote %d, want %d", test.name, len(got), core.wrote, len("head")+test.out)
			}
			body := (*protocol.BodyError)(nil)
			if !errors.As(l.Err(), &body) || strings.Replace(body.Err.Error(), closed.Name(), short.Name(), 1) != test.err {
				t.Errorf("%s: %v, want %s", test.name, l.Err(), test.err)
			}
		}
	})
}
