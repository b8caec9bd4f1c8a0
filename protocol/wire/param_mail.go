package wire

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MailParams are the parameters of MAIL. The zero value has none.
//
// Strings are decoded; where nothing in them was encoded they share the memory
// of the line that was parsed.
type MailParams struct {
	// Size is the number of octets of the content, with CRLF line ends and before
	// dot-stuffing (RFC 1870 §6). 0: not stated. Parsing takes up to 20 digits;
	// what exceeds an int64 becomes the largest one.
	Size int64

	Body     BodyType // BODY
	SMTPUTF8 bool     // SMTPUTF8, RFC 6531 §3.4

	Ret   Ret    // RET
	EnvID string // ENVID: printable US-ASCII, at most 100 octets when encoded

	// Auth is the mailbox of who submitted the message, or "<>" where that is not
	// known or not trusted (RFC 4954 §5). Empty: not stated. It is UTF-8 without
	// control characters; that it is a mailbox is not checked.
	Auth string

	RequireTLS bool          // REQUIRETLS, RFC 8689 §2
	By         DeliverByTime // BY
	Priority   Priority      // MT-PRIORITY

	// HoldFor, 1 to 999,999,999 seconds, and HoldUntil ask for a release in the
	// future (RFC 4865); at most one of the two is given. Fractions of a second
	// are dropped.
	HoldFor   int64
	HoldUntil time.Time

	Extra []Param // parameters this package does not know; see ParseOptions.Extra
}

// Needs returns the extensions a server must offer for these parameters to be
// sent. Parameters in Extra do not count.
func (p *MailParams) Needs() ExtensionSet {
	set := neededBy(p.rows(), p)
	if p.Body == BodyBinaryMIME {
		// RFC 3030 §3: binary content goes by BDAT only.
		set |= BinaryMIME | Chunking
	}
	return set
}

// IsZero reports whether there are no parameters.
func (p *MailParams) IsZero() bool {
	return p.Size == 0 && p.Body == BodyNotStated && !p.SMTPUTF8 && len(p.rows()) < len(mailParameters)
}

// rows returns the part of the table that p can have values of. Most messages
// stop at SMTPUTF8, and asking all the rows would take longer than all else that
// AppendMail does.
func (p *MailParams) rows() []parameter[MailParams] {
	if p.Ret == 0 && p.EnvID == "" && p.Auth == "" && !p.RequireTLS && p.By == (DeliverByTime{}) &&
		p.Priority == (Priority{}) && p.HoldFor == 0 && p.HoldUntil.IsZero() && len(p.Extra) == 0 {
		return mailParameters[:3]
	}
	return mailParameters[:]
}

// mailParameters are the parameters of MAIL, in the order in which they are
// written.
var mailParameters = [...]parameter[MailParams]{
	{
		keyword: "SIZE", extension: Size,
		given:  func(p *MailParams) bool { return p.Size != 0 },
		parse:  parseSize,
		append: func(dst []byte, p *MailParams, _ bool) ([]byte, error) { return appendSize(dst, p.Size) },
	},
	{
		keyword: "BODY", extension: EightBitMIME,
		given:  func(p *MailParams) bool { return p.Body != BodyNotStated },
		parse:  parseBody,
		append: func(dst []byte, p *MailParams, _ bool) ([]byte, error) { return p.Body.appendTo(dst) },
	},
	{
		keyword: "SMTPUTF8", extension: SMTPUTF8, bare: true,
		given: func(p *MailParams) bool { return p.SMTPUTF8 },
		parse: func(p *MailParams, _ string) error { p.SMTPUTF8 = true; return nil },
	},
	{
		keyword: "RET", extension: DSN,
		given:  func(p *MailParams) bool { return p.Ret != RetNotStated },
		parse:  func(p *MailParams, v string) error { return p.Ret.parse(v) },
		append: func(dst []byte, p *MailParams, _ bool) ([]byte, error) { return p.Ret.appendTo(dst) },
	},
	{
		keyword: "ENVID", extension: DSN,
		given:  func(p *MailParams) bool { return p.EnvID != "" },
		parse:  func(p *MailParams, v string) error { return parseEnvID(&p.EnvID, v) },
		append: func(dst []byte, p *MailParams, _ bool) ([]byte, error) { return appendEnvID(dst, p.EnvID) },
	},
	{
		keyword: "AUTH", extension: Auth,
		given:  func(p *MailParams) bool { return p.Auth != "" },
		parse:  func(p *MailParams, v string) error { return parseAuth(&p.Auth, v) },
		append: func(dst []byte, p *MailParams, _ bool) ([]byte, error) { return appendAuth(dst, p.Auth) },
	},
	{
		keyword: "REQUIRETLS", extension: RequireTLS, bare: true,
		given: func(p *MailParams) bool { return p.RequireTLS },
		parse: func(p *MailParams, _ string) error { p.RequireTLS = true; return nil },
	},
	{
		keyword: "BY", extension: DeliverBy,
		given:  func(p *MailParams) bool { return p.By != DeliverByTime{} },
		parse:  func(p *MailParams, v string) error { return p.By.parse(v) },
		append: func(dst []byte, p *MailParams, _ bool) ([]byte, error) { return p.By.appendTo(dst) },
	},
	{
		keyword: "MT-PRIORITY", extension: MTPriority,
		given:  func(p *MailParams) bool { return p.Priority.Given },
		parse:  func(p *MailParams, v string) error { return p.Priority.parse(v) },
		append: func(dst []byte, p *MailParams, _ bool) ([]byte, error) { return p.Priority.appendTo(dst) },
	},
	{
		keyword: "HOLDFOR", extension: FutureRelease,
		given:  func(p *MailParams) bool { return p.HoldFor != 0 },
		parse:  parseHoldFor,
		append: appendHoldFor,
	},
	{
		keyword: "HOLDUNTIL", extension: FutureRelease,
		given:  func(p *MailParams) bool { return !p.HoldUntil.IsZero() },
		parse:  parseHoldUntil,
		append: appendHoldUntil,
	},
}

