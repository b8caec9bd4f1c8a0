package wire

const postmaster = "postmaster"

// Path is a reverse-path or forward-path (RFC 5321 §4.1.2): a mailbox, the lone
// "postmaster", or null. The zero value is the null reverse-path, written <>.
//
// A Path can only be made by this package, so one that exists is well formed, and
// stands in one form only: quotes and backslashes that a local part does not need
// are gone, and so is a source route. It is immutable, may be copied and used by
// any number of goroutines, and compared with ==. That comparison is exact;
// Equal knows which letters have no case.
//
// A Path may share memory with the string it was parsed from.
type Path struct {
	mailbox string // as on the wire, without angle brackets
	at      int    // offset of the "@" in front of the domain; 0: there is none
	utf8    bool   // mailbox is not all ASCII
}

// ParsePath parses s, which is a path and nothing else, with or without its angle
// brackets: "a@b.example", "<a@b.example>", "postmaster" in any case. Both "<>" and
// "" give the null reverse-path. A source route needs the brackets.
//
// Local part and domain may have any UTF-8 but C1 controls (RFC 6531 §3.3); IsUTF8
// tells whether they do. A domain may have underscores, as in CheckDomain. An
// address literal with a tag other than IPv6 is taken as it is, but may not hold
// "<", ">" or a quote (RFC 5321 §4.1.3 would allow it): to a receiver that does not
// know literals the path would seem to end there. Lengths are not looked at: see
// CheckLength. Nothing is allocated, unless quotes or backslashes have to go.
//
// The error is a *SyntaxError with the offset in s. Its element is "path" and its
// reply 501 5.1.3, as for a forward-path.
func ParsePath(s string) (Path, error) {
	if s == "" {
		return Path{}, nil
	}
	if s[0] == '<' {
		p, rest, err := ScanPath(s)
		if err == nil && rest != "" {
			return Path{}, pathFault(`more behind the closing ">"`, len(s)-len(rest))
		}
		return p, err
	}
	p, end, fault := scanMailbox(s, 0)
	if fault == nil && end < len(s) {
		fault = octetFault(s, end, "a mailbox")
	}
	if fault != nil {
		return Path{}, fault
	}
	return p, nil
}

// ScanPath parses the path that s begins with, angle brackets and all, as in the
// arguments of MAIL and RCPT. The rest is what stands behind the closing bracket,
// as it is, or all of s if there is an error. In all else it is like ParsePath.
//
// A source route, as in <@a.example,@b.example:c@d.example>, is accepted and
// ignored (RFC 5321 §4.1.1.3 and appendix C).
func ScanPath(s string) (p Path, rest string, err error) {
	p, end, fault := scanPath(s, 0)
	if fault != nil {
		return Path{}, s, fault
	}
	return p, s[end:], nil
}

// scanPath is ScanPath for the path that begins at s[start], and returns where it ends.
func scanPath(s string, start int) (p Path, end int, fault *SyntaxError) {
	i := start + 1
	if i > len(s) || s[start] != '<' {
		return Path{}, start, pathFault(`no "<" to begin with`, start)
	}
	route := false
	if i < len(s) {
		switch s[i] {
		case '>':
			return Path{}, i + 1, nil
		case '@':
			route = true
			i, fault = scanSourceRoute(s, i)
		}
	}
	if fault == nil {
		p, i, fault = scanMailbox(s, i)
	}
	switch {
	case fault != nil:
		return Path{}, i, fault
	case route && p.IsPostmaster():
		// RFC 5321 §4.1.2: a route leads to a mailbox, and that has a domain.
		return Path{}, i, pathFault("no domain behind the local part", i)
	case i == len(s):
		return Path{}, i, pathFault(`no closing ">"`, i)
	case s[i] != '>':
		return Path{}, i, octetFault(s, i, "a mailbox")
	}
	return p, i + 1, nil
}

// scanSourceRoute scans the A-d-l whose first "@" is s[i], and its colon.
func scanSourceRoute(s string, i int) (end int, fault *SyntaxError) {
	for {
		if i == len(s) || s[i] != '@' {
			return i, octetFault(s, i, "a source route")
		}
		// RFC 821 allowed address literals here; as the route is ignored, so do we.
		if i, _, fault = scanDomain(s, i+1); fault != nil {
			return i, fault
		}
		switch {
		case i < len(s) && s[i] == ',':
			i++
		case i < len(s) && s[i] == ':':
			return i + 1, nil
		default:
			return i, octetFault(s, i, "a source route")
		}
	}
}

// NewPath makes a path of the content of a local part, without quotes and
// backslashes of the wire, and a domain or address literal in brackets. For every
// p but the null path, NewPath(p.Local(), p.Domain()) is p. Only the local part
// "postmaster" may go without a domain. Two empty strings are an error: who means
// the null path says Path{}.
//
// The error is a *SyntaxError. Its offset is that of the octet in local followed
// by "@" and domain.
func NewPath(local, domain string) (Path, error) {
	if domain == "" && equalFoldASCII(local, postmaster) {
		return Path{mailbox: local}, nil
	}
	for i := range len(local) {
		if local[i] < ' ' || local[i] == 0x7f {
			return Path{}, octetFault(local, i, "a local part")
		}
	}
	if fault := checkUTF8(local, 0, len(local)); fault != nil {
		return Path{}, fault
	}
	end, isUTF8, fault := scanDomain(domain, 0)
	if fault == nil && end < len(domain) {
		fault = octetFault(domain, end, "a domain")
	}
	if fault != nil {
		fault.Offset += len(local) + len("@")
		return Path{}, fault
	}
	return newPath(local, domain, isUTF8 || firstNonASCII(local) < len(local)), nil
}

