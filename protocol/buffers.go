package protocol

import "sync"

// buffers is the memory a machine needs while it has something to do. An idle
// machine gives it back (rule 11), so that thousands of idle connections share the
// buffers of the few that are busy.
type buffers struct {
	arena, scratch []byte
	segs           [][]byte
	awaited        []expectation
	queue          []task
}

// maxPooled is the size of the largest piece of memory that is kept for the next
// machine, in octets.
const maxPooled = 64 << 10

var idleBuffers = sync.Pool{New: func() any { return new(buffers) }}

// wake takes buffers for a client that is about to have something to do.
func (c *Client) wake() {
	if c.buffers != nil {
		return
	}
	b := idleBuffers.Get().(*buffers)
	c.buffers = b
	c.out.arena, c.out.segs, c.scratch, c.awaited, c.queue = b.arena, b.segs, b.scratch, b.awaited, b.queue
}

// rest gives the buffers of an idle client back. All that was lent from them has
// been acknowledged.
func (c *Client) rest() {
	b := c.buffers
	if b == nil {
		return
	}
	c.forgetAnswered()
	b.arena, b.segs, b.scratch, b.awaited, b.queue = c.out.arena[:0], c.out.segs[:0], c.scratch[:0], c.awaited, c.queue[:0]
	if cap(b.arena) > maxPooled {
		b.arena = nil
	}
	if cap(b.scratch) > maxPooled {
		b.scratch = nil
	}
	idleBuffers.Put(b)
	c.buffers, c.out.arena, c.out.segs, c.scratch, c.awaited, c.queue = nil, nil, nil, nil, nil, nil
}
