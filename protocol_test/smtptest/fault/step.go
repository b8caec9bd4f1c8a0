package fault

import (
	"slices"
	"strings"
)

// Step is a point of a session at which a server answers, in lower case as scripts
// have it.
type Step string

// The steps.
const (
	Banner   Step = "banner"
	Helo     Step = "helo"
	Ehlo     Step = "ehlo"
	Lhlo     Step = "lhlo"
	StartTLS Step = "starttls"
	Auth     Step = "auth"
	Mail     Step = "mail"
	Rcpt     Step = "rcpt"
	Data     Step = "data"    // the command
	Bdat     Step = "bdat"    // a chunk; the last one is Content too, and a rule for Bdat goes first
	Content  Step = "content" // the verdict on the message
	Rset     Step = "rset"
	Vrfy     Step = "vrfy"
	Expn     Step = "expn"
	Help     Step = "help"
	Noop     Step = "noop"
	Quit     Step = "quit"
)

// Steps returns all steps.
func Steps() []Step {
	return []Step{
		Banner, Helo, Ehlo, Lhlo, StartTLS, Auth, Mail, Rcpt, Data, Bdat, Content, Rset, Vrfy, Expn, Help, Noop, Quit,
	}
}

// StepOf returns the step that answers a verb, in any case; false for a verb without
// one.
func StepOf(verb string) (Step, bool) {
	step := Step(strings.ToLower(verb))
	if step == Banner || step == Content || !slices.Contains(Steps(), step) {
		return "", false
	}
	return step, true
}

// hasContent reports whether octets of content come with the step, or behind it.
func (s Step) hasContent() bool { return s == Data || s == Bdat || s == Content }
