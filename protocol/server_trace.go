package protocol

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// traceCommand reports a command line. What stands behind the mechanism of AUTH is
// secret, and so is all of it where the mechanism is none on offer: it may be a password.
// Secret too is what no command follows it: a response to a challenge that never was.
func (s *Server) traceCommand(line string, is serverCommand) {
	text := strings.TrimLeft(line, " \t")
	n := len(wire.VerbAuth)
	switch {
	case len(text) >= n && strings.EqualFold(text[:n], wire.VerbAuth):
		s.in.secret = true
		mechanism, initial, _ := strings.Cut(strings.TrimLeft(text[n:], " "), " ")
		if line = text[:n]; s.cfg.Mechanisms != nil && slices.Contains(s.cfg.Mechanisms(s.TLS()), strings.ToUpper(mechanism)) {
			line += " " + mechanism
		} else if mechanism != "" {
			initial = mechanism
		}
		if initial != "" {
			line += " ***"
		}
	case is != isOther:
		s.in.secret = false
	case s.in.secret:
		line = "***"
	}
	s.traceInput(printable(line))
}

// printable returns a line without octets that a terminal would act on.
func printable(line string) string {
	return strings.TrimPrefix(wire.Reply{Code: wire.CodeOK, Text: line}.String(), "250 ")
}

func (s *Server) traceInput(line string) {
	if s.cfg.Trace != nil {
		s.cfg.Trace(TraceEvent{Time: s.clock.now, Kind: TraceReceived, Line: line})
	}
}

// traceContent reports a message that came in full.
func (s *Server) traceContent(t *transaction) {
	if s.cfg.Trace != nil {
		line := "(" + strconv.FormatInt(t.size, 10) + " octets of content)"
		s.cfg.Trace(TraceEvent{Time: s.clock.now, Kind: TraceReceived, Line: line, Octets: t.size})
	}
}

// replyTraces are the lines of replies that were planned, until all of them were lent.
type replyTraces struct {
	lines  []tracedLine
	unsent int // the first that was not lent yet
}

// traceReply notes the lines of a reply that was planned.
func (s *Server) traceReply(r wire.Reply) {
	if s.traces == nil {
		s.traces = new(replyTraces)
	}
	rest, more := r.Text, true
	for more {
		r.Text, rest, more = strings.Cut(rest, "\n")
		line := r.String()
		if more {
			line = line[:3] + "-" + strings.TrimPrefix(line[3:], " ")
		}
		s.traces.lines = append(s.traces.lines, tracedLine{s.out.planned, TraceEvent{Kind: TraceSent, Line: line}})
	}
}

// traceSent reports what has been lent by now.
func (s *Server) traceSent(now time.Time) {
	t := s.traces
	for ; t.unsent < len(t.lines) && t.lines[t.unsent].end <= s.out.lent; t.unsent++ {
		e := t.lines[t.unsent].event
		e.Time = now
		s.cfg.Trace(e)
	}
	if t.unsent == len(t.lines) {
		s.traces = nil
	}
}

func (s *Server) traceTLS() {
	s.cfg.Trace(TraceEvent{Time: s.clock.now, Kind: TraceTLS, Line: fmt.Sprintf("TLS 1.%d", s.tls.Version-0x0301)})
}
