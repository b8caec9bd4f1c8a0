package wire

import (
	"net/netip"
	"unicode/utf8"
)

// CheckDomain checks that s can be the argument of EHLO: a domain, or an address
// literal in its brackets (RFC 5321 §4.1.1.1), in ASCII only. A U-label has to be
// given as an A-label here, SMTPUTF8 or not (RFC 6531 §3.7.1).
//
// A domain is labels of letters, digits and inner hyphens, joined by single dots.
// The underscore is tolerated, because names with it are in use. The error is a
// *SyntaxError with code 501 5.5.4. Lengths are not looked at.
func CheckDomain(s string) error {
	if fault := checkASCIIDomain(s); fault != nil {
		return helloFault(fault)
	}
	return nil
}

func checkASCIIDomain(s string) *SyntaxError {
	end, isUTF8, fault := scanDomain(s, 0)
	switch {
	case fault != nil:
		return fault
	case end < len(s):
		return octetFault(s, end, "a domain")
	case isUTF8:
		return octetFault(s, firstNonASCII(s), "a domain in ASCII")
	}
	return nil
}

// CheckHelloName checks an EHLO or HELO argument as leniently as a server can:
// one or more visible ASCII octets. RFC 5321 §4.1.4 lets no server refuse a client
// because its name does not fit, and clients send host names without a domain,
// bare addresses and worse. What passes is safe to put into a reply or a trace
// field, but it is only a claim.
//
// The error is a *SyntaxError with code 501 5.5.4.
func CheckHelloName(s string) error {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return helloFault(octetFault(s, i, "a host name"))
		}
	}
	if s == "" {
		return helloFault(octetFault(s, 0, "a host name"))
	}
	return nil
}

// helloFault turns a path's fault into one of an EHLO argument.
func helloFault(fault *SyntaxError) *SyntaxError {
	fault.Element = "domain"
	fault.Enhanced = EnhancedCode{5, 5, 4}
	return fault
}

// scanDomain scans the domain or address literal that begins at s[start] and
// returns where it ends: at the first octet that cannot be a part of it.
func scanDomain(s string, start int) (end int, isUTF8 bool, fault *SyntaxError) {
	if start < len(s) && s[start] == '[' {
		end, fault = scanLiteral(s, start)
		return end, false, fault
	}
	var seen byte
	for i := start; ; i++ {
		label := i
		for i < len(s) && octetClass[s[i]]&octetLabel != 0 {
			seen |= s[i]
			i++
		}
		switch {
		case i == label:
			return i, false, octetFault(s, i, "a domain")
		case s[label] == '-':
			return label, false, pathFault("a label of a domain begins with a hyphen", label)
		case s[i-1] == '-':
			return label, false, pathFault("a label of a domain ends with a hyphen", i-1)
		}
		if i < len(s) && s[i] == '.' {
			continue
		}
		if seen < utf8.RuneSelf {
			return i, false, nil
		}
		return i, true, checkUTF8(s, start, i)
	}
}

// scanLiteral scans the address literal whose "[" is s[start] (RFC 5321 §4.1.3).
func scanLiteral(s string, start int) (end int, fault *SyntaxError) {
	n, _ := span(s[start+1:], octetLiteral)
	i := start + 1 + n
	if i == len(s) || s[i] != ']' {
		return i, octetFault(s, i, "an address literal")
	}
	if reason := literalFault(s[start+1 : i]); reason != "" {
		return i, pathFault(reason, start+1)
	}
	return i + 1, nil
}

// literalFault says what is wrong with what an address literal has between its
// brackets; "" is nothing. All its octets are dcontent.
func literalFault(s string) string {
	tag, _ := span(s, octetTag)
	switch {
	case tag == len(s) || s[tag] != ':':
		if addr, err := netip.ParseAddr(s); err != nil || !addr.Is4() {
			return "an address literal without a tag is not an IPv4 address"
		}
	case equalFoldASCII(s[:tag], "IPv6"):
		// A zone, as in fe80::1%eth0, says nothing outside its host.
		if addr, err := netip.ParseAddr(s[tag+1:]); err != nil || !addr.Is6() || addr.Zone() != "" {
			return "an address literal with the tag IPv6 is not an IPv6 address"
		}
	case tag == 0 || s[tag-1] == '-':
		return "the tag of an address literal does not end with a letter or digit"
	case tag+1 == len(s):
		return "an address literal has nothing behind its tag"
	}
	return ""
}

// checkUTF8 checks that s[i:end] is valid UTF-8 without C1 controls. The grammar of
// RFC 6531 §3.3 has those, but no mailbox needs them and terminals obey them.
func checkUTF8(s string, i, end int) *SyntaxError {
	for i < end {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:end])
		switch {
		case r == utf8.RuneError && size == 1:
			return pathFault("octet "+hexOctet(s[i])+" is not valid UTF-8", i)
		case r < 0xa0:
			return pathFault("control character U+00"+hexOctet(byte(r))[2:], i)
		}
		i += size
	}
	return nil
}

// octetFault says why s[i] cannot be where it is, in the words of where.
func octetFault(s string, i int, where string) *SyntaxError {
	switch {
	case i >= len(s):
		return pathFault(where+" ends too early", i)
	case s[i] < ' ' || s[i] == 0x7f:
		return pathFault("control octet "+hexOctet(s[i]), i)
	}
	return pathFault("octet "+hexOctet(s[i])+" does not fit into "+where, i)
}

// pathFault makes the error for a path that is wrong at s[offset].
func pathFault(reason string, offset int) *SyntaxError {
	return &SyntaxError{
		Element:  "path",
		Reason:   reason,
		Offset:   offset,
		Code:     CodeArgumentSyntaxError,
		Enhanced: EnhancedCode{5, 1, 3},
	}
}

func hexOctet(c byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{'0', 'x', digits[c>>4], digits[c&15]})
}

func firstNonASCII(s string) int {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// equalFoldASCII compares without regard to the case of ASCII letters, and of no
// others: strings.EqualFold takes the Kelvin sign for a k.
func equalFoldASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lowerASCII(a[i]) != lowerASCII(b[i]) {
			return false
		}
	}
	return true
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
