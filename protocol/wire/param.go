package wire

import (
	"errors"
	"iter"
	"strings"
	"unicode/utf8"
)

// Param is an ESMTP parameter of MAIL or RCPT that this package does not know,
// as it stands on the wire: nothing in it is decoded.
type Param struct {
	Keyword string
	Value   string // empty: the keyword stands alone
}

// Parameter describes a parameter that this package knows.
type Parameter struct {
	Keyword   string
	Verb      string       // the command it belongs to: VerbMail or VerbRcpt
	Extension ExtensionSet // the extension that defines it
}

// Parameters lists the parameters this package knows, those of MAIL first.
func Parameters() iter.Seq[Parameter] {
	return func(yield func(Parameter) bool) {
		for i := range mailParameters {
			if row := &mailParameters[i]; !yield(Parameter{row.keyword, VerbMail, row.extension}) {
				return
			}
		}
		for i := range rcptParameters {
			if row := &rcptParameters[i]; !yield(Parameter{row.keyword, VerbRcpt, row.extension}) {
				return
			}
		}
	}
}

// ParseOptions says what a server takes in the arguments of MAIL and RCPT. The
// zero value takes no parameter at all.
type ParseOptions struct {
	// Enabled is the set of extensions that are on offer. A parameter of another
	// one is refused with 555 (RFC 5321 §4.1.1.11).
	Enabled ExtensionSet

	// UTF8 says that the transaction is an SMTPUTF8 one, so that RCPT may have
	// UTF-8. MAIL has the parameter itself and ignores this.
	UTF8 bool

	// Extra keeps parameters this package does not know, instead of refusing
	// them with 555. At most 32 of them are kept; one more is refused with 501.
	Extra bool
}

// maxExtra bounds the parameters kept unknown: looking for one given twice takes
// time with the square of their number.
const maxExtra = 32

// parameter is a row of the table of parameters; P is what holds the values.
type parameter[P any] struct {
	keyword   string
	extension ExtensionSet
	bare      bool // stands alone, without a value

	given func(p *P) bool
	// parse reads a value that is not empty; for a bare parameter value is empty.
	// Its errors are made by badValue, with the offset within value.
	parse func(p *P, value string) error
	// append writes the value, and what it cannot write it refuses, by badValue.
	// Nil where the parameter is bare. allow8bit: the transaction is an SMTPUTF8
	// one.
	append func(dst []byte, p *P, allow8bit bool) ([]byte, error)
}

// badValue says what is wrong with a parameter's value; the walk over the table
// adds the keyword, and where in the arguments the value stands.
func badValue(reason string) error { return argumentError("", reason, 0) }

// inParameter returns the error about a value as one about the parameter.
func inParameter(keyword string, err error, offset int) error {
	fault := *argumentError(keyword, "malformed value", offset)
	var in *SyntaxError
	if errors.As(err, &in) {
		fault.Reason = in.Reason
		if offset >= 0 && in.Offset > 0 {
			fault.Offset += in.Offset
		}
	}
	return &fault
}

// scanParam returns where the keyword that begins s ends, and where its value
// does: at a blank, if all is well. seen has the high bit of all octets of the
// value.
//
// RFC 5321 §4.1.2: esmtp-value = 1*(%d33-60 / %d62-126)
func scanParam(s string) (equals, end int, seen byte) {
	for equals < len(s) && isKeywordOctet(s[equals]) {
		equals++
	}
	if equals == len(s) || s[equals] != '=' {
		return equals, equals, 0
	}
	value := s[equals+1:]
	for end < len(value) && value[end] > ' ' && value[end] != '=' && value[end] != 0x7f {
		seen |= value[end]
		end++
	}
	return equals, equals + 1 + end, seen
}

