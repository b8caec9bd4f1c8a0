package fault

import (
	"errors"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Event is a step of a session, before the server answers it.
type Event struct {
	Step Step
	// N is which time the step comes in the session, from 1 on.
	N int
	// Line is the command without its line end, and with any secret that it holds; ""
	// for Banner and Content.
	Line string
}

// InjectorConfig says what an Injector does. The zero value does nothing wrong.
type InjectorConfig struct {
	// Script has the faults.
	Script Script
	// OnStep, if not nil, is asked at each step that Script has no rule for, once: when
	// the command has come, and for Content when its message begins. What it returns
	// has to be what Rules can have; the zero Action is that of no rule. It runs
	// inline: it must neither block nor call the core.
	OnStep func(Event) Action
	// Reset resets the connection, so that the client sees a reset, and has the driver
	// fail the core. It is called once at most, inline, and must not block. nil: a
	// Reset is a Drop.
	Reset func()
	// Trace, if not nil, is told of what goes over the wire, in the order in which it
	// is dealt with: as protocol.ServerConfig.Trace is, but of replies as they are
	// sent. It runs inline.
	Trace func(protocol.TraceEvent)
}

// Injector makes the server of one connection do what it is told to do wrong. It
// stands in two places:
//
//   - Its Core is between the driver and the machine. What a script refuses it answers
//     by itself, and the machine never hears of it. The replies of the machine it
//     changes and holds back, in clear and under TLS.
//   - Take looks at the machine's requests ahead of the application, so that a
//     connection or a message that is refused is refused in fact, and the application
//     never hears of it.
//
// It lets the machine have a command once the one before it is answered. So what
// happens, and in which order, does not depend on how a client pipelines, and
// ServerConfig.RefuseEarlyTalkers finds nobody. A 421 of a script ends the session, as
// it does anywhere.
//
// Everything of an Injector belongs to whoever drives the core.
type Injector struct {
	cfg    InjectorConfig
	core   core
	counts map[Step]int
}

// NewInjector returns the Injector of one connection. The error is that of
// Script.Check.
func NewInjector(cfg InjectorConfig) (*Injector, error) {
	if err := cfg.Script.Check(); err != nil {
		return nil, err
	}
	i := &Injector{cfg: cfg, counts: map[Step]int{}}
	i.core = core{
		injector: i,
		pending:  i.command(Banner, ""),
		parser:   wire.ReplyParser{MaxLine: 1 << 30, MaxLines: 1 << 30, MaxSize: 1 << 30},
	}
	return i, nil
}

// ErrBroken is what a session ends with that a script broke off.
var ErrBroken = errors.New("broken off on purpose")

// Core returns the core that a driver is to drive in place of core, which is new. It
// may be called once.
func (i *Injector) Core(core protocol.Core) protocol.Core {
	i.core.Core = core
	return &i.core
}

// Requests are the kinds of requests that Take has to see. They belong into
// ServerConfig.Requests.
func (i *Injector) Requests() protocol.RequestSet {
	return protocol.RequestConnect | protocol.RequestData
}

// Take is to be called with each request of the machine, in the order of Next. It
// reports whether the request is done with; if not, it is the application's.
func (i *Injector) Take(r protocol.Request) bool {
	switch r.Kind() {
	case protocol.RequestConnect:
		reply := i.core.pending.action.Reply
		return refuses(reply) && r.Answer(reply)
	case protocol.RequestData:
		return i.core.message.take(i, r)
	}
	return false
}

// refuses reports whether a reply is a refusal.
func refuses(r wire.Reply) bool { return r.Temporary() || r.Permanent() }

// command is a command that the client waits for the answer of.
type command struct {
	step       Step // "": none
	action     Action
	start      bool // DATA: the 354 has left
	last       bool // BDAT LAST
	challenged bool // AUTH: a challenge has left
	asked      bool // and its answer has not come
	ends       bool // the session ends behind the reply
}

// command decides about the next command.
func (i *Injector) command(step Step, line string) *command {
	if step == "" {
		return &command{}
	}
	i.counts[step]++
	return &command{step: step, action: i.decide(step, i.counts[step], line)}
}

func (i *Injector) decide(step Step, n int, line string) Action {
	action, found := i.cfg.Script.At(step, n)
	if !found && i.cfg.OnStep != nil {
		action = i.cfg.OnStep(Event{Step: step, N: n, Line: line})
	}
	return action
}

// proceeds reports whether the machine is to do the command: a reply in place of
// its own that is not what it would say keeps the command from it.
func (c *command) proceeds() bool {
	code := c.action.Reply.Code
	switch {
	case c.action.Reply == (wire.Reply{}):
		return true
	case c.step == Data:
		return code == wire.CodeStartMailInput
	case c.step == StartTLS:
		return code == wire.CodeServiceReady
	case c.step == Auth:
		return false // whoever accepts a login unseen would not know whose it is
	}
	return code.Positive()
}
