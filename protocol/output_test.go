package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// lay is a stand-in for a file in which each octet follows from its offset.
type lay struct{}

func (lay) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = byte((off + int64(i)) * 7 >> 3)
	}
	return len(p), nil
}

// planSome plans commands, content and parts of a file in any order, and returns
// what all of it is.
func planSome(r *rand.Rand, o *output) (want []byte) {
	for range 1 + r.IntN(6) {
		switch r.IntN(3) {
		case 0:
			line := fmt.Sprintf("NOOP %d\r\n", r.IntN(1000))
			o.command(append(o.room(), line...))
			want = append(want, line...)
		case 1:
			piece := []byte(strings.Repeat("c", 1+r.IntN(20)))
			o.content(append(o.mem.segs, piece), len(o.mem.segs))
			want = append(want, piece...)
		case 2:
			c := Chunk{File: lay{}, Off: r.Int64N(1000), N: 1 + r.Int64N(maxFilePiece/4)}
			if r.IntN(8) == 0 {
				c.N += 2 * maxFilePiece
			}
			o.contentFile(c)
			part := make([]byte, c.N)
			c.Read(part)
			want = append(want, part...)
		}
	}
	return want
}

// Whatever is planned, in memory and in files, goes out once and in order, however
// much is lent and acknowledged at a time; what is withdrawn does not.
func TestOutputWithFiles(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := output{mem: &buffers{}}
		var want, got []byte
		for range 4 {
			want = append(want, planSome(r, &o)...)
			if r.IntN(3) == 0 {
				from := o.planned
				planSome(r, &o)
				o.withdraw(from)
			}
			for o.pending() && r.IntN(50) > 0 {
				limit := 1 + r.IntN(1<<r.IntN(20))
				var lent []byte
				chunks := o.lend(nil, limit)
				for i, c := range chunks {
					switch {
					case c.File == nil:
						if limit -= len(c.Bytes); limit < 0 {
							t.Fatalf("seed %d: more is lent than asked for", seed)
						}
					case i < len(chunks)-1 || c.N > maxFilePiece || limit == 0:
						t.Fatalf("seed %d: %d octets of a file, chunk %d of %d, with room for %d", seed, c.N, i, len(chunks), limit)
					}
					part := make([]byte, c.Len())
					c.Read(part)
					lent = append(lent, part...)
				}
				if o.lent < o.acked+int64(len(lent)) {
					t.Fatalf("seed %d: lent up to %d, acknowledged %d, and now %d", seed, o.lent, o.acked, len(lent))
				}
				n := r.IntN(len(lent) + 1)
				o.wrote(int64(n))
				got = append(got, lent[:n]...)
			}
		}
		for o.pending() {
			for _, c := range o.lend(nil, 1000) {
				part := make([]byte, c.Len())
				c.Read(part)
				got = append(got, part...)
				o.wrote(c.Len())
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %d octets went out, want %d", seed, len(got), len(want))
		}
		if len(o.mem.segs)+len(o.mem.files)+o.head+o.file+int(o.off) != 0 {
			t.Fatalf("seed %d: something is left", seed)
		}
	}
}

// A chunk is the same octets, whether they lie in memory or in a file. A file that
// has less is told from one that fails, and what can be read is read.
func TestChunk(t *testing.T) {
	const text = "0123456789"
	file := strings.NewReader("xx" + text + "x")
	for _, c := range []Chunk{{Bytes: []byte(text)}, {File: file, Off: 2, N: 10}} {
		for skip := range int64(11) {
			for room := range 12 {
				p := make([]byte, room)
				rest := c.Skip(skip)
				n, err := rest.Read(p)
				if want := text[skip:][:min(room, 10-int(skip))]; string(p[:n]) != want || err != nil || rest.Len() != 10-skip {
					t.Errorf("behind %d with room for %d: %q, %v, want %q", skip, room, p[:n], err, want)
				}
			}
		}
	}
	fault := errors.New("disk on fire")
	for _, test := range []struct {
		c    Chunk
		want string
		err  string
	}{
		{Chunk{File: file, Off: 10, N: 5}, "89x", "message content: the file ends at octet 13 of 15: unexpected EOF"},
		{Chunk{File: file, Off: 13, N: 1}, "", "message content: the file ends at octet 13 of 14: unexpected EOF"},
		{Chunk{File: file, Off: 20, N: 1}, "", "message content: the file ends at octet 20 of 21: unexpected EOF"},
		{Chunk{File: faulty{fault}, N: 1}, "", "message content: disk on fire"},
		{Chunk{File: faulty{nil}, N: 1}, "", "message content: multiple Read calls return no data or error"},
	} {
		p := make([]byte, 20)
		n, err := test.c.Read(p)
		if body := (*BodyError)(nil); string(p[:n]) != test.want || !errors.As(err, &body) || err.Error() != test.err {
			t.Errorf("%+v: %q, %v, want %q, %s", test.c, p[:n], err, test.want, test.err)
		}
	}
}

type faulty struct{ err error }

func (f faulty) ReadAt([]byte, int64) (int, error) { return 0, f.err }
