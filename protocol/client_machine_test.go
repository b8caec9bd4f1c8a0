package protocol_test

import (
	"io"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
)

// machine is a client without a driver: a test makes every call itself.
type machine struct {
	*protocol.Client
	t   *testing.T
	now time.Time
	log []string // what settled, in order
}

var epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func newMachine(t *testing.T, cfg protocol.ClientConfig) *machine {
	t.Helper()
	c, err := protocol.NewClient(epoch, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &machine{Client: c, t: t, now: epoch}
}

// greeted returns a machine behind the EHLO of a server with these lines to offer.
func greeted(t *testing.T, cfg protocol.ClientConfig, offers ...string) *machine {
	t.Helper()
	m := newMachine(t, cfg)
	m.Hello("me.example")
	m.feed("220 mx.example ESMTP\r\n")
	hello := "EHLO me.example\r\n"
	if cfg.LMTP {
		hello = "LHLO me.example\r\n"
	}
	m.wrote(hello)
	m.feed("250-mx.example\r\n")
	for _, line := range offers {
		m.feed("250-" + line + "\r\n")
	}
	m.feed("250 HELP\r\n")
	return m
}

// feed gives the machine all of s.
func (m *machine) feed(s string) {
	m.t.Helper()
	if n, err := m.Feed(m.now, []byte(s)); n != len(s) || err != nil {
		m.t.Fatalf("Feed took %d of %q, %v", n, s, err)
	}
}

// lend returns what Output offers.
func (m *machine) lend(max int) string {
	var b []byte
	for _, chunk := range m.Output(m.now, nil, max) {
		b = append(b, octetsOf(chunk)...)
	}
	return string(b)
}

// wrote writes everything, which has to be want.
func (m *machine) wrote(want string) {
	m.t.Helper()
	if got := m.take(1 << 20); got != want {
		m.t.Fatalf("wrote %q, want %q", got, want)
	}
}

// take writes everything that is offered, in calls of max.
func (m *machine) take(max int) string {
	var all string
	for {
		s := m.lend(max)
		if s == "" {
			return all
		}
		m.Wrote(m.now, int64(len(s)))
		all += s
	}
}

// note logs how f settles.
func note[T any](m *machine, name string, f *future.Future[T]) *future.Future[T] {
	f.OnReady(func(_ T, err error) {
		if err != nil {
			name += ": " + err.Error()
		}
		m.log = append(m.log, name)
	})
	return f
}

// send queues a message with all its steps noted.
func (m *machine) send(name string, body protocol.Body, to ...string) *protocol.Delivery {
	d := m.Send(envelope("a@me.example", to...), body)
	note(m, name+" mail", d.Mail())
	for i := range to {
		note(m, name+" rcpt", d.Rcpt(i))
	}
	note(m, name, d.Result())
	return d
}

// panics wants f to panic with a text.
func panics(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("panic: %v, want %s", got, want)
		}
	}()
	f()
}

const mailGroup = "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n"

// spoiled is a Body that overwrites its content when it is released.
type spoiled struct {
	content  string
	buf      []byte
	released int
}

func (b *spoiled) Size() int64 { return int64(len(b.content)) }

func (b *spoiled) Open() (protocol.BodyReader, error) {
	b.buf = []byte(b.content)
	return b, nil
}

func (b *spoiled) Next(int) (protocol.Chunk, error) {
	return protocol.Chunk{Bytes: b.buf}, io.EOF
}

func (b *spoiled) Release() {
	b.released++
	clear(b.buf)
}
