package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// TLSError says that TLS could not be started. The connection is over.
type TLSError struct {
	Err error // what the driver reported
}

func (e *TLSError) Error() string { return "TLS: " + e.Err.Error() }

func (e *TLSError) Unwrap() error { return e.Err }

// StartTLS starts TLS (RFC 3207) and says EHLO again, by the name that Hello was
// given, ahead of the rest of the queue. Its future settles behind that EHLO. A
// server that does not offer STARTTLS, or refuses it, leaves the connection open
// in clear: what happens then is the caller's policy, and RequireTLS enforces it.
func (c *Client) StartTLS() *future.Future[TLSState] {
	s := &startTLS{}
	c.add(s)
	return s.promise.Future()
}

type startTLS struct {
	hello   string // the name for the EHLO behind the handshake
	promise future.Promise[TLSState]
}

func (s *startTLS) begin(c *Client) bool {
	var err error
	switch {
	case c.tls.Active():
		err = ErrTLSActive
	case c.hello == "":
		err = ErrHelloFirst
	case c.set&wire.StartTLS == 0:
		err = ErrNotOffered
	}
	if err != nil {
		c.finish()
		s.promise.Reject(&ConfigError{Field: wire.VerbStartTLS, Err: err})
		return false
	}
	arena, _ := wire.AppendCommand(c.out.room(), wire.VerbStartTLS, "", false)
	c.command(s, stepSTARTTLS, arena)
	return true
}

func (s *startTLS) replied(c *Client, at step, _ int, r *wire.Reply, v verdict) {
	switch {
	case v == refused && at == stepSTARTTLS:
		c.finish()
		s.promise.Reject(&ReplyError{Reply: *r, Command: wire.VerbStartTLS, Want: []wire.Code{wire.CodeServiceReady}})
	case at == stepSTARTTLS:
		c.upgrade = &Upgrade{Client: true, ServerName: c.cfg.ServerName}
	case v == refused:
		c.finish()
		s.promise.Reject(&ReplyError{Reply: *r, Command: c.helloVerb(at), Want: []wire.Code{wire.CodeOK}})
	default:
		c.finish()
		c.greetedBack(s.hello, at, r)
		s.promise.Resolve(c.tls)
	}
}

func (s *startTLS) fail(c *Client, err error) { s.promise.Reject(err) }

func (s *startTLS) canceled() bool { return s.promise.Settled() }

// Upgrade implements Core.
func (c *Client) Upgrade() *Upgrade {
	if c.out.pending() {
		return nil
	}
	return c.upgrade
}

// Upgraded implements Core.
func (c *Client) Upgraded(now time.Time, tls TLSState, err error) {
	c.enter(now, "Upgraded")
	s, asked := c.active.(*startTLS)
	asked = asked && c.upgrade != nil
	switch {
	case c.err != nil:
	case !asked && (c.tls.Active() || c.greeted || c.replies.Pending()):
		panic("protocol: rule 9: Upgraded without an Upgrade")
	case err != nil:
		c.end(&TLSError{Err: err})
	case !tls.Active():
		panic("protocol: rule 9: Upgraded without TLS")
	default:
		c.tls = tls
		if c.cfg.Trace != nil {
			c.traceTLS(now)
		}
		if asked {
			// RFC 3207 §4.2: what was learned in clear may be an attacker's, and the server
			// begins anew too: it knows of no login.
			c.upgrade = nil
			s.hello = c.hello
			c.hello, c.ext, c.set = "", Extensions{}, 0
			c.authenticated = false
			c.sayHello(s, s.hello, stepEHLO)
		}
	}
	c.leave(now)
}
