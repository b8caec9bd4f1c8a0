package wire

import (
	"errors"
	"unicode/utf8"
)

// Mail is what a MAIL command says (RFC 5321 §4.1.1.2).
type Mail struct {
	From Path // the reverse-path, may be null
	MailParams
}

// Parse reads the arguments of a MAIL command, as in "FROM:<a@example.com>
// SIZE=1000", and overwrites all of m. On error m has nothing of use.
//
// Letter case of "FROM:" and of keywords does not matter, and a blank behind the
// colon is tolerated; source routes are ignored.
//
// The error is a *SyntaxError with the offset in args and the reply to give:
//
//   - 501 for bad syntax, for octets that are not UTF-8, for a parameter given
//     twice, and for BODY=BINARYMIME where BinaryMIME is not enabled;
//   - 555 for a parameter that is unknown or of an extension not enabled;
//   - 553 for octets outside ASCII without SMTPUTF8.
//
// Nothing is allocated but for a path or parameters that have to be decoded, and
// parameters kept in Extra. Strings share the memory of args.
func (m *Mail) Parse(args string, o ParseOptions) error {
	*m = Mail{}
	arg, err := scanPathArgument(args, "FROM:", "reverse-path", 7)
	if err != nil {
		return err
	}
	m.From = arg.path
	if m.From.IsPostmaster() {
		return arg.fault("no domain")
	}
	if err := parseParams(mailParameters[:], &m.MailParams, &m.Extra, args, arg.end, &o); err != nil {
		return err
	}
	if m.Body == BodyBinaryMIME && !o.Enabled.Has(BinaryMIME) {
		return argumentError("BODY", "BINARYMIME is not on offer", -1)
	}
	if arg.high && !m.SMTPUTF8 {
		return arg.outsideASCII()
	}
	return nil
}

// AppendMail appends a MAIL command with its CRLF to dst. p may be nil. Octets
// outside ASCII, in the path or in p.Extra, need p.SMTPUTF8.
//
// That a server offers what p.Needs is for the caller to see to. The error is a
// *SyntaxError that names the path or the parameter, and dst is then returned as
// it was.
func AppendMail(dst []byte, from Path, p *MailParams) ([]byte, error) {
	if from.IsPostmaster() {
		return dst, &SyntaxError{Element: "reverse-path", Reason: "no domain", Offset: -1}
	}
	line := append(dst, "MAIL FROM:"...)
	line = from.AppendTo(line)
	if p == nil {
		return endLine(dst, line, VerbMail, false)
	}
	line, err := appendParams(line, mailParameters[:], p, p.Extra, p.SMTPUTF8)
	if err != nil {
		return dst, err
	}
	return endLine(dst, line, VerbMail, p.SMTPUTF8)
}

// pathArgument is the path in the arguments of MAIL or RCPT.
type pathArgument struct {
	args       string
	element    string
	detail     uint16 // X.1.7 or X.1.3 of RFC 3463
	path       Path
	start, end int
	high       bool // args, the parameters included, are not all ASCII
}

// scanPathArgument reads the arguments of MAIL or RCPT up to the end of the path,
// and makes sure that what follows is UTF-8 without control octets.
func scanPathArgument(args, keyword, element string, detail uint16) (a pathArgument, err error) {
	a = pathArgument{args: args, element: element, detail: detail}
	var control int
	if control, a.high = scanLine(args); control >= 0 {
		a.start = control
		return a, a.fault("control octet " + hexOctet(args[control]))
	}
	n := len(keyword)
	if len(args) < n || !equalFoldASCII(args[:n], keyword) {
		return a, argumentError(element, `no "`+keyword+`" in front`, 0)
	}
	// RFC 5321 §4.1.1.2 has no blank here, but clients send it.
	for n < len(args) && args[n] == ' ' {
		n++
	}
	a.start = n
	path, rest, err := ScanPath(args[n:])
	var fault *SyntaxError
	if errors.As(err, &fault) {
		return a, &SyntaxError{
			Element: element, Reason: fault.Reason, Offset: n + fault.Offset,
			Code: fault.Code, Enhanced: EnhancedCode{5, 1, detail},
		}
	}
	a.path, a.end = path, len(args)-len(rest)
	if a.high && !utf8.ValidString(rest) {
		i := a.end + firstInvalidUTF8(rest)
		return a, argumentError("parameter", "octet "+hexOctet(args[i])+" is not valid UTF-8", i)
	}
	return a, nil
}

// fault is an error about the path as a whole.
func (a *pathArgument) fault(reason string) error {
	return &SyntaxError{
		Element: a.element, Reason: reason, Offset: a.start,
		Code: CodeArgumentSyntaxError, Enhanced: EnhancedCode{5, 1, a.detail},
	}
}

// outsideASCII is the error about the first octet outside ASCII.
//
// RFC 6531 §3.5: 553 with X.6.7 where UTF-8 is not permitted.
func (a *pathArgument) outsideASCII() error {
	i := firstNonASCII(a.args)
	element := a.element
	if i >= a.end {
		element = "parameter"
	}
	return &SyntaxError{
		Element: element, Reason: "octet " + hexOctet(a.args[i]) + " outside ASCII without SMTPUTF8", Offset: i,
		Code: CodeMailboxNameError, Enhanced: EnhancedCode{5, 6, 7},
	}
}
