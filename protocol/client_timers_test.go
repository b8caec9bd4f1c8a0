package protocol_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// limits are all different, so that a test sees which one it met.
var limits = protocol.Timeouts{
	Greeting: 11 * time.Minute, Mail: 12 * time.Minute, Rcpt: 13 * time.Minute, Data: 14 * time.Minute,
	Block: 15 * time.Minute, Final: 16 * time.Minute, Command: 17 * time.Minute, TLS: 18 * time.Minute,
	Drain: 19 * time.Second,
}

// due wants the deadline to be d from the machine's time.
func (m *machine) due(d time.Duration) {
	m.t.Helper()
	at := m.Deadline()
	if d == 0 && !at.IsZero() || d != 0 && !at.Equal(m.now.Add(d)) {
		m.t.Fatalf("due in %v, want %v", at.Sub(m.now), d)
	}
}

// pass lets time go by, with Ticks that nothing is due at.
func (m *machine) pass(d time.Duration) {
	m.t.Helper()
	before := m.Deadline()
	for range 2 {
		m.now = m.now.Add(d / 2)
		m.Tick(m.now)
		if m.Err() != nil || !m.Deadline().Equal(before) {
			m.t.Fatalf("a spurious Tick: Err %v, due %v instead of %v", m.Err(), m.Deadline(), before)
		}
	}
}

// expire wants the deadline to be d from now, and to end the conversation.
func (m *machine) expire(d time.Duration, text string) {
	m.t.Helper()
	m.due(d)
	m.pass(d - 2*time.Nanosecond)
	m.now = m.now.Add(2 * time.Nanosecond)
	m.Tick(m.now)
	if err := m.Err(); err == nil || err.Error() != text {
		m.t.Fatalf("Err is %v, want %s", err, text)
	}
	m.due(0)
	m.Tick(m.now.Add(time.Hour))
}

// Each step has its own limit, from its last octet on.
func TestRule6EveryTimeout(t *testing.T) { // F20 C44 H-R10
	plain := protocol.Mechanism{Name: sasl.Plain, New: func(protocol.TLSState) (sasl.Client, error) {
		return sasl.NewPlainClient("", "george", "abracadabra"), nil
	}}
	mail := func(m *machine) {
		m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
	}
	upTo := func(replies ...string) func(*machine) {
		return func(m *machine) {
			mail(m)
			for _, r := range replies {
				m.take(100)
				m.feed(r + "\r\n")
			}
		}
	}
	tests := []struct {
		name  string
		begin func(*machine)
		limit time.Duration
		step  string
	}{
		{"MAIL", mail, limits.Mail, "reply to MAIL"},
		{"RCPT", upTo("250 ok"), limits.Rcpt, "reply to RCPT"},
		{"DATA", upTo("250 ok", "250 ok"), limits.Data, "reply to DATA"},
		{"content", upTo("250 ok", "250 ok", "354 go"), limits.Final, "verdict on the content"},
		{"RSET", func(m *machine) { mail(m); upTo("250 ok", "550 no")(m) }, limits.Command, "reply to RSET"},
		{"Do", func(m *machine) { m.Do(protocol.Command{Verb: "NOOP"}) }, limits.Command, "reply to a command"},
		{"WaitFor", func(m *machine) { m.WaitFor(); m.Tick(m.now) }, limits.Command, "reply waited for"},
		{"AUTH", func(m *machine) { m.Login(plain) }, limits.Command, "reply to an exchange"},
		{"AUTH, a challenge", func(m *machine) { m.Login(plain); m.take(100); m.feed("334 \r\n") }, limits.Command, "reply to an exchange"},
		{"EHLO", func(m *machine) { m.Hello("me.example") }, limits.Command, "reply to EHLO"},
		{"HELO", func(m *machine) { m.Hello("me.example"); m.take(100); m.feed("502 no\r\n") }, limits.Command, "reply to HELO"},
		{"STARTTLS", func(m *machine) { m.StartTLS() }, limits.Command, "reply to STARTTLS"},
		{"handshake", func(m *machine) { m.StartTLS(); m.take(100); m.feed("220 go\r\n") }, limits.TLS, "TLS handshake"},
		{"QUIT", func(m *machine) { m.Quit() }, limits.Command, "reply to QUIT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := greeted(t, protocol.ClientConfig{Timeouts: limits, AllowCleartextAuth: true}, "STARTTLS", "AUTH PLAIN")
			m.due(0) // an idle client waits for nothing
			tt.begin(m)
			m.take(100)
			m.expire(tt.limit, fmt.Sprintf("timeout: no %s within %v", tt.step, tt.limit))
			var timeout *protocol.TimeoutError
			if !errors.As(m.Err(), &timeout) || timeout.Limit != tt.limit || timeout.Step != tt.step {
				t.Errorf("%#v", m.Err())
			}
		})
	}
	t.Run("greeting", func(t *testing.T) { // P31
		m := newMachine(t, protocol.ClientConfig{Timeouts: limits})
		m.Hello("me.example")
		m.expire(limits.Greeting, "timeout: no greeting within 11m0s")
		if s := m.take(100); s != "" {
			t.Errorf("wrote %q", s)
		}
	})
}

