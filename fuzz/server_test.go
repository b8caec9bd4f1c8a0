package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// What the bits of a session's kind stand for.
const (
	serverLMTP    = 1 << iota // LMTP
	serverTLS                 // STARTTLS is on offer, and required
	serverLogin               // AUTH is on offer, and required
	serverNarrow              // all bounds are narrow
	serverRefuses             // the application refuses recipients and messages by their names
	serverEarly               // early talkers are refused
	serverSlow                // the sink takes a little at a time
	serverSilent              // the application asks for nothing
)

// FuzzServer gives a server what a client says. At a NUL in stream, which is not said,
// the client waits: the application answers what it has not yet, and the server writes
// all that it has to. Between those places the stream comes whole, cut by seed, and
// octet by octet, and the application answers at once or late and from behind: all of
// which must be the same, but for octets behind STARTTLS (rules 1 and 9 of Core). The
// replies must parse, and answer the commands one by one.
func FuzzServer(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind byte, seed, stream []byte) {
		flights := bytes.Split(stream, []byte{0})
		whole := playServer(t, kind, flights, nil, false)
		whole.check(t, flights)
		if late := playServer(t, kind, flights, nil, true); late.String() != whole.String() {
			t.Fatalf("late:\n%v\nat once:\n%v", late, whole)
		}
		if kind&serverTLS != 0 {
			return
		}
		for _, seed := range [][]byte{seed, {1}} {
			for _, late := range []bool{false, true} {
				if cut := playServer(t, kind, flights, seed, late); cut.String() != whole.String() {
					t.Fatalf("cut by %v, late %v:\n%v\nwhole:\n%v", seed, late, cut, whole)
				}
			}
		}
	})
}

// serverSession is what became of a server.
type serverSession struct {
	*protocol.Server
	t        *testing.T
	kind     byte
	late     bool
	waiting  []protocol.Request
	log      []string // the requests, in order
	contents []string // what became of contents, in order
	kept     []byte   // all that was fed
	open     int      // futures that are not settled
	out      []byte
	replies  []int // the octets of out at the end of each flight
	ended    bool  // before the end of input
}

// serverSink keeps content, and takes no more than max octets at once unless that is 0.
type serverSink struct {
	content []byte
	max     int
}

func (k *serverSink) WriteBody(p []byte) (int, error) {
	if k.max > 0 {
		p = p[:min(len(p), k.max)]
	}
	k.content = append(k.content, p...)
	if bytes.Contains(k.content, []byte("full")) {
		return 0, errors.New("full")
	}
	return len(p), nil
}

var serverAuth = auth.Server{
	Name: "mx.example", AllowCleartext: true,
	Password: func(username, password string) error {
		if username != "tim" || password != clientSecret {
			return auth.ErrCredentials
		}
		return nil
	},
}

