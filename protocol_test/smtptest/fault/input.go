package fault

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// input is where in the client's octets the Injector is: it has to tell commands from
// content.
type input struct {
	mode     inputMode
	line     []byte // the unfinished line
	passing  bool   // it is too long to be kept: the machine sees to it
	dropping bool   // the chunk is of a BDAT that was refused here
	octets   int64  // of the content by DATA, or of the chunk, so far
	left     int64  // of the chunk
	dot      wire.DotDecoder
	pieces   [][]byte
	scratch  []byte
}

type inputMode uint8

const (
	inputLine inputMode = iota
	inputContent
	inputChunk
)

// maxLine is how much of a line is kept: more than a server takes of one.
const maxLine = 16 << 10

// reads reports whether there is something to read: the next command is not before
// the one before it is answered.
func (c *core) reads() bool {
	return c.in.mode != inputLine || c.in.passing || c.pending == nil || c.pending.asked
}

// Feed implements protocol.Core.
func (c *core) Feed(now time.Time, p []byte) (n int, err error) {
	for n < len(p) {
		rest := p[n:]
		switch {
		case c.silent():
			return len(p), nil
		case c.mute || c.Core.Upgrade() != nil:
			k, err := c.Core.Feed(now, rest)
			return n + k, err
		case !c.WantRead():
			return n, c.Err()
		}
		var k int
		switch c.in.mode {
		case inputContent:
			k = c.feedContent(now, rest)
		case inputChunk:
			k = c.feedChunk(now, rest)
		default:
			k = c.feedLine(now, rest)
		}
		n += k
		c.pull(now)
		if k == 0 {
			break
		}
	}
	return n, c.Err()
}

// feed hands octets on, and returns how many were taken. The error is that of Err.
func (c *core) feed(now time.Time, p []byte) int {
	n, _ := c.Core.Feed(now, p)
	return n
}

// feedLine takes a line, or what there is of one.
func (c *core) feedLine(now time.Time, p []byte) int {
	in := &c.in
	end, whole := lineEnd(in.line, p)
	if in.passing {
		if n := c.feed(now, p[:end]); n < end {
			return n
		}
		if in.line, in.passing = nil, !whole; !whole {
			in.line = append(in.line, p[end-1]) // it may be the CR
		}
		return end
	}
	in.line = append(in.line, p[:end]...)
	switch {
	case whole:
		line := in.line
		in.line = nil
		c.takeLine(now, line, p[end:])
	case len(in.line) > maxLine:
		in.passing = true
		if c.pending == nil {
			c.pending = &command{}
		}
		c.pending.asked = false
		c.feed(now, in.line)
		in.line = in.line[len(in.line)-1:]
	}
	return end
}

// lineEnd returns where the line ends in p that begins with head, and whether it ends
// at all. RFC 5321 §2.3.8: only CRLF ends a line.
func lineEnd(head, p []byte) (end int, whole bool) {
	if len(head) > 0 && head[len(head)-1] == '\r' && p[0] == '\n' {
		return 1, true
	}
	if i := bytes.Index(p, []byte("\r\n")); i >= 0 {
		return i + 2, true
	}
	return len(p), false
}

// takeLine sees to a whole line. behind is what came behind it.
func (c *core) takeLine(now time.Time, line, behind []byte) {
	if c.pending != nil {
		c.pending.asked = false
		c.injector.trace(now, protocol.TraceReceived, "***")
		c.feed(now, line)
		return
	}
	text := string(line[:len(line)-len("\r\n")])
	parsed, err := wire.ParseCommand(text)
	var step Step
	if err == nil {
		step, _ = StepOf(parsed.Verb)
	}
	c.injector.trace(now, protocol.TraceReceived, redact(parsed, text))
	if step == Mail {
		c.message = message{} // the one before it may have ended without a verdict
	}
	c.pending = c.injector.command(step, text)
	c.alone = !c.pending.proceeds()
	switch step {
	case Bdat:
		if c.beginChunk(now, parsed.Args) {
			return
		}
	case Data, StartTLS:
		// What comes ahead of the answer is never a command.
		c.pending.ends = c.alone && len(behind) > 0
		line = append(line, behind...)
	}
	switch {
	case !c.alone:
		c.feed(now, line)
	case step == Data:
		c.giveUp(now)
	}
}

