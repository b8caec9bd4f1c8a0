package fault

import (
	"github.com/sansmtp/sansmtp/protocol"
)

// Event is a step of a session, before the server answers it.
type Event struct {
	Step Step
	// N is which time the step comes in the session, from 1 on.
	N int
	// Line is the command, without its line end; "" for Banner and Content.
	Line string
}

// InjectorConfig says what an Injector does. The zero value does nothing wrong.
type InjectorConfig struct {
	// Script has the faults.
	Script Script
	// OnStep, if not nil, is asked at each step that Script has no rule for, once. It
	// runs inline: it must neither block nor call the core.
	OnStep func(Event) (Action, bool)
	// Reset resets the connection, so that the client sees a reset. It is called at most once,
	// inline, must not block, and has the driver fail the core then. nil: a Reset is a Drop.
	Reset func()
	// Trace, if not nil, is told of every reply that is sent, in the form that it has
	// on the wire. It runs inline.
	Trace func(protocol.TraceEvent)
}

// Injector makes the server of one connection do what it is told to do wrong. It has
// two places. Core stands between the machine and the driver, where it changes what
// the machine sends and holds it back, under TLS as well as in clear. Take looks at the
// machine's requests before the application does, so that what a script refuses is
// refused in fact, and the application never hears of it.
//
// With an Injector a command is read when the one before it has its answer. So the
// order of events is the same however a client pipelines.
//
// It belongs to whoever drives the core.
type Injector struct{}

// NewInjector returns the Injector of one connection. The error is that of
// Script.Check.
func NewInjector(cfg InjectorConfig) (*Injector, error) { panic("TODO") }

// Core returns the core that a driver is to drive in place of core. It is called once.
func (i *Injector) Core(core protocol.Core) protocol.Core { panic("TODO") }

// Requests are the kinds that Take has to see: they belong into ServerConfig.Requests.
func (i *Injector) Requests() protocol.RequestSet { panic("TODO") }

// Take is to be called with each request of the machine, in the order of Next. It reports whether the
// request is answered; if not it is the application's.
func (i *Injector) Take(r protocol.Request) bool { panic("TODO") }
