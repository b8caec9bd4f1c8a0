package protocol

import (
	"io"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Quit ends the session once the tasks before it are done (RFC 5321 §4.1.1.10).
// Tasks added later are rejected with ErrClosed. No message's outcome depends on
// what becomes of it.
func (c *Client) Quit() *future.Future[wire.Reply] {
	q := &quit{}
	c.add(q)
	c.quitting = true
	return q.promise.Future()
}

type quit struct {
	promise future.Promise[wire.Reply]
	reason  error // why the session ends; nil: the caller wished it
}

func (q *quit) begin(c *Client) bool {
	arena, _ := wire.AppendCommand(c.out.room(), wire.VerbQuit, "", false)
	c.command(q, stepQUIT, arena)
	return true
}

func (q *quit) replied(c *Client, s step, _ int, r *wire.Reply, v verdict) {
	c.finish()
	c.end(q.end())
	if v == ok {
		q.promise.Resolve(*r)
	} else {
		q.promise.Reject(&ReplyError{Reply: *r, Command: stepRules[s].command, Want: []wire.Code{wire.CodeClosing}})
	}
}

func (q *quit) end() error {
	if q.reason != nil {
		return q.reason
	}
	return io.EOF
}

func (q *quit) fail(c *Client, err error) { q.promise.Reject(err) }

// canceled: nobody can take back a Quit, only stop to wait for its reply.
func (q *quit) canceled() bool { return false }
