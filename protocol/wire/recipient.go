package wire

// Recipient is what a RCPT command says (RFC 5321 §4.1.1.3).
type Recipient struct {
	Path Path // the forward-path, never null; "postmaster" needs no domain
	RcptParams
}

// Parse reads the arguments of a RCPT command, as in "TO:<a@example.com>
// NOTIFY=NEVER", and overwrites all of r. On error r has nothing of use.
//
// It is to RCPT what Mail.Parse is to MAIL: see there for what is tolerated, for
// the errors and for memory. Octets outside ASCII need ParseOptions.UTF8.
func (r *Recipient) Parse(args string, o ParseOptions) error {
	path, end, high, err := forwardPath.scan(args)
	if err != nil {
		return err
	}
	if path.IsNull() {
		return forwardPath.fault("null", end-1)
	}
	*r = Recipient{Path: path}
	highParams := false
	if end < len(args) {
		highParams, err = parseParams(rcptParameters[:], &r.RcptParams, &r.Extra, args, end, &o)
		if err != nil {
			return err
		}
	}
	if (high || highParams) && !o.UTF8 {
		return forwardPath.outsideASCII(args, end)
	}
	return nil
}

// AppendRcpt appends a RCPT command with its CRLF to dst. utf8 says that the
// transaction is an SMTPUTF8 one: without it octets outside ASCII are refused,
// and an ORCPT of type utf-8 is written in ASCII.
//
// That a server offers what r.Needs is for the caller to see to. The error is a
// *SyntaxError that names the path or the parameter, and dst is then returned as
// it was.
func AppendRcpt(dst []byte, r *Recipient, utf8 bool) ([]byte, error) {
	if r.Path.mailbox == "" {
		return dst, &SyntaxError{Element: "forward-path", Reason: "null", Offset: -1}
	}
	line := append(dst, "RCPT TO:<"...)
	line = append(line, r.Path.mailbox...)
	line = append(line, '>')
	if r.none() && (utf8 || !r.Path.utf8) {
		return endChecked(line), nil
	}
	line, err := appendParams(line, rcptParameters[:], &r.RcptParams, r.Extra, utf8)
	if err != nil {
		return dst, err
	}
	return endLine(dst, line, VerbRcpt, utf8)
}
