package protocol_test

import (
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// serverMachine is a server without a driver: a test makes every call itself.
type serverMachine struct {
	*protocol.Server
	t     *testing.T
	now   time.Time
	all   bool // answer every request
	asked []protocol.Request
	sinks []*mailSink
	log   []string // what settled, in order
}

func servedMachine(t *testing.T, cfg protocol.ServerConfig) *serverMachine {
	t.Helper()
	if cfg.Hostname == "" {
		cfg.Hostname = "mx.example"
	}
	s, err := protocol.NewServer(epoch, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &serverMachine{Server: s, t: t, now: epoch}
}

// answerAll makes the machine answer as an application does that takes all mail.
func (m *serverMachine) answerAll() { m.all = true; m.pump() }

// pump takes the requests that are there; without answerAll they are left in asked.
func (m *serverMachine) pump() {
	for r, ok := m.Next(); ok; r, ok = m.Next() {
		switch {
		case !m.all:
			m.asked = append(m.asked, r)
		case r.Kind() == protocol.RequestRcpt:
			r.Answer(wire.Reply{Code: wire.CodeOK})
		case r.Kind() == protocol.RequestData:
			sink := &mailSink{}
			m.sinks = append(m.sinks, sink)
			r.AcceptContent(sink).OnReady(func(_ int64, err error) {
				if err == nil {
					r.Answer(wire.Reply{Code: wire.CodeOK})
				}
			})
		case r.Kind() == protocol.RequestClosed:
		default:
			r.AnswerDefault()
		}
	}
}

// feed gives the machine s, as much as it takes.
func (m *serverMachine) feed(s string) (n int) {
	p := []byte(s)
	for n < len(p) && m.WantRead() && m.Err() == nil {
		taken, _ := m.Feed(m.now, p[n:])
		m.pump()
		if n += taken; taken == 0 {
			break
		}
	}
	return n
}

// lend returns what Output offers.
func (m *serverMachine) lend(max int) string {
	s := joined(m.Output(m.now, nil, max))
	m.pump()
	return s
}

// flush writes everything, and returns it.
func (m *serverMachine) flush() (all string) {
	for s := m.lend(1 << 20); s != ""; s = m.lend(1 << 20) {
		m.Wrote(m.now, int64(len(s)))
		m.pump()
		all += s
	}
	return all
}

// send feeds all of s, writes what comes of it, and returns that.
func (m *serverMachine) send(s string) (all string) {
	m.t.Helper()
	all = m.flush()
	for len(s) > 0 {
		n := m.feed(s)
		s = s[n:]
		wrote := m.flush()
		all += wrote
		if n == 0 && wrote == "" {
			if m.Err() == nil {
				m.t.Fatalf("Feed takes nothing of %.100q", s)
			}
			break
		}
	}
	return all
}
