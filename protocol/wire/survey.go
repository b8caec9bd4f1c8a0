package wire

import (
	"bytes"
	"unicode/utf8"
)

// Survey is what content shows when it is looked through before it is sent: all
// that MAIL says of it, and what it needs of the server. The zero value is that of
// no octets; Write goes on with it, in pieces of any length, and what it shows does
// not depend on how content was cut. It is a small value that may be copied.
type Survey struct {
	octets int64
	ends   int64 // CRs and LFs
	pairs  int64 // CRLFs
	last   byte  // the last octet; 0 in front of the first

	dots        bool // a line begins with one
	eightBit    bool
	headerEnded bool
	headerHigh  bool // the header section has octets outside ASCII
	headerFault bool // and they are not UTF-8
	cut         [utf8.UTFMax]byte
	cutLen      uint8 // octets in cut: the beginning of a character of the header
}

// SurveyOf returns the Survey of content that is p and nothing else.
func SurveyOf(p []byte) (s Survey) {
	s.Write(p)
	return s
}

// Write implements io.Writer. It never fails, and keeps nothing of p.
func (s *Survey) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	high := hasHigh(p)
	if !s.headerEnded {
		s.header(p, high)
	}
	s.eightBit = s.eightBit || high
	s.ends += int64(bytes.Count(p, octetLF))
	if p[0] == '.' && (s.octets == 0 || s.last == '\n') {
		s.dots = true
	}
	if s.last == '\r' && p[0] == '\n' {
		s.pair(p[1:])
	}
	for i := next(p, 0, '\r'); i < len(p); i = next(p, i+1, '\r') {
		s.ends++
		if i+1 < len(p) && p[i+1] == '\n' {
			s.pair(p[i+2:])
		}
	}
	s.octets += int64(len(p))
	s.last = p[len(p)-1]
	return len(p), nil
}

// pair counts a CRLF in front of line.
func (s *Survey) pair(line []byte) {
	s.pairs++
	s.dots = s.dots || len(line) > 0 && line[0] == '.'
}

// header looks at a piece that begins inside the header section, which ends with
// the first empty line (RFC 5322 §2.1), or without one with the content.
func (s *Survey) header(p []byte, high bool) {
	// A line may end in any way: bare CR and LF become a CRLF as a rule.
	end, cr, lf := len(p), -1, -1
	i := 0
	if s.last == '\r' && p[0] == '\n' {
		i = 1
	}
	for start := i == 1 || s.last == '\r' || s.last == '\n' || s.last == 0 && s.octets == 0; i < len(p); start = true {
		if start && (p[i] == '\r' || p[i] == '\n') {
			end, s.headerEnded = i, true
			break
		}
		if cr < i {
			cr = next(p, i, '\r')
		}
		if lf < i {
			lf = next(p, i, '\n')
		}
		switch {
		case min(cr, lf) == none:
			i = len(p)
		case cr+1 == lf:
			i = lf + 1
		default:
			i = min(cr, lf) + 1
		}
	}
	if high || s.cutLen > 0 {
		s.headerText(p[:end])
	}
}

// headerText looks for UTF-8 in octets of the header section.
func (s *Survey) headerText(p []byte) {
	for s.cutLen > 0 && len(p) > 0 {
		s.cut[s.cutLen] = p[0]
		s.cutLen++
		p = p[1:]
		if known := s.cut[:s.cutLen]; utf8.FullRune(known) {
			if r, size := utf8.DecodeRune(known); r == utf8.RuneError && size == 1 || size < len(known) {
				s.headerFault = true
			}
			s.cutLen = 0
		}
	}
	tail := len(p)
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if c := p[len(p)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(p[len(p)-n:]) {
				tail = len(p) - n
			}
			break
		}
	}
	s.headerHigh = s.headerHigh || hasHigh(p)
	s.headerFault = s.headerFault || !utf8.Valid(p[:tail])
	if tail < len(p) {
		s.cutLen = uint8(copy(s.cut[:], p[tail:]))
	}
}

// Octets returns how many octets the content has as it lies.
func (s *Survey) Octets() int64 { return s.octets }

// Size returns how many octets the content takes on the wire once its bare CR and
// LF are CRLF and its last line has an end, without dot-stuffing (RFC 1870 §6.1):
// what SIZE says.
func (s *Survey) Size() int64 {
	n := s.octets + s.ends - 2*s.pairs
	if s.octets > 0 && s.last != '\r' && s.last != '\n' {
		n += 2
	}
	return n
}

// Bare reports whether a CR or LF stands apart from a CRLF.
func (s *Survey) Bare() bool { return s.ends != 2*s.pairs }

// Plain reports whether DATA carries the content octet for octet, whatever the policy: no
// CR or LF stands apart from a CRLF, and no line begins with a dot.
func (s *Survey) Plain() bool { return !s.dots && !s.Bare() }

// EightBit reports whether there are octets outside US-ASCII, which take the
// extension 8BITMIME (RFC 6152).
func (s *Survey) EightBit() bool { return s.eightBit }

// HeaderUTF8 reports whether the header section has characters outside US-ASCII in
// UTF-8, which take the extension SMTPUTF8 (RFC 6531 §3.4, RFC 6532 §3.2). Octets
// that are not UTF-8 are something else, of a time before MIME. The header of a
// part of the content is not looked at.
func (s *Survey) HeaderUTF8() bool { return s.headerHigh && !s.headerFault && s.cutLen == 0 }

// HeaderEnded reports whether the content has come to the end of its header section.
func (s *Survey) HeaderEnded() bool { return s.headerEnded }

// hasHigh reports whether an octet of p is outside US-ASCII.
func hasHigh(p []byte) bool {
	i := 0
	for ; i+32 <= len(p); i += 32 {
		if (load64(p, i)|load64(p, i+8)|load64(p, i+16)|load64(p, i+24))&highs != 0 {
			return true
		}
	}
	for ; i < len(p); i++ {
		if p[i] >= utf8.RuneSelf {
			return true
		}
	}
	return false
}
