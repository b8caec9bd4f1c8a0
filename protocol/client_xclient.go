package protocol

import (
	"slices"
	"strings"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// XClient tells the server, on behalf of a proxy, whom it really serves: attributes
// such as NAME, ADDR, PORT, PROTO, HELO, LOGIN, each with a value as it is meant. The
// extension is Postfix's own. What the server does not offer, XCLIENT or one of the
// attributes, is a *ConfigError, and nothing is written.
//
// Behind its 220 the session begins anew, without EHLO and login: Hello comes next.
func (c *Client) XClient(attributes ...wire.Param) *future.Future[wire.Reply] {
	x := &command{cmd: Command{Verb: wire.VerbXClient, Want: []wire.Code{wire.CodeServiceReady}}, xclient: attributes}
	var args []byte
	for i, a := range attributes {
		if i > 0 {
			args = append(args, ' ')
		}
		args = append(append(args, a.Keyword...), '=')
		args = wire.AppendXtext(args, a.Value)
	}
	x.cmd.Args = string(args)
	_, err := wire.AppendCommand(nil, x.cmd.Verb, x.cmd.Args, false)
	unset := func(a wire.Param) bool { return a.Value == "" }
	switch {
	case err != nil:
		x.promise.Reject(&ConfigError{Field: wire.VerbXClient, Err: err})
		return x.promise.Future()
	case len(attributes) == 0 || slices.ContainsFunc(attributes, unset):
		x.promise.Reject(&ConfigError{Field: wire.VerbXClient, Reason: "an attribute without a value, or none at all"})
		return x.promise.Future()
	}
	x.promise.OnCancel(func() {
		if c.takeBack(x, x.start) {
			c.proceed()
		}
	})
	c.add(x)
	return x.promise.Future()
}

// checkXClient checks that the server offers all attributes, by the names it gave
// them.
func (x *command) checkXClient(c *Client) error {
	if c.set&wire.XClient == 0 {
		return &ConfigError{Field: wire.VerbXClient, Err: ErrNotOffered}
	}
	offered, _ := c.ext.Param(wire.VerbXClient)
	for _, a := range x.xclient {
		same := func(name string) bool { return strings.EqualFold(name, a.Keyword) }
		if !slices.ContainsFunc(strings.Fields(offered), same) {
			return &ConfigError{Field: "XCLIENT " + a.Keyword, Err: ErrNotOffered}
		}
	}
	return nil
}

// startOver forgets what the session has come to since the greeting.
func (c *Client) startOver() {
	c.hello, c.ext, c.set, c.sizeLimit = "", Extensions{}, 0, 0
	c.use.limits = wire.SessionLimits{}
	c.authenticated, c.dirty = false, false
	c.replies.Enhanced = false
}
