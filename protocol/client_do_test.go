package protocol_test

import (
	"errors"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

func do(name string, cmd protocol.Command) func(*session) {
	return func(s *session) { watch(s, name, s.Do(cmd)) }
}

func waitFor(name string, codes ...wire.Code) func(*session) {
	return func(s *session) { watch(s, name, s.WaitFor(codes...)) }
}

// Commands of the caller's own: any 2yz is success, or the codes that Want names.
// Not even with PIPELINING is one sent before the reply to the one before it.
func TestDo(t *testing.T) { // P15, P16, C13, C20, C50, H-R14
	play(t, conversation{
		begin: does(hello, noop,
			do("vrfy", protocol.Command{Verb: "vrfy", Args: "smith"}),
			do("expn", protocol.Command{Verb: "EXPN", Args: "staff"}),
			do("help", protocol.Command{Verb: "HELP", Want: want(211, 214)}),
			do("x-thing", protocol.Command{Verb: "X-THING", Want: want(354)}),
			do("want 550", protocol.Command{Verb: "VRFY", Args: "nobody", Want: want(550, 551)}),
			do("rset", protocol.Command{Verb: "RSET"})),
		text: opening("PIPELINING") + `
			C: NOOP
			S: 250-one
			S: 250 two
			= noop: 250 one / two
			C: VRFY smith
			S: 252 send it, we will see
			= vrfy: 252 send it, we will see
			C: EXPN staff
			S: 502-not
			S: 502 here
			= expn: EXPN: 502 not / here
			C: HELP
			S: 250 no help
			= help: HELP: 250 no help (want 211 or 214)
			C: X-THING
			S: 354 go
			= x-thing: 354 go
			C: VRFY nobody
			S: 550 no
			= want 550: 550 no
			C: RSET
			S: 250 reset
			= rset: 250 reset
		`,
	})
}

// A 3yz that nobody asked for leaves the peer waiting for something, and a RSET
// that is refused leaves a transaction behind: both end the connection.
func TestDoEnds(t *testing.T) { // F19, C120
	for _, test := range []struct {
		cmd         protocol.Command
		reply, text string
	}{
		{protocol.Command{Verb: "NOOP"}, "354 go", "NOOP: 354 go"},
		{protocol.Command{Verb: "NOOP", Want: want(250)}, "354 go", "NOOP: 354 go (want 250)"},
		{protocol.Command{Verb: "RSET"}, "502 RSET?", "RSET: 502 RSET?"},
		{protocol.Command{Verb: "RSET", Want: want(502)}, "502 RSET?", "RSET: 502 RSET? (want 502)"}, // F4
	} {
		play(t, conversation{
			begin: does(hello, do("it", test.cmd), send("send")),
			text: opening() + `
			C: ` + test.cmd.Verb + `
			S: ` + test.reply + `
			= it: ` + test.text + `
			= send: not delivered: ` + test.text + `
			= closed: ` + test.text,
		})
	}
}

// RSET by hand clears what a failed message left, and none follows by itself.
func TestDoReset(t *testing.T) { // F4, C19
	play(t, conversation{
		begin: does(hello, send("one"), do("rset", protocol.Command{Verb: "rset"}), send("two")),
		text: opening() + `
			C: MAIL FROM:<a@me.example>
			S: 450 later
			= one: refused: MAIL: 450 later
			C: RSET
			S: 250 reset
			= rset: 250 reset
			C: MAIL FROM:<a@me.example>
			S: 450 later
			= two: refused: MAIL: 450 later
		`,
	})
}

// Verbs that have a method of their own are refused, in any letter case, and so is
// what could carry a second command. Nothing is queued then.
func TestDoRefused(t *testing.T) { // F9, F16, H-I1, C4
	own := "the command has a method of its own"
	for _, test := range []struct {
		cmd  protocol.Command
		want string
	}{
		{protocol.Command{Verb: "DATA"}, "DATA: " + own},
		{protocol.Command{Verb: "bdat"}, "bdat: " + own},
		{protocol.Command{Verb: "STARTTLS"}, "STARTTLS: " + own},
		{protocol.Command{Verb: "Auth"}, "Auth: " + own},
		{protocol.Command{Verb: "EHLO"}, "EHLO: " + own},
		{protocol.Command{Verb: "HELO"}, "HELO: " + own},
		{protocol.Command{Verb: "LHLO"}, "LHLO: " + own},
		{protocol.Command{Verb: "MAIL"}, "MAIL: " + own},
		{protocol.Command{Verb: "RCPT"}, "RCPT: " + own},
		{protocol.Command{Verb: "quit"}, "quit: " + own},
		{protocol.Command{Verb: ""}, "command: verb: not letters, digits and hyphens"},
		{protocol.Command{Verb: "NOOP\r\nDATA"}, "command: verb: not letters, digits and hyphens"},
		{protocol.Command{Verb: "NO OP"}, "command: verb: not letters, digits and hyphens"},
		{protocol.Command{Verb: "NOOP", Args: "x\r\nDATA"}, "command: NOOP: control octet 0x0D at offset 6"},
		{protocol.Command{Verb: "NOOP", Args: "x\x00"}, "command: NOOP: control octet 0x00 at offset 6"},
		{protocol.Command{Verb: "NOOP", Args: "\xff"}, "command: NOOP: octet 0xFF is not valid UTF-8 at offset 5"},
	} {
		c := newClient(t, protocol.ClientConfig{})
		_, err, ok := c.Do(test.cmd).Result()
		if !ok || err == nil || err.Error() != test.want || c.Queued() != 0 {
			t.Errorf("%+v: %v, want %s", test.cmd, err, test.want)
		}
		asError[*protocol.ConfigError](t, err)
	}
}

// Octets outside ASCII are for servers that offer SMTPUTF8.
func TestDoUTF8(t *testing.T) { // C4, C74
	play(t, conversation{
		begin: does(hello, do("help", protocol.Command{Verb: "HELP", Args: "jörg"}), helloAgain, do("utf8", protocol.Command{Verb: "HELP", Args: "jörg"})),
		text: opening("PIPELINING") + `
			= help: HELP: octet 0xC3 outside ASCII without SMTPUTF8 at offset 6
			C: EHLO me.example
			S: 250-mx.example
			S: 250 SMTPUTF8
			= again: ok from mx.example
			C: HELP jörg
			S: 252 maybe
			= utf8: 252 maybe
		`,
	})
}

// WaitFor takes the next reply, without a command; another code rejects it, and
// without it an unasked reply is fatal.
func TestWaitFor(t *testing.T) { // P15, C32, H-R7
	play(t, conversation{
		begin: does(hello, waitFor("any"), waitFor("250", 250), waitFor("251 or 252", 251, 252), waitFor("refused"), waitFor("354", 354), noop),
		text: opening() + `
			S: 220 news
			= any: 220 news
			S: 250 more news
			= 250: 250 more news
			S: 250 yet more
			= 251 or 252: WaitFor: 250 yet more (want 251 or 252)
			S: 450-bad
			S: 450 news
			= refused: WaitFor: 450 bad / news
			S: 354 go
			= 354: 354 go
			C: NOOP
			S: 250 ok
			= noop: 250 ok
			S: 250 unasked
			= closed: protocol error: reply to nothing that was sent: 250 unasked
		`,
	})
}

// An exchange of the caller's own: lines and replies by turns, whatever the codes.
func TestAddTask(t *testing.T) { // P16
	play(t, conversation{
		begin: does(hello,
			func(s *session) { watch(s, "none", s.AddTask(&lines{})) },
			func(s *session) { watch(s, "two", s.AddTask(&lines{"X-ONE", "answer"})) },
			func(s *session) { watch(s, "bad", s.AddTask(&lines{"X-ONE\r\nDATA"})) },
			func(s *session) { watch(s, "fails", s.AddTask(failing{})) },
			noop),
		text: opening("PIPELINING") + `
			= none: 000
			C: X-ONE
			S: 334 go on
			C: answer
			S: 550 no
			= two: 550 no
			= bad: line: control octet 0x0D at offset 5
			C: X-FAIL
			S: 250-one
			S: 250 two
			= fails: did not like 250 one / two
			C: NOOP
			S: 250 ok
			= noop: 250 ok
		`,
	})
}

type failing struct{}

func (failing) Step(last *wire.Reply, dst []byte) ([]byte, bool, error) {
	if last != nil {
		return dst, false, errors.New("did not like " + last.String())
	}
	return append(dst, "X-FAIL"...), false, nil
}

// Nothing of the caller's goes in clear where TLS is required.
func TestTLSRequired(t *testing.T) { // H-T3, C84, C86
	play(t, conversation{
		cfg: protocol.ClientConfig{RequireTLS: true, ServerName: "mx.example"},
		begin: does(hello, noop, func(s *session) { watch(s, "task", s.AddTask(&lines{"X"})) }, login(cram), send("send"),
			startTLS, do("again", protocol.Command{Verb: "NOOP"}), quit),
		text: opening("STARTTLS", "AUTH CRAM-MD5") + `
			= noop: NOOP: TLS is required
			= task: task: TLS is required
			= login: AUTH: TLS is required
			= send: not delivered: MAIL: TLS is required
			C: STARTTLS
			S: 220 go
			TLS
			C: EHLO me.example
			S: 250 mx.example
			= starttls: ok for mx.example
			C: NOOP
			S: 250 ok
			= again: 250 ok
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF
		`,
	})
}

// A server that asked for a line would take the next command for it, so that a task
// with nothing right to say ends the connection.
func TestAddTaskLeavesServerWaiting(t *testing.T) { // P16, H-I1
	play(t, conversation{
		begin: does(hello,
			func(s *session) { watch(s, "task", s.AddTask(&lines{"X-ONE", "answer\r\nDATA"})) },
			send("send")),
		text: opening() + `
			C: X-ONE
			S: 334 go on
			= task: line: control octet 0x0D at offset 6
			= send: not delivered: line: control octet 0x0D at offset 6
			= closed: line: control octet 0x0D at offset 6`,
	})
}
