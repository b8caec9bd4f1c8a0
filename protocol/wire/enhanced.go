package wire

import "strconv"

// EnhancedCode is an enhanced status code (RFC 3463 §2), as in 5.1.1. The zero
// value is none.
//
// Codes outside the registry (RFC 5248) are kept as they are: read an unknown
// subject or detail as 0, that is "other or undefined".
type EnhancedCode struct {
	Class, Subject, Detail uint16
}

// IsZero reports whether there is no enhanced status code.
func (e EnhancedCode) IsZero() bool { return e == EnhancedCode{} }

// Valid reports whether the code can be written: class 2, 4 or 5, subject and
// detail 0 to 999.
func (e EnhancedCode) Valid() bool {
	return (e.Class == 2 || e.Class == 4 || e.Class == 5) && e.Subject <= 999 && e.Detail <= 999
}

// String returns the code in its written form, as in "5.1.1"; the zero value
// gives "0.0.0".
func (e EnhancedCode) String() string { return string(e.AppendTo(make([]byte, 0, 12))) }

// AppendTo appends the written form, as in "5.1.1", to dst.
func (e EnhancedCode) AppendTo(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(e.Class), 10)
	dst = append(dst, '.')
	dst = strconv.AppendUint(dst, uint64(e.Subject), 10)
	dst = append(dst, '.')
	return strconv.AppendUint(dst, uint64(e.Detail), 10)
}

// ParseEnhancedCode parses s, which is an enhanced status code and nothing
// else: class 2, 4 or 5, subject and detail of one to three digits without
// leading zeros. The error is a *SyntaxError with the offset of the first octet
// that does not fit, or of the end of s where something is missing.
func ParseEnhancedCode(s string) (EnhancedCode, error) {
	e, n, ok := scanEnhancedCode(s)
	if !ok || n < len(s) {
		return EnhancedCode{}, &SyntaxError{
			Element: "enhanced status code",
			Reason:  "not class.subject.detail of class 2, 4 or 5",
			Offset:  n,
		}
	}
	return e, nil
}

// CutEnhancedCode takes an enhanced status code off the beginning of a reply's
// text, where it stands before a blank or alone (RFC 2034 §4), and returns the
// text behind that blank. Without one it returns text as it is, and false.
//
// It serves texts of servers that send enhanced codes without offering
// ENHANCEDSTATUSCODES. Compare the code's class with that of the reply: the two
// may differ in such text.
func CutEnhancedCode(text string) (e EnhancedCode, rest string, found bool) {
	e, n := cutEnhancedCode(text)
	return e, text[n:], n > 0
}

// cutEnhancedCode returns the code that begins text and the number of octets to
// take off, the blank behind it included, or zeros.
func cutEnhancedCode[T string | []byte](text T) (EnhancedCode, int) {
	e, n, ok := scanEnhancedCode(text)
	switch {
	case !ok:
		return EnhancedCode{}, 0
	case n == len(text):
		return e, n
	case text[n] == ' ':
		return e, n + 1
	}
	return EnhancedCode{}, 0
}

// scanEnhancedCode reads the code that begins s. n is the offset behind it or,
// where ok is false, of the first octet that does not fit.
func scanEnhancedCode[T string | []byte](s T) (e EnhancedCode, n int, ok bool) {
	if len(s) == 0 || s[0] != '2' && s[0] != '4' && s[0] != '5' {
		return EnhancedCode{}, 0, false
	}
	e.Class = uint16(s[0] - '0')
	n = 1
	if e.Subject, n, ok = scanEnhancedPart(s, n); !ok {
		return EnhancedCode{}, n, false
	}
	if e.Detail, n, ok = scanEnhancedPart(s, n); !ok {
		return EnhancedCode{}, n, false
	}
	return e, n, true
}

// scanEnhancedPart reads a dot and one to three digits from s[n:].
func scanEnhancedPart[T string | []byte](s T, n int) (v uint16, end int, ok bool) {
	if n == len(s) || s[n] != '.' {
		return 0, n, false
	}
	n++
	start := n
	for n < len(s) && s[n]-'0' <= 9 {
		// RFC 3463 §2: no leading zeros, at most three digits.
		if n-start == 3 || n > start && v == 0 {
			return 0, n, false
		}
		v = v*10 + uint16(s[n]-'0')
		n++
	}
	return v, n, n > start
}
