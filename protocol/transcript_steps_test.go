package protocol_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// opening is a conversation up to the reply to EHLO, in which the server offers
// keywords. It goes with a begin that says hello.
func opening(keywords ...string) string {
	var b strings.Builder
	b.WriteString("S: 220 mx.example\n= greeting: 220 mx.example\nC: EHLO me.example\n")
	lines := append([]string{"mx.example"}, keywords...)
	for i, line := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		b.WriteString("S: 250" + sep + line + "\n")
	}
	b.WriteString("= hello: ok from mx.example\n")
	return b.String()
}

// does is a begin made of steps.
func does(steps ...func(*session)) func(*session) {
	return func(s *session) {
		for _, step := range steps {
			step(s)
		}
	}
}

func hello(s *session) { watch(s, "hello", s.Hello("me.example")) }

func helloAgain(s *session) { watch(s, "again", s.Hello("me.example")) }

func startTLS(s *session) { watch(s, "starttls", s.StartTLS()) }

func quit(s *session) { watch(s, "quit", s.Quit()) }

func noop(s *session) { watch(s, "noop", s.Do(protocol.Command{Verb: "NOOP"})) }

// send queues a message of one recipient and watches its result.
func send(name string) func(*session) {
	return sendTo(name, "hi\r\n", "b@mx.example")
}

// sendTo queues a message and watches its result.
func sendTo(name, content string, to ...string) func(*session) {
	return sendEnvelope(name, envelope("a@me.example", to...), protocol.BodyText(content))
}

func sendEnvelope(name string, env protocol.Envelope, body protocol.Body) func(*session) {
	return func(s *session) { s.deliver(name, env, body) }
}

// deliver queues a message under a name by which the actions of a test find it.
func (s *session) deliver(name string, env protocol.Envelope, body protocol.Body) *protocol.Delivery {
	d := s.Send(env, body)
	watch(s, name, d.Result())
	if s.deliveries == nil {
		s.deliveries = map[string]*protocol.Delivery{}
	}
	s.deliveries[name] = d
	return d
}

// sendSteps is sendTo, and watches the replies to MAIL and RCPT too.
func sendSteps(name, content string, to ...string) func(*session) {
	return func(s *session) {
		watchAll(s, name, s.Send(envelope("a@me.example", to...), protocol.BodyText(content)), len(to))
	}
}

// cancel is an action: give up a message.
func cancel(name string, want bool) func(*session) {
	return func(s *session) {
		if got := s.deliveries[name].Cancel(); got != want {
			s.t.Errorf("%v: Cancel of %s is %v", s.mode, name, got)
		}
	}
}

// asError finds an error of type E in err, or fails the test.
func asError[E error](t *testing.T, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("%v (%T) has no %T in it", err, err, e)
	}
	return e
}

// resultOf returns what a message came to.
func resultOf(t *testing.T, d *protocol.Delivery) (protocol.Receipt, error) {
	t.Helper()
	receipt, err, ok := d.Result().Result()
	if !ok {
		t.Fatal("the message is not settled")
	}
	if failed := (*protocol.DeliveryError)(nil); errors.As(err, &failed) {
		receipt = failed.Receipt
	}
	return receipt, err
}

// printed is v with all its fields.
func printed(v any) string { return fmt.Sprintf("%v %+v %#v", v, v, v) }

// want shortens tables.
func want(codes ...wire.Code) []wire.Code { return codes }

// start is what now is where time does not matter.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// newClient returns a client for tests that look at values instead of a
// conversation.
func newClient(t *testing.T, cfg protocol.ClientConfig) *protocol.Client {
	t.Helper()
	c, err := protocol.NewClient(start, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// flush writes all that c has to write, and returns it.
func flush(c *protocol.Client) string {
	var out []byte
	for {
		n := int64(0)
		for _, chunk := range c.Output(start, nil, 1<<16) {
			out = append(out, octetsOf(chunk)...)
			n += chunk.Len()
		}
		if n == 0 {
			return string(out)
		}
		c.Wrote(start, n)
	}
}

// feed gives c input, and returns all that it writes then.
func feed(c *protocol.Client, input string) string {
	c.Feed(start, []byte(input))
	return flush(c)
}

// wantPanic calls f and wants it to panic with a text.
func wantPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("panic %v, want %q", got, want)
		}
	}()
	f()
}

// joined returns the octets of chunks.
func joined(chunks []protocol.Chunk) string {
	var b strings.Builder
	for _, chunk := range chunks {
		b.Write(octetsOf(chunk))
	}
	return b.String()
}

// octetsOf returns the octets of a chunk, wherever they lie.
func octetsOf(c protocol.Chunk) []byte {
	p := make([]byte, c.Len())
	n, _ := c.Read(p)
	return p[:n]
}

func reply(code wire.Code, text string) wire.Reply { return wire.Reply{Code: code, Text: text} }
