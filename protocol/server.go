package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Server is the server's side of an SMTP or LMTP conversation. It is a Core; what the
// client asks for that ServerConfig.Requests names is pulled with Next, and answered then or
// later. Everything else it answers by itself, correctly and safely.
//
// Call Next after every call of the driver's until it returns false.
//
// A Server, its requests and its futures belong to one goroutine at a time, as Core
// says.
type Server struct {
	cfg ServerConfig
	out output
	mem *buffers // noBuffers while there is nothing to do

	// The commands that were read and not answered in full stand in mem.slots, each at
	// its number. They are done in order, as far as the gates let them, and their
	// replies leave in order.
	head   uint64 // the oldest whose reply is not planned in full
	next   uint64 // the oldest that is not done: it waits at its gate
	tail   uint64 // what the next one will be
	pulled uint64 // Next has looked at those below

	in input

	offered wire.ExtensionSet // by the configuration, whatever the connection is like
	set     wire.ExtensionSet // what the last EHLO offered

	// What the session has come to. An application holds thousands of idle servers:
	// flags stand together, and what few sessions have is only referred to.
	greeted       bool // with a 2yz
	alone         bool // the command below next is one that nothing is done behind until it is answered
	authenticated bool
	upgrading     bool // from the 220 to STARTTLS until Upgraded
	shutdown      bool

	busy    bool // a call is under way: rule 5
	eof     bool // the client sends no more
	closed  bool // RequestClosed was pulled
	dropped bool // no output is lent any more

	verb, name string
	tls        *TLSState    // nil in clear
	tx         *transaction // the one that commands belong to
	filling    *transaction // the one whose content is being received
	auth       *authExchange
	mails      int // transactions so far
	domains    map[string]struct{}
	refusals   refusals

	clock serverClock

	failure  error // recorded by Fail from inside a callback
	writeErr error // from WriteFailed
	err      error
	traces   *replyTraces // nil while every reply that was planned is reported
}

// NewServer returns a server for one connection. The error is a *ConfigError.
func NewServer(now time.Time, cfg ServerConfig) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(now); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, mem: &noBuffers, offered: cfg.extensions()}
	s.out.mem = s.mem
	s.clock.stamp(now)
	s.clock.client = now
	if cfg.Timeouts.Session > 0 {
		s.clock.deadline = now.Add(cfg.Timeouts.Session)
	}
	if !cfg.ImplicitTLS {
		s.greet()
		s.proceed()
	}
	return s, nil
}

// greet asks for the greeting.
func (s *Server) greet() {
	c := s.push(isConnect)
	if s.cfg.RefuseEarlyTalkers {
		c.guarded = true
		s.in.guard(guardGreeting)
	}
}

// Resume says that a Sink that took less than it was given can take more.
func (s *Server) Resume() {
	s.in.blocked, s.in.resumed = false, true
	// What the client could not send meanwhile does not count against it.
	s.clock.content()
	s.proceed()
}

// Shutdown ends the session with a 421 as soon as no transaction is open and nothing is
// unanswered: at once on an idle one. A MAIL that comes before that gets the 421.
func (s *Server) Shutdown() {
	s.shutdown = true
	s.proceed()
}

// End ends the session with a reply of its own, a 421 as a rule, behind the replies that
// are due; whatever is unanswered stays so.
func (s *Server) End(reply wire.Reply) {
	if s.in.ending == nil {
		reply = s.fit(reply, false)
		s.in.ending = &ending{reply, &ReplyError{Reply: reply, Command: "connection"}}
		s.proceed()
	}
}

// SetDeadline sets the overall deadline: at t the session ends with a 421. The zero
// time takes it off.
func (s *Server) SetDeadline(t time.Time) { s.clock.deadline = t }

// TLS returns the state that Upgraded reported; the zero value in clear.
func (s *Server) TLS() TLSState {
	if s.tls == nil {
		return TLSState{}
	}
	return *s.tls
}

// Hello returns the verb and the name of the last EHLO, HELO or LHLO that was
// accepted; "" before it, and again behind STARTTLS.
func (s *Server) Hello() (verb, name string) { return s.verb, s.name }

// Authenticated reports whether a login succeeded.
func (s *Server) Authenticated() bool { return s.authenticated }

// Extensions are those in force: what the last EHLO offered.
func (s *Server) Extensions() wire.ExtensionSet { return s.set }
