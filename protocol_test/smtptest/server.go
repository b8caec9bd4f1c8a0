package smtptest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// Config says what a Server is like. The zero value takes every message from
// everybody, with the extensions of protocol.DefaultExtensions.
type Config struct {
	// Faults are what goes wrong in each session: see package fault.
	Faults fault.Script
	// OnStep, if not nil, is asked at each step of a session that Faults has no rule for, once. It may be
	// called by several goroutines at a time, and must not block: a wait is a Delay.
	OnStep func(fault.Event) (fault.Action, bool)
	// Users have passwords: if there are any, AUTH is offered, in clear too, by SCRAM-SHA-256,
	// CRAM-MD5, PLAIN and LOGIN.
	Users map[string]string
	// STARTTLS offers STARTTLS on a server that starts in clear.
	STARTTLS bool
	// TLS is the configuration of TLS, for one that is to ask for certificates, say. If
	// it has no certificate it gets one for 127.0.0.1, ::1 and localhost.
	TLS *tls.Config
	// Protocol is the configuration of the protocol: LMTP, the host's name, extensions
	// on and off, limits, time limits. Requests, TLS, ImplicitTLS, Mechanisms and Trace
	// are the Server's own business.
	Protocol protocol.ServerConfig
}

// Server is an SMTP or LMTP server on a port of 127.0.0.1 that the system chose. Its
// methods may be called from any goroutine.
type Server struct {
	// Addr is "127.0.0.1:port", and URL the same behind "smtp://", "smtps://" or
	// "lmtp://".
	Addr, URL string
	// Listener is where the server listens; it may be replaced before Start.
	Listener net.Listener
	// Config may be changed before Start.
	Config Config
}

// NewServer starts a server that begins in clear. Close it.
func NewServer(cfg Config) *Server { panic("TODO") }

// NewTLSServer starts a server with implicit TLS (RFC 8314 §3). Close it.
func NewTLSServer(cfg Config) *Server { panic("TODO") }

// NewUnstartedServer returns a server that listens, and takes no connections before
// Start or StartTLS.
func NewUnstartedServer(cfg Config) *Server { panic("TODO") }

// Start starts the server. It panics where that was done before, and if the
// configuration cannot be right.
func (s *Server) Start() { panic("TODO") }

// StartTLS is Start with implicit TLS.
func (s *Server) StartTLS() { panic("TODO") }

// Close closes the listener and all connections, and returns when nothing of the server is left.
func (s *Server) Close() { panic("TODO") }

// Certificate returns the server's certificate; nil if it has no TLS.
func (s *Server) Certificate() *x509.Certificate { panic("TODO") }

// CertPool returns what a client has to trust.
func (s *Server) CertPool() *x509.CertPool { panic("TODO") }

// Messages returns the messages that were accepted so far, in the order of their verdicts. A message stands
// there before its verdict goes out.
func (s *Server) Messages() []*Message { panic("TODO") }

// Wait waits until n messages were accepted, and returns all there are. The end of ctx
// is an error, and so is Close.
func (s *Server) Wait(ctx context.Context, n int) ([]*Message, error) { panic("TODO") }

// Transcript returns the conversation of each session, in the order of the connections.
func (s *Server) Transcript() []string { panic("TODO") }

// Message is a message that a Server accepted. It is not to be changed.
type Message struct {
	Mail       wire.Mail        // the reverse-path and the parameters of MAIL
	Recipients []wire.Recipient // accepted by RCPT
	Content    []byte           // without dot-stuffing and end of data, else octet by octet as it came
	Verb       string           // DATA or BDAT
	Session    int              // index into Transcript
	Hello      string           // the name of EHLO, HELO or LHLO
	TLS        protocol.TLSState
	User       string // who logged in; "": nobody
}
