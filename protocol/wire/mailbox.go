package wire

import "unicode/utf8"

// scanMailbox scans the mailbox, or the lone "postmaster", that begins at
// s[start], and returns where it ends: at the first octet that cannot be a part of it.
func scanMailbox(s string, start int) (p Path, end int, fault *SyntaxError) {
	at, local, fault := scanLocal(s, start)
	if fault != nil {
		return Path{}, at, fault
	}
	if at == len(s) || s[at] != '@' {
		// RFC 5321 §4.1.1.3: the one mailbox that needs no domain.
		if equalFoldASCII(s[start:at], postmaster) {
			return Path{mailbox: s[start:at]}, at, nil
		}
		if at == len(s) || s[at] == '>' {
			return Path{}, at, pathFault("no domain behind the local part", at)
		}
		return Path{}, at, octetFault(s, at, "a local part")
	}
	end, domainUTF8, fault := scanDomain(s, at+1)
	if fault != nil {
		return Path{}, end, fault
	}
	p = Path{mailbox: s[start:end], at: at - start, utf8: local&localUTF8 != 0 || domainUTF8}
	if local&localRewrite != 0 {
		p = newPath(unquote(s[start:at]), s[at+1:end], p.utf8)
	}
	return p, end, nil
}

// localForm is what a scan finds out about a local part.
type localForm uint8

const (
	localUTF8    localForm = 1 << iota // it is not all ASCII
	localRewrite                       // it has quotes or backslashes that it does not need
)

// scanLocal scans the dot-string or quoted-string that begins at s[start].
func scanLocal(s string, start int) (end int, form localForm, fault *SyntaxError) {
	if start < len(s) && s[start] == '"' {
		return scanQuoted(s, start)
	}
	end, seen, ok := scanDotString(s, start)
	if !ok {
		return end, 0, octetFault(s, end, "a local part")
	}
	if seen < utf8.RuneSelf {
		return end, 0, nil
	}
	return end, localUTF8, checkUTF8(s, start, end)
}

// scanDotString scans atoms joined by single dots. ok is false if an atom is
// missing at s[end]; seen has the high bit of all octets.
func scanDotString(s string, i int) (end int, seen byte, ok bool) {
	for {
		n, bits := span(s[i:], octetAtom)
		if n == 0 {
			return i, seen, false
		}
		i += n
		seen |= bits
		if i == len(s) || s[i] != '.' {
			return i, seen, true
		}
		i++
	}
}

// scanQuoted scans the quoted-string whose first quote is s[start].
func scanQuoted(s string, start int) (end int, form localForm, fault *SyntaxError) {
	var seen byte
	pairs := false
	i := start + 1
	for ; ; i++ {
		n, bits := span(s[i:], octetQuoted)
		i += n
		seen |= bits
		if i == len(s) {
			return i, 0, pathFault("a quoted-string has no closing quote", i)
		}
		if s[i] == '"' {
			break
		}
		if s[i] != '\\' {
			return i, 0, octetFault(s, i, "a quoted-string")
		}
		i++
		// RFC 5321 §4.1.2: quoted-pairSMTP is a backslash and one visible octet or
		// blank; RFC 6531 adds nothing to it.
		if i == len(s) || s[i] < ' ' || s[i] >= 0x7f {
			return i, 0, octetFault(s, i, "a quoted-pair")
		}
		pairs = true
		if s[i] != '"' && s[i] != '\\' {
			form |= localRewrite
		}
	}
	if !pairs && isDotString(s[start+1:i]) {
		form |= localRewrite
	}
	if seen >= utf8.RuneSelf {
		form |= localUTF8
		fault = checkUTF8(s, start, i)
	}
	return i + 1, form, fault
}

func isDotString(s string) bool {
	end, _, ok := scanDotString(s, 0)
	return ok && end == len(s)
}

// unquote returns the content of a quoted-string that was scanned before.
func unquote(s string) string {
	s = s[1 : len(s)-1]
	pair := 0
	for pair < len(s) && s[pair] != '\\' {
		pair++
	}
	if pair == len(s) {
		return s
	}
	b := make([]byte, 0, len(s)-1)
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// appendLocal appends the content of a local part with the least quoting that it
// needs. RFC 5321 §4.1.2: all forms mean the same, and a sender should use that one.
func appendLocal(dst []byte, content string) []byte {
	if isDotString(content) {
		return append(dst, content...)
	}
	dst = append(dst, '"')
	for i := range len(content) {
		if c := content[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, content[i])
	}
	return append(dst, '"')
}
