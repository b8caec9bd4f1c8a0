package wire

import "bytes"

// The bounds of a ReplyParser that sets none of its own.
const (
	// DefaultMaxReplyLine leaves room for a challenge of 12,288 octets of
	// base64 (RFC 4954 §4), and for the caller to see one that is too long.
	DefaultMaxReplyLine = 16 << 10
	// DefaultMaxReplyLines is far above any list of extensions or help text.
	DefaultMaxReplyLines = 1024
	// DefaultMaxReplySize keeps what one reply costs, with all copies made on
	// the way, under 256 KiB.
	DefaultMaxReplySize = 64 << 10
)

// ReplyParser reads replies from a stream of octets that comes in pieces of any
// size. The zero value is ready to use. It is not safe for concurrent use.
//
// How the stream is cut changes nothing: neither the replies, nor the error,
// nor where in the stream they end.
//
// A line is three digits, then a blank or a hyphen and text, or nothing; a line
// without the hyphen ends the reply (RFC 5321 §4.2.1). All lines of a reply
// have the same code. Text may be any octets: bad UTF-8, control octets and,
// unless StrictCRLF is set, a CR that has no LF behind it are left as they are.
//
// The settings may be changed while no reply is pending.
//
// An unfinished reply costs about MaxSize octets. Between replies the parser
// keeps the last few with their octets, which spares parsing them again: some
// hundred octets in most sessions, 20 KiB at the very most. Reset drops them.
type ReplyParser struct {
	MaxLine  int // most octets in a line, its CRLF included; 0: DefaultMaxReplyLine
	MaxLines int // most lines in a reply; 0: DefaultMaxReplyLines
	MaxSize  int // most octets in a reply, codes and CRLFs included; 0: DefaultMaxReplySize

	// StrictCRLF refuses a line that ends in LF alone and a CR that has no LF
	// behind it. Without it, LF ends a line as CRLF does.
	StrictCRLF bool

	// Enhanced takes an enhanced status code off the text (RFC 2034); set it
	// once the server has offered ENHANCEDSTATUSCODES. The first line decides:
	// a code there whose class is the first digit of the reply code and which
	// stands before a blank or alone is the reply's, and is taken off each line
	// that begins with it. Anything else stays in the text.
	Enhanced bool

	// The unfinished reply. buf holds the text of its whole lines, each with an
	// LF behind it; from mark on, the raw octets of the line that is not whole.
	buf      []byte
	mark     int
	lines    int // whole lines
	size     int // octets taken, all lines
	code     Code
	enhanced EnhancedCode

	err   error
	cache replyCache
}

// Parse takes octets from b up to the end of one reply and returns how many it
// took. With done true, r is that reply, and b[n:] belongs to the next; call
// again. With done false and a nil error it took all of b and wants more. It
// keeps no part of b, and r shares no memory with it.
//
// The error is a *SyntaxError whose offset counts from the reply's first octet,
// the octets of earlier calls included; n octets of b stand before the fault.
// It comes with the first octet that no reply can have there, and it is final:
// after it nothing in the stream can be trusted, and every later call returns
// it again.
func (p *ReplyParser) Parse(b []byte) (n int, r Reply, done bool, err error) {
	if p.err != nil {
		return 0, Reply{}, false, p.err
	}
	whole := p.size == 0
	if whole {
		if !p.cache.settings.match(p) {
			p.cache = replyCache{settings: p.settings()}
		}
		if e := p.cache.find(b); e != nil {
			return len(e.raw), e.reply, true, nil
		}
	}
	n, done, err = p.parse(b)
	if !done {
		return n, Reply{}, false, err
	}
	var raw []byte
	if whole && n >= replyCacheMin && n <= replyCacheMax {
		raw = b[:n]
	}
	return n, p.take(raw), true, nil
}

// Pending reports whether a reply has begun and is not whole. A stream that
// ends here was cut short.
func (p *ReplyParser) Pending() bool { return p.size > 0 }

