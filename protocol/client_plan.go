package protocol

import (
	"math"
	"time"
)

// expectation is a reply that the plan will bring, or as many as its commands are
// alike: those to all RCPT of a message, and the verdicts of LMTP. start and end say
// where the commands lie in the stream of all octets sent; start moves on with the
// replies to RCPT for as long as it matters.
type expectation struct {
	task       task // nil for the greeting
	start, end int64
	index      int32 // of the recipient
	left       int32 // replies still due; perRecipient until the first is there
	step       step
}

// perRecipient stands for a verdict for each recipient that was accepted (RFC 2033
// §4.2), and for one if none was (C118).
const perRecipient = 0

// unplanned is the end of a command whose last octet is not planned yet.
const unplanned = math.MaxInt64

// expect plans n replies.
func (c *Client) expect(t task, s step, n int, start, end int64) *expectation {
	c.mem.awaited = append(c.expectMore(1), expectation{task: t, step: s, left: int32(n), start: start, end: end})
	return &c.mem.awaited[len(c.mem.awaited)-1]
}

// expectMore returns mem.awaited to append up to n expectations to. What was
// answered makes room where it is half of all.
func (c *Client) expectMore(n int) []expectation {
	c.forgetAnswered()
	all := c.mem.awaited
	if len(all)+n > cap(all) && c.next > len(all)/2 {
		n := copy(all, all[c.next:])
		clear(all[n:])
		all, c.next = all[:n], 0
	}
	return all
}

// forgetAnswered makes room once every reply planned so far was read. The timer of
// the next command starts when the driver says what time it is.
func (c *Client) forgetAnswered() {
	if c.next == len(c.mem.awaited) {
		clear(c.mem.awaited) // of references to tasks
		c.mem.awaited, c.next = c.mem.awaited[:0], 0
		c.replyBase = time.Time{}
	}
}

// plan plans command lines of t that were reserved in c.out.
func (c *Client) plan(t task, lines []byte) {
	c.startWriting()
	if c.cfg.Trace != nil {
		c.traceCommand(t, lines)
	}
	c.out.attach(lines)
}

// startWriting starts the timer of output, unless there is some already.
func (c *Client) startWriting() {
	if !c.out.pending() {
		c.writeBase = time.Time{}
	}
}

// command plans one command line, and its reply.
func (c *Client) command(t task, s step, arena []byte) *expectation {
	start := c.out.planned
	c.plan(t, c.out.reserve(arena))
	return c.expect(t, s, 1, start, c.out.planned)
}

// takeBack undoes the active task if nothing was lent of what it planned from
// start on, and reports whether it did. The task is settled next, and then the
// queue may proceed.
func (c *Client) takeBack(t task, start int64) bool {
	if c.err != nil || c.writeErr != nil || c.active != t || c.out.lent > start {
		return false
	}
	c.withdraw(start)
	c.finish()
	return true
}

// withdraw takes back what was planned from offset at on, and the replies to it.
func (c *Client) withdraw(at int64) {
	n := len(c.mem.awaited)
	for n > c.next && c.mem.awaited[n-1].start >= at {
		n--
	}
	clear(c.mem.awaited[n:])
	c.mem.awaited = c.mem.awaited[:n]
	c.out.withdraw(at)
	for n := len(c.traces); n > c.unsent && c.traces[n-1].end > at; n-- {
		c.traces = c.traces[:n-1]
	}
}
