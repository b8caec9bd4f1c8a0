package protocol

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// traceCommand reports a command line. What AUTH has behind the mechanism is secret, and
// so is all of it where the line makes no sense: a mechanism that is not on offer may
// be a password without one. So is what no command follows it: a response to a challenge
// that never was.
func (s *Server) traceCommand(line string, is serverCommand) {
	verb := strings.TrimLeft(line, " \t")
	n := len(wire.VerbAuth)
	switch {
	case len(verb) >= n && strings.EqualFold(verb[:n], wire.VerbAuth):
		s.in.secret = true
		mechanism, initial, more := strings.Cut(strings.Trim(verb[n:], " "), " ")
		line = wire.VerbAuth
		if s.offered.Has(wire.Auth) && slices.Contains(s.cfg.Mechanisms(s.tls), strings.ToUpper(mechanism)) {
			line += " " + mechanism
		} else {
			more = mechanism != ""
		}
		if more && initial != "" || more && line == wire.VerbAuth {
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

// traceReply notes the lines of a reply that was planned.
func (s *Server) traceReply(r wire.Reply) {
	rest, more := r.Text, true
	for more {
		r.Text, rest, more = strings.Cut(rest, "\n")
		line := r.String()
		if more {
			line = line[:3] + "-" + strings.TrimPrefix(line[3:], " ")
		}
		s.traces = append(s.traces, tracedLine{s.out.planned, TraceEvent{Kind: TraceSent, Line: line}})
	}
}

// traceSent reports what has been lent by now.
func (s *Server) traceSent(now time.Time) {
	for ; s.unsent < len(s.traces) && s.traces[s.unsent].end <= s.out.lent; s.unsent++ {
		e := s.traces[s.unsent].event
		e.Time = now
		s.cfg.Trace(e)
	}
	if s.unsent == len(s.traces) {
		s.traces, s.unsent = s.traces[:0], 0
	}
}

func (s *Server) traceTLS() {
	s.cfg.Trace(TraceEvent{Time: s.clock.now, Kind: TraceTLS, Line: fmt.Sprintf("TLS 1.%d", s.tls.Version-0x0301)})
}
