package protocol

import (
	"io"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Extensions is what a server said in its reply to EHLO (RFC 5321 §4.1.1.1).
type Extensions = wire.Extensions

// Client is the client's side of an SMTP or LMTP conversation. It is a Core, with
// a queue of tasks on top: every call adds a task and returns its futures at once.
// Tasks are written in the order they were added, as early as the protocol
// allows, and one task's octets never land inside another's. A task that fails
// does not stop the next one, unless the connection is over.
//
// Messages do not wait for each other's verdicts. With PIPELINING the commands of one
// stand behind the content of the one before, so that a message takes one round trip;
// with CHUNKING besides, many take one: see Window. Everything else waits until the
// tasks before it are done.
//
// Nothing is written before the greeting was read (RFC 5321 §3.1). A task that
// cannot be done on this connection is rejected when its turn comes, before
// anything of it is written. After Quit, and after the end of the connection,
// tasks are rejected at once.
//
// A Client and its futures belong to one goroutine at a time, as Core says.
type Client struct {
	cfg     ClientConfig
	replies wire.ReplyParser
	out     output

	// The plan. Tasks stand in mem.queue until they begin. Messages under way stand in
	// mem.flight, and anything else is alone in active; what they have planned is in
	// out, and the replies it will bring are in mem.awaited. Two cursors run over it:
	// sending, what is planned next, and next, which reply is awaited.
	mem     *buffers // noBuffers while there is nothing to do
	first   int      // of mem.queue
	active  task     // a task that is no message
	oldest  int      // of mem.flight: the first that is not settled
	sending int      // of mem.flight: the first that is not planned to its end
	next    int      // of mem.awaited: the oldest unanswered

	window int   // messages that may be in flight now; 0: one, and its content waits
	octets int64 // content in flight

	held       []heldSource
	scratchEnd int64 // where what was planned from mem.scratch ends
	pieceEnd   int64 // and from mem.piece, or a source's own memory
	lentBefore int64 // out.lent ahead of an Output that may still end the connection; else unplanned

	// What the session has come to.
	greeting  future.Promise[wire.Reply]
	hello     string // the name given to Hello, once that succeeded
	ext       Extensions
	sizeLimit int64 // from SIZE; 0: none stated
	tls       TLSState
	upgrade   *Upgrade // from the 220 to STARTTLS until Upgraded
	use       sessionUse

	set           wire.ExtensionSet // of ext, what may be used
	follow        stepSet           // what may be answered next, by the table
	greeted       bool
	authenticated bool
	dirty         bool // a transaction failed and was not cleared: RSET before the next MAIL
	quitting      bool // Quit was added, or the greeting refused
	draining      bool // a message was refused, and others are still in flight with it
	busy          bool // a call is under way: rule 5

	// Time, as far as the machine was told. A zero base is set by the next call that
	// says what time it is.
	replyBase time.Time // since when the oldest expectation waits
	writeBase time.Time // the last progress in writing
	deadline  time.Time

	reply    wire.Reply // that is being taken
	failure  error      // recorded by Fail from inside a callback
	writeErr error      // from WriteFailed
	err      error
	traces   []tracedLine
	unsent   int // the first of traces that was not lent yet
}

// task is an operation of the client's queue.
type task interface {
	// begin plans the task's first commands, or settles it and reports false.
	begin(c *Client) bool
	// replied takes a reply to one of the task's commands. r is not kept.
	replied(c *Client, s step, i int, r *wire.Reply, v verdict)
	// fail settles whatever of the task is not settled: the connection is over.
	fail(c *Client, err error)
	// canceled reports that the task was settled while it was queued.
	canceled() bool
}

// NewClient returns a client that waits for the greeting from now on. The error is
// a *ConfigError.
func NewClient(now time.Time, cfg ClientConfig) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg.Timeouts = cfg.Timeouts.withDefaults()
	cfg.Window = cfg.Window.withDefaults()
	c := &Client{cfg: cfg, follow: setOf(stepGreeting), mem: &noBuffers, window: cfg.Window.Messages, lentBefore: unplanned}
	c.out.mem = c.mem
	c.replies = wire.ReplyParser{
		MaxLine: cfg.MaxReplyLine, MaxLines: cfg.MaxReplyLines, MaxSize: cfg.MaxReplySize,
		StrictCRLF: cfg.StrictCRLF,
	}
	c.wake()
	c.expect(nil, stepGreeting, 1, 0, 0)
	c.replyBase = now
	return c, nil
}

// Greeting settles with the server's greeting: a 220, or a *ReplyError.
func (c *Client) Greeting() *future.Future[wire.Reply] { return c.greeting.Future() }

// Extensions returns what the last EHLO brought; the zero value before it, after
// HELO and between STARTTLS and the EHLO behind it.
func (c *Client) Extensions() Extensions { return c.ext }

// TLS returns the state that Upgraded reported last.
func (c *Client) TLS() TLSState { return c.tls }

// Busy reports whether a task is under way: begun, and not settled in full.
func (c *Client) Busy() bool { return c.active != nil || c.flying() > 0 }

// Queued returns the number of tasks that were added and have neither begun nor
// been cancelled.
func (c *Client) Queued() (n int) {
	for _, t := range c.mem.queue[c.first:] {
		if !t.canceled() {
			n++
		}
	}
	return n
}

