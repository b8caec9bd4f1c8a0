package smtptest

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
	"github.com/sansmtp/sansmtp/transport"
)

// requests are the kinds that a session does something about.
const requests = protocol.RequestConnect | protocol.RequestAuth | protocol.RequestRcpt | protocol.RequestData

// session is one connection. All of it belongs to the lock of its loop, the
// transcript aside.
type session struct {
	server     *Server
	conn       net.Conn
	number     int
	machine    *protocol.Server
	injector   *fault.Injector
	transcript strings.Builder // guarded by the Server's lock
	end        context.CancelCauseFunc

	mail       *wire.Mail // of the transaction
	recipients []wire.Recipient
	user       string
}

// newSession is for a configuration that was checked.
func newSession(server *Server, conn net.Conn, number int) *session {
	s := &session{server: server, conn: conn, number: number}
	var err error
	s.injector, err = fault.NewInjector(fault.InjectorConfig{
		Script: server.Config.Faults, OnStep: server.Config.OnStep, Reset: s.reset, Trace: s.trace,
	})
	if err != nil {
		panic(err)
	}
	if s.machine, err = protocol.NewServer(time.Now(), server.protocol); err != nil {
		panic(err)
	}
	return s
}

// run is the session's goroutine.
func (s *session) run() {
	ctx, end := context.WithCancelCause(s.server.ctx)
	defer end(nil)
	s.end = end
	loop := transport.NewLoop(s.conn, s.injector.Core(&pump{s.machine, s}), s.server.loop)
	loop.Do(func(time.Time) { s.answer() })
	_ = loop.Run(ctx) // how it ended is for the client to say
}

// reset has the connection closed so that the client sees a reset: at once, and with
// nothing of it left in the system.
func (s *session) reset() {
	if conn, ok := s.conn.(interface{ SetLinger(sec int) error }); ok {
		_ = conn.SetLinger(0)
	}
	s.end(fault.ErrBroken)
}

func (s *session) trace(e protocol.TraceEvent) {
	who := "C: "
	switch e.Kind {
	case protocol.TraceSent:
		who = "S: "
	case protocol.TraceTLS:
		who = "-- "
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.transcript.WriteString(who + e.Line + "\n")
}

// answer answers the requests that there are.
func (s *session) answer() {
	for r, ok := s.machine.Next(); ok; r, ok = s.machine.Next() {
		if s.injector.Take(r) {
			continue
		}
		switch r.Kind() {
		case protocol.RequestAuth:
			s.login(r)
		case protocol.RequestRcpt:
			if s.mail != r.Mail() {
				s.mail, s.recipients = r.Mail(), nil
			}
			s.recipients = append(s.recipients, *r.Recipient())
			r.Answer(wire.Reply{Code: wire.CodeOK})
		case protocol.RequestData:
			s.accept(r)
		default:
			r.AnswerDefault()
		}
	}
}

// accept takes a message.
func (s *session) accept(r protocol.Request) {
	_, hello := s.machine.Hello()
	m := &Message{
		Mail: *r.Mail(), Recipients: s.recipients, Content: []byte{}, Verb: r.Verb(),
		Hello: hello, TLS: s.machine.TLS(), Session: s.number,
	}
	// The login may have failed behind its last check, or been forgotten with STARTTLS.
	if s.machine.Authenticated() {
		m.User = s.user
	}
	r.AcceptContent(m).OnReady(func(_ int64, err error) {
		if err == nil {
			s.server.add(m)
			r.Answer(wire.Reply{Code: wire.CodeOK, Enhanced: wire.EnhancedCode{Class: 2}})
		}
	})
}

// pump is the machine of a session, whose requests are answered behind each call.
type pump struct {
	*protocol.Server
	session *session
}

// Feed implements protocol.Core.
func (p *pump) Feed(now time.Time, b []byte) (int, error) {
	n, err := p.Server.Feed(now, b)
	p.session.answer()
	return n, err
}

// FeedEOF implements protocol.Core.
func (p *pump) FeedEOF(now time.Time) {
	p.Server.FeedEOF(now)
	p.session.answer()
}

// WriteFailed implements protocol.Core.
func (p *pump) WriteFailed(now time.Time, err error) {
	p.Server.WriteFailed(now, err)
	p.session.answer()
}

// Tick implements protocol.Core.
func (p *pump) Tick(now time.Time) {
	p.Server.Tick(now)
	p.session.answer()
}

// Wrote implements protocol.Core.
func (p *pump) Wrote(now time.Time, n int64) {
	p.Server.Wrote(now, n)
	p.session.answer()
}

// Upgraded implements protocol.Core.
func (p *pump) Upgraded(now time.Time, tls protocol.TLSState, err error) {
	p.Server.Upgraded(now, tls, err)
	p.session.answer()
}
