package fault

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// The words of actions that are no Break.
const (
	delay  = "delay"
	after  = "after"
	bareLF = "bare-lf"
	split  = "split"
)

// blanks may stand around the parts of a script.
const blanks = " \t\r\n"

// Parse reads a script. One of nothing but blanks has no rules. The error is a
// *wire.SyntaxError with the offset of the part of s that does not fit.
func Parse(s string) (Script, error) {
	var script Script
	p := parser{s: s}
	if p.skip(); p.at == len(s) {
		return nil, nil
	}
	for {
		start := p.at
		rule, err := p.rule()
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(script, func(r Rule) bool { return r.Step == rule.Step && r.N == rule.N }) {
			return nil, fail(start, "a second rule for that step")
		}
		script = append(script, rule)
		if p.at == len(s) {
			return script, nil
		}
		p.at++ // the semicolon
		p.skip()
	}
}

// Check finds what a script that was put together in Go has that Parse would not
// give: a step, reply or kind of break that does not exist, a number under 0, a break
// with an answer, a size where there is no content, two rules for one step. The error is a
// *wire.SyntaxError without an offset.
func (s Script) Check() error {
	for i, rule := range s {
		if reason := rule.fault(); reason != "" {
			return fail(-1, reason)
		}
		if slices.ContainsFunc(s[:i], func(r Rule) bool { return r.Step == rule.Step && r.N == rule.N }) {
			return fail(-1, "a second rule for that step")
		}
	}
	return nil
}

func (r Rule) fault() string {
	a := r.Action
	answers := a.BareLF || a.Split || a.Reply != (wire.Reply{})
	switch {
	case !slices.Contains(Steps(), r.Step):
		return "no such step"
	case r.N < 0:
		return "a number under 1"
	case a == Action{}:
		return "no action"
	case a.Delay < 0:
		return "a delay under 0"
	case int(a.Break) >= len(breaks):
		return "no such break"
	case a.Break != NoBreak && answers:
		return "a break with an answer"
	case a.After < 0:
		return "a size under 0"
	case a.After > 0 && a.Break == NoBreak:
		return "a size without a break"
	case a.After > 0 && !r.Step.hasContent():
		return noContent
	case a.Reply != (wire.Reply{}) && !a.Reply.Code.Valid():
		return noCode
	case !a.Reply.Enhanced.IsZero() && (!a.Reply.Enhanced.Valid() || int(a.Reply.Enhanced.Class) != a.Reply.Code.Class()):
		return "an enhanced status code that does not go with the reply code"
	case strings.ContainsFunc(a.Reply.Text, isControl):
		return noControl
	}
	return ""
}

// What is wrong in a script, where two places find it.
const (
	noCode    = "a reply code is three digits, 200 to 599"
	noContent = `"after" is for data, bdat and content`
	noControl = "a control octet in a text"
)

// isControl reports what the text of a reply cannot carry. Its line feeds begin lines.
func isControl(c rune) bool { return c < ' ' && c != '\t' && c != '\n' || c == 0x7f }

func fail(offset int, reason string) error {
	return &wire.SyntaxError{Element: "fault script", Reason: reason, Offset: offset}
}

// parser goes over a script from left to right.
type parser struct {
	s  string
	at int
}

// skip goes over blanks.
func (p *parser) skip() {
	for p.at < len(p.s) && strings.IndexByte(blanks, p.s[p.at]) >= 0 {
		p.at++
	}
}

// until takes what stands in front of the next of some octets, or of the end.
func (p *parser) until(stops string) string {
	start := p.at
	if n := strings.IndexAny(p.s[start:], stops); n >= 0 {
		p.at += n
	} else {
		p.at = len(p.s)
	}
	return p.s[start:p.at]
}

// word takes a word and the blanks behind it, and returns it in lower case.
func (p *parser) word() string {
	w := strings.ToLower(p.until(blanks + ";"))
	p.skip()
	return w
}

// ended reports whether the rule has nothing more.
func (p *parser) ended() bool { return p.at == len(p.s) || p.s[p.at] == ';' }

