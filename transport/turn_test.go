package transport

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

func newTurn(t *testing.T) (*Turn, *peer) {
	c := &peer{t: t}
	return NewTurn(c), c
}

// room takes up to room octets.
func room(n int64, wrote *string) func([]protocol.Chunk) (int64, error) {
	return func(chunks []protocol.Chunk) (took int64, err error) {
		for _, c := range chunks {
			k := min(n, int64(len(c.Bytes)))
			*wrote += string(c.Bytes[:k])
			took += k
			n -= k
		}
		return took, nil
	}
}

// What the core does not take is kept in order, and the end of input behind it.
func TestTurnKeepsInput(t *testing.T) {
	turn, c := newTurn(t)
	c.take = 2
	c.onFeed = func(time.Time, []byte) { c.paused = true }
	turn.Feed(start, []byte("abcde"))
	if string(c.got) != "ab" || turn.WantRead() {
		t.Errorf("got %q, reads %v", c.got, turn.WantRead())
	}
	turn.Feed(start, []byte("f"))
	turn.FeedEOF(start)
	for _, want := range []string{"abcd", "abcdef"} {
		wantCalls(t, "peer", c)
		c.paused = false
		turn.Flush(start, 10, room(10, new(string)))
		if string(c.got) != want {
			t.Errorf("got %q, want %q", c.got, want)
		}
	}
	wantCalls(t, "peer", c, "EOF")
	turn.FeedEOF(start)
	c.paused = false
	if turn.WantRead() {
		t.Error("reads behind the end of input")
	}
	wantCalls(t, "peer", c, "EOF")
}

// A core that takes nothing although it wants input is not asked for ever.
func TestTurnNoProgress(t *testing.T) {
	c := &stubborn{peer{t: t}}
	turn := NewTurn(c)
	turn.Feed(start, []byte("a"))
	if turn.WantRead() || string(turn.rest) != "a" {
		t.Errorf("keeps %q", turn.rest)
	}
}

type stubborn struct{ peer }

func (*stubborn) Feed(time.Time, []byte) (int, error) { return 0, nil }

// Input behind the end of the core is nobody's.
func TestTurnFeedBehindEnd(t *testing.T) {
	turn, c := newTurn(t)
	c.endsAfter(1)
	turn.Feed(start, []byte("a"))
	turn.Feed(start, []byte("b"))
	turn.FeedEOF(start)
	if string(c.got) != "a" || turn.rest != nil {
		t.Errorf("got %q, keeps %q", c.got, turn.rest)
	}
	wantCalls(t, "peer", c)
}

func TestTurnFlush(t *testing.T) {
	turn, c := newTurn(t)
	c.say("hello")
	var wrote string
	if !turn.Flush(start, 100, room(3, &wrote)) || wrote != "hel" {
		t.Errorf("wrote %q", wrote)
	}
	// What is written may make room for more, in input and output.
	c.paused = true
	turn.Feed(start, []byte("in"))
	c.onWrote = func(time.Time) { c.paused = false }
	c.onFeed = func(_ time.Time, p []byte) { c.say("!") }
	if turn.Flush(start, 2, room(100, &wrote)) || wrote != "hello!" || string(c.got) != "in" {
		t.Errorf("wrote %q, got %q", wrote, c.got)
	}
}

// A failed write is told once, and nothing is offered from then on; without reading
// either the core fails. // C53
func TestTurnWriteFails(t *testing.T) {
	turn, c := newTurn(t)
	c.say("hello")
	fails := func(chunks []protocol.Chunk) (int64, error) { return 2, errTest }
	for range 2 {
		if turn.Flush(start, 100, fails) {
			t.Error("blocked")
		}
	}
	turn.Wrote(start, 0, errTest)
	if got := turn.Output(start, nil, 100); got != nil || string(c.out) != "llo" {
		t.Errorf("offered %v of %q", got, c.out)
	}
	wantCalls(t, "peer", c, "WriteFailed: test")
	if !turn.WantRead() {
		t.Error("reading ended with writing")
	}
	turn.FeedEOF(start)
	wantCalls(t, "peer", c, "WriteFailed: test", "EOF", "Fail: test")
}

