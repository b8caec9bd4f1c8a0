package wire

import (
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxReplyLine is the most octets a written reply line has, code and CRLF
// included (RFC 5321 §4.5.3.1.5).
const maxReplyLine = 512

// Reply is one SMTP reply: a code and one or more lines of text (RFC 5321
// §4.2). Replies are values: they compare with == and share nothing with the
// parser or its input.
//
// Text is the text of all lines joined by "\n", without the codes. What a
// server sent stands in it octet by octet: it may hold control octets and
// invalid UTF-8. Use String for people and logs.
//
// Enhanced is the enhanced status code that begins every line (RFC 2034). It is
// not part of Text.
type Reply struct {
	Code     Code
	Enhanced EnhancedCode
	Text     string
}

// Positive reports a 2yz reply.
func (r Reply) Positive() bool { return r.Code.Positive() }

// Intermediate reports a 3yz reply.
func (r Reply) Intermediate() bool { return r.Code.Intermediate() }

// Temporary reports a 4yz reply.
func (r Reply) Temporary() bool { return r.Code.Temporary() }

// Permanent reports a 5yz reply.
func (r Reply) Permanent() bool { return r.Code.Permanent() }

// Lines returns the lines of the text, at least one: a reply without text has
// one empty line.
func (r Reply) Lines() iter.Seq[string] { return strings.SplitSeq(r.Text, "\n") }

// AppendTo appends the reply as it goes over the wire to dst: "code SP text
// CRLF", with a hyphen for the blank on all lines but the last.
//
// The result is always one well-formed reply, whatever the fields hold:
//
//   - CR, LF and CRLF in the text begin a new line of the reply;
//   - other control octets, HT apart, are written as "?";
//   - a line over 512 octets, code and CRLF included, is folded at a blank,
//     which it replaces, or else between two characters;
//   - the enhanced code begins every line; one that is not valid or whose class
//     is not the first digit of the code is left out (RFC 2034 §4);
//   - a code that is not valid is written as 451, which commits nobody.
//
// Text outside ASCII is written as it is: whether the client asked for UTF-8
// (RFC 6531 §3.7.4.2) is not known here.
func (r Reply) AppendTo(dst []byte) []byte {
	var store [16]byte // "nnn d.ddd.ddd "
	head := r.appendHead(store[:0])
	limit := maxReplyLine - len("\r\n") - len(head)
	rest, more := r.Text, true
	for more {
		var line string
		line, rest, more = cutReplyText(rest)
		for len(line) > limit {
			end, next := foldReplyLine(line, limit)
			dst = appendReplyLine(dst, head, line[:end], true)
			line = line[next:]
		}
		dst = appendReplyLine(dst, head, line, more)
	}
	return dst
}

// appendHead appends what begins every line: code, blank, and the enhanced code
// with its blank.
func (r Reply) appendHead(dst []byte) []byte {
	code := r.Code
	if !code.Valid() {
		code = CodeLocalError
	}
	dst = append(code.appendTo(dst), ' ')
	// RFC 2034 §4: the class agrees with the first digit of the reply code.
	if r.Enhanced.Valid() && int(r.Enhanced.Class) == code.Class() {
		dst = append(r.Enhanced.AppendTo(dst), ' ')
	}
	return dst
}

func appendReplyLine(dst, head []byte, line string, more bool) []byte {
	start := len(dst)
	dst = append(dst, head...)
	if more {
		dst[start+3] = '-'
	}
	text := len(dst)
	dst = append(dst, line...)
	// RFC 5321 §4.2: textstring = 1*(%d09 / %d32-126)
	for i, c := range dst[text:] {
		if c < ' ' && c != '\t' || c == 0x7f {
			dst[text+i] = '?'
		}
	}
	return append(dst, '\r', '\n')
}

// cutReplyText cuts s at its first CR, LF or CRLF.
func cutReplyText(s string) (line, rest string, more bool) {
	i := 0
	for i < len(s) && s[i] != '\r' && s[i] != '\n' {
		i++
	}
	if i == len(s) {
		return s, "", false
	}
	rest = s[i+1:]
	if s[i] == '\r' && len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return s[:i], rest, true
}

// foldReplyLine returns where the first part of a line over limit octets ends and
// where the next part begins.
func foldReplyLine(line string, limit int) (end, next int) {
	if i := strings.LastIndexByte(line[:limit+1], ' '); i > 0 {
		return i, i + 1
	}
	end = limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(line[end]) {
		end--
	}
	if !utf8.RuneStart(line[end]) {
		end = limit // not UTF-8: there is no character to keep whole
	}
	return end, end
}

// String returns the reply on one line for people: code, enhanced code, and the
// lines of the text joined by " / ". Octets that are not valid UTF-8 and
// characters that are not printable, among them those that steer a terminal or
// turn the direction of text, are shown as Go escapes; a backslash is shown as
// it is.
func (r Reply) String() string {
	b := make([]byte, 0, len("250 2.1.0 ")+len(r.Text)+8)
	b = append(b, r.Code.String()...)
	if !r.Enhanced.IsZero() {
		b = append(b, ' ')
		b = r.Enhanced.AppendTo(b)
	}
	if r.Text == "" {
		return string(b)
	}
	sep := " "
	for line := range r.Lines() {
		b = append(b, sep...)
		b = appendPrintable(b, line)
		sep = " / "
	}
	return string(b)
}

func appendPrintable(dst []byte, s string) []byte {
	for len(s) > 0 {
		c, n := utf8.DecodeRuneInString(s)
		if strconv.IsPrint(c) && (c != utf8.RuneError || n > 1) {
			dst = append(dst, s[:n]...)
		} else {
			// QuoteRune would show an invalid octet as U+FFFD; Quote keeps it.
			q := strconv.Quote(s[:n])
			dst = append(dst, q[1:len(q)-1]...)
		}
		s = s[n:]
	}
	return dst
}
