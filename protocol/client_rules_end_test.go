package protocol_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// wantLog compares what settled with lines.
func (m *machine) wantLog(want ...string) {
	m.t.Helper()
	if !slices.Equal(m.log, want) {
		m.t.Errorf("settled\n\t%s\nwant\n\t%s", strings.Join(m.log, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// Once Err is set it stays, nothing is offered any more, and no call does anything.
func TestRule7Ends(t *testing.T) {
	ends := []struct {
		name string
		call func(*machine)
		err  string
	}{
		{"Fail", func(m *machine) { m.Fail(m.now, errors.New("reset")) }, "connection lost before the reply to MAIL: reset"},
		{"Fail without a reason", func(m *machine) { m.Fail(m.now, nil) }, "connection lost before the reply to MAIL: unexpected EOF"},
		{"end of input", func(m *machine) { m.FeedEOF(m.now) }, "connection lost before the reply to MAIL: unexpected EOF"},
		{"421", func(m *machine) { m.Feed(m.now, []byte("421 bye\r\n")) }, "MAIL: 421 bye"},
		{"timeout", func(m *machine) { m.now = m.Deadline(); m.Tick(m.now) }, "timeout: no reply to MAIL within 5m0s"},
	}
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
			m.send("one", protocol.BodyText("hi"), "b@mx.example")
			note(m, "noop", m.Do(protocol.Command{Verb: "NOOP"}))
			m.take(100)
			end.call(m)
			err, settled := m.Err(), len(m.log)
			if err == nil || err.Error() != end.err || settled != 4 {
				t.Fatalf("Err is %v, want %s; settled %q", err, end.err, m.log)
			}
			for range 2 {
				m.Fail(m.now, errors.New("again"))
				m.Wrote(m.now, 1<<20) // ignored, whatever it says
				m.WriteFailed(m.now, errors.New("again"))
				m.FeedEOF(m.now)
				m.Tick(m.now)
				m.Upgraded(m.now, verified, nil)
				if n, err := m.Feed(m.now, []byte("250 ok\r\n")); n != 0 || err != m.Err() {
					t.Errorf("Feed took %d, %v", n, err)
				}
				if s := m.lend(100); s != "" || m.WantRead() || m.Upgrade() != nil || !m.Deadline().IsZero() {
					t.Errorf("offers %q, WantRead %v, due %v", s, m.WantRead(), m.Deadline())
				}
			}
			if m.Err() != err || len(m.log) != settled {
				t.Errorf("Err became %v, settled %q", m.Err(), m.log)
			}
			note(m, "late", m.Do(protocol.Command{Verb: "NOOP"}))
			if late := m.log[settled]; late != "late: "+end.err {
				t.Error(late)
			}
		})
	}
}

// An idle client takes the end of input for a clean end, and so one behind QUIT.
func TestRule7CleanEnd(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{})
	m.FeedEOF(m.now)
	if m.Err() != io.EOF {
		t.Error(m.Err())
	}
	if _, err, _ := m.Do(protocol.Command{Verb: "NOOP"}).Result(); err != protocol.ErrClosed {
		t.Error(err)
	}
	// A server that never spoke did not end cleanly, though nobody asked for anything.
	m = newMachine(t, protocol.ClientConfig{})
	m.FeedEOF(m.now)
	if err := m.Err(); err == nil || err.Error() != "connection lost before the greeting: unexpected EOF" {
		t.Error(err)
	}
	m = greeted(t, protocol.ClientConfig{})
	note(m, "quit", m.Quit())
	m.take(100)
	m.FeedEOF(m.now)
	if m.Err() != io.EOF {
		t.Error(m.Err())
	}
	m.wantLog("quit: connection lost before the reply to QUIT: unexpected EOF")
	// It is the same whether the end of input or that of output is seen first.
	for name, then := range map[string]func(*machine){
		"EOF":  func(m *machine) { m.FeedEOF(m.now) },
		"Fail": func(m *machine) { m.Fail(m.now, errors.New("broken pipe")) },
		"Tick": func(m *machine) { m.Tick(m.Deadline()) },
	} {
		m = greeted(t, protocol.ClientConfig{})
		note(m, "quit", m.Quit())
		m.lend(100)
		m.WriteFailed(m.now, errors.New("broken pipe"))
		if m.Err() != nil {
			t.Errorf("%s: ended with %v before", name, m.Err())
		}
		then(m)
		if m.Err() != io.EOF {
			t.Errorf("%s: %v", name, m.Err())
		}
		m.wantLog("quit: connection lost before the reply to QUIT: broken pipe")
	}
}

