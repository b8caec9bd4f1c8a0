package wire

import "strconv"

// EOL says what a [DotEncoder] does with a CR or LF that is not part of a CRLF.
//
// RFC 5321 §2.3.8: only CRLF ends a line, and CR and LF must not be sent apart.
// A sender that breaks this lets receivers disagree about where content ends,
// which is all that SMTP smuggling needs.
type EOL uint8

const (
	// EOLFix makes a CRLF of every bare LF and of every bare CR. Content from
	// a Unix text file goes out as it should. CR CR LF becomes two line ends.
	EOLFix EOL = iota

	// EOLStrict refuses content with a bare CR or LF: a [*SyntaxError] whose
	// Offset counts from the start of the content.
	EOLStrict

	// EOLVerbatim sends bare CR and LF as they are. No receiver, however lax,
	// can take such content for ended before its time, because a dot behind a
	// bare CR or LF is doubled as well. That dot is the one change: a receiver
	// for which only CRLF ends a line keeps both. Content that has to arrive
	// octet for octet belongs into BDAT (RFC 3030), which changes nothing.
	EOLVerbatim
)

// String returns the policy's name in lower case.
func (p EOL) String() string {
	switch p {
	case EOLFix:
		return "fix"
	case EOLStrict:
		return "strict"
	case EOLVerbatim:
		return "verbatim"
	}
	return "EOL(" + strconv.Itoa(int(p)) + ")"
}
