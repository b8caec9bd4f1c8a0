package netasync

import "github.com/sansmtp/sansmtp/protocol"

// Interceptor stands between the machine of a session and both of its sides, the
// connection and the Handler. It is for servers that are to do wrong, in tests: the
// Injector of package fault, in protocol_test/smtptest, is one.
//
// Its methods are called under the lock of the session. They must not block.
type Interceptor interface {
	// Core returns the core that the connection has in place of core. It is called
	// once.
	Core(core protocol.Core) protocol.Core
	// Requests are the kinds of requests that Take has to see.
	Requests() protocol.RequestSet
	// Take is called with each request, in the order of the wire, before the Handler. It
	// reports whether it has answered the request: then nobody else hears of it.
	Take(r protocol.Request) bool
}

// intercept lets an Interceptor have its part of a session that is about to begin.
func (s *Session) intercept(config *protocol.ServerConfig) {
	if s.listener.server.Intercept == nil {
		return
	}
	if s.interceptor = s.listener.server.Intercept(s, s.reset); s.interceptor != nil {
		config.Requests |= s.interceptor.Requests()
	}
}

// core is what the connection is driven by.
func (s *Session) core() protocol.Core {
	if s.interceptor == nil {
		return &s.pump
	}
	return s.interceptor.Core(&s.pump)
}

// reset closes the connection so that the client sees a reset. It is called under the
// loop's lock.
func (s *Session) reset() {
	if conn, ok := s.conn.(interface{ SetLinger(sec int) error }); ok {
		_ = conn.SetLinger(0)
	}
	s.workers.Go(s.loop.Close) // which waits for the lock
}