// RFC 1870 §4: size-value = 1*20DIGIT
func parseSize(p *MailParams, v string) error {
	n, ok := parseDecimal(v, 20)
	if !ok {
		return badValue("not 1 to 20 digits")
	}
	p.Size = n
	return nil
}

func appendSize(dst []byte, size int64) ([]byte, error) {
	if size < 0 {
		return dst, badValue("negative")
	}
	return strconv.AppendInt(dst, size, 10), nil
}

// parseDecimal reads one to maxDigits digits, at most 20. What exceeds an int64
// becomes the largest one.
func parseDecimal(v string, maxDigits int) (n int64, ok bool) {
	if v == "" || len(v) > maxDigits {
		return 0, false
	}
	var u uint64
	for i := range len(v) {
		d := v[i] - '0'
		if d > 9 {
			return 0, false
		}
		if u > math.MaxInt64/10 {
			u = math.MaxInt64
			continue
		}
		u = u*10 + uint64(d)
	}
	return int64(min(u, math.MaxInt64)), true
}

func parseAuth(auth *string, v string) error {
	s, err := ParseXtext(v)
	if err != nil {
		return err
	}
	if !isPrintable(s) {
		return badValue("control character, or not UTF-8")
	}
	*auth = s
	return nil
}

func appendAuth(dst []byte, auth string) ([]byte, error) {
	if !isPrintable(auth) {
		return dst, badValue("control character, or not UTF-8")
	}
	// RFC 4954 §5: the value is xtext also where the mailbox has UTF-8, so that
	// it can stand in any transaction.
	return AppendXtext(dst, auth), nil
}

func isPrintable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, isControl) < 0
}

// BodyType is the value of BODY: what octets the content may have (RFC 6152 §3,
// RFC 3030 §3).
type BodyType uint8

const (
	BodyNotStated  BodyType = iota // no BODY parameter, which means Body7Bit
	Body7Bit                       // lines of US-ASCII
	Body8BitMIME                   // lines with octets outside US-ASCII
	BodyBinaryMIME                 // any octets, by BDAT only
)

var bodyTypes = [...]string{Body7Bit: "7BIT", Body8BitMIME: "8BITMIME", BodyBinaryMIME: "BINARYMIME"}

// String returns the value as it stands on the wire, "" for BodyNotStated.
func (b BodyType) String() string { return nameOf(bodyTypes[:], int(b)) }

func parseBody(p *MailParams, v string) error {
	n := valueOf(bodyTypes[:], v)
	if n < 0 {
		return badValue("not 7BIT, 8BITMIME or BINARYMIME")
	}
	p.Body = BodyType(n)
	return nil
}

func (b BodyType) appendTo(dst []byte) ([]byte, error) {
	if b.String() == "" {
		return dst, badValue("no such value")
	}
	return append(dst, b.String()...), nil
}

// nameOf returns names[i], or "" where there is none.
func nameOf(names []string, i int) string {
	if i >= len(names) {
		return ""
	}
	return names[i]
}

// valueOf returns the index of s in names, in any case, or -1.
func valueOf(names []string, s string) int {
	for i, name := range names {
		if sameKeyword(name, s) {
			return i
		}
	}
	return -1
}

// Priority is the value of MT-PRIORITY (RFC 6710 §3): -9, the lowest, to 9.
// The zero value is none; a priority of 0 is {Given: true}.
type Priority struct {
	Given bool
	Level int8
}

// RFC 6710 §3: priority-value = (["-"] NZDIGIT) / "0"
func (p *Priority) parse(v string) error {
	digit, negative := strings.CutPrefix(v, "-")
	if len(digit) != 1 || digit[0] < '0' || digit[0] > '9' || negative && digit == "0" {
		return badValue("not -9 to 9")
	}
	*p = Priority{Given: true, Level: int8(digit[0] - '0')}
	if negative {
		p.Level = -p.Level
	}
	return nil
}

func (p Priority) appendTo(dst []byte) ([]byte, error) {
	if p.Level < -9 || p.Level > 9 {
		return dst, badValue("not -9 to 9")
	}
	return strconv.AppendInt(dst, int64(p.Level), 10), nil
}