// Reset forgets the unfinished reply and the error, and gives back all memory.
// The settings stay.
func (p *ReplyParser) Reset() {
	*p = ReplyParser{
		MaxLine:    p.MaxLine,
		MaxLines:   p.MaxLines,
		MaxSize:    p.MaxSize,
		StrictCRLF: p.StrictCRLF,
		Enhanced:   p.Enhanced,
	}
}

// replySettings are all that the meaning of a reply's octets depends on.
type replySettings struct {
	maxLine, maxLines, maxSize int
	strictCRLF, enhanced       bool
}

func (p *ReplyParser) settings() replySettings {
	return replySettings{p.MaxLine, p.MaxLines, p.MaxSize, p.StrictCRLF, p.Enhanced}
}

// match reports whether the settings are those of p. Building settings() to
// compare with them would cost as much as the rest of finding a known reply.
func (s *replySettings) match(p *ReplyParser) bool {
	return s.maxLine == p.MaxLine && s.maxLines == p.MaxLines && s.maxSize == p.MaxSize &&
		s.strictCRLF == p.StrictCRLF && s.enhanced == p.Enhanced
}

// parse is Parse without the cache. When it is done, the fields of p hold the
// reply, for take.
func (p *ReplyParser) parse(b []byte) (n int, done bool, err error) {
	maxLine := replyBound(p.MaxLine, DefaultMaxReplyLine)
	maxLines := replyBound(p.MaxLines, DefaultMaxReplyLines)
	maxSize := replyBound(p.MaxSize, DefaultMaxReplySize)
	for n < len(b) {
		had := len(p.buf) - p.mark
		if had == 0 && p.lines >= maxLines {
			return n, false, p.fail("reply", "too many lines", p.size)
		}
		line := b[n:]
		lf := bytes.IndexByte(line, '\n')
		if lf >= 0 {
			line = line[:lf+1]
		}

		// No octet above a bound is taken, so that what is kept stays bounded
		// however much comes at once.
		inLine, inReply := maxLine-had, maxSize-p.size
		room := max(0, min(inLine, inReply))
		over := len(line) > room
		if over {
			line = line[:room]
		}

		took := len(line)
		if had > 0 || lf < 0 || over {
			p.keep(line)
			line = p.buf[p.mark:]
		}
		if had > 0 || p.StrictCRLF || !p.plain(line) {
			if at, element, reason := p.check(line, had); at >= 0 {
				return n + at - had, false, p.fail(element, reason, p.size+at-had)
			}
		}
		n += took
		p.size += took
		switch {
		case over && inLine < inReply:
			return n, false, p.fail("reply line", "too long", p.size)
		case over:
			return n, false, p.fail("reply", "too long", p.size)
		case lf < 0:
			return n, false, nil
		}
		if p.endLine(line) {
			return n, true, nil
		}
	}
	return n, false, nil
}

// keep appends to buf. It doubles a full one, within MaxSize, so that all that
// growing leaves behind is no more than the result.
func (p *ReplyParser) keep(b []byte) {
	if cap(p.buf)-len(p.buf) < len(b) {
		left := replyBound(p.MaxSize, DefaultMaxReplySize) - len(p.buf)
		grown := make([]byte, len(p.buf), len(p.buf)+max(len(b), min(len(p.buf), left)))
		copy(grown, p.buf)
		p.buf = grown
	}
	p.buf = append(p.buf, b...)
}

// plain reports whether a line begins as nearly all lines do. It spares them
// check, whose answer would be the same.
func (p *ReplyParser) plain(line []byte) bool {
	return len(line) > 3 && line[0]-'2' <= 3 && line[1]-'0' <= 9 && line[2]-'0' <= 9 &&
		(line[3] == ' ' || line[3] == '-') && (p.lines == 0 || lineCode(line) == p.code)
}

