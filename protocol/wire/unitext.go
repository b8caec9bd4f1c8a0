package wire

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendUnitext appends an address of type utf-8 in the form that the ORCPT
// parameter carries (RFC 6533 §3): utf-8-addr-unitext, in which UTF-8 stands as
// it is, where utf8 is set, that is inside an SMTPUTF8 transaction, and the
// ASCII-only utf-8-addr-xtext elsewhere. Characters that cannot stand as they
// are become "\x{HEX}".
//
// It refuses control characters and what is not UTF-8, with a *SyntaxError and
// dst as it was.
func AppendUnitext(dst []byte, addr string, allow8bit bool) ([]byte, error) {
	out := dst
	for i, r := range addr {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(addr[i:], "\uFFFD"):
			return dst, argumentError("utf-8 address", "not UTF-8", i)
		case isControl(r):
			return dst, argumentError("utf-8 address", "control character", i)
		case r < utf8.RuneSelf && isQchar(byte(r)), r >= utf8.RuneSelf && allow8bit:
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, `\x{`...)
			// RFC 6533 §3: HEXPOINT has two digits at least; all that is written
			// here lies above U+000F.
			for _, c := range strconv.AppendInt(make([]byte, 0, 8), int64(r), 16) {
				out = append(out, upper(c))
			}
			out = append(out, '}')
		}
	}
	return out, nil
}

// ParseUnitext decodes an address of type utf-8 from the ORCPT parameter, in
// either form that AppendUnitext writes. Whether UTF-8 may stand unencoded in it
// is for the caller to know.
//
// It is strict: "\", "+", "=" and blanks must be encoded, code points have no
// more digits than they need but two at least, surrogates are refused, and so
// are control characters in any form and what is not UTF-8. It allocates only
// where something is encoded. The error is a *SyntaxError with code 501.
func ParseUnitext(s string) (string, error) {
	var b strings.Builder
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return "", argumentError("utf-8 address", "not UTF-8", i)
		case isControl(r):
			return "", argumentError("utf-8 address", "control character", i)
		case r == '\\':
			r, n = parseEmbedded(s[i:])
			if n == 0 {
				return "", argumentError("utf-8 address", `malformed \x{…}`, i)
			}
			b.WriteString(s[start:i])
			b.WriteRune(r)
			start = i + n
		case r < utf8.RuneSelf && !isQchar(byte(r)):
			return "", argumentError("utf-8 address", "character that must be encoded", i)
		}
		i += n
	}
	if start == 0 {
		return s, nil
	}
	b.WriteString(s[start:])
	return b.String(), nil
}

// parseEmbedded reads the EmbeddedUnicodeChar that begins s and returns its
// length, or 0 where there is none.
//
// RFC 6533 §3: HEXPOINT stands for a character that cannot stand as it is. The
// control characters that its grammar also has are not taken: no mailbox has
// any (RFC 6531 §3.3).
func parseEmbedded(s string) (r rune, n int) {
	digits, found := strings.CutPrefix(s, `\x{`)
	if !found {
		return 0, 0
	}
	end := strings.IndexByte(digits, '}')
	if end < 2 || end > 6 || end > 2 && digits[0] == '0' {
		return 0, 0
	}
	for i := range end {
		v := upperHexValue(upper(digits[i]))
		if v > 15 {
			return 0, 0
		}
		r = r<<4 | rune(v)
	}
	if !utf8.ValidRune(r) || isControl(r) || r < utf8.RuneSelf && isQchar(byte(r)) {
		return 0, 0
	}
	return r, len(`\x{`) + end + len("}")
}

// RFC 6533 §3: QCHAR = %x21-2a / %x2c-3c / %x3e-5b / %x5d-7e
func isQchar(c byte) bool { return isXchar(c) && c != '\\' }

// isControl reports the control characters of US-ASCII and the C1 range.
func isControl(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }
