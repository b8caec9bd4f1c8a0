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
	return !l.securing && !l.writing && l.core.Err() == nil && (l.implicit || l.core.Upgrade() != nil)
}

// startTLS is the driver's. It has a goroutine make the handshake, which needs much
// stack and may not keep a Wait from ending. No read or write in clear is under way
// then, nor will be ever again. The core's Deadline bounds it.
func (l *Loop) startTLS() {
	now := time.Now()
	early := l.early
	l.early = nil
	u := protocol.Upgrade{Client: !l.cfg.Server}
	if !l.implicit {
		if len(early) > 0 && l.core.Upgrade().Client {
			l.turn.Feed(now, early) // it came behind the 220, in clear
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
	if err != nil {
		l.secured(now, nil, protocol.TLSState{}, err)
		l.settle(now)
		return
	}
	l.base.SetDeadline(time.Time{})
	l.securing = true
	go l.handshake(conn, p, u)
}

func (l *Loop) handshake(conn *tls.Conn, p *peerConn, u protocol.Upgrade) {
	err := conn.Handshake()
	var state protocol.TLSState
	if err == nil {
		state, err = tlsState(conn, p, u)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report(func(now time.Time) { l.secured(now, conn, state, err) })
}

// secured ends the handshake.
func (l *Loop) secured(now time.Time, conn *tls.Conn, state protocol.TLSState, err error) {
	l.securing, l.implicit = false, false
	if err == nil {
		l.conn = conn
	} else {
		l.turn.writeErr = err // nothing goes out in clear where TLS was meant to be
	}
	if l.core.Err() == nil {
		l.core.Upgraded(now, state, err)
	}
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
func tlsState(conn *tls.Conn, p *peerConn, u protocol.Upgrade) (protocol.TLSState, error) {
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
	if exporter, err := cs.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32); err == nil {
		state.Exporter = exporter
	}
	state.ServerEndPoint = serverEndPoint(leaf)
	return state, nil
}