// check looks for the first octet at or behind line[from:] that cannot stand
// there; what is before was checked already. It returns its offset in the line,
// or -1.
func (p *ReplyParser) check(line []byte, from int) (at int, element, reason string) {
	for i := from; i < len(line) && i <= len("250\r"); i++ {
		c := line[i]
		switch {
		case i == 0 && (c < '2' || c > '5'):
			return i, "reply code", "first digit is not 2 to 5 but octet " + hexOctet(c)
		case i < 3 && c-'0' > 9:
			return i, "reply code", "not three digits but octet " + hexOctet(c)
		case i == 2 && p.lines > 0 && lineCode(line) != p.code:
			return i, "reply code", lineCode(line).String() + " after " + p.code.String() + " in one reply"
		case i == 3 && c == '\n' && p.StrictCRLF:
			return i, "reply line", "LF without CR"
		case i == 3 && c != ' ' && c != '-' && c != '\r' && c != '\n':
			return i, "reply line", "neither blank, hyphen nor line end behind the code but octet " + hexOctet(c)
		case i == 4 && line[3] == '\r' && c != '\n':
			return i, "reply line", "CR without LF"
		}
	}
	if p.StrictCRLF {
		return checkCRLF(line, max(from, len("250 ")))
	}
	return -1, "", ""
}

// checkCRLF looks for the first octet at or behind line[from:] that makes a CR
// or an LF stand alone. from is not 0.
func checkCRLF(line []byte, from int) (at int, element, reason string) {
	for i := from; i < len(line); i++ {
		cr, lf := line[i-1] == '\r', line[i] == '\n'
		switch {
		case cr && !lf:
			return i, "reply line", "CR without LF"
		case lf && !cr:
			return i, "reply line", "LF without CR"
		}
	}
	return -1, "", ""
}

// endLine adds the text of a line that is whole and was checked to buf, and
// reports whether the line ends the reply. The line stands in the caller's
// memory, or in buf from mark on.
func (p *ReplyParser) endLine(line []byte) (done bool) {
	p.code = lineCode(line)
	end := len(line) - 1
	if line[end-1] == '\r' {
		end--
	}
	start := min(len("250 "), end)
	if p.Enhanced {
		e, n := cutEnhancedCode(line[start:end])
		if p.lines == 0 && int(e.Class) == p.code.Class() {
			p.enhanced = e
		}
		if n > 0 && e == p.enhanced {
			start += n
		}
	}

	p.buf = p.buf[:p.mark]
	if line[3] != '-' {
		p.keep(line[start:end])
		return true
	}
	p.keep(line[start : end+1])
	p.mark = len(p.buf)
	p.buf[p.mark-1] = '\n' // in place of the line's own CR or LF
	p.lines++
	return false
}

// take returns the reply that is whole and makes ready for the next. Unless raw,
// its octets, is empty, it remembers the reply; one string then serves both.
func (p *ReplyParser) take(raw []byte) Reply {
	n := len(p.buf)
	p.keep(raw)
	s := string(p.buf)
	r := Reply{p.code, p.enhanced, s[:n]}
	if len(raw) > 0 {
		p.cache.add(s[n:], r)
	}
	p.restart()
	return r
}

// restart makes ready for the next reply. A buffer that an ordinary reply needs
// is kept for it.
func (p *ReplyParser) restart() {
	if cap(p.buf) > 4<<10 {
		p.buf = nil
	}
	p.buf = p.buf[:0]
	p.mark, p.lines, p.size = 0, 0, 0
	p.code, p.enhanced = 0, EnhancedCode{}
}

// fail makes the error final. Nothing of the reply is of use after it.
func (p *ReplyParser) fail(element, reason string, offset int) error {
	p.Reset()
	p.err = &SyntaxError{Element: element, Reason: reason, Offset: offset}
	return p.err
}

// lineCode reads the three digits that begin a line.
func lineCode(line []byte) Code {
	return Code(line[0]-'0')*100 + Code(line[1]-'0')*10 + Code(line[2]-'0')
}

func replyBound(v, def int) int {
	if v <= 0 {
		return def
	}
	return v
}
