package wire

import (
	"strings"
	"unicode/utf8"
)

// Command is a command line taken apart: "MAIL FROM:<a@example.com>" has the
// verb "MAIL" and the arguments "FROM:<a@example.com>".
type Command struct {
	Verb string // upper case
	Args string // what follows the verb, without the blanks around it
}

// ParseCommand parses a command line, given without its line end.
//
// The verb may come in any case (RFC 5321 §2.4) and ends at a blank or with the
// line. White space at the end is dropped (RFC 5321 §4.1.1). What a verb's
// arguments mean is left to the parser for that verb, as is whether octets
// outside ASCII are welcome in them.
//
// The error is a *SyntaxError: with code 501 for a control octet anywhere in
// the line, TAB included, and with 500 where the line does not begin with a
// verb, a blank in front of it included.
//
// Verb and Args may share the memory of line.
func ParseCommand(line string) (Command, error) {
	end := len(line)
	for end > 0 && (line[end-1] == ' ' || line[end-1] == '\t') {
		end--
	}
	line = line[:end]
	if i, _ := scanLine(line); i >= 0 {
		return Command{}, &SyntaxError{
			Element: "command", Reason: "control octet " + hexOctet(line[i]), Offset: i,
			Code: CodeArgumentSyntaxError, Enhanced: EnhancedCode{5, 5, 2},
		}
	}
	n, bits := span(line, octetTag)
	if n > 0 && line[0] == '-' {
		n = 0
	}
	if n == 0 || n < len(line) && line[n] != ' ' {
		return Command{}, &SyntaxError{
			Element: "command", Reason: "no verb", Offset: n,
			Code: CodeSyntaxError, Enhanced: EnhancedCode{5, 5, 2},
		}
	}
	verb, args := line[:n], line[n:]
	if bits&0x20 != 0 { // which digits, hyphens and small letters have, and no others
		verb = upperVerb(verb)
	}
	for args != "" && args[0] == ' ' {
		args = args[1:]
	}
	return Command{Verb: verb, Args: args}, nil
}

// AppendCommand appends a command line, with its CRLF, to dst. The verb is
// written as given; args may be empty, and neither begin nor end with a blank.
//
// Like everything else in this package that writes a command line it refuses
// control octets, so that nothing in args can become a second command; octets
// outside ASCII, unless utf8 is set (RFC 6531); and with it set, octets that
// are not UTF-8. On error, a *SyntaxError, dst is returned as it was.
func AppendCommand(dst []byte, verb, args string, utf8 bool) ([]byte, error) {
	if !isKeyword(verb) {
		return dst, &SyntaxError{Element: "verb", Reason: "not letters, digits and hyphens", Offset: -1}
	}
	line := append(dst, verb...)
	if args != "" {
		if args[0] == ' ' || args[len(args)-1] == ' ' {
			return dst, &SyntaxError{Element: verb, Reason: "blank around the arguments", Offset: -1}
		}
		line = append(line, ' ')
		line = append(line, args...)
	}
	return endLine(dst, line, verb, utf8)
}

// AppendLine appends a line of the caller's own, with its CRLF, to dst: the
// answer to a challenge of AUTH, say. It refuses what AppendCommand refuses. On
// error, a *SyntaxError, dst is returned as it was.
func AppendLine(dst, line []byte, utf8 bool) ([]byte, error) {
	return endLine(dst, append(dst, line...), "line", utf8)
}

// endLine ends the command line that stands in line behind what dst holds. Every
// command line this package writes goes through here: it is the one place that
// keeps an argument from becoming a command. element names the line in errors.
func endLine(dst, line []byte, element string, allow8bit bool) ([]byte, error) {
	text := line[len(dst):]
	control, high := scanLine(text)
	switch {
	case control >= 0:
		return dst, &SyntaxError{Element: element, Reason: "control octet " + hexOctet(text[control]), Offset: control}
	case high && !allow8bit:
		i := firstNonASCII(string(text))
		return dst, &SyntaxError{Element: element, Reason: "octet " + hexOctet(text[i]) + " outside ASCII without SMTPUTF8", Offset: i}
	case high && !utf8.Valid(text):
		i := firstInvalidUTF8(string(text))
		return dst, &SyntaxError{Element: element, Reason: "octet " + hexOctet(text[i]) + " is not valid UTF-8", Offset: i}
	}
	return append(line, '\r', '\n'), nil
}

const (
	lows  = 0x0101010101010101 // each octet 0x01
	highs = 0x8080808080808080 // each octet 0x80
)

// scanLine returns the offset of the first control octet in s, or -1, and, where
// there is none, whether there are octets outside ASCII.
func scanLine[T string | []byte](s T) (control int, high bool) {
	if len(s) >= 8 {
		// The last octets first, and whole words from the first on.
		seen := load64(s, len(s)-8)
		bad := controls(seen)
		for rest := s; len(rest) > 8; rest = rest[8:] {
			x := load64(rest, 0)
			bad |= controls(x)
			seen |= x
		}
		if bad&highs == 0 {
			return -1, seen&highs != 0
		}
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return i, false
		}
		high = high || s[i] >= utf8.RuneSelf
	}
	return -1, high
}

// controls returns a word in which the top bit of any octet is set if an octet of x is
// a control octet. Its other bits mean nothing.
func controls(x uint64) uint64 {
	// An octet below n borrows from its top bit when n is taken from it, if that
	// bit was clear. An octet above it may then borrow wrongly; but there is one
	// below n all the same.
	below := (x - lows*' ') &^ x
	del := x ^ lows*0x7f
	return below | (del-lows)&^del
}

// load64 returns the eight octets of s from i on, the first of them lowest.
func load64[T string | []byte](s T, i int) uint64 {
	s = s[i : i+8]
	// The compiler makes one load of this, which it does not of a copy.
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// firstInvalidUTF8 returns the offset of the first octet of s that is not UTF-8,
// or the length of s.
func firstInvalidUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return len(s)
}