func (p *parser) rule() (r Rule, err error) {
	start := p.at
	r.Step = Step(strings.ToLower(p.until(blanks + ":=;")))
	if !slices.Contains(Steps(), r.Step) {
		return r, fail(start, "no such step")
	}
	p.skip()
	if p.at < len(p.s) && p.s[p.at] == ':' {
		p.at++
		p.skip()
		start = p.at
		if r.N, err = strconv.Atoi(digits(p.until(blanks + "=;"))); err != nil || r.N < 1 {
			return r, fail(start, "a number from 1 on was expected")
		}
		p.skip()
	}
	if p.at == len(p.s) || p.s[p.at] != '=' {
		return r, fail(p.at, `"=" was expected`)
	}
	p.at++
	p.skip()
	r.Action, err = p.action(r.Step)
	return r, err
}

// digits returns s if it is nothing but digits: strconv takes signs too.
func digits(s string) string {
	if strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

func (p *parser) action(step Step) (a Action, err error) {
	start := p.at
	if p.ended() {
		return a, fail(start, "no action")
	}
	word := p.word()
	if word == delay {
		start = p.at
		a.Delay, err = time.ParseDuration(p.word())
		if err != nil || a.Delay <= 0 {
			return a, fail(start, `a duration over 0 was expected, as "30s"`)
		}
		if p.ended() {
			return a, nil
		}
		start = p.at
		word = p.word()
	}
	if i := slices.Index(breaks[:], word); i > 0 {
		a.Break = Break(i)
		a.After, err = p.after(step)
		return a, err
	}
	for word == bareLF && !a.BareLF || word == split && !a.Split {
		a.BareLF = a.BareLF || word == bareLF
		a.Split = a.Split || word == split
		if p.ended() {
			return a, nil
		}
		start = p.at
		word = p.word()
	}
	if word == "" || word[0] < '0' || word[0] > '9' {
		return a, fail(start, "no such action")
	}
	p.at = start
	a.Reply, err = p.reply()
	return a, err
}

// after takes what stands behind the word for a break.
func (p *parser) after(step Step) (int64, error) {
	if p.ended() {
		return 0, nil
	}
	start := p.at
	if p.word() != after {
		return 0, fail(start, `"after" or the end of the rule was expected`)
	}
	if !step.hasContent() {
		return 0, fail(start, noContent)
	}
	start = p.at
	size, ok := parseSize(p.word())
	switch {
	case !ok:
		return 0, fail(start, `a size over 0 was expected, as "4096" or "4KiB"`)
	case !p.ended():
		return 0, fail(p.at, "more behind the size")
	}
	return size, nil
}

// parseSize reads a size in lower case.
func parseSize(s string) (int64, bool) {
	octets := int64(1)
	for _, u := range units {
		if number, is := strings.CutSuffix(s, strings.ToLower(u.name)); is {
			s, octets = number, u.octets
			break
		}
	}
	n, err := strconv.ParseInt(digits(s), 10, 64)
	return n * octets, err == nil && n > 0 && n <= math.MaxInt64/octets
}

// reply takes a reply, which ends the rule.
func (p *parser) reply() (r wire.Reply, err error) {
	start := p.at
	code := p.until(blanks + ";")
	n, err := strconv.ParseUint(digits(code), 10, 16)
	if r.Code = wire.Code(n); err != nil || len(code) != 3 || !r.Code.Valid() {
		return r, fail(start, noCode)
	}
	p.skip()
	text, err := p.text()
	if err != nil {
		return r, err
	}
	if e, rest, found := wire.CutEnhancedCode(text); found && int(e.Class) == r.Code.Class() {
		r.Enhanced, text = e, rest
	}
	r.Text = text
	return r, nil
}

// text takes the text of a reply, without the blanks behind it.
func (p *parser) text() (string, error) {
	var b strings.Builder
	end := 0 // of what is not a blank at the end
	for ; !p.ended(); p.at++ {
		c := p.s[p.at]
		switch {
		case c == '\\':
			p.at++
			if p.at == len(p.s) || strings.IndexByte(`n;\`, p.s[p.at]) < 0 {
				return "", fail(p.at-1, `no such escape: there are \n, \; and \\`)
			}
			if c = p.s[p.at]; c == 'n' {
				c = '\n'
			}
			b.WriteByte(c)
			end = b.Len()
			continue
		case strings.IndexByte(blanks, c) < 0 && isControl(rune(c)):
			return "", fail(p.at, noControl)
		case c == '\r' || c == '\n':
			c = ' ' // of the script, as from a file; not of the reply
		}
		b.WriteByte(c)
		if strings.IndexByte(blanks, c) < 0 {
			end = b.Len()
		}
	}
	return b.String()[:end], nil
}