// SetDeadline sets the overall deadline: at t whatever is unfinished fails with a
// *TimeoutError and the connection is over. The zero time takes it off.
func (c *Client) SetDeadline(t time.Time) { c.deadline = t }

// add queues a task, and begins it if nothing stands before it.
func (c *Client) add(t task) {
	switch {
	case c.err == io.EOF || c.err == nil && c.quitting:
		t.fail(c, ErrClosed)
		return
	case c.err != nil:
		t.fail(c, c.err)
		return
	}
	c.wake()
	if c.first > len(c.mem.queue)/2 {
		n := copy(c.mem.queue, c.mem.queue[c.first:])
		clear(c.mem.queue[n:])
		c.mem.queue, c.first = c.mem.queue[:n], 0
	}
	c.mem.queue = append(c.mem.queue, t)
	c.proceed()
}

// proceed begins whatever may begin now, unless a call is under way that will do
// so before it returns.
func (c *Client) proceed() {
	if !c.busy {
		c.busy = true
		c.settle()
		c.busy = false
	}
}

// settle brings the machine to rest between two replies: what callbacks asked for
// is done, and tasks begin as far as they may.
func (c *Client) settle() {
	for c.err == nil {
		if c.settled() {
			return
		}
		if c.failure != nil {
			c.end(c.failure)
			return
		}
		if c.landed() {
			continue
		}
		if c.writeErr != nil {
			// What was lent may still be answered, and nothing else ever will.
			if c.next == len(c.mem.awaited) || c.out.lent <= c.mem.awaited[c.next].start {
				c.end(c.writeErr)
			}
			return
		}
		if c.active != nil || !c.greeted || c.first == len(c.mem.queue) {
			break
		}
		t := c.mem.queue[c.first]
		if !t.canceled() && !c.mayBegin(t) {
			break
		}
		d, message := t.(*Delivery)
		if message && !d.settled {
			// Its body may do as a callback does, and what it takes back stands before it again.
			if d.weight == 0 {
				d.weigh()
				continue
			}
			d.ready(c)
			if c.mem.queue[c.first] != t {
				continue
			}
		}
		c.mem.queue[c.first] = nil
		c.first++
		if c.first == len(c.mem.queue) {
			c.mem.queue, c.first = c.mem.queue[:0], 0
		}
		if t.canceled() {
			continue
		}
		if message {
			d.begin(c)
			continue
		}
		c.active = t
		if !t.begin(c) && c.active == t {
			c.active = nil
		}
	}
	if c.err == nil && c.active == nil && c.flying() == 0 && c.first == len(c.mem.queue) && c.next == len(c.mem.awaited) && !c.out.pending() {
		c.rest()
	}
}

// settled reports that the machine is idle, or that messages are under way, and nothing
// but a reply or more output changes that: it spares the next look at everything else.
func (c *Client) settled() bool {
	if c.failure != nil || c.writeErr != nil {
		return false
	}
	mem := c.mem
	flight := mem.flight
	if len(flight) == c.oldest {
		return mem == &noBuffers
	}
	d := flight[c.oldest]
	unanswered := d.phase < phasePlanned || c.next < len(mem.awaited) && mem.awaited[c.next].answers(d)
	return unanswered && (c.first == len(mem.queue) || flight[len(flight)-1].phase < phaseContent)
}

// finish ends the active task. It comes before the task's last future settles, so
// that callbacks find the machine as it will be.
func (c *Client) finish() { c.active = nil }

// end is the end of the conversation. It settles everything, in wire order.
func (c *Client) end(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	c.out.lent = min(c.out.lent, c.lentBefore) // an Output under way lends nothing after all
	// What was lent from the buffers may still be on its way: they are left to the
	// garbage collector.
	queue, flight := c.mem.queue[c.first:], c.mem.flight[c.oldest:]
	c.mem, c.next, c.first, c.oldest, c.sending = &noBuffers, 0, 0, 0, 0
	c.out.drop(c.mem)
	c.upgrade = nil
	active := c.active
	c.active = nil
	c.replies.Reset()
	c.greeting.Reject(err)
	if active != nil {
		active.fail(c, err)
	}
	for _, d := range flight {
		d.fail(c, err)
	}
	for _, t := range queue {
		if !t.canceled() {
			t.fail(c, err)
		}
	}
	c.traces = nil
}

// heldSource is the source of a message that is settled, whose content is not
// acknowledged up to to.
type heldSource struct {
	BodyReader
	to int64
}

// hold keeps the source of a message's content until all that was lent of it is
// acknowledged: the verdict can overtake Wrote, and so can the end of the
// connection. Behind that end the next Output, or Fail, says that no write is under
// way any more.
func (c *Client) hold(source BodyReader, to int64) {
	if c.writeErr != nil || min(to, c.out.lent) <= c.out.acked {
		source.Release()
		return
	}
	c.held = append(c.held, heldSource{source, to})
}

// release gives back the sources whose content is acknowledged up to an offset.
func (c *Client) release(acked int64) {
	for len(c.held) > 0 && c.held[0].to <= acked {
		c.held[0].Release()
		c.held[0] = heldSource{}
		c.held = c.held[1:]
	}
	if len(c.held) == 0 {
		c.held = nil
	}
}
