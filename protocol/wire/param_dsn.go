package wire

import "strings"

// Ret is the value of RET: how much of the message a notification of failure
// returns (RFC 3461 §4.3).
type Ret uint8

const (
	RetNotStated Ret = iota // no RET parameter
	RetFull                 // FULL: the message
	RetHeaders              // HDRS: its header only
)

var retValues = [...]string{RetFull: "FULL", RetHeaders: "HDRS"}

// String returns the value as it stands on the wire, "" for RetNotStated.
func (r Ret) String() string { return nameOf(retValues[:], int(r)) }

func (r *Ret) parse(v string) error {
	n := valueOf(retValues[:], v)
	if n < 0 {
		return badValue("not FULL or HDRS")
	}
	*r = Ret(n)
	return nil
}

func (r Ret) appendTo(dst []byte) ([]byte, error) {
	if r.String() == "" {
		return dst, badValue("no such value")
	}
	return append(dst, r.String()...), nil
}

// maxEnvID is the most octets ENVID has on the wire (RFC 3461 §4.4).
const maxEnvID = 100

func parseEnvID(id *string, v string) error {
	if len(v) > maxEnvID {
		return badValue("over 100 octets")
	}
	s, err := ParseXtext(v)
	if err != nil {
		return err
	}
	if !isGraphic(s) {
		return badValue("not printable US-ASCII")
	}
	*id = s
	return nil
}

func appendEnvID(dst []byte, id string) ([]byte, error) {
	start := len(dst)
	if !isGraphic(id) {
		return dst, badValue("not printable US-ASCII")
	}
	dst = AppendXtext(dst, id)
	if len(dst)-start > maxEnvID {
		return dst, badValue("over 100 octets")
	}
	return dst, nil
}

// isGraphic reports whether s is printable US-ASCII, blanks included: all that
// the fields of a notification can carry (RFC 3461 §4.2, §4.4).
func isGraphic(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// NotifySet is the value of NOTIFY: when a recipient's sender wants to be told
// (RFC 3461 §4.1). The zero value is no NOTIFY parameter; NotifyNever stands
// alone.
type NotifySet uint8

const (
	NotifyNever   NotifySet = 1 << iota // NEVER
	NotifySuccess                       // SUCCESS
	NotifyFailure                       // FAILURE
	NotifyDelay                         // DELAY
)

var notifyKeywords = [...]string{"NEVER", "SUCCESS", "FAILURE", "DELAY"}

// String returns the value as it stands on the wire, as in "SUCCESS,DELAY"; ""
// for none.
func (n NotifySet) String() string {
	return string(n.appendKeywords(make([]byte, 0, 32)))
}

func (n NotifySet) appendKeywords(dst []byte) []byte {
	start := len(dst)
	for i, keyword := range notifyKeywords {
		if n&(1<<i) == 0 {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, keyword...)
	}
	return dst
}

// RFC 3461 §4.1: "NEVER" / 1#notify-list-element
func (n *NotifySet) parse(v string) error {
	var set NotifySet
	for keyword := range strings.SplitSeq(v, ",") {
		i := valueOf(notifyKeywords[:], keyword)
		if i < 0 {
			return badValue("not NEVER, SUCCESS, FAILURE or DELAY")
		}
		if set&(1<<i) != 0 {
			return badValue("keyword given twice")
		}
		set |= 1 << i
	}
	if err := set.check(); err != nil {
		return err
	}
	*n = set
	return nil
}

func (n NotifySet) check() error {
	if n >= 1<<len(notifyKeywords) {
		return badValue("no such value")
	}
	if n&NotifyNever != 0 && n != NotifyNever {
		return badValue("NEVER with another keyword")
	}
	return nil
}

func (n NotifySet) appendTo(dst []byte) ([]byte, error) {
	if err := n.check(); err != nil {
		return dst, err
	}
	return n.appendKeywords(dst), nil
}

// OriginalRecipient is the value of ORCPT: the address the sender gave (RFC 3461
// §4.2, RFC 6533 §3). The zero value is none.
type OriginalRecipient struct {
	// Type is the type of the address, "rfc822" or "utf-8" as a rule; case does
	// not matter.
	Type string

	// Addr is the address, decoded: UTF-8 without control characters for type
	// utf-8, printable US-ASCII for every other.
	Addr string
}

const (
	// AddrTypeRFC822 is the address type of mailboxes in US-ASCII.
	AddrTypeRFC822 = "rfc822"
	// AddrTypeUTF8 is the address type of mailboxes with UTF-8.
	AddrTypeUTF8 = "utf-8"
)

// RFC 3461 §4.2: original-recipient-address = addr-type ";" xtext
func (o *OriginalRecipient) parse(v string) error {
	addrType, encoded, found := strings.Cut(v, ";")
	if !found || !isAtom(addrType) {
		return badValue("no address type")
	}
	if encoded == "" {
		return badValue("no address")
	}
	start := len(addrType) + 1
	var addr string
	var err error
	if equalFoldASCII(addrType, AddrTypeUTF8) {
		addr, err = ParseUnitext(encoded)
	} else {
		addr, err = ParseXtext(encoded)
	}
	if fault, ok := err.(*SyntaxError); ok {
		fault.Offset += start
		return fault
	}
	if !equalFoldASCII(addrType, AddrTypeUTF8) && !isGraphic(addr) {
		return badValue("address is not printable US-ASCII")
	}
	*o = OriginalRecipient{Type: addrType, Addr: addr}
	return nil
}

func (o OriginalRecipient) appendTo(dst []byte, allow8bit bool) ([]byte, error) {
	if !isAtom(o.Type) {
		return dst, badValue("no address type")
	}
	if o.Addr == "" {
		return dst, badValue("no address")
	}
	dst = append(dst, o.Type...)
	dst = append(dst, ';')
	if equalFoldASCII(o.Type, AddrTypeUTF8) {
		return AppendUnitext(dst, o.Addr, allow8bit)
	}
	if !isGraphic(o.Addr) {
		return dst, badValue("address is not printable US-ASCII")
	}
	return AppendXtext(dst, o.Addr), nil
}

// isAtom reports whether s is an address type that can stand in a parameter.
//
// RFC 5321 §4.1.2: Atom = 1*atext; but no esmtp-value has an equals sign.
func isAtom(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isXchar(c) && c != '+' || strings.IndexByte(`()<>[]:;@\,."`, c) >= 0 {
			return false
		}
	}
	return true
}