// Behind a write error the client reads on: the reason is often still to come.
func TestRule7WriteFailed(t *testing.T) { // H-S
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	m.send("one", protocol.BodyText(strings.Repeat("text ", 300)), "b@mx.example")
	note(m, "noop", m.Do(protocol.Command{Verb: "NOOP"}))
	m.take(100)
	m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
	m.Wrote(m.now, int64(len(m.lend(600))))
	m.WriteFailed(m.now, errors.New("broken pipe"))
	m.WriteFailed(m.now, errors.New("broken again"))
	m.Wrote(m.now, 1<<20)
	if s := m.lend(100); s != "" || !m.WantRead() || m.Err() != nil {
		t.Errorf("offers %q, WantRead %v, Err %v", s, m.WantRead(), m.Err())
	}
	m.Feed(m.now, []byte("552 5.3.4 too much\r\n"))
	m.wantLog("one mail", "one rcpt", "one: refused: end of data: 552 5.3.4 too much", "noop: end of data: 552 5.3.4 too much")

	// With nothing lent that could be answered there is nothing to wait for.
	m = greeted(t, protocol.ClientConfig{})
	m.Do(protocol.Command{Verb: "NOOP"})
	m.WriteFailed(m.now, errors.New("broken pipe"))
	if err := m.Err(); err == nil || err.Error() != "connection lost before the reply to a command: broken pipe" {
		t.Error(err)
	}
}

// At whatever point the conversation ends, each future settles once, and those
// ahead of it in wire order first.
func TestRule8EveryFutureOnceInWireOrder(t *testing.T) { // F2 P29
	names := []string{"one mail", "one rcpt", "one rcpt", "one", "noop", "two mail", "two rcpt", "two", "quit"}
	replies := []string{"250 ok", "250 ok", "550 no", "354 go", "250 queued", "250 ok", "250 ok", "250 ok", "354 go", "250 queued"}
	for n := range len(replies) + 1 {
		for end, call := range map[string]func(*machine){
			"end of input":  func(m *machine) { m.FeedEOF(m.now) },
			"Fail":          func(m *machine) { m.Fail(m.now, io.ErrClosedPipe) },
			"timeout":       func(m *machine) { m.now = m.Deadline(); m.Tick(m.now) },
			"421":           func(m *machine) { m.Feed(m.now, []byte("421 bye\r\n")) },
			"broken reply":  func(m *machine) { m.Feed(m.now, []byte("nonsense\r\n")) },
			"write and EOF": func(m *machine) { m.WriteFailed(m.now, io.ErrClosedPipe); m.FeedEOF(m.now) },
		} {
			m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
			m.send("one", protocol.BodyText("1"), "b@mx.example", "c@mx.example")
			note(m, "noop", m.Do(protocol.Command{Verb: "NOOP"}))
			m.send("two", protocol.BodyText("2"), "d@mx.example")
			note(m, "quit", m.Quit())
			for _, r := range replies[:n] {
				m.take(100)
				m.feed(r + "\r\n")
			}
			m.take(100)
			call(m)
			for i := range m.log {
				m.log[i], _, _ = strings.Cut(m.log[i], ":")
			}
			if !slices.Equal(m.log, names) {
				t.Errorf("%s behind %d replies: %q", end, n, m.log)
			}
		}
	}
}

// What is cancelled before it was lent settles at once and leaves no octet; what
// was lent settles in its turn.
func TestRule8Cancel(t *testing.T) { // F23
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	one := m.send("one", protocol.BodyText("1"), "b@mx.example")
	two := m.send("two", protocol.BodyText("2"), "b@mx.example")
	noop := note(m, "noop", m.Do(protocol.Command{Verb: "NOOP"}))
	if !one.Cancel() || one.Cancel() {
		t.Error("a planned message is cancelled once")
	}
	m.wantLog("one mail: canceled", "one rcpt: canceled", "one: not delivered: canceled")
	m.log = nil
	m.lend(1)
	if !noop.Cancel() {
		t.Error("a queued command is not cancelled")
	}
	m.wantLog("noop: canceled")
	m.log = nil
	if !two.Cancel() {
		t.Error("a message in its envelope is not cancelled")
	}
	m.wantLog()
	m.wrote(mailGroup)
	m.feed("250 ok\r\n250 ok\r\n")
	m.wantLog("two mail", "two rcpt")
	m.Feed(m.now, []byte("354 go\r\n"))
	m.wantLog("two mail", "two rcpt", "two: not delivered: canceled")
	if m.Err() != protocol.ErrAborted || m.lend(100) != "" {
		t.Error("a lone dot would deliver an empty message", m.Err())
	}
}

