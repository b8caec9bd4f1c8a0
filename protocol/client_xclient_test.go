package protocol_test

import (
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

func xclient(name string, attributes ...wire.Param) func(*session) {
	return func(s *session) { watch(s, name, s.XClient(attributes...)) }
}

// XCLIENT goes only where it is offered, with attributes that are offered, and brings
// the session back to where it began.
func TestXClient(t *testing.T) { // C23
	name, addr := wire.Param{Keyword: "NAME", Value: "a b+c"}, wire.Param{Keyword: "addr", Value: "IPv6:2001:db8::1"}
	play(t, conversation{
		begin: does(hello,
			xclient("login", wire.Param{Keyword: "LOGIN", Value: "x"}),
			xclient("injected", wire.Param{Keyword: "NAME=a\r\nDATA", Value: "x"}),
			xclient("odd", wire.Param{Keyword: "NAME=a", Value: "x"}), xclient("nothing"),
			xclient("empty", wire.Param{Keyword: "NAME"}),
			xclient("refused", name), xclient("taken", name, addr), send("early"),
			xclient("anew", name), helloAgain, send("late")),
		text: `
			= injected: XCLIENT: control octet 0x0D at offset 14
			= nothing: XCLIENT: an attribute without a value, or none at all
			= empty: XCLIENT: an attribute without a value, or none at all
		` + opening("XCLIENT NAME ADDR PORT") + `
			= login: XCLIENT LOGIN: not offered by the server
			= odd: XCLIENT NAME=a: not offered by the server
			C: XCLIENT NAME=a+20b+2Bc
			S: 550 5.7.0 no
			= refused: XCLIENT: 550 5.7.0 no (want 220)
			C: XCLIENT NAME=a+20b+2Bc addr=IPv6:2001:db8::1
			S: 220 mx.example
			= taken: 220 mx.example
			= early: not delivered: MAIL: no EHLO has succeeded yet
			= anew: XCLIENT: not offered by the server
			C: EHLO me.example
			S: 250 mx.example
			= again: ok from mx.example
			C: MAIL FROM:<a@me.example>
			S: 550 no
			= late: refused: MAIL: 550 no
		`,
	})
	play(t, conversation{
		begin: does(hello, xclient("not offered", name), do("by hand", protocol.Command{Verb: "xclient", Args: "NAME=x"}), noop),
		text: "= by hand: xclient: the command has a method of its own\n" + opening() + `
			= not offered: XCLIENT: not offered by the server
			C: NOOP
			S: 250 ok
			= noop: 250 ok
		`,
	})
}

// VRFY and EXPN say so where they have UTF-8, or ask for it, and do neither where the
// server does not know it.
func TestVerifyUTF8(t *testing.T) { // C74
	verify := func(name, verb, args string) func(*session) {
		return do(name, protocol.Command{Verb: verb, Args: args})
	}
	play(t, conversation{
		begin: does(hello, verify("plain", "VRFY", "smith"), verify("UTF-8", "vrfy", "jörg"), verify("both", "EXPN", "jörg smtputf8"),
			verify("asked", "EXPN", "staff SMTPUTF8"), verify("a name", "VRFY", "smtputf8"), verify("help", "HELP", "jörg")),
		text: opening("SMTPUTF8") + `
			C: VRFY smith
			S: 252 ok
			= plain: 252 ok
			C: VRFY jörg SMTPUTF8
			S: 252 Jörg
			= UTF-8: 252 Jörg
			C: EXPN jörg smtputf8
			S: 252 ok
			= both: 252 ok
			C: EXPN staff SMTPUTF8
			S: 252 ok
			= asked: 252 ok
			C: VRFY smtputf8
			S: 252 ok
			= a name: 252 ok
			C: HELP jörg
			S: 214 ok
			= help: 214 ok
		`,
	})
	play(t, conversation{
		begin: does(hello, verify("UTF-8", "VRFY", "jörg"), verify("asked", "EXPN", "staff SMTPUTF8"), verify("plain", "VRFY", "smith")),
		text: opening() + `
			= UTF-8: SMTPUTF8: not offered by the server
			= asked: SMTPUTF8: not offered by the server
			C: VRFY smith
			S: 252 ok
			= plain: 252 ok
		`,
	})
}
