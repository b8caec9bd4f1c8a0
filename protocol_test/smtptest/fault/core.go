package fault

import (
	"fmt"
	"io"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// core is the Core of an Injector. It is a driver to the one inside of it.
type core struct {
	protocol.Core
	injector *Injector

	in      input
	pending *command // the one command that is not answered in full; nil: none
	alone   bool     // nobody but the Injector answers it
	message message
	lmtp    bool // LHLO was accepted

	parser wire.ReplyParser
	chunks []protocol.Chunk
	raw    []byte // octets of the machine that lie in several chunks

	out     []piece
	offered int64 // octets of out that were lent

	due    time.Time // until when a reply is held back; zero: there is none
	waited bool      // it was held back long enough

	broken Break
	reset  bool // Reset was called
	mute   bool // nothing can be written any more
	eof    bool // the client sends no more
	over   bool // nobody waits for the client to close
}

// piece is output.
type piece struct {
	octets []byte
	split  bool // each of them is a write of its own
}

// maxQueued is how many octets may wait to be written before no more are taken from
// the machine, whose own limits then hold.
const maxQueued = 64 << 10

// Output implements protocol.Core.
func (c *core) Output(now time.Time, dst []protocol.Chunk, max int) []protocol.Chunk {
	c.pull(now)
	if len(c.out) == 0 && c.broken == Reset && !c.reset {
		c.reset = true
		c.injector.cfg.Reset()
	}
	var lent int64
	for i, p := range c.out {
		if max <= 0 || p.split && i > 0 {
			break
		}
		octets := p.octets
		if p.split {
			octets = octets[:1]
		}
		octets = octets[:min(len(octets), max)]
		dst = append(dst, protocol.Chunk{Bytes: octets})
		lent += int64(len(octets))
		max -= len(octets)
		if p.split {
			break
		}
	}
	if lent > c.offered {
		c.offered = lent
	}
	return dst
}

// Wrote implements protocol.Core.
func (c *core) Wrote(now time.Time, n int64) {
	if c.mute {
		return
	}
	if n > c.offered {
		panic("fault: rule 3: Wrote beyond what was lent")
	}
	c.offered -= n
	for n > 0 {
		first := &c.out[0]
		k := min(n, int64(len(first.octets)))
		first.octets = first.octets[k:]
		if n -= k; len(first.octets) == 0 {
			c.out = c.out[1:]
		}
	}
}

func (c *core) queued() (n int) {
	for _, p := range c.out {
		n += len(p.octets)
	}
	return n
}

// silent reports whether nothing is said any more, and the client is to close.
func (c *core) silent() bool { return c.broken == Hang || c.broken == Reset }

// WantRead implements protocol.Core.
func (c *core) WantRead() bool {
	switch {
	case c.silent():
		return !c.over
	case c.broken != NoBreak || c.held():
		return false
	case c.mute:
		return c.Core.WantRead()
	case c.in.dropping:
		return true
	}
	return c.Core.WantRead() && c.reads()
}

// held reports whether a reply is held back.
func (c *core) held() bool { return !c.due.IsZero() }

// Deadline implements protocol.Core. While a reply is held back, the time limits of
// the machine rest.
func (c *core) Deadline() time.Time {
	switch {
	case c.silent():
		return time.Time{}
	case c.held():
		return c.due
	}
	return c.Core.Deadline()
}

// Tick implements protocol.Core.
func (c *core) Tick(now time.Time) {
	switch {
	case c.silent():
	case !c.held():
		c.Core.Tick(now)
	case !now.Before(c.due):
		c.due, c.waited = time.Time{}, true
		c.pull(now)
	}
}

// Upgrade implements protocol.Core.
func (c *core) Upgrade() *protocol.Upgrade {
	if len(c.out) > 0 || c.held() || c.broken != NoBreak {
		return nil
	}
	return c.Core.Upgrade()
}

// Upgraded implements protocol.Core.
func (c *core) Upgraded(now time.Time, tls protocol.TLSState, err error) {
	if err == nil {
		c.injector.trace(now, protocol.TraceTLS, fmt.Sprintf("TLS 1.%d", tls.Version-0x0301))
	}
	c.Core.Upgraded(now, tls, err)
}

// Err implements protocol.Core.
func (c *core) Err() error {
	if c.silent() && !c.over || c.held() {
		return nil
	}
	return c.Core.Err()
}

// FeedEOF implements protocol.Core.
func (c *core) FeedEOF(now time.Time) {
	if c.silent() {
		c.end(now, io.ErrUnexpectedEOF)
		return
	}
	c.eof = true
	if len(c.in.line) > 0 && !c.in.passing {
		c.feed(now, c.in.line) // it is an end in the middle of a command
	}
	c.Core.FeedEOF(now)
	c.pull(now)
}

// WriteFailed implements protocol.Core.
func (c *core) WriteFailed(now time.Time, err error) {
	c.drop()
	if !c.silent() {
		c.Core.WriteFailed(now, err)
	}
}

// Fail implements protocol.Core.
func (c *core) Fail(now time.Time, err error) { c.end(now, err) }

func (c *core) end(now time.Time, err error) {
	c.drop()
	c.over = true
	c.Core.Fail(now, err)
}

// drop forgets what can no longer be written.
func (c *core) drop() {
	c.out, c.offered, c.due = nil, 0, time.Time{}
	c.mute = true
}

// breakOff ends the conversation in the middle.
func (c *core) breakOff(now time.Time, how Break) {
	if how == Reset && c.injector.cfg.Reset == nil {
		how = Drop
	}
	c.broken = how
	c.injector.trace(now, protocol.TraceSent, "("+how.String()+")")
	switch {
	case how != Hang:
		c.Core.Fail(now, ErrBroken)
	case c.eof: // there is nobody to wait for
		c.over = true
		c.Core.Fail(now, io.ErrUnexpectedEOF)
	}
}
