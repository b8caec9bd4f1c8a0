package fault_test

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
	"github.com/sansmtp/sansmtp/transport"
)

// session is a server with an Injector, driven by hand in virtual time.
type session struct {
	t        testing.TB
	machine  *protocol.Server
	injector *fault.Injector
	core     protocol.Core
	turn     *transport.Turn
	now      time.Time
	writes   []string // what went out, by writes
	messages []string // accepted content
	content  []byte   // what came of the last message
	asked    []string // verbs of the requests that got to the application
	trace    []string
	resets   int
	slow     bool // the sink takes an octet, and then waits for Resume
}

// config is that of a server whose replies to EHLO are short.
var config = protocol.ServerConfig{
	Hostname: "mx.example",
	Disable:  protocol.DefaultExtensions &^ (wire.Chunking | wire.EnhancedStatusCodes),
	Requests: protocol.AllRequests &^ protocol.RequestClosed,
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newSession(t testing.TB, cfg protocol.ServerConfig, inject fault.InjectorConfig) *session {
	t.Helper()
	s := &session{t: t, now: start}
	if inject.Reset == nil {
		inject.Reset = func() { s.resets++ }
	}
	inject.Trace = func(e protocol.TraceEvent) {
		kind := map[protocol.TraceKind]string{
			protocol.TraceReceived: "C: ", protocol.TraceContent: "C: ", protocol.TraceSent: "S: ", protocol.TraceTLS: "-- ",
		}[e.Kind]
		s.trace = append(s.trace, kind+e.Line)
	}
	var err error
	if s.injector, err = fault.NewInjector(inject); err != nil {
		t.Fatal(err)
	}
	if s.machine, err = protocol.NewServer(s.now, cfg); err != nil {
		t.Fatal(err)
	}
	s.core = s.injector.Core(pump{s.machine, s})
	s.turn = transport.NewTurn(s.core)
	s.answer()
	s.flush()
	return s
}

// pump answers the machine's requests as a server that takes all mail.
type pump struct {
	*protocol.Server
	s *session
}

func (p pump) Feed(now time.Time, b []byte) (int, error) {
	n, err := p.Server.Feed(now, b)
	p.s.answer()
	return n, err
}

func (p pump) Wrote(now time.Time, n int64) {
	p.Server.Wrote(now, n)
	p.s.answer()
}

func (p pump) Upgraded(now time.Time, tls protocol.TLSState, err error) {
	p.Server.Upgraded(now, tls, err)
	p.s.answer()
}

// WriteBody makes the session the sink of its messages.
func (s *session) WriteBody(p []byte) (int, error) {
	if s.slow {
		p = p[:1]
	}
	s.content = append(s.content, p...)
	return len(p), nil
}

func (s *session) answer() {
	for r, ok := s.machine.Next(); ok; r, ok = s.machine.Next() {
		if s.injector.Take(r) {
			continue
		}
		s.asked = append(s.asked, r.Verb())
		switch r.Kind() {
		case protocol.RequestRcpt:
			r.Answer(wire.Reply{Code: 250})
		case protocol.RequestAuth:
			server := auth.Server{AllowCleartext: true, Password: func(user, password string) error {
				if user != "b" || password != "c" {
					return auth.ErrCredentials
				}
				return nil
			}}
			exchange, err := server.New(r.Args(), s.machine.TLS())
			if err != nil {
				s.t.Fatal(err)
			}
			r.AcceptAuth(exchange)
		case protocol.RequestData:
			s.content = nil
			r.AcceptContent(s).OnReady(func(_ int64, err error) {
				if err == nil {
					s.messages = append(s.messages, string(s.content))
					r.Answer(wire.Reply{Code: 250, Enhanced: wire.EnhancedCode{Class: 2}})
				}
			})
		default:
			r.AnswerDefault()
		}
	}
}

// feed is a piece of input that arrives.
func (s *session) feed(piece string) {
	s.turn.Feed(s.now, []byte(piece))
	s.flush()
}

func (s *session) flush() {
	s.turn.Flush(s.now, 1<<20, func(chunks []protocol.Chunk) (n int64, err error) {
		var b []byte
		for _, c := range chunks {
			b = append(b, c.Bytes...)
		}
		s.writes = append(s.writes, string(b))
		return int64(len(b)), nil
	})
}

// wait lets time pass.
func (s *session) wait(d time.Duration) {
	s.now = s.now.Add(d)
	s.core.Tick(s.now)
	s.flush()
}

// output is all that went out.
func (s *session) output() string { return strings.Join(s.writes, "") }

func (s *session) want(output string) {
	s.t.Helper()
	if got := s.output(); got != output {
		s.t.Errorf("got  %q\nwant %q", got, output)
	}
}

// secure is a handshake that succeeds.
func (s *session) secure() {
	s.t.Helper()
	if s.turn.Upgrade(s.now) == nil {
		s.t.Fatal("TLS is not to start")
	}
	s.core.Upgraded(s.now, protocol.TLSState{Version: tls.VersionTLS13}, nil)
	s.flush()
}

// exchange is a command of a conversation, with what follows it at once, and its reply.
type exchange struct{ c, s string }

// path is how to get to a step: what comes before it, and itself as the last.
type path struct {
	step      fault.Step
	lmtp      bool
	exchanges []exchange
}

var (
	banner = exchange{"", "220 mx.example ESMTP\r\n"}
	ehlo   = exchange{"EHLO me.example\r\n", "250-mx.example\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"}
	mail   = exchange{"MAIL FROM:<a@me.example>\r\n", "250 2.1.0 ok\r\n"}
	rcpt   = exchange{"RCPT TO:<b@mx.example>\r\n", "250 2.1.5 ok\r\n"}
	data   = exchange{"DATA\r\n", "354 end data with <CR><LF>.<CR><LF>\r\n"}
)

// paths lead to each step.
var paths = []path{
	{fault.Banner, false, []exchange{banner}},
	{fault.Ehlo, false, []exchange{banner, ehlo}},
	{fault.Helo, false, []exchange{banner, {"helo me.example\r\n", "250 mx.example\r\n"}}},
	{fault.Lhlo, true, []exchange{{"", "220 mx.example LMTP\r\n"}, {"LHLO me.example\r\n", ehlo.s}}},
	{fault.StartTLS, false, []exchange{banner, ehlo, {"STARTTLS\r\n", "220 2.0.0 ready to start TLS\r\n"}}},
	{fault.Auth, false, []exchange{banner, ehlo, {"AUTH PLAIN AGIAYw==\r\n", "235 2.7.0 authenticated\r\n"}}},
	{fault.Mail, false, []exchange{banner, ehlo, mail}},
	{fault.Rcpt, false, []exchange{banner, ehlo, mail, rcpt}},
	{fault.Data, false, []exchange{banner, ehlo, mail, rcpt, data}},
	{fault.Bdat, false, []exchange{banner, ehlo, mail, rcpt, {"BDAT 4\r\nhi\r\n", "250 2.0.0 4 octets\r\n"}}},
	{fault.Bdat, false, []exchange{banner, ehlo, mail, rcpt, {"BDAT 4 LAST\r\nhi\r\n", "250 2.0.0 ok\r\n"}}},
	{fault.Content, false, []exchange{banner, ehlo, mail, rcpt, data, {"hi\r\n.\r\n", "250 2.0.0 ok\r\n"}}},
	{fault.Content, false, []exchange{banner, ehlo, mail, rcpt, {"BDAT 4 LAST\r\nhi\r\n", "250 2.0.0 ok\r\n"}}},
	{fault.Rset, false, []exchange{banner, {"RSET\r\n", "250 2.0.0 ok\r\n"}}},
	{fault.Vrfy, false, []exchange{banner, {"VRFY b\r\n", "252 2.1.5 cannot verify the user\r\n"}}},
	{fault.Expn, false, []exchange{banner, {"EXPN b\r\n", "502 5.5.1 command not implemented\r\n"}}},
	{fault.Help, false, []exchange{banner, {"HELP\r\n", "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP QUIT HELP VRFY\r\n"}}},
	{fault.Noop, false, []exchange{banner, {"NOOP\r\n", "250 2.0.0 ok\r\n"}}},
	{fault.Quit, false, []exchange{banner, {"QUIT\r\n", "221 2.0.0 mx.example closes the connection\r\n"}}},
}

func (p path) String() string { return fmt.Sprintf("%s %q", p.step, p.last().c) }

func (p path) last() exchange { return p.exchanges[len(p.exchanges)-1] }

// before is what was said ahead of the step, and input all that the client says.
func (p path) before() (output, input string) {
	for _, e := range p.exchanges[:len(p.exchanges)-1] {
		output += e.s
		input += e.c
	}
	return output, input + p.last().c
}

func (p path) config() protocol.ServerConfig {
	cfg := config
	cfg.LMTP, cfg.TLS = p.lmtp, true
	server := auth.Server{AllowCleartext: true, Password: func(string, string) error { return nil }}
	cfg.Mechanisms = server.Mechanisms
	return cfg
}

// everywhere runs a test at each step with one action.
func everywhere(t *testing.T, action fault.Action, test func(t *testing.T, p path, s *session, before string)) {
	for _, p := range paths {
		t.Run(p.String(), func(t *testing.T) {
			before, input := p.before()
			s := newSession(t, p.config(), fault.InjectorConfig{Script: fault.Script{{Step: p.step, Action: action}}})
			s.feed(input)
			test(t, p, s, before)
		})
	}
}

func TestPathsLeadToAllSteps(t *testing.T) {
	for _, step := range fault.Steps() {
		if !slices.ContainsFunc(paths, func(p path) bool { return p.step == step }) {
			t.Errorf("no path leads to %s", step)
		}
	}
}

// An Injector without faults changes nothing, however the input is cut.
func TestWithoutFaults(t *testing.T) {
	for _, p := range paths {
		before, input := p.before()
		for cut := range len(input) + 1 {
			s := newSession(t, p.config(), fault.InjectorConfig{})
			s.feed(input[:cut])
			s.feed(input[cut:])
			s.want(before + p.last().s)
		}
		s := newSession(t, p.config(), fault.InjectorConfig{})
		for i := range len(input) {
			s.feed(input[i : i+1])
		}
		s.want(before + p.last().s)
	}
}
