package wire

import (
	"strconv"
	"strings"
	"time"
)

// maxHoldFor is the largest number of seconds HOLDFOR can carry.
const maxHoldFor = 999_999_999

// RFC 4865 §3: "HOLDFOR=" future-release-integer, of 1 to 9 digits
func parseHoldFor(p *MailParams, v string) error {
	if !p.HoldUntil.IsZero() {
		return badValue("given with HOLDUNTIL")
	}
	n, ok := parseDecimal(v, 9)
	if !ok || n == 0 {
		return badValue("not 1 to 999999999 seconds")
	}
	p.HoldFor = n
	return nil
}

func appendHoldFor(dst []byte, p *MailParams, _ bool) ([]byte, error) {
	if !p.HoldUntil.IsZero() {
		return dst, badValue("given with HOLDUNTIL")
	}
	if p.HoldFor < 0 || p.HoldFor > maxHoldFor {
		return dst, badValue("not 1 to 999999999 seconds")
	}
	return strconv.AppendInt(dst, p.HoldFor, 10), nil
}

// RFC 4865 §3, erratum 2040: "HOLDUNTIL=" date-time of RFC 3339
func parseHoldUntil(p *MailParams, v string) error {
	if p.HoldFor != 0 {
		return badValue("given with HOLDFOR")
	}
	t, ok := parseDateTime(v)
	if !ok {
		return badValue("not a date-time")
	}
	p.HoldUntil = t
	return nil
}

func appendHoldUntil(dst []byte, p *MailParams, _ bool) ([]byte, error) {
	return appendDateTime(dst, p.HoldUntil)
}

// ValidSince is the value of RRVS: since when the recipient's mailbox must have
// belonged to the same owner (RFC 7293 §3). The zero value is none. Fractions of
// a second are dropped.
type ValidSince struct {
	Time   time.Time
	Action RRVSAction
}

// RRVSAction says what a server does that cannot look the owner up, or that
// relays to one without the extension.
type RRVSAction byte

const (
	RRVSNotStated RRVSAction = 0   // which means RRVSReject
	RRVSContinue  RRVSAction = 'C' // deliver or relay all the same
	RRVSReject    RRVSAction = 'R' // refuse the recipient
)

// RFC 7293 §3.1: rrvs-param = "RRVS=" date-time [ ";" ( "C" / "R" ) ]
func (s *ValidSince) parse(v string) error {
	v, action, found := strings.Cut(v, ";")
	t, ok := parseDateTime(v)
	if !ok {
		return badValue("not a date-time")
	}
	since := ValidSince{Time: t}
	if found {
		if len(action) != 1 || upper(action[0]) != 'C' && upper(action[0]) != 'R' {
			return badValue("action is not C or R")
		}
		since.Action = RRVSAction(upper(action[0]))
	}
	*s = since
	return nil
}

func (s ValidSince) appendTo(dst []byte) ([]byte, error) {
	dst, err := appendDateTime(dst, s.Time)
	if err != nil {
		return dst, err
	}
	switch s.Action {
	case RRVSNotStated:
		return dst, nil
	case RRVSContinue, RRVSReject:
		return append(dst, ';', byte(s.Action)), nil
	}
	return dst, badValue("action is not C or R")
}

// parseDateTime reads a date-time of RFC 3339 §5.6 and returns it in UTC and whole
// seconds. It refuses leap seconds, which a time.Time has not, and what
// appendDateTime refuses.
func parseDateTime(v string) (t time.Time, ok bool) {
	// time.Parse is laxer than the RFC: it takes hours of one digit, commas, and
	// offsets out of range.
	const shape = "0000-00-00T00:00:00"
	if len(v) <= len(shape) || !hasShape(v[:len(shape)], shape) {
		return time.Time{}, false
	}
	zone := v[len(shape):]
	if fraction, found := strings.CutPrefix(zone, "."); found {
		zone = strings.TrimLeft(fraction, "0123456789")
		if len(zone) == len(fraction) {
			return time.Time{}, false
		}
	}
	if !equalFoldASCII(zone, "Z") && !(hasShape(zone, "+00:00") || hasShape(zone, "-00:00")) {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, strings.ToUpper(v))
	t = t.UTC().Truncate(time.Second)
	if err != nil || !isDateTime(t) {
		return time.Time{}, false
	}
	return t, true
}

// hasShape reports whether s is like shape, in which "0" stands for any digit
// and letters for themselves in either case.
func hasShape(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if shape[i] == '0' {
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		} else if upper(s[i]) != shape[i] {
			return false
		}
	}
	return true
}

// appendDateTime writes t in UTC and whole seconds.
func appendDateTime(dst []byte, t time.Time) ([]byte, error) {
	t = t.UTC().Truncate(time.Second)
	if !isDateTime(t) {
		return dst, badValue("year is not of four digits, or the zero time")
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05Z"), nil
}

// isDateTime reports whether t, in UTC, has a year of four digits and is not the
// zero time.Time, which stands for no time.
func isDateTime(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 && !t.IsZero() }