// The defaults are the minima of RFC 5321 §4.5.3.2.
func TestRule6Defaults(t *testing.T) { // C44
	m := newMachine(t, protocol.ClientConfig{})
	m.due(5 * time.Minute)
	m = greeted(t, protocol.ClientConfig{})
	m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
	for _, step := range []struct {
		reply string
		limit time.Duration
	}{{"250 ok", 5 * time.Minute}, {"250 ok", 5 * time.Minute}, {"354 go", 2 * time.Minute}, {"250 queued", 10 * time.Minute}} {
		m.lend(100)
		m.due(3 * time.Minute) // to write
		m.take(100)
		m.due(step.limit)
		m.feed(step.reply + "\r\n")
	}
	m.due(0)
}

// One octet a minute, or one line, does not prolong the wait for a reply.
func TestRule6UnfinishedReply(t *testing.T) { // H-R10
	m := greeted(t, protocol.ClientConfig{Timeouts: limits})
	m.Do(protocol.Command{Verb: "NOOP"})
	m.take(100)
	for i, piece := range []string{"2", "5", "0", "-", "a", "\r", "\n", "250-b\r\n", "2"} {
		m.due(limits.Command - time.Duration(i)*time.Minute)
		m.pass(time.Minute)
		m.feed(piece)
	}
	m.expire(limits.Command-9*time.Minute, "timeout: no reply to a command within 17m0s")
}

// Of a group only the oldest unanswered command has a timer, which begins when the
// reply before it is whole.
func TestRule6OneTimer(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{Timeouts: limits}, "PIPELINING")
	m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
	m.take(100)
	m.due(limits.Mail)
	m.pass(limits.Mail - time.Minute)
	m.feed("250 ok\r\n")
	m.due(limits.Rcpt)
	m.pass(limits.Rcpt - time.Minute)
	m.feed("250 ok\r\n")
	m.expire(limits.Data, "timeout: no reply to DATA within 14m0s")
}

// What is unwritten has the block timeout, which begins again with every octet that
// got out; the command's own begins when its last did.
func TestRule6Block(t *testing.T) { // C53
	begin := func() *machine {
		m := greeted(t, protocol.ClientConfig{Timeouts: limits}, "PIPELINING")
		m.pass(0)
		m.now = m.now.Add(time.Hour) // time before there was something to write counts for nothing
		m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
		m.lend(1 << 20)
		return m
	}
	m := begin()
	m.expire(limits.Block, "timeout: no progress in writing within 15m0s")
	m = begin()
	for range 5 {
		m.pass(limits.Block - time.Minute)
		m.Wrote(m.now, 1)
		m.due(limits.Block)
	}
	m.Wrote(m.now, int64(len(mailGroup)-5))
	m.due(limits.Mail)
	// Content too.
	m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
	m.lend(100)
	m.due(limits.Block)
	m.pass(time.Minute)
	m.Wrote(m.now, 3)
	m.expire(limits.Block, "timeout: no progress in writing within 15m0s")
}

// The time of a command whose reply the peer may owe does not wait for those behind
// it to be written.
func TestRule6CommandAheadOfBlockedOutput(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{Timeouts: limits}, "PIPELINING")
	m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
	m.lend(1 << 20)
	m.Wrote(m.now, int64(len("MAIL FROM:<a@me.example>\r\n")))
	m.expire(limits.Mail, "timeout: no reply to MAIL within 12m0s")
}

// While the caller's own body is waited for, nothing is due but the overall
// deadline.
func TestRule6OwnBody(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{Timeouts: limits}, "PIPELINING")
	m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyFrom(strings.NewReader(strings.Repeat("x", 100)), -1))
	m.take(100)
	m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
	m.due(0)
	m.Wrote(m.now, int64(len(m.lend(50))))
	m.due(0)
	m.now = m.now.Add(100 * time.Hour)
	m.Tick(m.now)
	m.SetDeadline(m.now.Add(time.Minute))
	m.expire(time.Minute, "timeout: overall deadline passed")
}

// The overall deadline ends whatever is under way, and can be taken off.
func TestRule6OverallDeadline(t *testing.T) { // F20
	m := greeted(t, protocol.ClientConfig{Timeouts: limits})
	m.SetDeadline(m.now.Add(time.Hour))
	m.due(time.Hour)
	m.Do(protocol.Command{Verb: "NOOP"})
	m.take(100)
	m.due(limits.Command)
	m.SetDeadline(m.now.Add(time.Minute))
	m.due(time.Minute)
	m.SetDeadline(time.Time{})
	m.due(limits.Command)
	m.SetDeadline(m.now.Add(time.Second))
	m.expire(time.Second, "timeout: overall deadline passed")
}

// Behind a write error the reason may still come, for a short while.
func TestRule6Drain(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{Timeouts: limits}, "PIPELINING")
	m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
	m.take(100)
	m.pass(time.Minute)
	m.WriteFailed(m.now, errors.New("broken pipe"))
	m.expire(limits.Drain, "connection lost before the reply to MAIL: broken pipe")
}
