package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/cmd/sansmtp/internal/store"
	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// serveCommand is "sansmtp serve".
type serveCommand struct {
	Listen   string     `default:"127.0.0.1:2525" placeholder:"ADDRESS" help:"Where to listen: host:port (${default}), or unix:/path."`
	LMTP     bool       `name:"lmtp" help:"Speak LMTP instead of SMTP."`
	Hostname string     `placeholder:"NAME" help:"The server's name. Default: this machine's."`
	Store    store.Spec `default:"discard" placeholder:"STORE" help:"Where messages go: discard, stdout, jsonl:FILE, mbox:FILE or maildir:DIR (${default})."`
	AddTrace bool       `name:"add-trace" help:"Put Return-Path and Received in front of stored messages."`

	TLS                serveTLS `name:"tls" default:"starttls" placeholder:"MODE" help:"off, starttls, required or implicit (${default})."`
	TLSCert            string   `name:"tls-cert" placeholder:"FILE" help:"The certificate with its chain, in PEM. Without one it is made for the occasion."`
	TLSKey             string   `name:"tls-key" placeholder:"FILE" help:"Its key, in PEM."`
	Auth               string   `placeholder:"FILE" help:"Offer logins by the users in a file; 'any': PLAIN and LOGIN with any password."`
	RequireAuth        bool     `help:"Take mail after a login only."`
	AllowCleartextAuth bool     `help:"Offer PLAIN and LOGIN without TLS."`

	MaxSize    byteSize       `default:"64MiB" placeholder:"SIZE" help:"The largest message, as 10MiB; 0: no limit (${default})."`
	Extensions extensionEdits `placeholder:"LIST" help:"Extensions to turn on or off, as DSN=on,CHUNKING=off."`
	Fault      faults         `placeholder:"SCRIPT" help:"What to do wrong, and when: 'rcpt:3=450 4.2.1 later; data=drop after 4KiB; banner=delay 30s'."`

	Expect  int           `placeholder:"N" help:"Exit with 0 once N messages were stored, and with 1 if they were not in time."`
	Timeout time.Duration `default:"1m" placeholder:"DURATION" help:"How long --expect waits (${default})."`
	Trace   bool          `help:"Print the conversations on standard error, without secrets."`
}

// stopTime is how long sessions may take to end once the command is to.
const stopTime = 5 * time.Second

// Run serves until it is interrupted, or has what --expect waits for.
func (s *serveCommand) Run(ctx context.Context, sys system) error {
	if err := s.check(); err != nil {
		return &failure{exitUsage, err}
	}
	cert, err := s.certificate()
	if err != nil {
		return &failure{exitConfig, err}
	}
	defer cert.remove()
	logins, err := s.logins()
	if err != nil {
		return &failure{exitConfig, err}
	}
	kept, err := s.Store.Open(store.Config{Stdout: sys.stdout, Host: s.Hostname, Trace: s.AddTrace})
	if err != nil {
		return &failure{exitConfig, err}
	}
	mailbox := newMailbox(kept, s.Expect)
	server := &netasync.Server{
		Handler:   mailbox.backend(),
		TLSConfig: cert.config,
		Auth:      logins,
		Protocol:  s.protocol(),
		// A server for tests has all its clients on one machine.
		MaxPerAddress: -1,
		Logger:        slog.New(slog.NewTextHandler(sys.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if s.Trace {
		server.Trace = newTracer(sys.stderr).session
	}
	s.Fault.install(server)
	ln, err := listen(ctx, s.Listen)
	if err != nil {
		return &failure{exitIO, err}
	}
	hint, err := s.hint(ln.Addr(), cert)
	if err != nil {
		ln.Close()
		return &failure{exitConfig, err}
	}
	fmt.Fprintln(sys.stdout, hint)
	return s.serve(ctx, server, ln, mailbox)
}

// serve runs the server until there is a reason to stop.
func (s *serveCommand) serve(ctx context.Context, server *netasync.Server, ln net.Listener, m *mailbox) error {
	running := context.WithoutCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- server.Serve(running, ln) }()
	var late <-chan time.Time
	if s.Expect > 0 {
		timer := time.NewTimer(s.Timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case err := <-served:
		return &failure{exitIO, err}
	case <-ctx.Done():
	case <-m.complete:
		// A client has a moment to say QUIT: some take the 421 for a failure.
		quit, cancel := context.WithTimeout(ctx, quitTime)
		m.deserted(quit)
		cancel()
	case <-late:
	}
	stopping, cancel := context.WithTimeout(running, stopTime)
	defer cancel()
	// What is under way when the time is up is cut off, and not stored.
	_ = server.Shutdown(stopping)
	<-served
	if n := m.stored(); n < s.Expect {
		return &failure{exitExpectation, fmt.Errorf("stored %d of %d messages", n, s.Expect)}
	}
	return nil
}

// check finds what is wrong with the flags together.
func (s *serveCommand) check() error {
	switch {
	case s.Expect < 0:
		return fmt.Errorf("--expect %d: negative", s.Expect)
	case s.Timeout <= 0:
		return fmt.Errorf("--timeout %v: not over 0", s.Timeout)
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key: one is missing")
	case s.TLS == tlsOff && s.TLSCert != "":
		return errors.New("--tls-cert: TLS is off")
	case s.RequireAuth && s.Auth == "":
		return errors.New("--require-auth: no --auth")
	case !s.LMTP && strings.HasPrefix(s.Listen, unixPrefix):
		return errors.New("--listen unix: for LMTP only")
	case s.Hostname != "":
		if err := wire.CheckDomain(s.Hostname); err != nil {
			return fmt.Errorf("--hostname %q: %w", s.Hostname, err)
		}
	}
	return nil
}

// protocol is the configuration of the sessions.
func (s *serveCommand) protocol() protocol.ServerConfig {
	cfg := protocol.ServerConfig{
		LMTP: s.LMTP, Hostname: s.Hostname,
		Enable: s.Extensions.on, Disable: s.Extensions.off,
		ImplicitTLS: s.TLS == tlsImplicit, RequireTLS: s.TLS == tlsRequired, RequireAuth: s.RequireAuth,
		MaxContent: int64(s.MaxSize),
	}
	if cfg.MaxContent == 0 {
		cfg.MaxContent = -1
	}
	return cfg
}

// logins checks who logs in; nil where nobody can.
func (s *serveCommand) logins() (*auth.Server, error) {
	if s.Auth == "" {
		return nil, nil
	}
	return authServer(s.Auth, s.Hostname, s.AllowCleartextAuth)
}

// unixPrefix begins an address that is the path of a socket.
const unixPrefix = "unix:"

func listen(ctx context.Context, address string) (net.Listener, error) {
	network := "tcp"
	if path, unix := strings.CutPrefix(address, unixPrefix); unix {
		network, address = "unix", path
	}
	return new(net.ListenConfig).Listen(ctx, network, address)
}
