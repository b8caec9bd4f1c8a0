package protocol

import (
	"strings"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Hello introduces the client by name, a domain or an address literal (RFC 5321
// §4.1.1.1), and learns what the server offers. It says LHLO with LMTP. Where EHLO
// is answered 500, 502 or 504 it falls back to HELO, after which nothing is
// offered; ClientConfig.NoHELO, RequireTLS and LMTP keep it from that.
//
// A Hello that succeeds also resets the server's transaction (RFC 5321 §4.1.4).
func (c *Client) Hello(name string) *future.Future[Extensions] {
	h := &hello{name: name}
	if err := wire.CheckDomain(name); err != nil {
		h.promise.Reject(&ConfigError{Field: "HELO name", Err: err})
		return h.promise.Future()
	}
	c.add(h)
	return h.promise.Future()
}

type hello struct {
	name    string
	promise future.Promise[Extensions]
}

func (h *hello) begin(c *Client) bool {
	c.sayHello(h, h.name, stepEHLO)
	return true
}

func (h *hello) replied(c *Client, s step, _ int, r *wire.Reply, v verdict) {
	if v == refused && s == stepEHLO && c.mayFallBack(r.Code) {
		c.sayHello(h, h.name, stepHELO)
		return
	}
	c.finish()
	if v == refused {
		h.promise.Reject(&ReplyError{Reply: *r, Command: c.helloVerb(s), Want: []wire.Code{wire.CodeOK}})
		return
	}
	c.greetedBack(h.name, s, r)
	h.promise.Resolve(c.ext)
}

func (h *hello) fail(c *Client, err error) { h.promise.Reject(err) }

func (h *hello) canceled() bool { return h.promise.Settled() }

func (c *Client) helloVerb(s step) string {
	switch {
	case s == stepHELO:
		return wire.VerbHelo
	case c.cfg.LMTP:
		return wire.VerbLhlo
	default:
		return wire.VerbEhlo
	}
}

// sayHello plans EHLO, LHLO or HELO. The name was checked.
func (c *Client) sayHello(t task, name string, s step) {
	// RFC 2034: neither the greeting nor the replies to these have enhanced codes.
	c.replies.Enhanced = false
	arena, _ := wire.AppendCommand(c.out.room(), c.helloVerb(s), name, false)
	c.command(t, s, arena)
}

// greetedBack takes what the session is from now on (RFC 5321 §4.1.4).
func (c *Client) greetedBack(name string, s step, r *wire.Reply) {
	c.hello, c.dirty = name, false
	if s == stepHELO {
		r.Text, _, _ = strings.Cut(r.Text, "\n") // a name alone: HELO offers nothing
	}
	c.ext = wire.ParseExtensions(*r)
	c.set = c.ext.Set() &^ c.cfg.Disable
	c.sizeLimit, _ = c.ext.SizeLimit()
	c.use.limits = wire.SessionLimits{}
	if c.set&wire.Limits != 0 {
		c.use.limits = c.ext.Limits()
	}
	c.replies.Enhanced = c.set&wire.EnhancedStatusCodes != 0
}

// mayFallBack reports whether EHLO was refused by a server that may know HELO.
// Behind TLS the first EHLO was understood, so that such a reply is no reason.
func (c *Client) mayFallBack(code wire.Code) bool {
	if c.cfg.LMTP || c.cfg.NoHELO || c.cfg.RequireTLS || c.tls.Active() {
		return false
	}
	return code == wire.CodeSyntaxError || code == wire.CodeNotImplemented || code == wire.CodeArgNotImplemented
}
