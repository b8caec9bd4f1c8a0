package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// FuzzReplyParser reads stream cut as cuts says, under settings taken from the
// bits of set: 1 StrictCRLF, 2 Enhanced, 4 narrow bounds. Its seeds are what
// real servers answered.
func FuzzReplyParser(f *testing.F) {
	f.Fuzz(func(t *testing.T, set byte, cuts, stream []byte) {
		p := wire.ReplyParser{StrictCRLF: set&1 != 0, Enhanced: set&2 != 0}
		if set&4 != 0 {
			p.MaxLine, p.MaxLines, p.MaxSize = 40, 4, 100
		}
		want := readReplies(t, p, [][]byte{stream})
		for _, pieces := range [][][]byte{replyCuts(stream, cuts), replyCuts(stream, []byte{1})} {
			if got := readReplies(t, p, pieces); !got.equal(want) {
				t.Fatalf("cut %q:\n got %v\nwant %v", pieces, got, want)
			}
		}
		for _, r := range want.replies {
			checkReply(t, p, r)
		}
	})
}

// replyCuts cuts b into pieces of the lengths in cuts, again and again; 0 is
// 256 octets. Without cuts there is one piece.
func replyCuts(b, cuts []byte) (pieces [][]byte) {
	for i := 0; len(b) > 0; i++ {
		n := len(b)
		if len(cuts) > 0 {
			n = min(n, (int(cuts[i%len(cuts)])+255)%256+1)
		}
		pieces = append(pieces, b[:n])
		b = b[n:]
	}
	return pieces
}

type repliesRead struct {
	replies []wire.Reply
	ends    []int // offsets in the stream where they end
	err     string
	pending bool
}

func (a repliesRead) equal(b repliesRead) bool {
	return slices.Equal(a.replies, b.replies) && slices.Equal(a.ends, b.ends) && a.err == b.err && a.pending == b.pending
}

func (a repliesRead) String() string {
	return fmt.Sprintf("%q ending at %v, pending %v, error %q", a.replies, a.ends, a.pending, a.err)
}

func readReplies(t *testing.T, p wire.ReplyParser, pieces [][]byte) (got repliesRead) {
	offset := 0
	for _, piece := range pieces {
		b := bytes.Clone(piece)
		for len(b) > 0 {
			n, r, done, err := p.Parse(b)
			switch {
			case n < 0 || n > len(b):
				t.Fatalf("took %d of %d octets", n, len(b))
			case !done && err == nil && n < len(b):
				t.Fatalf("took %d of %d octets and wants more", n, len(b))
			case !done && r != (wire.Reply{}):
				t.Fatalf("not done, yet a reply %v", r)
			case done && (n == 0 || b[n-1] != '\n' || p.Pending()):
				t.Fatalf("done after %q, pending %v", b[:n], p.Pending())
			}
			clear(b[:n]) // what kept a part of its input shows it
			b = b[n:]
			offset += n
			if done {
				got.replies = append(got.replies, r)
				got.ends = append(got.ends, offset)
			}
			if err != nil {
				if n, r, done, again := p.Parse([]byte("250 ok\r\n")); n != 0 || done || r != (wire.Reply{}) || again != err {
					t.Fatalf("%d octets, %v, %v, %v after %v", n, r, done, again, err)
				}
				got.ends = append(got.ends, offset)
				got.err = err.Error()
				return got
			}
		}
	}
	got.pending = p.Pending()
	return got
}

// checkReply checks what holds for any reply read, and that it comes back as it
// was when it is written and read again.
func checkReply(t *testing.T, p wire.ReplyParser, r wire.Reply) {
	lines := strings.Count(r.Text, "\n") + 1
	maxLines, maxSize := p.MaxLines, p.MaxSize
	if maxLines == 0 {
		maxLines, maxSize = wire.DefaultMaxReplyLines, wire.DefaultMaxReplySize
	}
	if !r.Code.Valid() || lines > maxLines || len(r.Text)+lines*len("250-") > maxSize {
		t.Fatalf("%d lines, %d octets: %q", lines, len(r.Text), r)
	}
	if !r.Enhanced.IsZero() && (!p.Enhanced || !r.Enhanced.Valid() || int(r.Enhanced.Class) != r.Code.Class()) {
		t.Fatalf("enhanced code %v in %q", r.Enhanced, r)
	}
	for _, c := range r.String() {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			t.Fatalf("String: %q", r.String())
		}
	}

	raw := r.AppendTo(nil)
	back := wire.ReplyParser{StrictCRLF: true, Enhanced: p.Enhanced, MaxLine: 512, MaxLines: 1 << 20, MaxSize: 1 << 30}
	n, again, done, err := back.Parse(raw)
	if n != len(raw) || !done || err != nil {
		t.Fatalf("%q: %d of %d octets, done %v, %v", raw, n, len(raw), done, err)
	}
	// A control octet or a long line is written otherwise than it was read.
	if exact := strings.IndexFunc(r.Text, func(c rune) bool { return c < ' ' && c != '\t' && c != '\n' || c == 0x7f }) < 0; exact {
		for line := range r.Lines() {
			exact = exact && len(line) <= 512-len("250 5.999.999 \r\n")
		}
		if exact && again != r {
			t.Fatalf("%q written as %q, read as %q", r, raw, again)
		}
	}
	if twice := again.AppendTo(nil); !bytes.Equal(twice, raw) {
		t.Fatalf("%q written again as %q", raw, twice)
	}
}
