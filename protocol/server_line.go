package protocol

import (
	"bytes"
	"errors"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// takeLine takes a line, or what there is of it.
func (s *Server) takeLine(p []byte) int {
	n := s.lineEnd(p)
	if n < 0 {
		s.keepPart(p)
		if s.in.length > hardLines*s.lineLimit(s.mem.line) {
			s.endlessLine()
		}
		return len(p)
	}
	line, size := p[:n], n
	if s.in.length > 0 {
		s.keepPart(line)
		line, size = s.mem.line, s.in.length
		s.mem.line, s.in.length = s.mem.line[:0], 0
	}
	limit := s.cfg.MaxLine // no command has a lower one
	if size > limit || s.in.mode == inputResponse {
		limit = s.lineLimit(line)
	}
	switch {
	case size > hardLines*limit:
		s.endlessLine()
	case s.in.mode == inputResponse:
		s.response(line, size > limit)
	case size > limit:
		s.longLine(line)
	default:
		s.command(line[:size-len("\r\n")], n < len(p))
	}
	return n
}

// lineEnd returns where the line ends that begins p, or goes on there, behind its CRLF;
// or -1.
//
// RFC 5321 §2.3.8: only CRLF ends a line.
func (s *Server) lineEnd(p []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(p[from:], '\n')
		if i < 0 {
			return -1
		}
		i += from
		if i > 0 && p[i-1] == '\r' || i == 0 && s.in.length > 0 && s.in.cr {
			return i + 1
		}
		from = i + 1
	}
}

// keepPart keeps a part of a line, as far as any line may go.
func (s *Server) keepPart(p []byte) {
	s.in.length += len(p)
	s.in.cr = p[len(p)-1] == '\r'
	room := max(s.cfg.MaxLine, maxAuthInput) - len(s.mem.line)
	s.mem.line = append(s.mem.line, p[:min(len(p), room)]...)
}

// lineLimit returns the most octets of a line that begins like this, CRLF included.
func (s *Server) lineLimit(line []byte) int {
	if s.in.mode == inputResponse {
		return maxAuthInput
	}
	if hasAuth(line) {
		return max(s.cfg.MaxLine, maxAuthInput)
	}
	return s.cfg.MaxLine
}

// hasAuth reports whether a line has the verb AUTH and arguments.
func hasAuth(line []byte) bool {
	n := len(wire.VerbAuth)
	return len(line) > n && line[0]|0x20 == 'a' && line[n] == ' ' && strings.EqualFold(string(line[:n]), wire.VerbAuth)
}

// longLine answers a line over its limit.
func (s *Server) longLine(line []byte) {
	r := replyLongLine
	if hasAuth(line) {
		r = replyLongResponse
	}
	s.traceInput("(line too long)")
	s.push(isBroken).reply = r
}

// endlessLine ends the session of a client that does not end its line (H-R27).
func (s *Server) endlessLine() {
	if s.in.mode == inputResponse {
		// It answers AUTH: nothing is done behind that.
		s.fatal(s.at(s.auth.slot), s.named(replyEndlessLine), reasonEndlessLine)
		return
	}
	s.final(s.named(replyEndlessLine), reasonEndlessLine)
}

// text returns the line as a string. Lines share memory by the hundred; strings that
// were handed out stay as they are.
func (s *Server) text(line []byte) string {
	const block = 2 << 10
	b := &s.mem.lines
	if b.Cap()-b.Len() < len(line) {
		*b = strings.Builder{}
		b.Grow(max(block, len(line)))
	}
	start := b.Len()
	b.Write(line)
	return b.String()[start:]
}

// command queues a command line. more: octets came behind it already.
func (s *Server) command(line []byte, more bool) {
	text := s.text(line)
	cmd, err := wire.ParseCommand(text)
	if s.cfg.Trace != nil {
		s.traceCommand(text, commandOf(cmd.Verb))
	}
	if err != nil {
		s.broken(text, err)
		return
	}
	is := commandOf(cmd.Verb)
	if is == isBdat {
		s.chunk(cmd)
	} else {
		c := s.push(is)
		c.verb, c.args = cmd.Verb, cmd.Args
		if is == isHello && s.cfg.RefuseEarlyTalkers {
			c.guarded = true
			s.in.guard(guardHello)
		}
	}
	if commandRules[is].stops {
		s.in.stopped, s.in.ahead = true, more
	}
}

// chunk queues a BDAT command.
func (s *Server) chunk(cmd wire.Command) {
	size, last, err := wire.ParseBDAT(cmd.Args)
	if size < 0 {
		// Nobody knows where the next command begins.
		s.final(replyOf(err), "unknown size of a chunk")
		s.in.cause.Err = err
		return
	}
	c := s.push(isBdat)
	c.verb, c.args, c.size, c.lastChunk = cmd.Verb, cmd.Args, size, last
	if err != nil {
		c.reply = replyOf(err)
	}
}

// broken queues the answer to a line that is no command.
func (s *Server) broken(line string, err error) {
	is, r := isBroken, replyOf(err)
	if r.Code == wire.CodeSyntaxError {
		r = replyNotRecognized
		if likeField(line) {
			is = isField
		}
	}
	s.push(is).reply = r
}

// replyOf returns the reply to a line that breaks the grammar.
func replyOf(err error) wire.Reply {
	r := replyNotRecognized
	if fault := (*wire.SyntaxError)(nil); errors.As(err, &fault) {
		r = wire.Reply{Code: fault.Code, Enhanced: fault.Enhanced, Text: fault.Error()}
	}
	return r
}
