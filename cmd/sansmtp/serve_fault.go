package main

import (
	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// faults are what a server does wrong.
type faults struct{ script fault.Script }

// UnmarshalText reads a script.
func (f *faults) UnmarshalText(text []byte) (err error) {
	f.script, err = fault.Parse(string(text))
	return err
}

// install has the server do wrong what the script says. What goes over the wire then is
// no longer what the machine reports, so that the trace is the injector's.
func (f *faults) install(server *netasync.Server) {
	if len(f.script) == 0 {
		return
	}
	trace := server.Trace
	server.Trace = nil
	server.Intercept = func(s *netasync.Session, reset func()) netasync.Interceptor {
		cfg := fault.InjectorConfig{Script: f.script, Reset: reset}
		if trace != nil {
			cfg.Trace = trace(s)
		}
		injector, err := fault.NewInjector(cfg)
		if err != nil {
			panic(err) // Parse checks what Check does
		}
		return injector
	}
}
