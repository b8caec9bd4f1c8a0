package protocol_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// A conversation is a client's session as a text, one event a line:
//
//	S: 220 mx.example       the server sends this line and a CRLF
//	C: EHLO me.example      the client sends this line and a CRLF
//	= hello: ok             a future settles, or the connection ends
//	! cancel                an action of the test
//	EOF, RESET, WRITE FAILS, TLS, TLS FAILS, WAIT 5m
//	# why the conversation goes this way
//
// In S and C lines \r, \n, \t, \\ and \xHH stand for octets, and a backslash at the
// end keeps the CRLF away. Consecutive S lines are one flight. The C and = lines
// behind an event are everything that may come of it, in order, C lines apart
// from = lines.
type conversation struct {
	cfg   protocol.ClientConfig
	begin func(*session)
	acts  map[string]func(*session)
	text  string
}

// session is one playing of a conversation.
type session struct {
	*protocol.Client
	t       *testing.T
	now     time.Time
	settled []string
	out     []byte
	mode    mode
	closed  bool
	pending map[string]bool

	deliveries map[string]*protocol.Delivery // by the name they are watched under
}

// mode is how a conversation is cut.
type mode struct {
	flight, split int  // this flight is split in two here; flight -1: none is
	bytewise      bool // every flight octet by octet
	output        bool // Output and Wrote between the pieces
	max           int  // octets at a time from Output
	lateWrote     bool // Wrote once the whole flight was taken
}

func (m mode) String() string {
	return fmt.Sprintf("flight %d split at %d, bytewise %v, output between %v, max %d, late Wrote %v",
		m.flight, m.split, m.bytewise, m.output, m.max, m.lateWrote)
}

// played counts the conversations played, over all tests.
var played int

func TestMain(m *testing.M) {
	code := m.Run()
	fmt.Printf("%d conversations played\n", played)
	os.Exit(code)
}

// play runs a conversation at every cut, and wants the same octets and the same
// futures each time.
func play(t *testing.T, c conversation) {
	t.Helper()
	events := c.parse(t)
	run := func(m mode) {
		t.Helper()
		played++
		c.run(t, events, m)
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
		m := whole
		m.bytewise, m.output = true, between
		run(m)
		m.max = 1
		run(m)
		m = whole
		m.output = between
		for i, e := range events {
			for at := 1; at < len(e.input); at++ {
				m.flight, m.split = i, at
				run(m)
			}
		}
	}
}

// event is something that happens to the client, and all that comes of it.
type event struct {
	line    int
	verb    string // "S", "!", "EOF" …
	arg     string
	input   []byte
	output  []byte
	settled []string
}

func (c conversation) parse(t *testing.T) []event {
	t.Helper()
	events := []event{{verb: "begin"}}
	for i, line := range strings.Split(strings.TrimSpace(c.text), "\n") {
		line = strings.TrimSpace(line)
		last := &events[len(events)-1]
		verb, arg, _ := strings.Cut(line, " ")
		switch {
		case line == "" || verb == "#":
		case verb == "S:":
			if last.verb != "S" || last.output != nil || last.settled != nil {
				events = append(events, event{line: i + 1, verb: "S"})
				last = &events[len(events)-1]
			}
			last.input = append(last.input, octets(t, arg)...)
		case verb == "C:":
			last.output = append(last.output, octets(t, arg)...)
		case verb == "=":
			last.settled = append(last.settled, arg)
		case verb == "!" || verb == "WAIT":
			events = append(events, event{line: i + 1, verb: verb, arg: arg})
		default:
			events = append(events, event{line: i + 1, verb: line})
		}
	}
	return events
}