// giveUp has the machine forget the transaction, as it does when it refuses the
// content itself. The answer is that to the client's command.
func (c *core) giveUp(now time.Time) {
	c.alone = false
	c.feed(now, []byte("RSET\r\n"))
}

// redact leaves out what AUTH has behind the mechanism.
func redact(cmd wire.Command, line string) string {
	if mechanism, _, initial := strings.Cut(cmd.Args, " "); cmd.Verb == wire.VerbAuth && initial {
		line = cmd.Verb + " " + mechanism + " ***"
	}
	return line
}

// feedContent takes content by DATA.
func (c *core) feedContent(now time.Time, p []byte) int {
	in := &c.in
	left, _ := c.untilBreak()
	p = p[:min(int64(len(p)), left)]
	before := in.dot
	n, done := in.decode(p)
	if taken := c.feed(now, p[:n]); taken < n {
		in.dot = before
		n, done = in.decode(p[:taken])
	}
	c.count(now, n, done)
	return n
}

func (in *input) decode(p []byte) (n int, done bool) {
	in.pieces, in.scratch, n, done = in.dot.Decode(in.pieces[:0], in.scratch[:0], p)
	clear(in.pieces)
	return n, done
}

// beginChunk is what follows a BDAT command. It reports whether the machine is not to
// see it: a chunk that is refused is read here, and its message is at an end.
func (c *core) beginChunk(now time.Time, args string) (refused bool) {
	size, last, _ := wire.ParseBDAT(args)
	if size < 0 {
		return false // the machine ends the session, whatever is said
	}
	refused, c.alone = c.alone, false
	c.pending.last = last
	c.in.mode, c.in.left, c.in.octets, c.in.dropping = inputChunk, size, 0, refused
	if size == 0 {
		c.in.mode = inputLine
		c.injector.traceContent(now, 0)
		c.endChunk(now)
	}
	return refused
}

// feedChunk takes content by BDAT.
func (c *core) feedChunk(now time.Time, p []byte) int {
	in := &c.in
	left, _ := c.untilBreak()
	n := int(min(int64(len(p)), in.left, left))
	if !in.dropping {
		n = c.feed(now, p[:n])
	}
	in.left -= int64(n)
	c.count(now, n, in.left == 0)
	if in.left == 0 {
		c.endChunk(now)
	}
	return n
}

// endChunk is behind a chunk. One that is missing is the end of its message.
func (c *core) endChunk(now time.Time) {
	if c.in.dropping && c.broken == NoBreak {
		c.giveUp(now)
	}
	c.in.dropping = false
}

// count counts n octets of content; done: all of it came, or all of the chunk.
func (c *core) count(now time.Time, n int, done bool) {
	c.in.octets += int64(n)
	c.message.read += int64(n)
	left, how := c.untilBreak()
	if done || left == 0 {
		c.in.mode = inputLine
		c.injector.traceContent(now, c.in.octets)
	}
	if left == 0 {
		c.breakOff(now, how)
	}
}

// untilBreak returns how many octets of content are still to come before the
// conversation breaks off, and how it does.
func (c *core) untilBreak() (left int64, how Break) {
	left = math.MaxInt64
	if a := c.pending.action; a.Break != NoBreak && a.After > 0 {
		left, how = a.After-c.in.octets, a.Break
	}
	if a := c.message.action(c.injector, 0); a.Break != NoBreak && a.After > 0 && a.After-c.message.read < left {
		left, how = a.After-c.message.read, a.Break
	}
	return left, how
}

// trace reports what goes over the wire. What a terminal would act on is escaped.
func (i *Injector) trace(now time.Time, kind protocol.TraceKind, line string) {
	if i.cfg.Trace != nil {
		line = strings.TrimPrefix(wire.Reply{Code: wire.CodeOK, Text: line}.String(), "250 ")
		i.cfg.Trace(protocol.TraceEvent{Time: now, Kind: kind, Line: line})
	}
}

func (i *Injector) traceContent(now time.Time, octets int64) {
	if i.cfg.Trace != nil {
		line := "(" + strconv.FormatInt(octets, 10) + " octets of content)"
		i.cfg.Trace(protocol.TraceEvent{Time: now, Kind: protocol.TraceContent, Line: line, Octets: octets})
	}
}
