package transport

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// peer is a core whose conduct is given by its test. It checks the driver's part of
// the contract: nothing is called after the end was told, Wrote stays within what
// was lent, now never runs backwards.
type peer struct {
	t        testing.TB
	out      []byte // planned, not acknowledged
	lent     int
	got      []byte
	calls    []string // of everything but Output, Wrote, Feed and the getters
	paused   bool
	take     int // the most that one Feed takes; 0: all
	deadline time.Time
	up       *protocol.Upgrade
	tls      protocol.TLSState
	err      error
	now      time.Time

	onFeed     func(now time.Time, p []byte)
	onWrote    func(now time.Time)
	onTick     func(now time.Time)
	onEOF      func(now time.Time)
	onUpgraded func(now time.Time, err error)
}

func (c *peer) at(now time.Time) {
	if now.Before(c.now) {
		c.t.Errorf("time runs backwards: %v behind %v", now, c.now)
	}
	c.now = now
}

func (c *peer) note(now time.Time, call string, err error) {
	c.at(now)
	if err != nil {
		call += ": " + err.Error()
	}
	c.calls = append(c.calls, call)
}

func (c *peer) say(s string) { c.out = append(c.out, s...) }

func (c *peer) Feed(now time.Time, p []byte) (int, error) {
	c.at(now)
	if len(p) == 0 || c.err != nil || c.paused && c.up == nil {
		c.t.Errorf("Feed of %d octets, Err %v, WantRead %v", len(p), c.err, c.WantRead())
	}
	if c.take > 0 {
		p = p[:min(len(p), c.take)]
	}
	c.got = append(c.got, p...)
	if c.onFeed != nil {
		c.onFeed(now, p)
	}
	return len(p), c.err
}

func (c *peer) FeedEOF(now time.Time) {
	c.note(now, "EOF", nil)
	if c.onEOF != nil {
		c.onEOF(now)
	}
}

func (c *peer) Fail(now time.Time, err error) {
	c.note(now, "Fail", err)
	c.out, c.lent = nil, 0
	if c.err == nil { // what ended it is what ended it
		c.err = err
	}
}

func (c *peer) WriteFailed(now time.Time, err error) { c.note(now, "WriteFailed", err) }

func (c *peer) Output(now time.Time, dst []protocol.Chunk, limit int) []protocol.Chunk {
	c.at(now)
	// Two chunks, so that a write is made of more than one.
	p := c.out[:min(limit, len(c.out))]
	c.lent = max(c.lent, len(p))
	if len(p) > 1 {
		dst = append(dst, protocol.Chunk{Bytes: p[:1]})
		p = p[1:]
	}
	if len(p) > 0 {
		dst = append(dst, protocol.Chunk{Bytes: p})
	}
	return dst
}

func (c *peer) Wrote(now time.Time, n int64) {
	c.at(now)
	if n <= 0 || n > int64(c.lent) {
		c.t.Errorf("Wrote of %d octets, %d lent", n, c.lent)
	}
	c.out = slices.Delete(c.out, 0, int(n))
	c.lent -= int(n)
	if c.onWrote != nil {
		c.onWrote(now)
	}
}

func (c *peer) WantRead() bool      { return !c.paused }
func (c *peer) Deadline() time.Time { return c.deadline }

func (c *peer) Tick(now time.Time) {
	c.note(now, "Tick", nil)
	if c.deadline.IsZero() || c.deadline.After(now) {
		c.t.Errorf("Tick at %v, due at %v", now, c.deadline)
	}
	c.deadline = time.Time{}
	if c.onTick != nil {
		c.onTick(now)
	}
}

func (c *peer) Upgrade() *protocol.Upgrade {
	if len(c.out) > 0 || c.err != nil {
		return nil
	}
	return c.up
}

func (c *peer) Upgraded(now time.Time, tls protocol.TLSState, err error) {
	c.note(now, "Upgraded", err)
	c.up, c.tls = nil, tls
	if c.onUpgraded != nil {
		c.onUpgraded(now, err)
	}
}

func (c *peer) Err() error { return c.err }

// link joins two peers and keeps the log of their events.
type link struct {
	*Pipe
	a, b *peer
	log  []string
}

var start = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

func newLink(t testing.TB, opts PipeOptions) *link {
	l := &link{a: &peer{t: t}, b: &peer{t: t}}
	opts.Tap = func(e PipeEvent) { l.log = append(l.log, e.String()) }
	l.Pipe = NewPipe(l.a, l.b, opts)
	return l
}

func (l *link) run(t testing.TB) {
	t.Helper()
	if err := l.Run(1_000_000); err != nil {
		t.Fatal(err)
	}
}

// wantLog compares the log, without its date line, with lines written one below the
// other.
func (l *link) wantLog(t testing.TB, want string) {
	t.Helper()
	lines := strings.FieldsFunc(want, func(r rune) bool { return r == '\n' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
	if !slices.Equal(l.log, lines) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(l.log, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

func wantCalls(t testing.TB, name string, c *peer, want ...string) {
	t.Helper()
	if !slices.Equal(c.calls, want) {
		t.Errorf("%s: calls %q, want %q", name, c.calls, want)
	}
}

func wantPanic(t testing.TB, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("panic %v, want %v", got, want)
		}
	}()
	f()
}

// ends makes c end cleanly once it has read n octets.
func (c *peer) endsAfter(n int) {
	c.onFeed = func(time.Time, []byte) {
		if len(c.got) >= n {
			c.err = io.EOF
		}
	}
}

var errTest = errors.New("test")

const ms = time.Millisecond
