package protocol

import (
	"strings"
	"sync"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// buffers is the memory a machine needs while it has something to do. An idle
// machine gives it back (rule 11), so that thousands of idle connections share the
// buffers of the few that are busy.
type buffers struct {
	arena   []byte   // commands that are planned
	scratch []byte   // what was changed of content, or copied
	segs    [][]byte // all that is planned, of the arena, of scratch and of the content itself
	files   []fileSegment
	piece   []byte // content that was read from a file
	ranged  Chunk  // what is left of the part of a file that the content goes on with
	last    bool   // and it ends with that
	survey  wire.Survey
	awaited []expectation
	flight  []*Delivery // the messages that are under way, in wire order
	queue   []task
	group   group
	params  wire.MailParams // of the transaction that began last, as they are sent

	// A server's.
	slots      []slot           // its length is 0 or a power of two
	used       int              // commands that were put there
	line       []byte           // an unfinished line of input
	lines      strings.Builder  // where the lines stand that commands refer to
	recipients []wire.Recipient // where the recipients stand that requests refer to
	pieces     [][]byte         // content without its dot-stuffing
	held       []byte           // content that the sink did not take
	said       [8]encodedReply  // replies said before, each at a place that it gives itself
}

// noBuffers stands for those of an idle machine. It is only read.
var noBuffers buffers

// maxPooled is the size of the largest buffer of octets that is kept for the next
// machine, and the size at which one that is not written out is replaced.
const maxPooled = 64 << 10

// maxPooledSlots is the same for commands.
const maxPooledSlots = 256

var idleBuffers = sync.Pool{New: func() any { return new(buffers) }}

// wake takes buffers for a client that is about to have something to do.
func (c *Client) wake() {
	if c.mem == &noBuffers {
		c.mem = idleBuffers.Get().(*buffers)
		c.out.mem = c.mem
	}
}

// rest gives the buffers of an idle client back. All that was lent from them has
// been acknowledged.
func (c *Client) rest() {
	if c.mem == &noBuffers {
		return
	}
	c.forgetAnswered()
	b := c.mem
	b.params = wire.MailParams{}
	c.mem, c.out.mem = &noBuffers, &noBuffers
	b.ranged, b.last = Chunk{}, false
	b.rest()
}

// rest keeps buffers that nobody uses for the next machine.
func (b *buffers) rest() {
	for _, p := range []*[]byte{&b.arena, &b.scratch, &b.line, &b.held} {
		if *p = (*p)[:0]; cap(*p) > maxPooled {
			*p = nil
		}
	}
	if len(b.slots) > maxPooledSlots {
		b.slots = nil
	}
	idleBuffers.Put(b)
}
