package fuzz

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
	"github.com/sansmtp/sansmtp/transport"
)

// injected is a server that takes all mail, with faults.
type injected struct {
	*protocol.Server
	injector *fault.Injector
	output   []byte
	content  []byte
	messages []string
	trace    []string
	resets   int
}

func (s *injected) WriteBody(p []byte) (int, error) {
	s.content = append(s.content, p...)
	return len(p), nil
}

func (s *injected) answer() {
	for r, ok := s.Next(); ok; r, ok = s.Next() {
		switch {
		case s.injector.Take(r):
		case r.Kind() == protocol.RequestRcpt:
			r.Answer(wire.Reply{Code: 250})
		case r.Kind() == protocol.RequestData:
			s.content = nil
			r.AcceptContent(s).OnReady(func(_ int64, err error) {
				if err == nil {
					s.messages = append(s.messages, string(s.content))
					r.Answer(wire.Reply{Code: 250})
				}
			})
		default:
			r.AnswerDefault()
		}
	}
}

func (s *injected) Feed(now time.Time, p []byte) (int, error) {
	n, err := s.Server.Feed(now, p)
	s.answer()
	return n, err
}

func (s *injected) Wrote(now time.Time, n int64) {
	s.Server.Wrote(now, n)
	s.answer()
}

// runInjected is a session in which the input comes in pieces.
func runInjected(t *testing.T, script fault.Script, pieces []string) *injected {
	now := time.Unix(1, 0)
	machine, err := protocol.NewServer(now, protocol.ServerConfig{
		TLS: true, MaxContent: 1 << 10, Requests: protocol.RequestConnect | protocol.RequestRcpt | protocol.RequestData,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &injected{Server: machine}
	s.injector, err = fault.NewInjector(fault.InjectorConfig{
		Script: script,
		Reset:  func() { s.resets++ },
		Trace:  func(e protocol.TraceEvent) { s.trace = append(s.trace, e.String()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	core := s.injector.Core(s)
	turn := transport.NewTurn(core)
	flush := func() {
		turn.Flush(now, 1<<10, func(chunks []protocol.Chunk) (n int64, err error) {
			for _, c := range chunks {
				s.output = append(s.output, c.Bytes...)
				n += int64(len(c.Bytes))
			}
			return n, nil
		})
	}
	s.answer()
	flush()
	for _, piece := range pieces {
		if core.Upgrade() != nil {
			break
		}
		turn.Feed(now, []byte(piece))
		flush()
	}
	turn.FeedEOF(now)
	flush()
	if core.Err() == nil && core.Upgrade() == nil {
		t.Fatalf("the session outlives its client: %q\n%q", pieces, s.trace)
	}
	return s
}

// FuzzInjector has a client say the input to a server that does what the script says.
// Every session ends with its client; what is accepted was complete; and cuts do not
// matter to a client that waits where it has to.
func FuzzInjector(f *testing.F) {
	f.Fuzz(func(t *testing.T, text, input string, cut uint16) {
		script, err := fault.Parse(text)
		if err != nil {
			return
		}
		for i := range script {
			script[i].Action.Delay = 0 // no time passes here
		}
		script = slices.DeleteFunc(script, func(r fault.Rule) bool { return r.Action == fault.Action{} })
		whole := runInjected(t, script, []string{input})
		octets := runInjected(t, script, strings.Split(input, ""))
		at := int(cut) % (len(input) + 1)
		halves := runInjected(t, script, []string{input[:at], input[at:]})
		if hurried(whole.trace) || hurried(octets.trace) {
			return
		}
		for _, other := range []*injected{octets, halves} {
			if string(other.output) != string(whole.output) || !slices.Equal(other.messages, whole.messages) ||
				!slices.Equal(other.trace, whole.trace) || other.resets != whole.resets {
				t.Fatalf("%q, %q\n%q\n%q\n%q\n%q", text, input, whole.trace, other.trace, whole.output, other.output)
			}
		}
	})
}

// hurried reports whether what a client says may be ahead of an answer that it has to
// wait for: that to STARTTLS, or a refusal of DATA.
func hurried(trace []string) bool {
	for i, line := range trace {
		line = strings.ToUpper(line)
		taken := i+1 < len(trace) && strings.HasPrefix(trace[i+1], "-> 354")
		if strings.HasPrefix(line, "<- STARTTLS") || strings.HasPrefix(line, "<- DATA") && !taken {
			return true
		}
	}
	return false
}
