package netasync

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Server is an SMTP or LMTP server. The zero value listens on port 25, answers
// everything as the RFCs want it, and takes no mail: that is what Handler is for,
// mostly a Backend.
//
// The fields are not to be changed once Serve or ListenAndServe was called. The
// methods may be called from any goroutine.
type Server struct {
	// Addr is where ListenAndServe listens: host and port. "": port 25, or 465 with
	// Protocol.ImplicitTLS, or 24 with Protocol.LMTP, on all addresses of this machine.
	Addr string
	// Label names the server in logs; the application has it from Session.Server.
	Label string
	// Handler answers commands: a *Backend, a *Mux, or any other. nil: every command
	// gets its default answer.
	Handler Handler
	// TLSConfig has the certificates. STARTTLS is offered if it is not nil. It is not
	// changed.
	TLSConfig *tls.Config
	// Auth checks logins. AUTH is offered if it is not nil, by those of its
	// mechanisms that the connection allows. Its functions may block: they do not run
	// under any lock. They must be ready for many goroutines.
	Auth *auth.Server
	// Protocol is the configuration of the protocol: the host's name, LMTP, implicit
	// TLS, extensions, limits and time limits. A Hostname of "" is the name that the
	// system has, or "localhost" where that is no domain. Requests, TLS, Mechanisms,
	// Trusted and Trace are the Server's own business and have to be zero.
	Protocol protocol.ServerConfig

	// MaxConnections bounds the connections that are open at a time. 0: 10,000; -1:
	// no limit. MaxPerAddress bounds those from one address, or with IPv6 from one
	// /64. 0: 100; -1: no limit. MaxRate bounds how many connections an address may
	// make in a minute, as many of them at once as it likes. 0: no limit. Beyond any
	// of them a client gets 421 4.7.0, or under implicit TLS nothing. Connections
	// without an IP address count for MaxConnections alone.
	MaxConnections, MaxPerAddress, MaxRate int
	// ProxyFrom are networks whose connections begin with a header of the PROXY
	// protocol, version 1 or 2, which says who the client is. One without a header is closed.
	// From everywhere else such a header is a command that does not exist.
	ProxyFrom []netip.Prefix
	// XClientFrom are networks whose clients may say by XCLIENT for whom they speak,
	// where no handler answers that.
	XClientFrom []netip.Prefix

	// Logger is told of what an operator wants to know: failures of this side as
	// errors and warnings, the begin and end of sessions for debugging. Nothing secret and no
	// content gets there. nil: slog.Default.
	Logger *slog.Logger
	// Trace, if not nil, is called at the begin of each session, and what it returns,
	// if not nil, is told of each line in both directions, without secrets. It runs
	// inline: it must not block.
	Trace func(*Session) func(protocol.TraceEvent)
	// Intercept, if not nil, is called at the begin of each session, for tests: see
	// Interceptor. reset is for the Interceptor to call, once at most: it has the
	// connection closed so that the client sees a reset.
	Intercept func(s *Session, reset func()) Interceptor

	mu        sync.Mutex
	listeners map[*listener]struct{}
	sessions  map[*Session]struct{}
	limits    limits
	closing   chan struct{} // closed by Shutdown and Close
	drained   chan struct{} // closed after closing, once there is no session
}

// ErrServerClosed is the error of Serve and ListenAndServe after Shutdown or Close.
var ErrServerClosed = errors.New("the server is closed")

// ListenAndServe is Serve with a listener for Addr on TCP.
func (s *Server) ListenAndServe(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr())
	if err != nil {
		return err
	}
	return s.Serve(ctx, ln)
}

func (s *Server) addr() string {
	switch {
	case s.Addr != "":
		return s.Addr
	case s.Protocol.ImplicitTLS:
		return ":465"
	case s.Protocol.LMTP:
		return ":24"
	}
	return ":25"
}

// hostname is the name that the server goes by.
func (s *Server) hostname() string {
	if s.Protocol.Hostname != "" {
		return s.Protocol.Hostname
	}
	name, _ := os.Hostname() // "" where nobody knows it
	if wire.CheckDomain(name) != nil {
		return "localhost"
	}
	return name
}

func (s *Server) logger() *slog.Logger {
	l := s.Logger
	if l == nil {
		l = slog.Default()
	}
	if s.Label != "" {
		l = l.With("server", s.Label)
	}
	return l
}