// parseParams reads the parameters in args from offset i on. high: they are not
// all ASCII, but UTF-8.
//
// RFC 5321 §4.1.2: Mail-parameters = esmtp-param *(SP esmtp-param)
func parseParams[P any](table []parameter[P], p *P, extra *[]Param, args string, i int, o *ParseOptions) (high bool, err error) {
	var seen uint32 // the rows met so far
	for i < len(args) {
		if args[i] != ' ' {
			return high, argumentError("parameter", "no blank in front", i)
		}
		i++
		if i == len(args) || args[i] == ' ' {
			continue // blanks at the end, or more than one between two
		}
		start := i
		equals, n, octets := scanParam(args[start:])
		equals, i = start+equals, start+n
		switch {
		case equals == start || args[start] == '-':
			return high, argumentError("parameter", "malformed keyword", start)
		case i < len(args) && (args[i] < ' ' || args[i] == 0x7f):
			return high, argumentError("parameter", "control octet "+hexOctet(args[i]), i)
		case equals+1 == i || i < len(args) && args[i] == '=':
			return high, argumentError("parameter", "value is empty or has an equals sign", i)
		case i < len(args) && args[i] != ' ':
			return high, argumentError("parameter", "malformed keyword", i)
		}
		keyword, value := args[start:equals], args[min(equals+1, i):i]
		if octets >= utf8.RuneSelf {
			high = true
			if n := firstInvalidUTF8(value); n < len(value) {
				i += n - len(value)
				return high, argumentError("parameter", "octet "+hexOctet(args[i])+" is not valid UTF-8", i)
			}
		}
		n = findParameter(table, keyword)
		if n < 0 {
			if err := takeUnknown(extra, Param{keyword, value}, start, o); err != nil {
				return high, err
			}
			continue
		}
		row, bit := &table[n], uint32(1)<<uint(n)
		switch {
		case row.extension&^o.Enabled != 0:
			return high, notRecognized(start)
		case seen&bit != 0:
			return high, argumentError(row.keyword, "given twice", start)
		case row.bare != (value == ""):
			return high, argumentError(row.keyword, "has a value, or none, against its definition", equals)
		}
		seen |= bit
		if err := row.parse(p, value); err != nil {
			return high, inParameter(row.keyword, err, i-len(value))
		}
	}
	return high, nil
}

func findParameter[P any](table []parameter[P], keyword string) int {
	for i := range table {
		if sameKeyword(table[i].keyword, keyword) {
			return i
		}
	}
	return -1
}

// notRecognized is the error a server answers with "555 5.5.4".
//
// RFC 5321 §4.1.1.11: parameters not recognized or not implemented
func notRecognized(offset int) error {
	return &SyntaxError{
		Element: "parameter", Reason: "not recognized or not on offer", Offset: offset,
		Code: CodeParamsNotRecognized, Enhanced: EnhancedCode{5, 5, 4},
	}
}

// takeUnknown keeps a parameter that is not in the table, or says why not.
func takeUnknown(extra *[]Param, p Param, offset int, o *ParseOptions) error {
	switch {
	case !o.Extra:
		return notRecognized(offset)
	case hasParam(*extra, p.Keyword):
		return argumentError("parameter", "given twice", offset)
	case len(*extra) == maxExtra:
		return argumentError("parameter", "one too many", offset)
	}
	*extra = append(*extra, p)
	return nil
}

func hasParam(params []Param, keyword string) bool {
	for i := range params {
		if equalFoldASCII(params[i].Keyword, keyword) {
			return true
		}
	}
	return false
}

// neededBy returns the extensions of the parameters that p has.
func neededBy[P any](table []parameter[P], p *P) ExtensionSet {
	var set ExtensionSet
	for i := range table {
		if table[i].given(p) {
			set |= table[i].extension
		}
	}
	return set
}

// appendParams writes the parameters that p has, each with a blank in front.
func appendParams[P any](dst []byte, table []parameter[P], p *P, extra []Param, allow8bit bool) ([]byte, error) {
	for i := range table {
		row := &table[i]
		if !row.given(p) {
			continue
		}
		dst = append(dst, ' ')
		dst = append(dst, row.keyword...)
		if row.bare {
			continue
		}
		var err error
		if dst, err = row.append(append(dst, '='), p, allow8bit); err != nil {
			return dst, inParameter(row.keyword, err, -1)
		}
	}
	for i, param := range extra {
		switch {
		case !isKeyword(param.Keyword):
			return dst, argumentError("parameter", "malformed keyword", -1)
		case hasParam(extra[:i], param.Keyword):
			return dst, argumentError("parameter", "given twice", -1)
		case findParameter(table, param.Keyword) >= 0:
			return dst, argumentError("parameter", "has a field of its own", -1)
		case strings.ContainsAny(param.Value, "= "):
			return dst, argumentError("parameter", "blank or equals sign in the value", -1)
		}
		dst = append(dst, ' ')
		dst = append(dst, param.Keyword...)
		if param.Value != "" {
			dst = append(dst, '=')
			dst = append(dst, param.Value...)
		}
	}
	return dst, nil
}