// newPath writes a path out of parts that are known to be good.
func newPath(local, domain string, isUTF8 bool) Path {
	b := make([]byte, 0, len(local)+len(domain)+8)
	b = appendLocal(b, local)
	at := len(b)
	b = append(b, '@')
	b = append(b, domain...)
	return Path{mailbox: string(b), at: at, utf8: isUTF8}
}

// IsNull reports the null reverse-path <>, from which notifications are sent
// (RFC 5321 §4.5.5).
func (p Path) IsNull() bool { return p.mailbox == "" }

// IsPostmaster reports the mailbox "postmaster" without a domain, which every
// server has to accept as a recipient (RFC 5321 §4.5.1).
func (p Path) IsPostmaster() bool { return p.mailbox != "" && p.at == 0 }

// IsUTF8 reports whether the path has octets outside ASCII, so that it needs the
// extension SMTPUTF8.
func (p Path) IsUTF8() bool { return p.utf8 }

// Local returns the local part as it is meant: without the quotes and backslashes
// that it may need on the wire. "" is a local part too, written "".
func (p Path) Local() string {
	local := p.wireLocal()
	if local != "" && local[0] == '"' {
		return unquote(local)
	}
	return local
}

// wireLocal returns the local part as it stands on the wire.
func (p Path) wireLocal() string {
	if p.at == 0 {
		return p.mailbox
	}
	return p.mailbox[:p.at]
}

// Domain returns the domain as it stands on the wire, an address literal with its
// brackets. It is empty for the null path and for a lone "postmaster".
func (p Path) Domain() string {
	if p.at == 0 {
		return ""
	}
	return p.mailbox[p.at+1:]
}

// Mailbox returns the path as on the wire, but without angle brackets. It is empty
// for the null path.
func (p Path) Mailbox() string { return p.mailbox }

// String returns the path as on the wire, with angle brackets.
func (p Path) String() string { return "<" + p.mailbox + ">" }

// AppendTo appends the path as on the wire, with angle brackets, to dst.
func (p Path) AppendTo(dst []byte) []byte {
	dst = append(dst, '<')
	dst = append(dst, p.mailbox...)
	return append(dst, '>')
}

// Equal reports whether both paths name the same mailbox, as far as the grammar
// can tell: local parts are compared exactly, but for "postmaster", which has no
// case (RFC 5321 §4.5.1), domains without regard to the case of ASCII letters. A
// U-label and its A-label differ; see ToASCII.
func (p Path) Equal(q Path) bool {
	a, b := p.wireLocal(), q.wireLocal()
	return equalFoldASCII(p.Domain(), q.Domain()) &&
		(a == b || equalFoldASCII(a, postmaster) && equalFoldASCII(b, postmaster))
}

// RFC 5321 §4.5.3.1.1 to §4.5.3.1.3.
const (
	maxLocal  = 64
	maxDomain = 255
	maxPath   = 256
)

// CheckLength checks the lengths that every server has to accept, and beyond which
// none has to, in octets: 64 for the local part as it stands on the wire, 255 for
// the domain, 256 for the path with its angle brackets (RFC 5321 §4.5.3.1). The
// error is a *SyntaxError with code 501 5.1.3 and offset -1.
func (p Path) CheckLength() error {
	if len(p.mailbox) <= maxLocal {
		return nil // no part of it is longer
	}
	return p.checkLength()
}

func (p Path) checkLength() error {
	switch {
	case len(p.wireLocal()) > maxLocal:
		return pathFault("local part of more than 64 octets", -1)
	case len(p.Domain()) > maxDomain:
		return pathFault("domain of more than 255 octets", -1)
	case len(p.mailbox)+len("<>") > maxPath:
		return pathFault("more than 256 octets", -1)
	}
	return nil
}

// ToASCII returns the path with a domain in ASCII only: conv is given a domain
// that has U-labels, and returns it with A-labels (RFC 5890 §2.3.2.1), as
// idna.Lookup.ToASCII of golang.org/x/net does. A domain that is ASCII already is
// kept, and the local part always is, so the result may still be IsUTF8.
//
// The error is that of conv as it is, or a *SyntaxError with the offset in what conv
// returned, if that is not a domain in ASCII.
func (p Path) ToASCII(conv func(domain string) (string, error)) (Path, error) {
	domain := p.Domain()
	if firstNonASCII(domain) == len(domain) {
		return p, nil
	}
	ascii, err := conv(domain)
	if err != nil {
		return Path{}, err
	}
	if fault := checkASCIIDomain(ascii); fault != nil {
		return Path{}, fault
	}
	local := p.wireLocal()
	return Path{
		mailbox: local + "@" + ascii,
		at:      p.at,
		utf8:    firstNonASCII(local) < len(local),
	}, nil
}