// octets returns the octets that a line of a conversation stands for.
func octets(t *testing.T, s string) []byte {
	t.Helper()
	body, open := strings.CutSuffix(s, `\`)
	if strings.HasSuffix(body, `\`) {
		body, open = s, false
	}
	body, err := strconv.Unquote(`"` + strings.ReplaceAll(body, `"`, `\"`) + `"`)
	if err != nil {
		t.Fatalf("octets %q: %v", s, err)
	}
	if !open {
		body += "\r\n"
	}
	return []byte(body)
}

func (c conversation) run(t *testing.T, events []event, m mode) {
	t.Helper()
	s := &session{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), mode: m, pending: map[string]bool{}}
	client, err := protocol.NewClient(s.now, c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Client = client
	watch(s, "greeting", client.Greeting())
	for i, e := range events {
		s.settled, s.out = nil, nil
		s.apply(c, i, e)
		s.drain()
		if string(s.out) != string(e.output) || !slices.Equal(s.settled, e.settled) {
			t.Fatalf("line %d, %v:\nwrote %q\n want %q\nsettled %q\n   want %q", e.line, m, s.out, e.output, s.settled, e.settled)
		}
	}
	for name := range s.pending {
		t.Errorf("%v: %s never settled", m, name)
	}
}

func (s *session) apply(c conversation, i int, e event) {
	switch e.verb {
	case "begin":
		if c.begin != nil {
			c.begin(s)
		}
	case "S":
		switch {
		case s.mode.bytewise:
			for j := range e.input {
				s.feed(e.input[j:j+1], j < len(e.input)-1)
			}
		case s.mode.flight == i:
			s.feed(e.input[:s.mode.split], true)
			s.feed(e.input[s.mode.split:], false)
		default:
			s.feed(e.input, false)
		}
	case "!":
		act := c.acts[e.arg]
		if act == nil {
			s.t.Fatalf("line %d: no action %q", e.line, e.arg)
		}
		act(s)
	case "WAIT":
		d, err := time.ParseDuration(e.arg)
		if err != nil {
			s.t.Fatal(err)
		}
		s.wait(d)
	case "EOF":
		s.FeedEOF(s.now)
	case "RESET":
		s.Fail(s.now, errors.New("connection reset"))
	case "WRITE FAILS":
		s.WriteFailed(s.now, errors.New("broken pipe"))
	case "TLS", "TLS FAILS":
		if u := s.Upgrade(); u == nil || !u.Client || u.ServerName != c.cfg.ServerName {
			s.t.Fatalf("line %d: upgrade is %+v", e.line, u)
		}
		if e.verb == "TLS" {
			s.Upgraded(s.now, verified, nil)
		} else {
			s.Upgraded(s.now, protocol.TLSState{}, errors.New("bad certificate"))
		}
	default:
		s.t.Fatalf("line %d: no event %q", e.line, e.verb)
	}
}

var verified = protocol.TLSState{Version: 0x0304, Verified: true, ServerName: "mx.example"}

// feed gives the client a piece of a flight, and what it does not take again.
func (s *session) feed(p []byte, more bool) {
	for len(p) > 0 && s.Err() == nil {
		n, _ := s.Feed(s.now, p)
		p = p[n:]
		if n == 0 && s.Err() == nil {
			s.t.Fatalf("%v: Feed takes nothing of %q", s.mode, p)
		}
	}
	if more && s.mode.output {
		s.drain()
	}
}

// drain writes what the client has to write.
func (s *session) drain() {
	held := int64(0)
	for {
		want := s.mode.max
		if s.mode.lateWrote {
			want += int(held)
		}
		n, inMemory := int64(0), 0
		var offered []byte
		for _, chunk := range s.Output(s.now, nil, want) {
			n += chunk.Len()
			inMemory += len(chunk.Bytes)
			offered = append(offered, octetsOf(chunk)...)
		}
		if inMemory > want {
			s.t.Fatalf("%v: Output lends %d octets of at most %d", s.mode, inMemory, want)
		}
		s.out = append(s.out, offered[held:]...)
		if n == held {
			break
		}
		if s.mode.lateWrote {
			held = n
			continue
		}
		s.Wrote(s.now, n)
	}
	if held > 0 {
		s.Wrote(s.now, held)
		s.drain()
	}
	if err := s.Err(); err != nil && !s.closed {
		s.closed = true
		s.settled = append(s.settled, "closed: "+err.Error())
	}
}

// wait lets time pass, as an event loop would: only what is due is told.
func (s *session) wait(d time.Duration) {
	end := s.now.Add(d)
	for {
		at := s.Deadline()
		if at.IsZero() || at.After(end) {
			break
		}
		s.now = at
		s.Tick(at)
		s.drain()
		if s.Err() != nil {
			break
		}
	}
	s.now = end
}

// watch notes how a future settles, under a name.
func watch[T any](s *session, name string, f *future.Future[T]) *future.Future[T] {
	s.pending[name] = true
	f.OnReady(func(v T, err error) {
		if !s.pending[name] {
			s.t.Errorf("%s settles twice", name)
		}
		delete(s.pending, name)
		text := ""
		if err != nil {
			text = err.Error()
		} else {
			text = describe(v)
		}
		s.settled = append(s.settled, name+": "+text)
	})
	return f
}

func describe(v any) string {
	switch v := v.(type) {
	case wire.Reply:
		return v.String()
	case protocol.Extensions:
		return "ok from " + v.Name()
	case protocol.TLSState:
		return "ok for " + v.ServerName
	case protocol.Receipt:
		return v.Outcome.String() + ": " + v.Reply.String()
	default:
		return fmt.Sprint(v)
	}
}

// watchAll notes how every step of a delivery settles.
func watchAll(s *session, name string, d *protocol.Delivery, recipients int) *protocol.Delivery {
	watch(s, name+" mail", d.Mail())
	for i := range recipients {
		watch(s, fmt.Sprintf("%s rcpt %d", name, i), d.Rcpt(i))
	}
	watch(s, name, d.Result())
	return d
}

// envelope makes an envelope of paths.
func envelope(from string, to ...string) protocol.Envelope {
	env := protocol.Envelope{From: path(from)}
	for _, to := range to {
		env.To = append(env.To, wire.Recipient{Path: path(to)})
	}
	return env
}

func path(s string) wire.Path {
	p, err := wire.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}
