package main

import (
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// faults is what a server does wrong.
type faults struct{ script fault.Script }

// UnmarshalText reads a script.
func (f *faults) UnmarshalText(text []byte) (err error) {
	f.script, err = fault.Parse(string(text))
	return err
}