func playServer(t *testing.T, kind byte, flights [][]byte, seed []byte, late bool) *serverSession {
	cfg := protocol.ServerConfig{
		Hostname: "mx.example", LMTP: kind&serverLMTP != 0, Requests: protocol.AllRequests, Enable: wire.DSN,
		RefuseEarlyTalkers: kind&serverEarly != 0, MaxUnknown: 5, MaxErrors: 10,
	}
	if kind&serverTLS != 0 {
		cfg.TLS, cfg.RequireTLS = true, true
	}
	if kind&serverLogin != 0 {
		cfg.Mechanisms, cfg.RequireAuth = serverAuth.Mechanisms, true
	}
	if kind&serverNarrow != 0 {
		cfg.MaxContent, cfg.MaxRecipients, cfg.MaxLine, cfg.MaxPipelined = 40, 2, 64, 3
		cfg.Limits = wire.SessionLimits{MailMax: 3, RcptDomainMax: 2}
	}
	if kind&serverSilent != 0 {
		cfg.Requests = protocol.RequestClosed
	}
	server, err := protocol.NewServer(clientStart, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &serverSession{Server: server, t: t, kind: kind, late: late}
	s.pump()
	if kind&serverEarly == 0 {
		s.flush()
	}
	var rest []byte
	for _, flight := range flights {
		for _, p := range cuts(flight, seed) {
			rest = s.feed(append(rest, p...))
		}
		for before := [2]int{-1}; before != [2]int{len(rest), len(s.log)}; {
			before = [2]int{len(rest), len(s.log)}
			s.settle()
			rest = s.feed(rest)
		}
		s.flush()
		if s.Upgrade() != nil {
			s.Upgraded(clientStart, protocol.TLSState{Version: 0x0304}, nil)
			s.flush()
		}
		s.replies = append(s.replies, len(s.out))
	}
	s.ended = s.Err() != nil
	if len(rest) > 0 && !s.ended {
		t.Fatalf("left %q, wants to read: %v\n%v", rest, s.WantRead(), s)
	}
	s.FeedEOF(clientStart)
	s.pump()
	s.settle()
	s.flush()
	return s
}

// feed gives the server input, and returns what it does not take.
func (s *serverSession) feed(p []byte) []byte {
	for {
		n, err := s.Feed(clientStart, p)
		s.kept = append(s.kept, p[:n]...)
		if err != s.Err() {
			s.t.Fatalf("Feed: %v, Err: %v", err, s.Err())
		}
		p = append([]byte(nil), p[n:]...)
		logged := len(s.log)
		s.pump()
		if s.kind&serverSlow != 0 {
			for range len(s.kept)/3 + 1 {
				s.Resume()
			}
			s.pump()
		}
		if n == 0 && len(s.log) == logged || len(p) == 0 {
			return p
		}
	}
}

// pump takes the requests, and answers them unless that comes late.
func (s *serverSession) pump() {
	for r, ok := s.Next(); ok; r, ok = s.Next() {
		s.log = append(s.log, s.describe(r))
		if s.late && r.Kind() != protocol.RequestClosed {
			s.waiting = append(s.waiting, r)
		} else {
			s.answer(r)
		}
	}
}

func (s *serverSession) describe(r protocol.Request) string {
	line := fmt.Sprintf("%d %s %q %d", r.Kind(), r.Verb(), r.Args(), r.Recipients())
	if m := r.Mail(); m != nil {
		line += " " + m.From.String()
	}
	if to := r.Recipient(); to != nil {
		line += " " + to.Path.String()
	}
	return line
}

// settle answers what waits, from behind.
func (s *serverSession) settle() {
	for len(s.waiting) > 0 {
		last := len(s.waiting) - 1
		r := s.waiting[last]
		s.waiting = s.waiting[:last]
		s.answer(r)
		s.pump()
	}
}

func (s *serverSession) answer(r protocol.Request) {
	refuse := func(name string) bool { return s.kind&serverRefuses != 0 && strings.Contains(name, "no") }
	switch r.Kind() {
	case protocol.RequestMail:
		if refuse(r.Mail().From.Mailbox()) {
			r.Answer(wire.Reply{Code: wire.CodeMailboxUnavailable, Text: "not from\nthere"})
			return
		}
		r.AnswerDefault()
	case protocol.RequestRcpt:
		if refuse(r.Recipient().Path.Mailbox()) {
			r.Answer(wire.Reply{Code: wire.CodeMailboxBusy, Text: "busy\r\n250 fine"})
			return
		}
		r.Answer(wire.Reply{Code: wire.CodeOK})
	case protocol.RequestData:
		s.receive(r, refuse(r.Mail().EnvID))
	case protocol.RequestAuth:
		exchange, err := serverAuth.New(r.Args(), s.TLS())
		if err != nil {
			s.t.Fatal(err)
		}
		s.open++
		r.AcceptAuth(exchange).OnReady(func(wire.Reply, error) { s.open-- })
	default:
		r.AnswerDefault()
	}
	if r.Kind() != protocol.RequestData && r.Answer(wire.Reply{Code: wire.CodeOK}) {
		s.t.Fatalf("answered twice: %s", s.describe(r))
	}
}

func (s *serverSession) receive(r protocol.Request, refuse bool) {
	if refuse {
		r.Answer(wire.Reply{Code: wire.CodeTransactionFailed, Text: "not now"})
		return
	}
	k := &serverSink{}
	if s.kind&serverSlow != 0 {
		k.max = 3
	}
	s.open++
	r.AcceptContent(k).OnReady(func(n int64, err error) {
		s.open--
		if err != nil {
			s.contents = append(s.contents, err.Error())
			return
		}
		s.contents = append(s.contents, fmt.Sprintf("%d: %q", n, k.content))
		if s.kind&serverLMTP != 0 && r.Recipients() > 1 {
			r.AnswerEach(1, wire.Reply{Code: wire.CodeInsufficientStorage, Text: "mailbox full"})
		}
		r.Answer(wire.Reply{Code: wire.CodeOK})
	})
}

// flush writes all that the server has to.
func (s *serverSession) flush() {
	for {
		n := int64(0)
		for _, chunk := range s.Output(clientStart, nil, 1<<16) {
			s.out = append(s.out, chunk.Bytes...)
			n += int64(len(chunk.Bytes))
		}
		if n == 0 {
			return
		}
		s.Wrote(clientStart, n)
		s.pump()
	}
}

func (s *serverSession) String() string {
	return fmt.Sprintf("wrote %q\nrequests %q\ncontents %q\nclosed: %v\nended: %v", s.out, s.log, s.contents, s.Err(), s.ended)
}

// check checks what holds for every client.
func (s *serverSession) check(t *testing.T, flights [][]byte) {
	if s.open != 0 || s.Err() == nil || s.Upgrade() != nil || s.WantRead() || !s.Deadline().IsZero() {
		t.Fatalf("goes on behind the end: %d open\n%v", s.open, s)
	}
	if s.kind&serverSilent == 0 && (len(s.log) == 0 || !strings.HasPrefix(s.log[len(s.log)-1], fmt.Sprint(protocol.RequestClosed))) {
		t.Fatalf("the last request is %q", s.log)
	}
	m := serverModel{lmtp: s.kind&serverLMTP != 0}
	m.parse(t, s.out)
	m.converse(bytes.Join(flights, nil))
	switch {
	case m.fault != "":
		t.Fatalf("%s\n%v\n%q", m.fault, s, s.log)
	case len(m.replies) > 0 && !s.ended:
		t.Fatalf("%d replies too many\n%v", len(m.replies), s)
	}
}

// serverModel goes through a conversation as a client does that believes every reply.
type serverModel struct {
	lmtp     bool
	replies  []wire.Reply
	accepted int
	fault    string
}

func (m *serverModel) parse(t *testing.T, out []byte) {
	parser := wire.ReplyParser{StrictCRLF: true}
	for len(out) > 0 {
		n, r, done, err := parser.Parse(out)
		if err != nil || !done {
			t.Fatalf("reply: %v, %v: %q", err, done, out)
		}
		m.replies = append(m.replies, r)
		out = out[n:]
	}
}

// next takes a reply; false where there is none.
func (m *serverModel) next() (wire.Reply, bool) {
	if len(m.replies) == 0 {
		return wire.Reply{}, false
	}
	r := m.replies[0]
	m.replies = m.replies[1:]
	return r, true
}

// converse reads the client's side of the conversation. It ends with the input, with the
// replies, or with the first reply that ends the session.
func (m *serverModel) converse(in []byte) {
	if _, ok := m.next(); !ok {
		m.fault = "no greeting"
		return
	}
	exchange := false
	for {
		line, rest, complete := bytes.Cut(in, []byte("\r\n"))
		if !complete {
			return
		}
		in = rest
		r, ok := m.next()
		if !ok {
			return // checked by the caller: the session ended here
		}
		if r.Code == wire.CodeNotAvailable || r.Code == wire.CodeClosing {
			if len(m.replies) > 0 {
				m.fault = "replies behind the last one"
			}
			return
		}
		if exchange {
			exchange = r.Code == wire.CodeAuthChallenge
			continue
		}
		cmd, err := wire.ParseCommand(string(line))
		if err != nil && r.Positive() {
			m.fault = fmt.Sprintf("%q answered with %v", line, r)
			return
		}
		switch cmd.Verb {
		case wire.VerbHelo, wire.VerbEhlo, wire.VerbLhlo, wire.VerbRset, wire.VerbStartTLS:
			if r.Positive() {
				m.accepted = 0
			}
		case wire.VerbRcpt:
			if r.Positive() {
				m.accepted++
			}
		case wire.VerbAuth:
			exchange = r.Code == wire.CodeAuthChallenge
		case wire.VerbData:
			switch r.Code {
			case wire.CodeStartMailInput:
			case wire.CodeArgumentSyntaxError, wire.CodeBadSequence: // the transaction goes on
				continue
			default:
				m.accepted = 0
				continue
			}
			end := bytes.Index(append([]byte("\r\n"), in...), []byte("\r\n.\r\n"))
			if end < 0 {
				return
			}
			in = in[end+len(".\r\n"):]
			if r, ok = m.next(); !ok {
				return
			}
			m.verdicts(r)
		case wire.VerbBdat:
			in = m.chunk(cmd.Args, r, in)
		}
		if r.Intermediate() && cmd.Verb != wire.VerbData && cmd.Verb != wire.VerbAuth {
			m.fault = fmt.Sprintf("%q answered with %v", line, r)
			return
		}
	}
}

// chunk skips the octets of a chunk, and takes the verdicts behind the first.
func (m *serverModel) chunk(args string, r wire.Reply, in []byte) []byte {
	n, last, _ := wire.ParseBDAT(args)
	if n < 0 || n > int64(len(in)) {
		return nil
	}
	if last {
		m.verdicts(r)
	}
	return in[n:]
}

// verdicts takes the verdicts on a message behind the first: with LMTP there is one for
// each recipient (RFC 2033 §4.2).
func (m *serverModel) verdicts(first wire.Reply) {
	n := 1
	if m.lmtp {
		n = max(1, m.accepted)
	}
	m.accepted = 0
	for r := first; ; {
		if r.Intermediate() {
			m.fault = "verdict " + strconv.Itoa(int(r.Code))
		}
		if n--; n == 0 {
			return
		}
		var ok bool
		if r, ok = m.next(); !ok {
			return
		}
	}
}