// The client takes nothing behind the 220, and any octet before Upgraded is fatal.
func TestRule9STARTTLS(t *testing.T) { // H-T1 H-T5 F14
	begin := func() *machine {
		m := greeted(t, protocol.ClientConfig{ServerName: "mx.example"}, "PIPELINING", "STARTTLS")
		note(m, "tls", m.StartTLS())
		m.send("one", protocol.BodyText("1"), "b@mx.example")
		if m.Upgrade() != nil {
			t.Error("Upgrade ahead of the 220")
		}
		m.lend(100)
		m.Wrote(m.now, 3)
		return m
	}
	const text = "protocol error at the TLS handshake: octets in clear behind the reply to STARTTLS"
	for _, behind := range []string{"2", "250 ok\r\n", "\r\n"} {
		m := begin()
		n, err := m.Feed(m.now, []byte("2"))
		if n != 1 || err != nil {
			t.Fatal(n, err)
		}
		m.take(100)
		n, err = m.Feed(m.now, []byte("20 go\r\n"+behind))
		if n != len("20 go\r\n") || err == nil || err.Error() != text || !errors.Is(err, protocol.ErrPlaintextAfterSTARTTLS) {
			t.Errorf("%q in one piece: took %d, %v", behind, n, err)
		}
		m.wantLog("tls: "+text, "one mail: "+text, "one rcpt: "+text, "one: not delivered: "+text)

		m = begin()
		m.take(100)
		m.feed("220 go\r\n")
		if u := m.Upgrade(); m.WantRead() || u == nil || !u.Client || u.ServerName != "mx.example" {
			t.Errorf("WantRead %v, Upgrade %+v", m.WantRead(), u)
		}
		if n, err := m.Feed(m.now, []byte(behind)); n != 0 || err == nil || err.Error() != text {
			t.Errorf("%q later: took %d, %v", behind, n, err)
		}
		if s := m.lend(100); s != "" || m.Upgrade() != nil {
			t.Errorf("%q: offers %q, Upgrade %+v", behind, s, m.Upgrade())
		}
	}
	m := begin()
	m.take(100)
	m.feed("220 go\r\n")
	m.Upgraded(m.now, verified, nil)
	if m.Extensions().Has("PIPELINING") || !m.WantRead() || m.Upgrade() != nil {
		t.Error("what was learned in clear is remembered")
	}
	m.wrote("EHLO me.example\r\n")
	m.feed("250 mx.example\r\n")
	m.wantLog("tls")
	m.wrote("MAIL FROM:<a@me.example>\r\n") // without PIPELINING now
}

// Upgrade waits until all output before the switch is out: the reply to STARTTLS
// may overtake Wrote.
func TestRule9UpgradeWaitsForOutput(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{}, "STARTTLS")
	m.StartTLS()
	m.lend(100)
	m.feed("220 go\r\n")
	if m.Upgrade() != nil {
		t.Error("Upgrade while STARTTLS is being written")
	}
	m.Wrote(m.now, int64(len("STARTTLS\r\n")))
	if m.Upgrade() == nil {
		t.Error("no Upgrade")
	}
}

func TestRule9Misuse(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{}, "STARTTLS")
	panics(t, "protocol: rule 9: Upgraded without an Upgrade", func() { m.Upgraded(m.now, verified, nil) })
	m = greeted(t, protocol.ClientConfig{}, "STARTTLS")
	m.StartTLS()
	m.take(100)
	m.feed("220 go\r\n")
	panics(t, "protocol: rule 9: Upgraded without TLS", func() { m.Upgraded(m.now, protocol.TLSState{}, nil) })
	// Implicit TLS comes before the first octet.
	m = newMachine(t, protocol.ClientConfig{RequireTLS: true})
	m.Upgraded(m.now, verified, nil)
	if !m.TLS().Verified || m.Err() != nil {
		t.Error(m.TLS(), m.Err())
	}
	m.feed("220 mx.example ESMTP\r\n")
	panics(t, "protocol: rule 9: Upgraded without an Upgrade", func() { m.Upgraded(m.now, verified, nil) })
}

