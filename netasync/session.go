package netasync

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/transport"
)

// Session is one connection to a Server, as its handlers see it. Its methods may be
// called from any goroutine, except for Value and SetValue, which belong to the
// handlers. What they tell is as it was when the present call of the handler began.
type Session struct {
	listener *listener
	conn     net.Conn
	address  netip.Addr  // what counts for the limits; not valid: nothing does
	values   map[any]any // the handlers' own
	state    atomic.Pointer[sessionState]

	pump pump
	loop *transport.Loop // nil before the conversation; guarded by the Server's lock

	// All of this belongs to the lock of loop.
	queue       []*command // for the handler, in the order of the wire
	working     bool       // a goroutine serves queue
	workers     sync.WaitGroup
	transaction *Transaction
	who         *identity       // does not change; nil: all there is to know is conn
	ctx         context.Context // once a handler was called
	cancel      context.CancelCauseFunc
}

// sessionState is what the machine and the connection were like when a handler was called
// last. It does not change.
type sessionState struct {
	who           *identity
	authenticated bool
	tls           protocol.TLSState
	verb, name    string
	extensions    wire.ExtensionSet
	err           error
}

// identity is what is known of a client that its connection does not show.
type identity struct {
	remote, local net.Addr // said by a trusted peer; else nil
	login         Login    // by AUTH, if that succeeded
	client        Login    // by XCLIENT
}

// learn changes what is known of the client. The caller holds the loop's lock, if there
// is a loop.
func (s *Session) learn(f func(who *identity)) {
	var who identity
	if s.who != nil {
		who = *s.who
	}
	f(&who)
	s.who = &who
}

// remote is the client's address as far as it is known by now. The lock is as with
// learn.
func (s *Session) remote() net.Addr { return s.who.remoteOf(s.conn) }

func (who *identity) remoteOf(conn net.Conn) net.Addr {
	if who != nil && who.remote != nil {
		return who.remote
	}
	return conn.RemoteAddr()
}

// Server returns the server that the session belongs to, whose fields are not to be
// changed.
func (s *Session) Server() *Server { return s.listener.server }

// Hostname returns the name that the server goes by in this session.
func (s *Session) Hostname() string { return s.listener.config.Hostname }

// RemoteAddr returns the client's address: by the PROXY protocol or XCLIENT where a
// trusted peer spoke for it.
func (s *Session) RemoteAddr() net.Addr { return s.state.Load().who.remoteOf(s.conn) }

// LocalAddr returns the address that the client connected to.
func (s *Session) LocalAddr() net.Addr {
	if who := s.state.Load().who; who != nil && who.local != nil {
		return who.local
	}
	return s.conn.LocalAddr()
}

// TLS returns the state of TLS; the zero value in clear.
func (s *Session) TLS() protocol.TLSState { return s.state.Load().tls }

// Hello returns the verb and the name of the last EHLO, HELO or LHLO; "" before it,
// and again behind STARTTLS.
func (s *Session) Hello() (verb, name string) {
	state := s.state.Load()
	return state.verb, state.name
}

// Extensions are those in force: what the last EHLO offered.
func (s *Session) Extensions() wire.ExtensionSet { return s.state.Load().extensions }

// Login returns who has logged in; the zero value before that.
func (s *Session) Login() Login {
	state := s.state.Load()
	switch {
	case state.who == nil:
		return Login{}
	case state.authenticated:
		return state.who.login
	}
	return state.who.client
}

// Value returns what SetValue stored for a key; nil without that.
func (s *Session) Value(key any) any { return s.values[key] }

// SetValue stores a value of the application's for the rest of the session. Keys are compared
// as those of a context.Context are.
func (s *Session) SetValue(key, value any) {
	if s.values == nil {
		s.values = map[any]any{}
	}
	s.values[key] = value
}

// Err says how the session ended: nil while it goes on, io.EOF after a clean end, else
// an error of package protocol.
func (s *Session) Err() error { return s.state.Load().err }

// Login is a client that has shown who it is.
type Login struct {
	// Mechanism is the SASL mechanism, in upper case; "" stands for no login.
	Mechanism string
	// Username is whose credentials were right; "" with ANONYMOUS.
	Username string
	// Identity is whom the client acts as: Username, if it asked for nobody else.
	Identity string
}

func (s *Session) log() *slog.Logger { return s.listener.log.With("remote", s.RemoteAddr()) }

// beginBehindProxy is begin where a proxy speaks first.
func (s *Session) beginBehindProxy() {
	if err := s.readProxyHeader(); err != nil {
		s.log().Warn("bad header of the PROXY protocol", "err", err)
		s.giveUp()
		return
	}
	s.state.Store(&sessionState{who: s.who})
	s.begin()
}

// begin starts the conversation, if there is to be one.
func (s *Session) begin() {
	if !s.listener.server.count(s) {
		s.turnAway()
		s.listener.server.leave(s)
		return
	}
	config := s.listener.config
	config.Trusted = contains(s.listener.server.XClientFrom, s.remote())
	if s.listener.server.Trace != nil {
		config.Trace = s.listener.server.Trace(s)
	}
	machine, err := protocol.NewServer(time.Now(), config)
	if err != nil {
		s.log().Error("no session", "err", err) // Serve has seen that it works
		s.giveUp()
		return
	}
	s.pump = pump{Server: machine, session: s}
	if !s.listener.server.drive(s) {
		s.giveUp()
		return
	}
	s.loop.Do(func(time.Time) { s.pump.requests() }) // the greeting is one
	s.loop.Start(context.Background())               // the Server ends it by itself
}

// giveUp is the end of a session without a conversation.
func (s *Session) giveUp() {
	s.conn.Close()
	s.listener.server.leave(s)
}

// ended is called when the connection is closed.
func (s *Session) ended() {
	s.workers.Wait()
	if s.listener.log.Enabled(s.listener.ctx, slog.LevelDebug) {
		s.log().Debug("session ended", "err", s.loop.Err())
	}
	s.listener.server.leave(s)
}

// shutdown ends the session as soon as it is at rest.
func (s *Session) shutdown() {
	loop := s.listener.server.loopOf(s)
	if loop == nil {
		s.conn.Close()
		return
	}
	loop.Do(func(time.Time) {
		s.pump.Shutdown()
		s.pump.requests()
	})
}

// close ends the session at once.
func (s *Session) close() {
	if loop := s.listener.server.loopOf(s); loop != nil {
		loop.Close()
	} else {
		s.conn.Close()
	}
}

// resume tells the machine that its sink has room.
func (s *Session) resume() {
	s.pump.Resume()
	s.pump.requests()
}

// turnAway says that there are too many connections. The octets fit into any socket that
// is new.
func (s *Session) turnAway() {
	if !s.listener.loop.ImplicitTLS {
		s.conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = s.conn.Write(wire.Reply{
			Code: wire.CodeNotAvailable, Enhanced: wire.EnhancedCode{Class: 4, Subject: 7}, Text: s.Hostname() + " too many connections",
		}.AppendTo(nil))
	}
	s.conn.Close()
}