// A core that is over is still told of a write that failed: it may keep a body for
// what was lent.
func TestTurnWriteFailsBehindEnd(t *testing.T) {
	turn, c := newTurn(t)
	c.say("421")
	c.err = io.EOF
	turn.Flush(start, 100, func([]protocol.Chunk) (int64, error) { return 0, errTest })
	wantCalls(t, "peer", c, "WriteFailed: test")
}

func TestTurnFail(t *testing.T) {
	turn, c := newTurn(t)
	c.paused = true
	turn.Feed(start, []byte("in"))
	turn.Fail(start, errTest)
	turn.Fail(start, io.ErrClosedPipe)
	turn.FeedEOF(start)
	c.paused = false
	if turn.Flush(start, 100, nil) || turn.rest != nil || turn.WantRead() {
		t.Errorf("keeps %q", turn.rest)
	}
	wantCalls(t, "peer", c, "Fail: test", "Fail: io: read/write on closed pipe")
}

// Octets ahead of TLS are fed although the core does not want any, and are fatal
// even where the core lets them pass. // H-T1
func TestTurnUpgrade(t *testing.T) {
	turn, c := newTurn(t)
	if turn.Upgrade(start) != nil {
		t.Error("upgrades unasked")
	}
	c.up = &protocol.Upgrade{Client: true}
	if turn.Upgrade(start) != c.up || turn.WantRead() {
		t.Error("does not upgrade")
	}
	c.onFeed = func(time.Time, []byte) { c.err = errTest }
	turn.Feed(start, []byte("250 ok\r\n"))
	if turn.Upgrade(start) != nil || string(c.got) != "250 ok\r\n" {
		t.Errorf("upgrades behind %q", c.got)
	}

	lax := &stubborn{peer{t: t, up: c.up}}
	turn = NewTurn(lax)
	turn.Feed(start, []byte("250 ok\r\n"))
	if turn.Upgrade(start) != nil || !errors.Is(lax.err, protocol.ErrPlaintextAfterSTARTTLS) {
		t.Errorf("ended with %v", lax.err)
	}
}

// Many pieces of all sizes arrive as they are, over a socket that takes as much as
// it likes.
func TestLoopGathers(t *testing.T) {
	a, b := media[1].connect(t)
	core := &pieces{peer: peer{t: t}}
	var want strings.Builder
	for i := range 3000 {
		p := strings.Repeat(string(rune('a'+i%26)), 1+i*i%3000)
		want.WriteString(p)
		core.pieces = append(core.pieces, []byte(p))
	}
	l := drive(t, b, core, LoopConfig{Server: true})
	got, err := io.ReadAll(a)
	if string(got) != want.String() || err != nil {
		t.Errorf("got %d octets, want %d; %v", len(got), want.Len(), err)
	}
	a.Close()
	<-l.Done()
}

// pieces is a core that lends what it has in pieces, and ends behind them.
type pieces struct {
	peer
	pieces [][]byte
	off    int
}

func (c *pieces) Output(_ time.Time, dst []protocol.Chunk, limit int) []protocol.Chunk {
	off := c.off
	for _, p := range c.pieces {
		p = p[off:]
		off = 0
		p = p[:min(limit, len(p))]
		if limit -= len(p); len(p) == 0 {
			break
		}
		dst = append(dst, protocol.Chunk{Bytes: p})
	}
	return dst
}

func (c *pieces) Wrote(_ time.Time, n int64) {
	for c.off += int(n); len(c.pieces) > 0 && c.off >= len(c.pieces[0]); c.pieces = c.pieces[1:] {
		c.off -= len(c.pieces[0])
	}
	if len(c.pieces) == 0 {
		c.err = io.EOF
	}
}