// faulty is a source that breaks its promise.
type faulty struct {
	io.Reader
	err error
}

func (f faulty) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF && f.err != nil {
		err = f.err
	}
	return n, err
}

// Content that cannot be finished as promised ends the connection without an end of
// data, at whatever octet that shows.
func TestRule10BrokenContent(t *testing.T) { // P24
	content := strings.Repeat("a line\r\n", 5000) // more than is looked at before MAIL
	disk := errors.New("disk on fire")
	tests := []struct {
		name string
		body func() protocol.Body
		err  string
	}{
		{"the source fails", func() protocol.Body { return protocol.BodyFrom(faulty{strings.NewReader(content), disk}, -1) }, "message content: disk on fire"},
		{"the source is short", func() protocol.Body { return protocol.BodyFrom(strings.NewReader(content), 40001) }, "message content: source yields 40000 octets, but promised 40001"},
		{"the source is long", func() protocol.Body { return protocol.BodyFrom(strings.NewReader(content), 39999) }, "message content: source yields 40000 octets, but promised 39999"},
	}
	for _, tt := range tests {
		for _, max := range []int{1, 7, 100, 1 << 20} {
			m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
			m.send("one", tt.body(), "b@mx.example")
			note(m, "noop", m.Do(protocol.Command{Verb: "NOOP"}))
			m.wrote(mailGroup)
			m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
			sent := m.take(max)
			if !strings.HasPrefix(content, sent) {
				t.Errorf("%s, max %d: sent %q", tt.name, max, sent)
			}
			if m.Err() == nil {
				t.Fatalf("%s, max %d: the connection lives on", tt.name, max)
			}
			if got := m.Err().Error(); got != tt.err {
				t.Errorf("%s, max %d: %v, want %s", tt.name, max, got, tt.err)
			}
			m.wantLog("one mail", "one rcpt", "one: not delivered: "+tt.err, "noop: "+tt.err)
		}
	}
}

// A reply may be as large as the configuration says, and no larger.
func TestRule11BoundedReply(t *testing.T) { // H-R1 H-R2
	cfg := protocol.ClientConfig{MaxReplyLine: 20, MaxReplyLines: 3, MaxReplySize: 50}
	tests := []struct{ reply, err string }{
		{"220 " + strings.Repeat("x", 14) + "\r\n", "<nil>"},
		{"220 " + strings.Repeat("x", 15) + "\r\n", "protocol error at the greeting: reply line: too long at offset 20"},
		{"220-a\r\n220-b\r\n220 c\r\n", "<nil>"},
		{"220-a\r\n220-b\r\n220-c\r\n220 d\r\n", "protocol error at the greeting: reply: too many lines at offset 21"},
		{strings.Repeat("220-"+strings.Repeat("x", 14)+"\r\n", 3), "protocol error at the greeting: reply: too long at offset 50"},
	}
	for _, tt := range tests {
		m := newMachine(t, cfg)
		m.Feed(m.now, []byte(tt.reply))
		if got := fmt.Sprint(m.Err()); got != tt.err {
			t.Errorf("%q: %s, want %s", tt.reply, got, tt.err)
		}
	}
}

// An idle client keeps nothing of what a large message took.
func TestRule11IdleGivesBuffersBack(t *testing.T) {
	const n, each = 200, 4 << 10
	to := make([]string, 100)
	replies := "250 ok\r\n"
	for i := range to {
		to[i] = fmt.Sprintf("recipient%d@mx.example", i)
		replies += "250 ok\r\n"
	}
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // a sync.Pool lets go at the second collection
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	body := protocol.BodyText(strings.Repeat(".\r\n", 5000))
	machines := make([]*machine, n)
	before := heap()
	for i := range machines {
		m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
		m.Send(envelope("a@me.example", to...), body)
		m.take(1 << 20)
		m.feed(replies + "354 go\r\n")
		m.take(1 << 20)
		m.feed("250 queued\r\n")
		machines[i] = m
	}
	if got := (heap() - before) / n; got > each {
		t.Errorf("an idle client holds %d octets", got)
	}
	runtime.KeepAlive(machines)
}
