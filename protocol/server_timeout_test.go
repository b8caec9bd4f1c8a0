package protocol_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

const timedOut = "S: 421 4.4.2 mx.example timed out\n"

// A client that is silent is told so, and the reason is a *TimeoutError.
func TestServerCommandTimeout(t *testing.T) { // C44 C33 H-R10 F20 F28
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestClosed}, text: opened + `
WAIT 4m59s
C: NOOP
S: 250 2.0.0 ok
WAIT 4m59s
C: NOO\
WAIT 2s
` + timedOut + "= closed: timeout: no command within 5m0s\n? closed\n"})
	playServer(t, service{cfg: protocol.ServerConfig{Timeouts: protocol.ServerTimeouts{Command: 7 * time.Second}}, text: "S: 220 mx.example ESMTP\nWAIT 6999ms\nWAIT 1ms\n" +
		timedOut + "= closed: timeout: no command within 7s\n"})
	m := servedMachine(t, protocol.ServerConfig{})
	m.flush()
	m.now = m.Deadline()
	m.Tick(m.now)
	var timeout *protocol.TimeoutError
	if !errors.As(m.Err(), &timeout) || !timeout.Timeout() || timeout.Limit != 5*time.Minute {
		t.Errorf("Err is %v", m.Err())
	}
}

// One octet a minute is not progress: the deadline is that of the line.
func TestServerSlowCommand(t *testing.T) { // H-R10 C44
	m := servedMachine(t, protocol.ServerConfig{})
	m.send("EHLO me.example\r\n")
	begun := m.now
	for i := 0; m.Err() == nil && i < 100; i++ {
		if d := m.Deadline(); !d.IsZero() && !m.now.Add(time.Minute).Before(d) {
			m.now = d
			m.Tick(d)
			break
		}
		m.now = m.now.Add(time.Minute)
		m.Feed(m.now, []byte("N"))
	}
	if got := m.flush(); m.Err() == nil || m.now.Sub(begun) != 5*time.Minute || got != "421 4.4.2 mx.example timed out\r\n" {
		t.Errorf("after %v: %v, %q", m.now.Sub(begun), m.Err(), got)
	}
}

// Waiting for the application has no limit, nor has a sink that is full.
func TestServerWaitsForApplication(t *testing.T) { // C44
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.AllRequests &^ protocol.RequestClosed}, text: `
? connect -> as it
WAIT 24h
A: it 220 at last
S: 220 at last
C: EHLO me.example
? EHLO me.example -> as it
WAIT 24h
A: it default
S: 250-mx.example
S: 250-PIPELINING
S: 250-SIZE 67108864
S: 250-8BITMIME
S: 250-BINARYMIME
S: 250-CHUNKING
S: 250-SMTPUTF8
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example> -> as it
WAIT 24h
A: it default
S: 250 2.1.0 ok
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example> -> as it
WAIT 24h
A: it 250
S: 250 2.1.5 ok
C: DATA
? DATA -> as it
WAIT 24h
A: it accept as it
S: 354 end data with <CR><LF>.<CR><LF>
C: hi
C: .
= content: "hi\r\n"
WAIT 24h
A: it 250
S: 250 2.0.0 ok
C: QUIT
? QUIT -> as it
WAIT 24h
A: it default
S: 221 2.0.0 mx.example closes the connection
= closed: EOF
`})
}

// The client has its time again once the last reply is out.
func TestServerCommandTimeoutRestarts(t *testing.T) { // C44
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestMail}, text: opened + `
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example> -> as it
WAIT 10m
A: it default
S: 250 2.1.0 ok
WAIT 4m59s
WAIT 1s
` + timedOut + "= closed: timeout: no command within 5m0s\n"})
}

// Content that stops coming, and content that comes too slowly.
func TestServerContentTimeout(t *testing.T) { // C44 H-R10 F28
	playServer(t, service{cfg: mailServer, text: opened + contentFollows + `
C: hi
WAIT 2m59s
WAIT 1s
` + "= content: timeout: no content within 3m0s\n" + timedOut + "= closed: timeout: no content within 3m0s\n"})
	cfg := mailServer
	cfg.MinRate = -1
	playServer(t, service{cfg: cfg, text: opened + addressed + `
C: BDAT 10
C: hi\
? BDAT 10
WAIT 2m59s
C: !\
WAIT 2m59s
WAIT 1s
` + "= content: timeout: no content within 3m0s\n" + timedOut + "= closed: timeout: no content within 3m0s\n"})
}

// trickle sends one octet of content every so often, and returns when the session
// ended, and what was said.
func trickle(t *testing.T, cfg protocol.ServerConfig, every time.Duration, octets, most int) (time.Duration, string, error) {
	t.Helper()
	m := servedMachine(t, cfg)
	m.answerAll()
	m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n")
	begun := m.now
	for i := 0; m.Err() == nil && i < most; i++ {
		next := m.now.Add(every)
		for m.Err() == nil {
			d := m.Deadline()
			if d.IsZero() || d.After(next) {
				break
			}
			m.now = d
			m.Tick(d)
			m.pump()
		}
		if m.Err() != nil {
			break
		}
		m.now = next
		m.send(strings.Repeat("x", octets))
	}
	return m.now.Sub(begun), m.flush(), m.Err()
}

