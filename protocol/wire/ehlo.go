package wire

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// AppendHello appends a command that introduces the client, with its CRLF: verb
// is VerbEhlo, VerbHelo or VerbLhlo, and name a domain or an address literal, as
// in CheckDomain. On error, a *SyntaxError, dst is returned as it was.
func AppendHello(dst []byte, verb, name string) ([]byte, error) {
	if err := CheckDomain(name); err != nil {
		return dst, err
	}
	// RFC 6531 §3.7.1: no U-label here, whatever the server offers.
	return AppendCommand(dst, verb, name, false)
}

const (
	// maxUnknownKeywords bounds the keywords that Extensions keeps besides those
	// of extensions this package knows.
	maxUnknownKeywords = 128
	// maxAuthParam bounds, in octets, what lines of AUTH are merged into.
	maxAuthParam = 2048
	// maxMechanisms bounds what AuthMechanisms returns.
	maxMechanisms = 64
)

// Extensions is what a server said in its reply to EHLO or LHLO (RFC 5321
// §4.1.1.1). The zero value has no extension. It is not changed once made, and
// may be used from any number of goroutines.
type Extensions struct {
	name string
	set  ExtensionSet
	list []ehloLine
}

type ehloLine struct {
	keyword string // upper case
	param   string
}

// ParseExtensions reads the keywords in the reply to EHLO. The first line never
// has one. It has no error: what is no keyword is ignored, and so is what exceeds
// 128 keywords this package does not know. Of a keyword sent twice the first
// parameter counts, but for AUTH, where all do.
//
// Extensions shares the memory of r.Text.
func ParseExtensions(r Reply) Extensions {
	first, rest, more := strings.Cut(r.Text, "\n")
	var e Extensions
	e.name, _, _ = strings.Cut(strings.Trim(first, " \t"), " ")
	unknown := 0
	for more {
		var line string
		line, rest, more = strings.Cut(rest, "\n")
		keyword, param := cutKeyword(line)
		if !isKeyword(keyword) {
			continue
		}
		ext, known := ExtensionByKeyword(keyword)
		if i := e.index(keyword); i >= 0 {
			e.list[i].merge(param)
			continue
		}
		if !known {
			if unknown == maxUnknownKeywords {
				continue
			}
			unknown++
		}
		e.set |= ext
		e.list = append(e.list, ehloLine{strings.ToUpper(keyword), param})
	}
	return e
}

// cutKeyword cuts a line into keyword and parameters.
func cutKeyword(line string) (keyword, param string) {
	line = strings.Trim(line, " \t")
	// Servers of before RFC 2554 wrote "AUTH=LOGIN PLAIN", and some still do so
	// for the clients of that time.
	if len(line) > 5 && equalFoldASCII(line[:5], "AUTH=") {
		return line[:4], strings.TrimLeft(line[5:], " ")
	}
	keyword, param, _ = strings.Cut(line, " ")
	return keyword, strings.TrimLeft(param, " ")
}

// merge takes in the parameters of a line with the same keyword.
func (l *ehloLine) merge(param string) {
	switch {
	case l.param == "":
		l.param = param
	case l.keyword == "AUTH" && param != "" && param != l.param && len(l.param)+len(param) < maxAuthParam:
		l.param += " " + param
	}
}

func (e *Extensions) index(keyword string) int {
	return slices.IndexFunc(e.list, func(l ehloLine) bool { return sameKeyword(l.keyword, keyword) })
}

// Name returns the name the server gave itself: the first word of the reply.
func (e Extensions) Name() string { return e.name }

// Set returns the extensions on offer that this package knows.
func (e Extensions) Set() ExtensionSet { return e.set }

// Has reports whether an extension is on offer, by its keyword in any case.
func (e Extensions) Has(keyword string) bool { return e.index(keyword) >= 0 }

// Param returns what follows a keyword, given in any case, without the blanks
// around it. It returns false where the extension is not on offer. What a server
// sent is not looked at: it may hold control octets.
func (e Extensions) Param(keyword string) (param string, ok bool) {
	i := e.index(keyword)
	if i < 0 {
		return "", false
	}
	return e.list[i].param, true
}

