package fault

import (
	"strconv"
	"strings"
)

// Script is the faults of a session. The nil Script has none. It may be used by any
// number of goroutines while nobody changes it.
type Script []Rule

// Rule is one fault, and where it is.
type Rule struct {
	Step   Step
	N      int // which time in the session, from 1 on; 0: each
	Action Action
}

// At returns what to do at a step that comes for the nth time in the session, from 1
// on. It reports false where the server does what it always does.
func (s Script) At(step Step, n int) (Action, bool) {
	each := -1
	for i, rule := range s {
		switch {
		case rule.Step != step:
		case rule.N == n:
			return rule.Action, true
		case rule.N == 0 && each < 0:
			each = i
		}
	}
	if each < 0 {
		return Action{}, false
	}
	return s[each].Action, true
}

// String returns the script as Parse takes it: the same comes back if s is from Parse,
// and one with the same effect if Check finds nothing in s, but for blanks at either
// end of a text.
func (s Script) String() string {
	var b strings.Builder
	for i, rule := range s {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(rule.String())
	}
	return b.String()
}

// String returns the rule as it stands in a script.
func (r Rule) String() string {
	place := string(r.Step)
	if r.N != 0 {
		place += ":" + strconv.Itoa(r.N)
	}
	return place + "=" + r.Action.String()
}
