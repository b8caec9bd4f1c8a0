package protocol

import (
	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Task is an exchange of the caller's own, a line and a reply at a time. AUTH is
// one. The Client calls Step when it is the task's turn and again with every
// reply, inline, between replies.
type Task interface {
	// Step appends the next line to dst, without its line end, and returns the result.
	// last is the reply to the line before it, nil at first. The line goes through
	// the encoder of all command lines: it may hold printable US-ASCII alone.
	//
	// done ends the exchange, which settles with the last reply; nothing is sent
	// then. An error ends it too and is what its future is rejected with. Behind a 3yz
	// it ends the connection as well, because the server still waits for a line: to
	// keep the connection, append the one that makes it stop and report the error at
	// the next Step.
	Step(last *wire.Reply, dst []byte) (line []byte, done bool, err error)
}

// Redacter is a Task whose lines hold secrets. Redacted returns what traces show
// in place of the line that Step appended last.
type Redacter interface {
	Redacted() string
}

// AddTask queues an exchange. Its future settles with the reply at which the task
// was done.
func (c *Client) AddTask(t Task) *future.Future[wire.Reply] {
	x := &exchange{steps: t, start: -1}
	x.promise.OnCancel(func() {
		if c.takeBack(x, x.start) {
			c.proceed()
		}
	})
	c.add(x)
	return x.promise.Future()
}

type exchange struct {
	steps   Task
	start   int64 // of the first line, once it is planned and while no other is; else -1
	promise future.Promise[wire.Reply]
}

func (x *exchange) begin(c *Client) bool {
	if err := c.allowed(); err != nil {
		c.finish()
		field := "task"
		if _, login := x.steps.(*login); login {
			field = wire.VerbAuth
		}
		x.promise.Reject(&ConfigError{Field: field, Err: err})
		return false
	}
	return x.step(c, nil)
}

func (x *exchange) replied(c *Client, _ step, _ int, r *wire.Reply, _ verdict) {
	last := *r // which Step may keep
	x.step(c, &last)
}

// step plans the next line, or settles the exchange and reports false.
func (x *exchange) step(c *Client, last *wire.Reply) bool {
	room := c.out.room()
	line, done, err := x.steps.Step(last, nil)
	if c.err != nil {
		return false // the task ended the connection, and fail settled it
	}
	if last == nil && x.canceled() {
		c.finish() // within Step: nothing of it goes out
		return false
	}
	var arena []byte
	if err == nil && !done {
		arena, err = wire.AppendLine(room, line, false)
	}
	if err == nil && !done {
		// Behind a challenge the server waits for a line: none can be taken back.
		x.start = -1
		if last == nil {
			x.start = c.out.planned
		}
		c.command(x, stepExchange, arena)
		return true
	}
	if err != nil && last != nil && last.Intermediate() {
		// The server waits for a line, and would take the next command for it.
		c.end(err)
		return false
	}
	c.finish()
	switch {
	case err != nil:
		x.promise.Reject(err)
	case last != nil:
		x.promise.Resolve(*last)
	default:
		x.promise.Resolve(wire.Reply{})
	}
	return false
}

func (x *exchange) fail(c *Client, err error) { x.promise.Reject(err) }

func (x *exchange) canceled() bool { return x.promise.Settled() }
