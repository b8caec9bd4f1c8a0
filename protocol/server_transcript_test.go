package protocol_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// A service is a server's session as a text, one event a line:
//
//	C: MAIL FROM:<a@me.example>  the client sends this line and a CRLF
//	S: 250 2.1.0 ok              the server sends this line and a CRLF
//	? RCPT TO:<b@mx.example>     Next returns a request; see application
//	= content: "hi\r\n"          a future settles, or the connection ends
//	A: rcpt 250                  the application does something
//	EOF, RESET, WRITE FAILS, TLS, TLS FAILS, WAIT 5m
//	# why the session goes this way
//
// Escapes are those of a conversation. Consecutive C lines are one flight. The
// lines behind an event are everything that may come of it: the S lines in order,
// and apart from them the lines with ? and = in order.
type service struct {
	cfg  protocol.ServerConfig
	acts map[string]func(*serving, protocol.Request)
	text string
	// ahead says that the client does not wait for replies where it has to, so that
	// what comes of it depends on what was lent before: no Output inside a flight.
	ahead bool
}

// serving is one playing of a service.
type serving struct {
	*protocol.Server
	application
	t      *testing.T
	now    time.Time
	mode   mode
	input  []byte // what the server did not take yet
	eof    bool   // and the end of input behind it
	log    []string
	out    []byte
	closed bool
}

// playServer runs a service at every cut, and wants the same octets, requests and
// futures each time.
func playServer(t *testing.T, c service) {
	t.Helper()
	playServerAt(t, c, 0)
}

// playServerAt is playServer without the cuts in the first octets of long flights.
func playServerAt(t *testing.T, c service, from int) {
	t.Helper()
	if c.cfg.Hostname == "" {
		c.cfg.Hostname = "mx.example"
	}
	events := c.parse(t)
	good := true
	run := func(m mode) {
		t.Helper()
		if good {
			played++
			good = c.run(t, events, m)
		}
	}
	whole := mode{flight: -1, max: 1 << 20}
	run(whole)
	for _, max := range []int{1, 7} {
		m := whole
		m.max = max
		run(m)
	}
	late := whole
	late.lateWrote = true
	run(late)
	for _, between := range []bool{false, true} {
		if between && c.ahead {
			break
		}
		m := whole
		m.bytewise, m.output = true, between
		run(m)
		m.max = 1
		run(m)
		m = whole
		m.output = between
		for i, e := range events {
			for at := max(1, min(from, len(e.input)-100)); at < len(e.input); at++ {
				m.flight, m.split = i, at
				run(m)
			}
		}
	}
}

// served is an event of a service, and all that comes of it.
type served struct {
	event
	answers []string // of the application to the requests, in order
}

func (c service) parse(t *testing.T) []served {
	t.Helper()
	events := []served{{event: event{verb: "begin"}}}
	for i, line := range strings.Split(strings.TrimSpace(c.text), "\n") {
		line = strings.TrimSpace(line)
		last := &events[len(events)-1]
		verb, arg, _ := strings.Cut(line, " ")
		switch {
		case line == "" || verb == "#":
		case verb == "C:":
			if last.verb != "C" || last.output != nil || last.settled != nil {
				events = append(events, served{event: event{line: i + 1, verb: "C"}})
				last = &events[len(events)-1]
			}
			last.input = append(last.input, octets(t, arg)...)
		case verb == "S:":
			last.output = append(last.output, octets(t, arg)...)
		case verb == "?":
			request, answer, _ := strings.Cut(arg, " -> ")
			last.settled = append(last.settled, "? "+request)
			last.answers = append(last.answers, answer)
		case verb == "=":
			last.settled = append(last.settled, line)
		case verb == "A:" || verb == "WAIT":
			events = append(events, served{event: event{line: i + 1, verb: verb, arg: arg}})
		default:
			events = append(events, served{event: event{line: i + 1, verb: line}})
		}
	}
	return events
}

