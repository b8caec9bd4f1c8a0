package fuzz

import (
	"errors"
	"slices"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// FuzzFaultScript parses its input as a fault script. One that is accepted is the same
// when it was written and read again, and every error points into the input.
func FuzzFaultScript(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		script, err := fault.Parse(s)
		if err != nil {
			wrong, is := errors.AsType[*wire.SyntaxError](err)
			if !is || wrong.Offset < 0 || wrong.Offset > len(s) || script != nil {
				t.Fatalf("%q: %v, %#v", s, script, err)
			}
			quiet(t, err)
			return
		}
		if err := script.Check(); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		again, err := fault.Parse(script.String())
		if err != nil || !slices.Equal(again, script) {
			t.Fatalf("%q: %#v\nbecame %q: %#v, %v", s, script, script, again, err)
		}
		for _, rule := range script {
			if action, found := script.At(rule.Step, rule.N); !found || action != rule.Action {
				t.Fatalf("%q: At(%s, %d) = %v, %v", s, rule.Step, rule.N, action, found)
			}
		}
	})
}
