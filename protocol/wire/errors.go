package wire

import "strconv"

// SyntaxError reports input that breaks the grammar, or a value that the
// grammar cannot carry. Its text is one line and names the element in the RFC's
// words and, where there is one, the offending octet and its offset. It never
// repeats the input: an argument may be a secret.
//
// Code and Enhanced are the reply a server gives for it; they are zero where
// the fault lies in a reply or in content, to which nobody answers.
type SyntaxError struct {
	Element  string // what was being read or written: "reply code", "forward-path", "SIZE"
	Reason   string // what is wrong with it, without a full stop
	Offset   int    // offset of the fault in the input given; -1: not at one octet
	Code     Code
	Enhanced EnhancedCode
}

func (e *SyntaxError) Error() string {
	b := make([]byte, 0, 64)
	b = append(b, e.Element...)
	b = append(b, ": "...)
	b = append(b, e.Reason...)
	if e.Offset >= 0 {
		b = append(b, " at offset "...)
		b = strconv.AppendInt(b, int64(e.Offset), 10)
	}
	return string(b)
}

// argumentError is the error a server answers with "501 5.5.4".
func argumentError(element, reason string, offset int) *SyntaxError {
	return &SyntaxError{
		Element: element, Reason: reason, Offset: offset,
		Code: CodeArgumentSyntaxError, Enhanced: EnhancedCode{5, 5, 4},
	}
}
