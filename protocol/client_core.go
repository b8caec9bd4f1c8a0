package protocol

import (
	"errors"
	"io"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

var _ Core = (*Client)(nil)

// enter begins a call of the driver's.
func (c *Client) enter(now time.Time, method string) {
	if c.busy {
		panic("protocol: rule 5: " + method + " called from a callback")
	}
	c.busy = true
	c.stamp(now)
}

// leave ends it.
func (c *Client) leave(now time.Time) {
	c.settle()
	c.busy = false
	c.stamp(now)
}

// stamp gives the timers that have started since the last call their beginning.
func (c *Client) stamp(now time.Time) {
	if c.replyBase.IsZero() {
		c.replyBase = now
	}
	if c.writeBase.IsZero() {
		c.writeBase = now
	}
}

// Feed implements Core.
func (c *Client) Feed(now time.Time, p []byte) (n int, err error) {
	c.enter(now, "Feed")
	for n < len(p) && c.err == nil {
		if c.upgrade != nil {
			// Rule 9, H-T1. Discarding them would not be enough: who injected octets here
			// can do more.
			c.end(&ProtocolError{Step: c.awaiting(), Err: ErrPlaintextAfterSTARTTLS})
			break
		}
		used, r, done, err := c.replies.Parse(p[n:])
		n += used
		if err != nil {
			c.end(&ProtocolError{Step: c.awaiting(), Err: err})
			break
		}
		if !done {
			break
		}
		if c.cfg.Trace != nil {
			c.traceReply(now, r)
		}
		c.reply = r
		c.dispatch(&c.reply)
		if !c.settled() { // which saves a call for most replies
			c.settle()
		}
	}
	c.reply = wire.Reply{}
	c.leave(now)
	return n, c.err
}

// FeedLine feeds one line of input without its line end, for an event loop that
// splits lines itself. Such a loop cannot tell whether something came behind the
// reply to STARTTLS: give it the whole input instead where TLS matters.
func (c *Client) FeedLine(now time.Time, line string) error {
	_, err := c.Feed(now, append([]byte(line), "\r\n"...))
	return err
}

// FeedEOF implements Core.
func (c *Client) FeedEOF(now time.Time) {
	c.enter(now, "FeedEOF")
	switch {
	case c.writeErr != nil:
		c.lose(c.writeErr)
	case c.awaiting() == "" && !c.Busy() && c.Queued() == 0 && !c.replies.Pending():
		c.end(io.EOF)
	default:
		c.lose(c.lost(io.ErrUnexpectedEOF))
	}
	c.leave(now)
}

// lose ends the conversation because the connection went away. Behind a QUIT that
// is all the same: some servers close without a word.
func (c *Client) lose(lost error) {
	if q, quitting := c.active.(*quit); quitting && c.out.lent == c.out.planned {
		c.finish()
		c.end(q.end())
		q.promise.Reject(lost)
		return
	}
	c.end(lost)
}

// lost is the error of a connection that went away.
func (c *Client) lost(err error) error { return &ConnectionError{Step: c.awaiting(), Err: err} }

// Fail implements Core. A nil error counts as io.ErrUnexpectedEOF.
func (c *Client) Fail(now time.Time, err error) {
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	if c.busy {
		if c.failure == nil {
			c.failure = c.lost(err)
		}
		return
	}
	c.enter(now, "Fail")
	c.lose(c.lost(err))
	c.release(unplanned)
	c.leave(now)
}

// WriteFailed implements Core. What was lent counts as sent, because the peer may
// have it; not so where content is at fault.
func (c *Client) WriteFailed(now time.Time, err error) {
	c.enter(now, "WriteFailed")
	if body := (*BodyError)(nil); c.writeErr == nil && errors.As(err, &body) {
		c.out.failed()
		c.end(body)
	}
	if c.err == nil && c.writeErr == nil {
		if err == nil {
			err = errors.New("write failed")
		}
		c.writeErr = c.lost(err)
		c.replyBase = now
		c.wake()
		c.mem = &buffers{awaited: c.mem.awaited, flight: c.mem.flight, queue: c.mem.queue, group: c.mem.group, params: c.mem.params}
		c.out.drop(c.mem)
	}
	c.release(unplanned)
	c.leave(now)
}

// Output implements Core.
func (c *Client) Output(now time.Time, dst []Chunk, max int) []Chunk {
	c.enter(now, "Output")
	if c.err == nil && c.writeErr == nil {
		from := len(dst)
		c.lentBefore = c.out.lent
		dst = c.out.lend(dst, max)
		// All before it is lent first, which a file in between can delay: a message of which
		// nothing was lent may go back to the queue, and its source is read only once.
		for c.out.lent == c.out.planned && c.out.planned-c.out.acked < int64(max) && c.fetch(max-int(c.out.planned-c.out.acked)) && c.err == nil {
			c.settle() // where a source failed its message, the next one begins
			dst = c.out.lend(dst[:from], max)
		}
		c.lentBefore = unplanned
		if c.err != nil {
			dst = dst[:from]
		}
		if c.unsent < len(c.traces) {
			c.traceSent(now)
		}
	} else {
		c.release(unplanned)
	}
	c.leave(now)
	return dst
}

// Wrote implements Core.
func (c *Client) Wrote(now time.Time, n int64) {
	c.enter(now, "Wrote")
	if c.err == nil && c.writeErr == nil {
		if c.next < len(c.mem.awaited) && !c.written() {
			c.replyBase = now
		}
		c.writeBase = now
		c.out.wrote(n)
		c.release(c.out.acked)
	}
	c.leave(now)
}

// WantRead implements Core. A client reads whenever it is open, except between
// the reply to STARTTLS and TLS itself.
func (c *Client) WantRead() bool { return c.err == nil && c.upgrade == nil }

// Deadline implements Core.
func (c *Client) Deadline() time.Time {
	at, _, _ := c.due()
	return at
}

// due returns the next deadline, what is missing if it passes, and the limit that
// set it; limit 0 stands for the overall deadline.
func (c *Client) due() (at time.Time, step string, limit time.Duration) {
	if c.err != nil {
		return
	}
	at, step = c.deadline, "overall deadline"
	sooner := func(base time.Time, d time.Duration, s string) {
		if t := base.Add(d); !base.IsZero() && (at.IsZero() || t.Before(at)) {
			at, step, limit = t, s, d
		}
	}
	t := &c.cfg.Timeouts
	if c.writeErr != nil {
		sooner(c.replyBase, t.Drain, c.awaiting())
		return
	}
	if c.out.pending() {
		sooner(c.writeBase, t.Block, "progress in writing")
	} else if c.upgrade != nil {
		sooner(c.replyBase, t.TLS, c.awaiting())
	}
	// Until its last octet is acknowledged a command is not the peer's to answer:
	// what is unwritten has the block timeout, and waiting for the caller's own body
	// has none.
	if c.next < len(c.mem.awaited) && c.written() {
		rule := &stepRules[c.mem.awaited[c.next].step]
		sooner(c.replyBase, rule.timeout(t), rule.awaited)
	}
	return
}

// written reports whether the oldest unanswered command is acknowledged to its end.
func (c *Client) written() bool {
	e := &c.mem.awaited[c.next]
	return e.end <= c.out.acked || e.oldestEnd() <= c.out.acked
}

// Tick implements Core.
func (c *Client) Tick(now time.Time) {
	c.enter(now, "Tick")
	if at, step, limit := c.due(); !at.IsZero() && !now.Before(at) {
		if c.writeErr != nil {
			c.lose(c.writeErr)
		} else {
			c.end(&TimeoutError{Step: step, Limit: limit})
		}
	}
	c.leave(now)
}

// Err implements Core. Other than io.EOF it is what ended the conversation: a
// *ReplyError for a 421 or a refused greeting, a *ProtocolError, *TimeoutError,
// *ConnectionError, *TLSError or *BodyError, ErrAborted, or the error of a Task or a
// login that left the server waiting or unproven.
func (c *Client) Err() error { return c.err }