// All returns the keywords, in upper case and in the order in which they came,
// with their parameters as Param gives them.
func (e Extensions) All() iter.Seq2[string, string] {
	return func(yield func(keyword, param string) bool) {
		for _, l := range e.list {
			if !yield(l.keyword, l.param) {
				return
			}
		}
	}
}

// words returns the parameters of a keyword.
func (e Extensions) words(keyword string) iter.Seq[string] {
	param, _ := e.Param(keyword)
	return strings.FieldsSeq(param)
}

// AuthMechanisms returns the SASL mechanisms on offer, in upper case, each once,
// in the server's order; at most 64. The old form "AUTH=" counts.
func (e Extensions) AuthMechanisms() []string {
	var list []string
	for word := range e.words("AUTH") {
		word = strings.ToUpper(word)
		if isMechanism(word) && !slices.Contains(list, word) && len(list) < maxMechanisms {
			list = append(list, word)
		}
	}
	return list
}

// RFC 4422 §3.1: sasl-mech = 1*20mech-char, of upper case letters, digits, "-"
// and "_"
func isMechanism(s string) bool {
	for i := range len(s) {
		if !isKeywordOctet(s[i]) && s[i] != '_' || 'a' <= s[i] && s[i] <= 'z' {
			return false
		}
	}
	return 1 <= len(s) && len(s) <= 20
}

// SizeLimit returns the largest message the server takes, in octets. It returns
// false where no limit is stated: without SIZE, for SIZE alone, for SIZE 0, and
// for what is no number (RFC 1870 §4).
func (e Extensions) SizeLimit() (octets int64, ok bool) {
	for word := range e.words("SIZE") {
		n, ok := parseDecimal(word, 20)
		return n, ok && n > 0
	}
	return 0, false
}

// SessionLimits are the limits of LIMITS (RFC 9422 §4); 0: not stated. A stated
// limit is at most 999,999.
type SessionLimits struct {
	MailMax       int // MAILMAX: transactions in a session
	RcptMax       int // RCPTMAX: recipients in a transaction
	RcptDomainMax int // RCPTDOMAINMAX: domains of the recipients in a session
}

// Limits returns what the server said with LIMITS. Limits that are malformed or
// unknown are ignored (RFC 9422 §3); of one given twice the first counts.
func (e Extensions) Limits() SessionLimits {
	var l SessionLimits
	for word := range e.words("LIMITS") {
		name, value, _ := strings.Cut(word, "=")
		n, ok := parseDecimal(value, 6)
		if !ok || value[0] == '0' {
			continue
		}
		if limit := l.byName(name); limit != nil && *limit == 0 {
			*limit = int(n)
		}
	}
	return l
}

func (l *SessionLimits) byName(name string) *int {
	switch strings.ToUpper(name) {
	case "MAILMAX":
		return &l.MailMax
	case "RCPTMAX":
		return &l.RcptMax
	case "RCPTDOMAINMAX":
		return &l.RcptDomainMax
	}
	return nil
}

// DeliverByMin returns the least time, in seconds, that the server takes in BY
// with ByReturn. It returns false where none is stated (RFC 2852 §3).
func (e Extensions) DeliverByMin() (seconds int64, ok bool) {
	for word := range e.words("DELIVERBY") {
		return parseDecimal(word, 9)
	}
	return 0, false
}

// HoldLimits returns the limits of FUTURERELEASE: of HoldFor, in seconds, and of
// HoldUntil. It returns false unless both are stated, as they must be (RFC 4865
// §3).
func (e Extensions) HoldLimits() (maxFor int64, maxUntil time.Time, ok bool) {
	param, _ := e.Param("FUTURERELEASE")
	seconds, date, _ := strings.Cut(param, " ")
	maxFor, ok1 := parseDecimal(seconds, 9)
	maxUntil, ok2 := parseDateTime(strings.TrimLeft(date, " "))
	if !ok1 || !ok2 {
		return 0, time.Time{}, false
	}
	return maxFor, maxUntil, true
}
