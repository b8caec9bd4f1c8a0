package wire

import (
	"strconv"
	"strings"
	"time"
)

// Offer is what a server says in its reply to EHLO or LHLO, besides its name.
type Offer struct {
	// Set has the extensions on offer. Auth, Limits and FutureRelease need the
	// values that belong to them below; a value whose extension is not in the set
	// is not written.
	Set ExtensionSet

	SizeLimit       int64         // SIZE, octets; 0: no limit is stated
	AuthMechanisms  []string      // AUTH, upper case
	Limits          SessionLimits // LIMITS
	DeliverByMin    int64         // DELIVERBY, seconds; 0: no least time is stated
	PriorityProfile string        // MT-PRIORITY, the name of the assignment policy; may be empty
	HoldMaxFor      int64         // FUTURERELEASE, seconds
	HoldMaxUntil    time.Time     // FUTURERELEASE

	// Extra has keywords that are not in Set, with all their parameters as the
	// value.
	Extra []Param
}

// maxEHLOLine leaves room for code and CRLF in a reply line of 512 octets (RFC
// 5321 §4.5.3.1.5). A longer one would be folded, and its second half taken for
// a keyword.
const maxEHLOLine = maxReplyLine - len("250-") - len("\r\n")

// AppendExtensions appends the lines of an EHLO reply that follow the first to
// dst, each with a "\n" in front: the text of the reply is the server's name and
// then these.
//
// It refuses, with a *SyntaxError that names the keyword and dst as it was, what
// would not be read back as it was meant: values that are missing, out of range
// or malformed, a keyword in Extra that is in Set or given twice, and lines over
// 506 octets.
func AppendExtensions(dst []byte, o *Offer) ([]byte, error) {
	out := dst
	for keyword := range o.Set.Keywords() {
		start := len(out) + 1
		out = append(append(out, '\n'), keyword...)
		var reason string
		if out, reason = o.appendParam(out, keyword); reason == "" && len(out)-start > maxEHLOLine {
			reason = "line over 506 octets"
		}
		if reason != "" {
			return dst, &SyntaxError{Element: keyword, Reason: reason, Offset: -1}
		}
	}
	for i, p := range o.Extra {
		if reason := o.extraFault(i); reason != "" {
			return dst, &SyntaxError{Element: "EHLO keyword", Reason: reason, Offset: -1}
		}
		out = append(append(out, '\n'), p.Keyword...)
		if p.Value != "" {
			out = append(append(out, ' '), p.Value...)
		}
	}
	return out, nil
}

// appendParam appends what follows a keyword of the set, and a blank in front of
// it; or it says what is wrong with it.
func (o *Offer) appendParam(dst []byte, keyword string) (out []byte, reason string) {
	switch keyword {
	case "SIZE":
		return appendNumber(dst, o.SizeLimit, 1<<63-1)
	case "DELIVERBY":
		return appendNumber(dst, o.DeliverByMin, maxByTime)
	case "AUTH":
		return o.appendMechanisms(dst)
	case "XCLIENT":
		return append(dst, " NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"...), ""
	case "LIMITS":
		return o.Limits.appendTo(dst)
	case "MT-PRIORITY":
		if o.PriorityProfile == "" {
			return dst, ""
		}
		if CheckHelloName(o.PriorityProfile) != nil {
			return dst, "octet outside visible US-ASCII in the profile"
		}
		return append(append(dst, ' '), o.PriorityProfile...), ""
	case "FUTURERELEASE":
		if o.HoldMaxFor == 0 || o.HoldMaxUntil.IsZero() {
			return dst, "limits are missing"
		}
		if dst, reason = appendNumber(dst, o.HoldMaxFor, maxHoldFor); reason != "" {
			return dst, reason
		}
		dst, err := appendDateTime(append(dst, ' '), o.HoldMaxUntil)
		if err != nil {
			return dst, "date out of range"
		}
		return dst, ""
	}
	return dst, ""
}

// appendNumber appends a blank and n, or nothing for 0.
func appendNumber(dst []byte, n, most int64) (out []byte, reason string) {
	switch {
	case n == 0:
		return dst, ""
	case n < 0 || n > most:
		return dst, "number out of range"
	}
	return strconv.AppendInt(append(dst, ' '), n, 10), ""
}

func (o *Offer) appendMechanisms(dst []byte) (out []byte, reason string) {
	if len(o.AuthMechanisms) == 0 {
		return dst, "no mechanism"
	}
	for _, m := range o.AuthMechanisms {
		if !isMechanism(m) {
			return dst, "malformed mechanism"
		}
		dst = append(append(dst, ' '), m...)
	}
	return dst, ""
}

func (l SessionLimits) appendTo(dst []byte) (out []byte, reason string) {
	if l == (SessionLimits{}) {
		return dst, "no limit"
	}
	for _, limit := range []struct {
		name  string
		value int
	}{
		{"MAILMAX", l.MailMax},
		{"RCPTMAX", l.RcptMax},
		{"RCPTDOMAINMAX", l.RcptDomainMax},
	} {
		if limit.value == 0 {
			continue
		}
		if limit.value < 0 || limit.value > 999_999 {
			return dst, "number out of range"
		}
		dst = append(append(dst, ' '), limit.name...)
		dst = strconv.AppendInt(append(dst, '='), int64(limit.value), 10)
	}
	return dst, ""
}

// extraFault says what is wrong with Extra[i]; "" is nothing.
func (o *Offer) extraFault(i int) string {
	p := o.Extra[i]
	ext, known := ExtensionByKeyword(p.Keyword)
	control, high := scanLine(p.Value)
	switch {
	case !isKeyword(p.Keyword):
		return "malformed keyword"
	case known && o.Set.Has(ext), hasParam(o.Extra[:i], p.Keyword):
		return "given twice"
	case control >= 0 || high || p.Value != strings.Trim(p.Value, " "):
		return "octet in the value that has no place there"
	case len(p.Keyword)+1+len(p.Value) > maxEHLOLine:
		return "line over 506 octets"
	}
	return ""
}