// run plays a service in one way, and reports whether all was as it should be.
func (c service) run(t *testing.T, events []served, m mode) bool {
	t.Helper()
	s := &serving{t: t, now: epoch, mode: m}
	s.application.begin(s, c.acts)
	server, err := protocol.NewServer(s.now, c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = server
	for i, e := range events {
		s.log, s.out, s.answers = nil, nil, e.answers
		s.pump()
		s.apply(i, e)
		s.settle()
		if string(s.out) != string(e.output) || !slices.Equal(s.log, e.settled) {
			t.Errorf("line %d, %v:\nwrote %.2000q\n want %.2000q\nwhat happened %.2000q\n         want %.2000q", e.line, m, s.out, e.output, s.log, e.settled)
			return false
		}
	}
	s.over()
	return true
}

func (s *serving) apply(i int, e served) {
	switch e.verb {
	case "begin":
	case "C":
		switch {
		case s.mode.bytewise:
			for j := range e.input {
				s.offer(e.input[j:j+1], j < len(e.input)-1)
			}
		case s.mode.flight == i:
			s.offer(e.input[:s.mode.split], true)
			s.offer(e.input[s.mode.split:], false)
		default:
			s.offer(e.input, false)
		}
	case "A:":
		s.act(e.line, e.arg)
		s.pump()
	case "WAIT":
		d, err := time.ParseDuration(e.arg)
		if err != nil {
			s.t.Fatal(err)
		}
		s.wait(d)
	case "EOF":
		s.eof = true
	case "RESET":
		s.Fail(s.now, errors.New("connection reset"))
		s.pump()
	case "WRITE FAILS":
		s.WriteFailed(s.now, errors.New("broken pipe"))
		s.pump()
	case "TLS":
		if u := s.Upgrade(); u != nil && (u.Client || u.ServerName != "") {
			s.t.Fatalf("line %d: upgrade is %+v", e.line, u)
		}
		s.Upgraded(s.now, clientTLS, nil)
		s.pump()
	case "TLS FAILS":
		s.Upgraded(s.now, protocol.TLSState{}, errors.New("no shared cipher"))
		s.pump()
	default:
		s.t.Fatalf("line %d: no event %q", e.line, e.verb)
	}
}

// clientTLS is a connection with a client that showed no certificate.
var clientTLS = protocol.TLSState{Version: 0x0304, ServerName: "mx.example"}

// offer has a piece of a flight arrive.
func (s *serving) offer(p []byte, more bool) {
	s.input = append(s.input, p...)
	s.feed()
	if more && s.mode.output {
		s.settle()
	}
}

// feed gives the server what it wants to read, and reports whether it took any.
func (s *serving) feed() (any bool) {
	for len(s.input) > 0 && s.Err() == nil && s.WantRead() && s.Upgrade() == nil {
		n, err := s.Feed(s.now, s.input)
		if err != s.Err() {
			s.t.Fatalf("%v: Feed returns %v, Err %v", s.mode, err, s.Err())
		}
		s.input = s.input[n:]
		s.pump()
		if n == 0 && s.Err() == nil && s.WantRead() && s.lendable() == 0 {
			s.t.Fatalf("%v: Feed takes nothing of %q", s.mode, s.input)
		}
		if n == 0 {
			break
		}
		any = true
	}
	if s.eof && len(s.input) == 0 && s.Err() == nil && s.WantRead() {
		s.eof = false
		s.FeedEOF(s.now)
		s.pump()
		any = true
	}
	return any
}

func (s *serving) lendable() (n int) {
	for _, chunk := range s.Output(s.now, nil, 1<<20) {
		n += len(chunk.Bytes)
	}
	return n
}

// settle feeds and writes until nothing moves.
func (s *serving) settle() {
	for {
		fed := s.feed()
		if wrote := s.drain(); !fed && !wrote {
			return
		}
	}
}

// drain writes what the server has to write, and reports whether there was any.
func (s *serving) drain() (any bool) {
	held := int64(0)
	for {
		want := s.mode.max
		if s.mode.lateWrote {
			want += int(held)
		}
		n := int64(0)
		var offered []byte
		for _, chunk := range s.Output(s.now, nil, want) {
			n += int64(len(chunk.Bytes))
			offered = append(offered, chunk.Bytes...)
		}
		s.pump()
		if n > int64(want) {
			s.t.Fatalf("%v: Output lends %d octets of at most %d", s.mode, n, want)
		}
		s.out = append(s.out, offered[held:]...)
		if n == held {
			break
		}
		any = true
		if s.mode.lateWrote {
			held = n
			continue
		}
		s.Wrote(s.now, n)
		s.pump()
	}
	if held > 0 {
		s.Wrote(s.now, held)
		s.pump()
		s.drain()
	}
	return any
}

// pump does what an application does after each call of the driver's.
func (s *serving) pump() {
	if s.Server == nil {
		return
	}
	for r, ok := s.Next(); ok; r, ok = s.Next() {
		if r.Kind() == protocol.RequestClosed {
			s.noteEnd()
		}
		s.request(r)
	}
	s.noteEnd()
}

// noteEnd notes the end of the session, once.
func (s *serving) noteEnd() {
	if err := s.Err(); err != nil && !s.closed {
		s.closed = true
		s.note("= closed: %v", err)
	}
}

// wait lets time pass, as an event loop would: only what is due is told.
func (s *serving) wait(d time.Duration) {
	end := s.now.Add(d)
	for range 1000 {
		at := s.Deadline()
		if at.IsZero() || at.After(end) || s.Err() != nil {
			s.now = end
			return
		}
		s.now = at
		s.Tick(at)
		s.pump()
		s.settle()
	}
	s.t.Fatalf("%v: the deadline stays at %v", s.mode, s.Deadline())
}

func (s *serving) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}
