package protocol

import (
	"math"
	"slices"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Window bounds what is sent and not yet decided where the server offers CHUNKING
// and PIPELINING: whole messages go back to back then, many in one round trip. What
// is in the window is also the most that one lost connection can make unknown.
//
// After a message was refused nothing follows until all before is decided; the
// content of the next one waits for its recipients' replies, and the window grows
// again, twofold with each message that is accepted.
//
// Without CHUNKING, offered or disabled, one message is undecided at a time, whatever
// the window: the commands of the next go out with its end of data, its content behind
// its own 354. Without PIPELINING every command waits for the reply to the one before.
type Window struct {
	// Messages is the number of messages. Zero means 32; 1 sends one at a time.
	Messages int
	// Octets bounds the content of them all; a larger message goes alone, and so does
	// one of unknown size. Zero means 256 KiB.
	Octets int64
	// Ahead is the size of content, in octets, up to which it goes out ahead of the
	// replies to its recipients. Larger content, and content of unknown size, waits
	// until one was accepted, and nothing else flows meanwhile. Zero means 64 KiB; a
	// negative size lets all content wait.
	Ahead int64
}

func (w Window) withDefaults() Window {
	if w.Messages == 0 {
		w.Messages = 32
	}
	if w.Octets == 0 {
		w.Octets = 256 << 10
	}
	if w.Ahead == 0 {
		w.Ahead = 64 << 10
	}
	return w
}

func (w Window) check() error {
	switch {
	case w.Messages < 0:
		return &ConfigError{Field: "Window.Messages", Reason: "negative"}
	case w.Octets < 0:
		return &ConfigError{Field: "Window.Octets", Reason: "negative"}
	}
	return nil
}

// phase is how far a message that is under way is planned.
type phase uint8

const (
	phaseQueued   phase = iota // not begun
	phaseEncoded               // its commands are encoded, and wait for the content before them
	phaseEnvelope              // they are planned; its content waits for a reply
	phaseContent               // its content is planned piece by piece
	phasePlanned               // nothing more of it will be planned
	phaseRejected              // nothing of it will be: it waits for its turn to settle
)

// flying returns the number of messages under way.
func (c *Client) flying() int { return len(c.mem.flight) - c.oldest }

// mayBegin reports whether a task may begin now. Beside messages that are under
// way only a message may, and only once it is certain what the server will make
// of the commands before it: what is planned never depends on how fast it is sent.
func (c *Client) mayBegin(t task) bool {
	n := c.flying()
	if n == 0 {
		return true
	}
	d, is := t.(*Delivery)
	if !is || c.writeErr != nil {
		return false
	}
	last := c.mem.flight[len(c.mem.flight)-1]
	switch {
	case last.phase < phaseContent || !last.pipelined:
		return false
	case c.cfg.LMTP && len(last.to) > 1:
		// Servers were seen to answer once for all, or for a recipient who is there twice:
		// replies to what follows would count as the verdicts that are missing.
		return false
	case !last.chunked:
		return true // RFC 2920 §3.1: content may open a group
	}
	// If all else lets it begin it is asked for its weight, and then this is asked again.
	return n < max(1, c.window) && d.weight <= c.cfg.Window.Octets-c.octets
}

// weigh finds the most octets that the content will take; unbounded if that is not
// known. No message weighs nothing.
func (d *Delivery) weigh() {
	survey, whole := surveyOf(d.body)
	size := d.body.Size()
	switch {
	case whole:
		size = survey.Size()
	case size < 0 || size > unbounded/2-2:
		size = unbounded
	case !d.binary():
		size = 2*size + 2 // every octet may be a bare LF
	}
	d.weight = min(max(1, size), unbounded)
}

// unbounded is the weight of content that fits into no window. That of two such
// messages can still be added.
const unbounded = math.MaxInt64 / 4

// binary reports whether the content is to arrive octet for octet (RFC 3030 §3).
func (d *Delivery) binary() bool { return d.params != nil && d.params.Body == wire.BodyBinaryMIME }

// launch takes a message into the flight.
func (c *Client) launch(d *Delivery) {
	if all := c.mem.flight; c.oldest > len(all)/2 && len(all) == cap(all) {
		n := copy(all, all[c.oldest:])
		clear(all[n:])
		c.sending -= c.oldest
		c.mem.flight, c.oldest = all[:n], 0
	}
	c.mem.flight = append(c.mem.flight, d)
	c.octets += d.weight
}

// land takes the oldest message out of the flight.
func (c *Client) land(d *Delivery) {
	if c.mem.flight[c.oldest] != d {
		panic("protocol: a message was decided out of turn")
	}
	c.mem.flight[c.oldest] = nil
	c.oldest++
	c.sending = max(c.sending, c.oldest)
	c.octets -= d.weight
	if c.oldest == len(c.mem.flight) {
		c.mem.flight, c.oldest, c.sending = c.mem.flight[:0], 0, 0
		c.draining = false
	}
}

// landed settles the oldest message if that waited only for what was written of it,
// and reports whether it did.
func (c *Client) landed() bool {
	if c.flying() == 0 {
		return false
	}
	return c.mem.flight[c.oldest].conclude(c)
}

// forward plans what can be planned without asking a body for its content.
func (c *Client) forward() {
	for c.sending < len(c.mem.flight) {
		d := c.mem.flight[c.sending]
		if d.phase == phaseEncoded {
			d.sayEnvelope(c)
		}
		if d.phase == phaseContent {
			d.sayWhole(c)
		}
		if d.phase < phasePlanned {
			return
		}
		c.sending++
	}
}

// fetch plans the next piece of content, of about max octets, and reports whether
// there was one.
func (c *Client) fetch(max int) bool {
	if c.sending == len(c.mem.flight) {
		return false
	}
	d := c.mem.flight[c.sending]
	if d.phase != phaseContent || d.parked {
		return false
	}
	if d.chunked {
		return d.pullChunk(c)
	}
	return d.pull(c, max)
}

// recall takes back what was planned from offset at on, of which nothing was lent.
// The messages in flight from index i on go back to the queue.
func (c *Client) recall(i int, at int64) {
	if at < c.out.planned {
		c.withdraw(at)
	}
	back := c.mem.flight[i:]
	tasks := make([]task, len(back))
	for j, d := range back {
		if d.phase == phaseEncoded {
			c.out.discard(c.mem.group.lines)
			c.mem.group = group{}
		}
		c.octets -= d.weight
		d.phase, d.data, d.end, d.failed = phaseQueued, 0, unplanned, nil
		d.unpark()
		tasks[j] = d
	}
	clear(back)
	c.mem.flight = c.mem.flight[:i]
	c.sending = min(c.sending, i)
	if c.oldest == i {
		c.mem.flight, c.oldest, c.sending = c.mem.flight[:0], 0, 0
		c.draining = false
	}
	c.mem.queue = slices.Insert(c.mem.queue, c.first, tasks...)
}

// grow and shrink follow what becomes of the messages. Those that were in flight with a
// refused one do not count.
func (c *Client) grow() {
	if !c.draining {
		c.window = min(max(1, 2*c.window), c.cfg.Window.Messages)
	}
}

func (c *Client) shrink() { c.window, c.draining = 0, c.flying() > 0 }
