package netasync

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/transport"
)

// Client is a session with a server, ready to send. Its methods may be called from
// any goroutine, though not from a callback of the machine's. One goroutine of its
// own lives as long as the connection: end it with Quit or Close.
type Client struct {
	host     string
	connect  time.Duration
	verified atomic.Bool
	core     *protocol.Client
	meter    *meter
	loop     *transport.Loop
}

// Send sends one message, in a transaction of its own, and waits for the verdict.
// It succeeds if at least one recipient was accepted: the Receipt has each one's
// outcome. The error is a *HostError around a *protocol.DeliveryError, which has a
// Receipt too.
//
// The end of ctx gives the message up, and Send returns at once with the cause of
// that. Where content was being sent already the connection ends with it; where the
// end of data was sent, the outcome is unknown, and the server's verdict is not
// waited for.
func (c *Client) Send(ctx context.Context, env protocol.Envelope, body protocol.Body) (protocol.Receipt, error) {
	d := c.SendAsync(env, body)
	var receipt protocol.Receipt
	var err error
	if settles(ctx, d.Result()) {
		receipt, err, _ = d.Result().Result()
	} else {
		receipt, err = c.giveUp(ctx, d)
	}
	if err == nil {
		return receipt, nil
	}
	if delivery, ok := errors.AsType[*protocol.DeliveryError](err); ok {
		receipt = delivery.Receipt
	}
	return receipt, c.failed(StepSend, err)
}

// giveUp cancels a message as far as that is still possible, and says what is known
// of it by then.
func (c *Client) giveUp(ctx context.Context, d *protocol.Delivery) (receipt protocol.Receipt, err error) {
	canceled := false
	c.loop.Do(func(time.Time) {
		canceled = d.Cancel()
		receipt = d.Receipt()
	})
	if receipt, err, settled := d.Result().Result(); settled && !canceled {
		return receipt, err // it came just in time
	}
	return receipt, &protocol.DeliveryError{Receipt: receipt, Err: ended(ctx)}
}

// SendAsync queues one message and returns at once. From any goroutine, its
// Result's Await, Done and Result may be used; everything else of the Delivery, and
// of its futures, belongs into Do. The errors of its futures have no *HostError
// around them.
func (c *Client) SendAsync(env protocol.Envelope, body protocol.Body) *protocol.Delivery {
	if s, is := body.(*stream); is {
		body = s.on(c)
	}
	var d *protocol.Delivery
	c.loop.Do(func(time.Time) { d = c.core.Send(env, body) })
	return d
}

// Do calls f with the machine behind the Client, which is f's alone for that time.
// f must not block, and must not call the methods of a driver's, those of
// protocol.Core.
func (c *Client) Do(f func(machine *protocol.Client)) {
	c.loop.Do(func(time.Time) { f(c.core) })
}

// Quit ends the session once all messages are done, and waits for that. Whatever
// becomes of it, no message's outcome depends on it. The end of ctx closes the
// connection.
func (c *Client) Quit(ctx context.Context) error {
	_, err := await(ctx, c, c.core.Quit)
	c.loop.Close()
	if err != nil {
		return c.failed(StepQuit, err)
	}
	return nil
}

// Close ends the session at once. What is under way fails. It returns when
// nothing of the Client is left, and may be called more than once.
func (c *Client) Close() { c.loop.Close() }

// Done is closed when the connection is.
func (c *Client) Done() <-chan struct{} { return c.loop.Done() }

// Err says why the session ended: nil while it goes on, after Quit, and where the
// server closed while nothing was under way; else a *HostError.
func (c *Client) Err() error {
	if err := c.loop.Err(); err != nil {
		return c.failed(StepSession, err)
	}
	return nil
}

// Host is the server's host and port, or the path of its socket.
func (c *Client) Host() string { return c.host }

// TLS returns the state of TLS; the zero value while the connection is in clear.
func (c *Client) TLS() (state protocol.TLSState) {
	c.loop.Do(func(time.Time) { state = c.core.TLS() })
	// The machine knows what crypto/tls has verified, which is nothing where the
	// certificate does not decide.
	state.Verified = state.Active() && c.verified.Load()
	return state
}

// Extensions returns what the server offers, by its last reply to EHLO.
func (c *Client) Extensions() (ext protocol.Extensions) {
	c.loop.Do(func(time.Time) { ext = c.core.Extensions() })
	return ext
}

// Stats returns what the connection has cost so far.
func (c *Client) Stats() (s Stats) {
	if c.loop == nil {
		return Stats{Connect: c.connect}
	}
	c.loop.Do(func(time.Time) { s = c.meter.stats(c.connect) })
	return s
}

func (c *Client) failed(step string, err error) *HostError {
	return &HostError{Host: c.host, Step: step, Err: err, Stats: c.Stats()}
}
