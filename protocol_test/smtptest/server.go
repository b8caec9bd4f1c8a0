package smtptest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/transport"
)

// Server is an SMTP or LMTP server on a port of 127.0.0.1 that the system chose. Its
// methods may be called from any goroutine, but not from OnStep.
type Server struct {
	// Addr is "127.0.0.1:port", and URL the same behind "smtp://", "smtps://" or
	// "lmtp://". They are set by Start and StartTLS.
	Addr, URL string
	// Listener is where the server listens. It may be replaced before the start, by one
	// on a Unix socket for LMTP, say: URL begins with "lmtp+unix://" then.
	Listener net.Listener
	// Config may be changed before the start.
	Config Config

	certificate *x509.Certificate // nil: no TLS
	protocol    protocol.ServerConfig
	loop        transport.LoopConfig
	auth        *auth.Server // nil: no AUTH

	ctx     context.Context // ends with Close
	end     context.CancelCauseFunc
	running sync.WaitGroup

	mu          sync.Mutex
	started     bool
	transcripts []*strings.Builder
	messages    []*Message
	arrived     chan struct{} // closed by the next message, and by Close
}

// ErrClosed is the error of what a closed Server cannot give any more.
var ErrClosed = errors.New("the test server is closed")

// NewServer starts a server that begins in clear. It is to be closed. It panics if
// the configuration cannot be right, or there is no port.
func NewServer(cfg Config) *Server {
	s := NewUnstartedServer(cfg)
	s.Start()
	return s
}

// NewTLSServer starts a server with implicit TLS (RFC 8314 §3). It is to be closed.
func NewTLSServer(cfg Config) *Server {
	s := NewUnstartedServer(cfg)
	s.StartTLS()
	return s
}

// NewUnstartedServer returns a server that has a port, and takes connections once it
// is started. It is to be closed.
func NewUnstartedServer(cfg Config) *Server {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic("smtptest: " + err.Error())
	}
	ctx, end := context.WithCancelCause(context.Background())
	return &Server{Listener: ln, Config: cfg, ctx: ctx, end: end, arrived: make(chan struct{})}
}

// Start starts the server. It panics if the configuration cannot be right, and if the
// server was started or closed before.
func (s *Server) Start() { s.start(false) }

// StartTLS is Start with implicit TLS.
func (s *Server) StartTLS() { s.start(true) }

func (s *Server) start(implicit bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.prepare(implicit); err != nil {
		s.Listener.Close()
		panic("smtptest: " + err.Error())
	}
	s.started = true
	s.running.Go(s.accept)
}

func (s *Server) prepare(implicit bool) error {
	switch {
	case s.started:
		return errors.New("the server was started already")
	case s.ctx.Err() != nil:
		return ErrClosed
	}
	if err := s.Config.check(); err != nil {
		return err
	}
	p := s.Config.Protocol
	p.ImplicitTLS, p.TLS = implicit, s.Config.STARTTLS && !implicit
	if len(s.Config.Users) > 0 {
		var err error
		if s.auth, err = logins(s.Config.Users); err != nil {
			return err
		}
		p.Mechanisms = s.auth.Mechanisms
	}
	p.Requests = requests
	if _, err := protocol.NewServer(time.Now(), p); err != nil {
		return err
	}
	s.protocol = p
	s.loop = transport.LoopConfig{Server: true, ImplicitTLS: implicit}
	if p.TLS || p.ImplicitTLS {
		var cfg *tls.Config
		cfg, s.certificate = withCertificate(s.Config.TLS)
		s.loop.TLS = transport.ServerTLS(cfg)
	}
	s.Addr = s.Listener.Addr().String()
	scheme := "smtp://"
	switch {
	case p.LMTP && s.Listener.Addr().Network() == "unix":
		scheme = "lmtp+unix://"
	case p.LMTP:
		scheme = "lmtp://"
	case implicit:
		scheme = "smtps://"
	}
	s.URL = scheme + s.Addr
	return nil
}

// acceptPause is the time from a failure to accept a connection to the next try.
const acceptPause = 5 * time.Millisecond

func (s *Server) accept() {
	for {
		conn, err := s.Listener.Accept()
		switch {
		case err == nil:
			s.begin(conn)
		case s.ctx.Err() != nil:
			return
		default:
			select {
			case <-s.ctx.Done():
			case <-time.After(acceptPause):
			}
		}
	}
}

// begin begins a session.
func (s *Server) begin(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		conn.Close()
		return
	}
	session := newSession(s, conn, len(s.transcripts))
	s.transcripts = append(s.transcripts, &session.transcript)
	s.running.Go(session.run)
}

// Close closes the listener and all connections at once, and returns when nothing of
// the server is left. Messages and Transcript go on to work. It may be called more
// than once.
func (s *Server) Close() {
	s.mu.Lock()
	if s.ctx.Err() == nil {
		s.end(ErrClosed)
		close(s.arrived)
		s.Listener.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Certificate returns the certificate of a server with TLS, and nil for one without,
// or whose own configuration chooses it.
func (s *Server) Certificate() *x509.Certificate { return s.certificate }

// CertPool returns the roots that a client needs to trust the server.
func (s *Server) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	if s.certificate != nil {
		pool.AddCert(s.certificate)
	}
	return pool
}

// Messages returns the messages that were accepted so far, in the order in which they
// were complete. Each stands there before its verdict goes out, and stays where a
// fault keeps the verdict from the client.
func (s *Server) Messages() []*Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Wait waits until n messages were accepted, and returns those that there are then.
// The error is the cause of the end of ctx, or ErrClosed.
func (s *Server) Wait(ctx context.Context, n int) ([]*Message, error) {
	for {
		s.mu.Lock()
		messages, arrived, closed := slices.Clone(s.messages), s.arrived, s.ctx.Err() != nil
		s.mu.Unlock()
		switch {
		case len(messages) >= n:
			return messages, nil
		case closed:
			return messages, ErrClosed
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return messages, context.Cause(ctx)
		}
	}
}

// add takes a message.
func (s *Server) add(m *Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	if s.ctx.Err() == nil {
		close(s.arrived)
		s.arrived = make(chan struct{})
	}
}

// Transcript returns the conversation of each session, in the order of the
// connections, as far as it has come. Lines of the client begin with "C: ", those of
// the server with "S: ", and what is neither with "-- ". Content is a count of octets
// as they are on the wire, and secrets are "***".
func (s *Server) Transcript() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]string, len(s.transcripts))
	for i, t := range s.transcripts {
		all[i] = t.String()
	}
	return all
}
