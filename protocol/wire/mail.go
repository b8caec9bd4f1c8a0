package wire

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
	from, end, high, err := reversePath.scan(args)
	if err != nil {
		return err
	}
	if from.IsPostmaster() {
		return reversePath.fault("no domain", end-1)
	}
	m.From = from
	highParams, err := parseParams(mailParameters[:], &m.MailParams, &m.Extra, args, end, &o)
	if err != nil {
		return err
	}
	if m.Body == BodyBinaryMIME && !o.Enabled.Has(BinaryMIME) {
		return argumentError("BODY", "BINARYMIME is not on offer", -1)
	}
	if (high || highParams) && !m.SMTPUTF8 {
		return reversePath.outsideASCII(args, end)
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
	rows := p.rows()
	line, err := appendParams(line, rows, p, p.Extra, p.SMTPUTF8)
	if err != nil {
		return dst, err
	}
	if len(rows) < len(mailParameters) && (p.SMTPUTF8 || !from.utf8) {
		return endChecked(line), nil
	}
	return endLine(dst, line, VerbMail, p.SMTPUTF8)
}

// endChecked is endLine for a line in which a path is all that is not of our own making,
// and may stand there: its octets were checked when it was parsed.
func endChecked(line []byte) []byte { return append(line, '\r', '\n') }

// pathArgument says what differs between the paths of MAIL and RCPT.
type pathArgument struct {
	keyword string // in front of it
	element string // its name in errors
	detail  uint16 // of its enhanced status codes: X.1.7 and X.1.3 of RFC 3463
}

var (
	reversePath = pathArgument{"FROM:", "reverse-path", 7}
	forwardPath = pathArgument{"TO:", "forward-path", 3}
)

// scan reads the arguments of MAIL or RCPT up to the end of the path. high: what
// it read is not all ASCII.
func (a *pathArgument) scan(args string) (p Path, end int, high bool, err error) {
	n := len(a.keyword)
	if len(args) < n || !sameKeyword(a.keyword, args[:n]) {
		return p, 0, false, argumentError(a.element, `no "`+a.keyword+`" in front`, 0)
	}
	// RFC 5321 §4.1.1.2 has no blank here, but clients send it.
	for n < len(args) && args[n] == ' ' {
		n++
	}
	p, end, fault := scanPath(args, n)
	if fault != nil {
		return p, 0, false, a.inPath(fault)
	}
	high = p.IsUTF8()
	if end-n != len(p.Mailbox())+len("<>") {
		// A source route is gone, but it was there to be read.
		_, high = scanLine(args[n:end])
	}
	return p, end, high, nil
}

// fault is an error about the path.
func (a *pathArgument) fault(reason string, offset int) *SyntaxError {
	return &SyntaxError{
		Element: a.element, Reason: reason, Offset: offset,
		Code: CodeArgumentSyntaxError, Enhanced: EnhancedCode{5, 1, a.detail},
	}
}

// inPath returns the fault of a path as one about the arguments.
func (a *pathArgument) inPath(fault *SyntaxError) error { return a.fault(fault.Reason, fault.Offset) }

// outsideASCII is the error about the first octet outside ASCII in args, whose
// path ends at end.
//
// RFC 6531 §3.5: 553 with X.6.7 where UTF-8 is not permitted.
func (a *pathArgument) outsideASCII(args string, end int) error {
	i := firstNonASCII(args)
	element := a.element
	if i >= end {
		element = "parameter"
	}
	return &SyntaxError{
		Element: element, Reason: "octet " + hexOctet(args[i]) + " outside ASCII without SMTPUTF8", Offset: i,
		Code: CodeMailboxNameError, Enhanced: EnhancedCode{5, 6, 7},
	}
}
