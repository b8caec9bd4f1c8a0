package wire

import "strings"

// The verbs this package knows, in the upper case in which ParseCommand gives
// them and clients write them.
const (
	VerbHelo     = "HELO"     // RFC 5321 §4.1.1.1
	VerbEhlo     = "EHLO"     // RFC 5321 §4.1.1.1
	VerbLhlo     = "LHLO"     // RFC 2033 §4.1
	VerbMail     = "MAIL"     // RFC 5321 §4.1.1.2
	VerbRcpt     = "RCPT"     // RFC 5321 §4.1.1.3
	VerbData     = "DATA"     // RFC 5321 §4.1.1.4
	VerbBdat     = "BDAT"     // RFC 3030 §2
	VerbRset     = "RSET"     // RFC 5321 §4.1.1.5
	VerbVrfy     = "VRFY"     // RFC 5321 §4.1.1.6
	VerbExpn     = "EXPN"     // RFC 5321 §4.1.1.7
	VerbHelp     = "HELP"     // RFC 5321 §4.1.1.8
	VerbNoop     = "NOOP"     // RFC 5321 §4.1.1.9
	VerbQuit     = "QUIT"     // RFC 5321 §4.1.1.10
	VerbAuth     = "AUTH"     // RFC 4954 §4
	VerbTurn     = "TURN"     // RFC 5321 §F.1, deprecated
	VerbEtrn     = "ETRN"     // RFC 1985 §5
	VerbStartTLS = "STARTTLS" // RFC 3207 §4
	VerbXClient  = "XCLIENT"  // Postfix
)

// maxKnownVerb is the length of the longest verb in the list above.
const maxKnownVerb = len(VerbStartTLS)

// upperVerb returns verb in upper case. It allocates only for a verb that it
// does not know and that is not in upper case already.
func upperVerb(verb string) string {
	if len(verb) > maxKnownVerb {
		return strings.ToUpper(verb)
	}
	var b [maxKnownVerb]byte
	for i := range len(verb) {
		b[i] = upper(verb[i])
	}
	switch string(b[:len(verb)]) {
	case VerbHelo:
		return VerbHelo
	case VerbEhlo:
		return VerbEhlo
	case VerbLhlo:
		return VerbLhlo
	case VerbMail:
		return VerbMail
	case VerbRcpt:
		return VerbRcpt
	case VerbData:
		return VerbData
	case VerbBdat:
		return VerbBdat
	case VerbRset:
		return VerbRset
	case VerbVrfy:
		return VerbVrfy
	case VerbExpn:
		return VerbExpn
	case VerbHelp:
		return VerbHelp
	case VerbNoop:
		return VerbNoop
	case VerbQuit:
		return VerbQuit
	case VerbAuth:
		return VerbAuth
	case VerbTurn:
		return VerbTurn
	case VerbEtrn:
		return VerbEtrn
	case VerbStartTLS:
		return VerbStartTLS
	case VerbXClient:
		return VerbXClient
	}
	return strings.ToUpper(verb)
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}

// isKeyword reports whether s is the name of a verb, an extension or a
// parameter: letters, digits and hyphens, without a hyphen in front.
//
// RFC 5321 §4.1.2: esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
func isKeyword(s string) bool {
	if s == "" || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if !isKeywordOctet(s[i]) {
			return false
		}
	}
	return true
}

// isKeywordOctet reports the octets of keywords, which are those of an Ldh-str.
func isKeywordOctet(c byte) bool { return octetClass[c]&octetTag != 0 }

// sameKeyword reports whether s is the keyword known, which is in upper case, in
// any case. Most keywords differ in length already, so that this much is inlined.
func sameKeyword(known, s string) bool { return len(known) == len(s) && sameLetters(known, s) }

func sameLetters(known, s string) bool {
	for i := range len(s) {
		if known[i] != s[i] && known[i] != upper(s[i]) {
			return false
		}
	}
	return true
}
