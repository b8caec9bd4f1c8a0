package auth

import (
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// maxTrace is the length of a token in characters (RFC 4505 §2).
const maxTrace = 255

// Anonymous is ANONYMOUS (RFC 4505). trace tells the server's operator who that
// is: an address, or a token of up to 255 characters without "@", or nothing.
func Anonymous(trace string) protocol.Mechanism {
	return protocol.Mechanism{
		Name: MechanismAnonymous,
		New: func(protocol.TLSState) (sasl.Client, error) {
			if reason := traceFault(trace); reason != "" {
				return nil, &protocol.ConfigError{Field: "trace", Reason: reason}
			}
			return hide(sasl.NewAnonymousClient(trace)), nil
		},
	}
}

// traceFault says what keeps a string from being trace information; "" if nothing
// does.
func traceFault(trace string) string {
	switch {
	case !utf8.ValidString(trace):
		return "not UTF-8"
	case strings.ContainsFunc(trace, control):
		return "control character in it"
	case !strings.Contains(trace, "@") && utf8.RuneCountInString(trace) > maxTrace:
		return "over 255 characters"
	}
	return ""
}

// control reports the characters of RFC 3454 §C.2 that have no place in a line.
func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
