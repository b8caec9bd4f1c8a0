package netasync

import (
	"context"
	"errors"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sansmtp/sansmtp/transport"
)

// init makes the channels. The caller holds the lock.
func (s *Server) init() {
	if s.closing == nil {
		s.closing, s.drained = make(chan struct{}), make(chan struct{})
		s.sessions = map[*Session]struct{}{}
	}
}

// stop stops to accept. The channel is closed once there is no session.
func (s *Server) stop() (drained <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.init()
	if s.isClosing() {
		return s.drained
	}
	close(s.closing)
	for l := range s.listeners {
		l.over = true
		l.Close()
	}
	if len(s.sessions) == 0 {
		close(s.drained)
	}
	return s.drained
}

// isClosing reports whether the Server was told to end. It needs no lock once Serve
// was called.
func (s *Server) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// pause waits.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.closing:
	}
}

// maxEnding is how many sessions are ended at a time.
const maxEnding = 64

// each calls f for the sessions of a listener, or nil for all.
func (s *Server) each(l *listener, f func(*Session)) {
	var group errgroup.Group
	group.SetLimit(maxEnding)
	for _, session := range s.of(l) {
		group.Go(func() error {
			f(session)
			return nil
		})
	}
	_ = group.Wait()
}

func (s *Server) of(l *listener) []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	sessions := make([]*Session, 0, len(s.sessions))
	for session := range s.sessions {
		if l == nil || session.listener == l {
			sessions = append(sessions, session)
		}
	}
	return sessions
}

// admit makes a session of a connection, unless there are too many.
func (s *Server) admit(l *listener, conn net.Conn) {
	session := &Session{listener: l, conn: conn}
	session.state.Store(&l.state)
	switch s.enter(session) {
	case errOver:
		conn.Close()
	case errTooMany:
		session.turnAway()
	default:
		if contains(s.ProxyFrom, conn.RemoteAddr()) {
			go session.beginBehindProxy()
		} else {
			session.begin()
		}
	}
}

var (
	errOver    = errors.New("no more connections are taken")
	errTooMany = errors.New("too many connections")
)

// enter counts a session.
func (s *Server) enter(session *Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case session.listener.over:
		return errOver
	case s.MaxConnections >= 0 && len(s.sessions) >= orDefault(s.MaxConnections, defaultMaxConnections):
		return errTooMany
	}
	s.sessions[session] = struct{}{}
	session.listener.open.Add(1)
	return nil
}

// drive gives a session its loop. It reports false where the Server has ended.
func (s *Server) drive(session *Session) bool {
	cfg := session.listener.loop
	cfg.Ended = session.ended
	loop := transport.NewLoop(session.conn, &session.pump, cfg)
	s.mu.Lock()
	defer s.mu.Unlock()
	if session.listener.over {
		return false
	}
	session.loop = loop
	return true
}

// loopOf returns a session's loop; nil before the conversation.
func (s *Server) loopOf(session *Session) *transport.Loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return session.loop
}

// leave is the end of a session.
func (s *Server) leave(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
	if session.address.IsValid() {
		s.limits.leave(session.address, time.Now())
	}
	session.listener.open.Done()
	if s.isClosing() && len(s.sessions) == 0 {
		close(s.drained)
	}
}

func orDefault(n, standard int) int {
	if n == 0 {
		return standard
	}
	return n
}