func TestServerMinimumRate(t *testing.T) { // H-R10 F28
	const said = "421 4.4.2 mx.example content comes too slowly\r\n"
	// Each octet is in time, all of them together are not: over when the first
	// three minutes have passed.
	after, out, err := trickle(t, mailServer, time.Minute, 1, 1000)
	if err == nil || out != said || after > 4*time.Minute || after < 3*time.Minute {
		t.Errorf("an octet a minute: after %v %q, %v", after, out, err)
	}
	asTimeout := asError[*protocol.TimeoutError](t, err)
	if asTimeout.Step == "" {
		t.Error("the timeout names no step")
	}
	// 120 octets a second are enough, 90 are not, whatever came first.
	if after, out, err := trickle(t, mailServer, time.Second, 120, 2000); err != nil {
		t.Errorf("120 octets a second: after %v %q, %v", after, out, err)
	}
	if after, out, err := trickle(t, mailServer, time.Second, 90, 2000); err == nil || out != said || after > 30*time.Minute {
		t.Errorf("90 octets a second: after %v %q, %v", after, out, err)
	}
	slow := mailServer
	slow.MinRate = -1
	if after, out, err := trickle(t, slow, time.Minute, 1, 500); err != nil {
		t.Errorf("without a rate: after %v %q, %v", after, out, err)
	}
	slow.MinRate = 1000
	if after, out, err := trickle(t, slow, time.Second, 900, 2000); err == nil || out != said {
		t.Errorf("900 octets a second of 1000: after %v %q, %v", after, out, err)
	}
}

// A sink that is slow does not count against the client.
func TestServerMinimumRateOfSink(t *testing.T) { // H-R10
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: DATA
? DATA -> sink 3: 250 2.0.0 ok
S: 354 end data with <CR><LF>.<CR><LF>
C: hello
C: .
WAIT 10m
A: resume
WAIT 10m
A: resume
= content: "hello\r\n"
S: 250 2.0.0 ok
` + bye})
}

// The whole session has a limit if that is wanted, and one can be set from outside.
func TestServerSessionDeadline(t *testing.T) { // H-R10 F28 C33
	cfg := mailServer
	cfg.Timeouts.Session = time.Minute
	playServer(t, service{cfg: cfg, text: opened + "WAIT 59s\n" + contentFollows + `
C: hi
WAIT 1s
= content: timeout: overall deadline passed
` + timedOut + "= closed: timeout: overall deadline passed\n"})
	playServer(t, service{text: opened + "A: deadline 10s\nWAIT 9999ms\nWAIT 1ms\n" + timedOut + "= closed: timeout: overall deadline passed\n"})
	playServer(t, service{text: opened + "A: deadline 10s\nA: do off\nWAIT 1m\nC: NOOP\nS: 250 2.0.0 ok\n",
		acts: map[string]func(*serving, protocol.Request){"off": func(s *serving, _ protocol.Request) { s.SetDeadline(time.Time{}) }}})
	// It does not wait for the application either.
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestMail, Timeouts: protocol.ServerTimeouts{Session: time.Minute}}, text: opened + `
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example> -> as it
WAIT 1m
` + timedOut + "= closed: timeout: overall deadline passed\nA: it 250\n= too late\n"})
}

// Output that is not taken is the end, without a further word.
func TestServerBlockTimeout(t *testing.T) { // C44 H-R10
	m := servedMachine(t, protocol.ServerConfig{})
	m.lend(100)
	begun := m.now
	for i := 0; i < 4; i++ { // progress gives more time
		m.now = m.now.Add(2 * time.Minute)
		if d := m.Deadline(); d.Before(m.now) {
			t.Fatalf("the deadline is %v after %d octets", d.Sub(begun), i)
		}
		m.Tick(m.now)
		m.Wrote(m.now, 1)
		m.lend(100)
	}
	if d := m.Deadline(); !d.Equal(m.now.Add(3 * time.Minute)) {
		t.Errorf("the deadline is %v behind the last octet", d.Sub(m.now))
	}
	m.now = m.Deadline()
	m.Tick(m.now)
	if m.Err() == nil || m.Err().Error() != "timeout: no progress in writing within 3m0s" {
		t.Errorf("Err is %v", m.Err())
	}
}

// The handshake has its own limit, and nothing is said in clear behind it.
func TestServerHandshakeTimeout(t *testing.T) { // H-T9 H-R10
	m := servedMachine(t, protocol.ServerConfig{TLS: true})
	m.send("EHLO me.example\r\nSTARTTLS\r\n")
	if d := m.Deadline(); !d.Equal(m.now.Add(time.Minute)) {
		t.Errorf("the deadline is %v", d.Sub(m.now))
	}
	m.now = m.Deadline()
	m.Tick(m.now)
	if out := m.flush(); m.Err() == nil || m.Err().Error() != "timeout: no TLS handshake within 1m0s" || out != "" {
		t.Errorf("Err is %v, it says %q", m.Err(), out)
	}
	m = servedMachine(t, protocol.ServerConfig{TLS: true, ImplicitTLS: true})
	if d := m.Deadline(); !d.Equal(m.now.Add(time.Minute)) {
		t.Errorf("implicit TLS: the deadline is %v", d.Sub(m.now))
	}
}
