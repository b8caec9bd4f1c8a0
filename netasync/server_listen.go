package netasync

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/transport"
)

// listener is one call of Serve.
type listener struct {
	net.Listener
	server *Server
	ctx    context.Context // of Serve, without its end
	config protocol.ServerConfig
	loop   transport.LoopConfig
	log    *slog.Logger
	state  sessionState   // of a session whose handler was not called yet
	open   sync.WaitGroup // its sessions
	over   bool           // no more of them; guarded by the Server's lock
}

// Serve takes connections from ln, which it closes in the end, until Shutdown, Close
// or the end of ctx, and returns once nothing of what it began is left: connections, and calls of
// the handler. The end of ctx closes the connections at once; its cause is the error
// then, and ErrServerClosed after Shutdown or Close. An error in the fields of s is a
// *protocol.ConfigError. Where ln itself fails for good, its sessions end as by Shutdown.
//
// Serve may be called for several listeners at a time.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	defer ln.Close()
	if err := s.check(); err != nil {
		return err
	}
	l := s.listener(ctx, ln)
	if err := s.add(l); err != nil {
		return err
	}
	defer s.remove(l)
	stop := context.AfterFunc(ctx, func() {
		s.end(l)
		s.each(l, (*Session).close)
	})
	defer stop()
	err := s.accept(ctx, l)
	if ctx.Err() == nil && err != ErrServerClosed {
		l.log.Error("accepting connections failed", "err", err)
		s.end(l)
		s.each(l, (*Session).shutdown)
	}
	l.open.Wait()
	return err
}

// check finds what is wrong with the fields.
func (s *Server) check() error {
	fault := func(field, reason string) error { return &protocol.ConfigError{Field: field, Reason: reason} }
	p := &s.Protocol
	switch {
	case p.ImplicitTLS && s.TLSConfig == nil:
		return fault("TLSConfig", "needed for implicit TLS")
	case p.Requests != 0 || p.TLS || p.Mechanisms != nil || p.Trusted || p.Trace != nil:
		return fault("Protocol", "Requests, TLS, Mechanisms, Trusted and Trace are not to be set")
	case s.MaxConnections < -1 || s.MaxPerAddress < -1 || s.MaxRate < 0:
		return fault("MaxConnections, MaxPerAddress, MaxRate", "negative")
	}
	_, err := protocol.NewServer(time.Now(), s.protocol())
	return err
}

// protocol is the configuration of the machines.
func (s *Server) protocol() protocol.ServerConfig {
	p := s.Protocol
	p.Hostname = s.hostname()
	p.TLS = s.TLSConfig != nil && !p.ImplicitTLS
	p.Requests = s.requests()
	if s.Auth != nil {
		p.Mechanisms = s.Auth.Mechanisms
	}
	return p
}

// requests are the kinds that a Session has to see.
func (s *Server) requests() protocol.RequestSet {
	set := protocol.RequestClosed | protocol.RequestXClient
	if s.Auth != nil {
		set |= protocol.RequestAuth
	}
	for kind := protocol.RequestConnect; kind <= protocol.RequestClosed; kind <<= 1 {
		if wantsKind(s.Handler, kind) {
			set |= kind
		}
	}
	return set
}

func (s *Server) listener(ctx context.Context, ln net.Listener) *listener {
	l := &listener{Listener: ln, server: s, ctx: context.WithoutCancel(ctx), config: s.protocol(), log: s.logger()}
	l.loop = transport.LoopConfig{Server: true, ImplicitTLS: l.config.ImplicitTLS}
	if s.TLSConfig != nil {
		l.loop.TLS = transport.ServerTLS(s.TLSConfig)
	}
	return l
}

// add makes a listener known to Shutdown and Close.
func (s *Server) add(l *listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.init()
	if s.isClosing() {
		return ErrServerClosed
	}
	if s.listeners == nil {
		s.listeners = map[*listener]struct{}{}
	}
	s.listeners[l] = struct{}{}
	return nil
}

// end stops to accept from a listener.
func (s *Server) end(l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.over = true
	l.Close()
}

func (s *Server) remove(l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// The time from a failure to accept a connection to the next try.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// accept starts a session for each connection, until there can be no more.
func (s *Server) accept(ctx context.Context, l *listener) error {
	pause := minAcceptPause
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = minAcceptPause
			s.admit(l, conn)
			continue
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case s.isClosing():
			return ErrServerClosed
		case !temporary(err):
			return err
		}
		l.log.Warn("accepting a connection failed", "err", err, "pause", pause)
		s.pause(ctx, pause)
		pause = min(2*pause, maxAcceptPause)
	}
}

// temporary reports whether the next Accept may succeed: the system is short of
// something, or the client was gone already.
func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// Shutdown stops to accept connections and waits until all sessions are over: one
// without an open transaction gets a 421 at once, others once their transaction is
// done. The end of ctx closes the rest, and is the error, by its cause. It does not wait for
// calls of the handler that go on behind the end of their session; Serve does.
func (s *Server) Shutdown(ctx context.Context) error {
	drained := s.stop()
	s.each(nil, (*Session).shutdown)
	select {
	case <-drained:
		return nil
	default:
	}
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		s.each(nil, (*Session).close)
		return context.Cause(ctx)
	}
}

// Close stops to accept connections and closes all that are open. It may be called
// while Shutdown waits.
func (s *Server) Close() {
	s.stop()
	s.each(nil, (*Session).close)
}
