package wire

import "strings"

const upperHex = "0123456789ABCDEF"

// AppendXtext appends the xtext form of s to dst: octets outside "!" to "~",
// "+" and "=" become "+" and two hexadecimal digits (RFC 3461 §4).
//
// Xtext carries any octet. What a parameter may hold is a matter of its own:
// see MailParams and RcptParams.
func AppendXtext(dst []byte, s string) []byte {
	start := 0
	for i := range len(s) {
		if c := s[i]; !isXchar(c) {
			dst = append(dst, s[start:i]...)
			dst = append(dst, '+', upperHex[c>>4], upperHex[c&15])
			start = i + 1
		}
	}
	return append(dst, s[start:]...)
}

// ParseXtext decodes xtext (RFC 3461 §4). It is strict: "+" must be followed by
// two hexadecimal digits, letters in upper case, and every other octet lies in
// "!" to "~" and is not "=". It allocates only where something is encoded.
//
// The decoded text may hold any octet, CR, LF and NUL included. The error is a
// *SyntaxError with code 501.
func ParseXtext(s string) (string, error) {
	i := 0
	for i < len(s) && isXchar(s[i]) {
		i++
	}
	if i == len(s) {
		return s, nil
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for i < len(s) {
		c := s[i]
		switch {
		case isXchar(c):
			b.WriteByte(c)
			i++
			continue
		case c != '+':
			return "", argumentError("xtext", "octet that must be encoded", i)
		case i+2 >= len(s):
			return "", argumentError("xtext", `"+" without two hexadecimal digits`, i)
		}
		hi, lo := upperHexValue(s[i+1]), upperHexValue(s[i+2])
		if hi > 15 || lo > 15 {
			return "", argumentError("xtext", `"+" without two hexadecimal digits in upper case`, i)
		}
		b.WriteByte(hi<<4 | lo)
		i += 3
	}
	return b.String(), nil
}

// RFC 3461 §4: xchar = any ASCII character between "!" and "~", except "+" and "="
func isXchar(c byte) bool { return '!' <= c && c <= '~' && c != '+' && c != '=' }

// upperHexValue returns the value of a hexadecimal digit, letters in upper case
// only, or 255.
func upperHexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
