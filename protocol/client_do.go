package protocol

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Command is a command of the caller's own: NOOP, VRFY, EXPN, HELP, RSET, or any
// verb that has no method here.
type Command struct {
	Verb string // letters, digits and hyphens; sent in upper case
	Args string // without the blank before it; "" for none
	// Want holds the codes that are success; nil: any 2yz.
	Want []wire.Code
	// Secret keeps the arguments out of traces and errors.
	Secret bool
}

// Do sends a command and settles with its reply. A reply that Want does not name
// is a *ReplyError; a 3yz that nobody asked for ends the connection (RFC 5321
// §4.2.1), and so does a refused RSET. Verbs that have a method of their own are
// refused.
//
// Arguments may have UTF-8 where SMTPUTF8 is offered. VRFY and EXPN get the parameter
// SMTPUTF8 then, unless they have it, and with ASCII alone may be given it to ask for
// UTF-8 in the reply (RFC 6531 §3.7.4.2).
func (c *Client) Do(cmd Command) *future.Future[wire.Reply] {
	x := &command{cmd: cmd}
	if owned(cmd.Verb) {
		x.promise.Reject(&ConfigError{Field: cmd.Verb, Reason: "the command has a method of its own"})
		return x.promise.Future()
	}
	// Whether UTF-8 may be sent is known when its turn comes; anything worse is
	// refused now.
	if _, err := wire.AppendCommand(nil, cmd.Verb, cmd.Args, true); err != nil {
		x.promise.Reject(&ConfigError{Field: "command", Err: err})
		return x.promise.Future()
	}
	x.cmd.Verb = strings.ToUpper(cmd.Verb) // ASCII: the encoder took it
	x.promise.OnCancel(func() {
		if c.takeBack(x, x.start) {
			c.proceed()
		}
	})
	c.add(x)
	return x.promise.Future()
}

func owned(verb string) bool {
	cmd, err := wire.ParseCommand(verb)
	if err != nil {
		return false // and the encoder refuses it
	}
	switch cmd.Verb {
	case wire.VerbEhlo, wire.VerbHelo, wire.VerbLhlo, wire.VerbStartTLS, wire.VerbAuth, wire.VerbMail,
		wire.VerbRcpt, wire.VerbData, wire.VerbBdat, wire.VerbQuit, wire.VerbXClient:
		return true
	}
	return false
}

type command struct {
	cmd     Command
	start   int64
	promise future.Promise[wire.Reply]
	xclient []wire.Param // of XCLIENT
}

func (x *command) begin(c *Client) bool {
	if err := c.allowed(); err != nil {
		return x.reject(c, err)
	}
	if err := x.complete(c); err != nil {
		return x.reject(c, err)
	}
	arena, err := wire.AppendCommand(c.out.room(), x.cmd.Verb, x.cmd.Args, c.set&wire.SMTPUTF8 != 0)
	if err != nil {
		return x.reject(c, err)
	}
	x.start = c.out.planned
	c.command(x, stepCommand, arena)
	return true
}

func (x *command) reject(c *Client, err error) bool {
	c.finish()
	if _, is := err.(*ConfigError); !is {
		err = &ConfigError{Field: x.cmd.Verb, Err: err}
	}
	x.promise.Reject(err)
	return false
}

// complete settles the arguments by what the server offers.
func (x *command) complete(c *Client) error {
	switch x.cmd.Verb {
	case wire.VerbXClient:
		return x.checkXClient(c)
	case wire.VerbVrfy, wire.VerbExpn:
	default:
		return nil
	}
	offered := c.set&wire.SMTPUTF8 != 0
	words := strings.Fields(x.cmd.Args)
	asked := len(words) > 1 && strings.EqualFold(words[len(words)-1], "SMTPUTF8")
	high := strings.ContainsFunc(x.cmd.Args, func(r rune) bool { return r >= utf8.RuneSelf })
	switch {
	case (asked || high) && !offered:
		return &ConfigError{Field: "SMTPUTF8", Err: ErrNotOffered}
	case high && !asked:
		x.cmd.Args += " SMTPUTF8"
	}
	return nil
}

func (x *command) replied(c *Client, _ step, _ int, r *wire.Reply, v verdict) {
	reset := x.cmd.Verb == wire.VerbRset
	if wanted(x.cmd.Want, r.Code) && (!reset || r.Positive()) {
		c.finish()
		if reset {
			c.dirty = false
		}
		if x.cmd.Verb == wire.VerbXClient {
			c.startOver()
		}
		x.promise.Resolve(*r)
		return
	}
	err := &ReplyError{Reply: *r, Command: x.cmd.Verb, Want: x.cmd.Want}
	if v == more || reset {
		c.end(err)
		return
	}
	c.finish()
	x.promise.Reject(err)
}

func (x *command) fail(c *Client, err error) { x.promise.Reject(err) }

func (x *command) canceled() bool { return x.promise.Settled() }

func wanted(want []wire.Code, code wire.Code) bool {
	if want == nil {
		return code.Positive()
	}
	return slices.Contains(want, code)
}

// WaitFor settles with the next reply, without a command; with a *ReplyError if
// its code is none of codes. No codes stand for any 2yz.
func (c *Client) WaitFor(codes ...wire.Code) *future.Future[wire.Reply] {
	w := &wait{codes: codes}
	w.promise.OnCancel(func() {
		if c.takeBack(w, c.out.planned) {
			c.proceed()
		}
	})
	c.add(w)
	return w.promise.Future()
}

type wait struct {
	codes   []wire.Code
	promise future.Promise[wire.Reply]
}

func (w *wait) begin(c *Client) bool {
	// No octets: whatever comes answers it, also while a command that was refused early
	// is still on its way out.
	c.expect(w, stepWait, 1, c.out.planned, c.out.lent)
	return true
}

func (w *wait) replied(c *Client, s step, _ int, r *wire.Reply, _ verdict) {
	c.finish()
	if wanted(w.codes, r.Code) {
		w.promise.Resolve(*r)
		return
	}
	w.promise.Reject(&ReplyError{Reply: *r, Command: stepRules[s].command, Want: w.codes})
}

func (w *wait) fail(c *Client, err error) { w.promise.Reject(err) }

func (w *wait) canceled() bool { return w.promise.Settled() }

// allowed reports why nothing of the caller's may be written yet.
func (c *Client) allowed() error {
	if c.cfg.RequireTLS && !c.tls.Active() {
		return ErrTLSRequired
	}
	return nil
}
