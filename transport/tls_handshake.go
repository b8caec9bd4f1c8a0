package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// handshakeDue reports whether TLS is to start now.
func (l *Loop) handshakeDue() bool {
	return !l.over && !l.writing && l.core.Err() == nil && (l.implicit || l.core.Upgrade() != nil)
}

// handshake starts TLS. It is the driver's, and leaves the lock while it waits: no
// read or write in clear is under way then, nor ever will be again. The core's
// Deadline bounds it.
func (l *Loop) handshake() {
	early := l.early
	l.early = nil
	u := protocol.Upgrade{Client: !l.cfg.Server}
	if !l.implicit {
		now := time.Now()
		if len(early) > 0 && l.core.Upgrade().Client {
			// They came behind the 220, in clear.
			l.turn.Feed(now, early)
		}
		asked := l.turn.Upgrade(now)
		if asked == nil {
			l.settle(now)
			return
		}
		u = *asked
	}
	// On the server, what was read since the core decided may be the ClientHello of
	// a client that has seen the 220 while our Read was still under way. It goes
	// nowhere but into the handshake: no parser of commands will see it (RFC 3207 §6).
	p := &peerConn{Conn: l.base, early: early}
	conn, err := l.tlsConn(p, &u)
	if err == nil {
		l.base.SetDeadline(time.Time{})
		l.driver = driverInTLS
		l.mu.Unlock()
		err = conn.Handshake()
		l.mu.Lock()
		l.driver = driverBusy
	}
	var state protocol.TLSState
	if err == nil {
		l.conn, l.raw = conn, nil
		state, err = tlsState(conn, p, &u)
	}
	now := time.Now()
	if err != nil {
		l.turn.writeErr = err // nothing goes out in clear where TLS was meant to be
	}
	l.implicit = false
	if l.core.Err() == nil {
		l.core.Upgraded(now, state, err)
	}
	l.settle(now)
}

// tlsConn returns the TLS connection to be over conn.
func (l *Loop) tlsConn(conn net.Conn, u *protocol.Upgrade) (*tls.Conn, error) {
	cfg := l.cfg.TLS
	if !u.Client {
		if cfg == nil {
			return nil, &protocol.ConfigError{Field: "LoopConfig.TLS", Reason: "nil"}
		}
		return tls.Server(conn, modern(cfg)), nil
	}
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg = modern(cfg)
	if u.ServerName != "" && cfg.ServerName != u.ServerName {
		cfg = cfg.Clone()
		cfg.ServerName = u.ServerName
	}
	u.ServerName = cfg.ServerName
	return tls.Client(conn, cfg), nil
}

// modern returns cfg if it allows nothing below TLS 1.2 (RFC 8996), else a copy.
func modern(cfg *tls.Config) *tls.Config {
	if cfg.MinVersion == 0 || cfg.MinVersion >= tls.VersionTLS12 {
		return cfg
	}
	cfg = cfg.Clone()
	cfg.MinVersion = tls.VersionTLS12
	return cfg
}

// ErrTLSVersion is the error of a handshake that agreed on less than TLS 1.2.
var ErrTLSVersion = errors.New("the peers agreed on a version of TLS below 1.2")

// tlsState returns what the core wants to know of a connection after its
// handshake.
func tlsState(conn *tls.Conn, p *peerConn, u *protocol.Upgrade) (protocol.TLSState, error) {
	cs := conn.ConnectionState()
	// A MinVersion of 0 is 1.2 unless the process was told otherwise by GODEBUG.
	if cs.Version < tls.VersionTLS12 {
		return protocol.TLSState{}, fmt.Errorf("%w: %s", ErrTLSVersion, tls.VersionName(cs.Version))
	}
	state := protocol.TLSState{
		Version:    cs.Version,
		Verified:   len(cs.VerifiedChains) > 0,
		ServerName: cs.ServerName,
	}
	leaf := p.certificate
	if u.Client {
		state.ServerName = u.ServerName
		leaf = cs.PeerCertificates[0]
	}
	// RFC 9266 §2. It fails where the session cannot be bound: TLS 1.2 without the
	// extended master secret.
	if exporter, err := cs.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32); err == nil {
		state.Exporter = exporter
	}
	state.ServerEndPoint = serverEndPoint(leaf)
	return state, nil
}
