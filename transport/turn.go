package transport

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// Turn is the part of a driver that is the same for all of them. It keeps the
// input that its core did not take yet, tells the core of the end of input behind
// it and of a write error once, and moves output until the wire is full. It does
// no I/O of its own; a driver hands it what came in, and a function that writes.
//
// A driver's turn is: Feed or FeedEOF, or Tick of the core, or whatever the
// application asks of the core; then Flush; then Upgrade, WantRead, and the core's
// Err and Deadline. A Turn belongs to whoever drives its core, one call at a time.
type Turn struct {
	core     protocol.Core
	rest     []byte // input that the core has not taken
	chunks   []protocol.Chunk
	eof      bool  // the end of input came
	told     bool  // and the core knows
	writeErr error // nothing more is written
}

// NewTurn returns the Turn of core. Nothing is called before the first method is.
func NewTurn(core protocol.Core) *Turn { return &Turn{core: core} }

// Feed hands input to the core. What the core does not take now is kept and
// offered again by later calls; a driver that goes by WantRead never has more kept
// than it read at once. Once the core has ended, input is thrown away.
func (t *Turn) Feed(now time.Time, p []byte) {
	if len(t.rest) > 0 {
		t.rest = append(t.rest, p...)
		t.resume(now)
		return
	}
	if p = t.offer(now, p); len(p) > 0 {
		t.rest = append(t.rest, p...)
	}
}

// FeedEOF says that no more input comes. The core is told once it has taken what
// came before.
func (t *Turn) FeedEOF(now time.Time) {
	t.eof = true
	t.resume(now)
}

// Fail says that both directions are gone: nothing more is fed or written.
func (t *Turn) Fail(now time.Time, err error) {
	t.rest, t.eof, t.told = nil, true, true
	if t.writeErr == nil {
		t.writeErr = err
	}
	// A core that has ended hears of it too: nothing lent is in use any more.
	t.core.Fail(now, err)
}

// Flush writes what the core has to send, at most max octets with one call of
// write, until nothing is left, write takes less than it was given, or fails. It
// reports whether the wire is full: then Flush again once it has room. A false
// beside an Err of the core means that the connection may be closed.
//
// write returns how many octets of chunks went out, and must not keep the chunks
// beyond that: one that copies them has written them. Its error is reported to
// the core as WriteFailed, after which nothing more is offered to write.
func (t *Turn) Flush(now time.Time, max int, write func(chunks []protocol.Chunk) (n int64, err error)) (blocked bool) {
	t.resume(now)
	for {
		t.chunks = t.Output(now, t.chunks[:0], max)
		if len(t.chunks) == 0 {
			return false
		}
		n, err := write(t.chunks)
		blocked = err == nil && n < size(t.chunks)
		clear(t.chunks)
		t.Wrote(now, n, err)
		if blocked {
			return true
		}
	}
}

// Output is the core's Output, for a driver whose writes go on while it does other
// things; Wrote must follow before the next Output. It appends nothing once a write
// has failed.
func (t *Turn) Output(now time.Time, dst []protocol.Chunk, max int) []protocol.Chunk {
	if t.writeErr != nil {
		return dst
	}
	return t.core.Output(now, dst, max)
}

// Wrote says that the first n octets of the last Output went out, and that the
// rest failed with err unless that is nil.
func (t *Turn) Wrote(now time.Time, n int64, err error) {
	if t.writeErr != nil {
		return
	}
	if n > 0 {
		t.core.Wrote(now, n)
	}
	if err != nil {
		t.writeErr = err
		t.core.WriteFailed(now, err)
	}
	t.resume(now)
}

// WantRead reports whether to read: the core wants input, and none is kept.
func (t *Turn) WantRead() bool {
	return !t.eof && len(t.rest) == 0 && t.core.Err() == nil && t.core.WantRead() && t.core.Upgrade() == nil
}

// Upgrade returns the core's Upgrade, after it was offered the input that came
// ahead of TLS: that ends the core (RFC 3207 §6), and then the result is nil. From
// a result that is not nil until the core's Upgraded, nothing may be read or
// written in clear.
func (t *Turn) Upgrade(now time.Time) *protocol.Upgrade {
	t.resume(now)
	u := t.core.Upgrade()
	if u == nil || t.core.Err() != nil {
		return nil
	}
	if len(t.rest) > 0 {
		t.Fail(now, protocol.ErrPlaintextAfterSTARTTLS)
		return nil
	}
	return u
}

// resume offers the core what was kept, and then the end of input.
func (t *Turn) resume(now time.Time) {
	if len(t.rest) > 0 {
		if t.rest = t.offer(now, t.rest); len(t.rest) == 0 {
			t.rest = nil
		}
	}
	if !t.eof || len(t.rest) > 0 || t.core.Err() != nil {
		return
	}
	if !t.told {
		t.told = true
		t.core.FeedEOF(now)
	}
	// Rule 7: a driver that can neither read nor write must call Fail.
	if t.writeErr != nil && t.core.Err() == nil {
		t.Fail(now, t.writeErr)
	}
}

// offer feeds p as far as the core takes it, and returns what is left.
func (t *Turn) offer(now time.Time, p []byte) []byte {
	for len(p) > 0 {
		if t.core.Err() != nil {
			return nil
		}
		// Rule 9: who waits for TLS must hear of octets in clear, wanted or not.
		if !t.core.WantRead() && t.core.Upgrade() == nil {
			break
		}
		n, _ := t.core.Feed(now, p)
		p = p[n:]
		if n == 0 && t.core.Err() == nil {
			break
		}
	}
	return p
}
