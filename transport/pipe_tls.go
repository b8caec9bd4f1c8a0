package transport

import (
	"errors"

	"github.com/sansmtp/sansmtp/protocol"
)

// Reasons for which a TLS handshake over a Pipe fails.
var (
	// ErrNoTLS says that PipeOptions.TLS is nil.
	ErrNoTLS = errors.New("the link has no TLS")
	// ErrTLSRoles says that both ends want to be the client of the handshake.
	ErrTLSRoles = errors.New("both ends are TLS clients")
)

// upgrade begins a handshake once the core asks for one. Only a client has
// something to send then.
func (p *Pipe) upgrade(s Side) bool {
	e := &p.ends[s]
	if e.closed || e.asked || e.core.Err() != nil {
		return false
	}
	switch u := e.core.Upgrade(); {
	case u == nil:
		return false
	case p.opts.TLS == nil:
		p.upgraded(s, protocol.TLSState{}, ErrNoTLS)
		return true
	default:
		e.asked = true
		if u.Client {
			p.flight(s, flightHello)
		}
		return u.Client
	}
}

// handshake acts on a flight of the peer's, once the core waits for it.
func (p *Pipe) handshake(s Side, kind flightKind) bool {
	u := p.ends[s].core.Upgrade()
	if u == nil {
		return false
	}
	p.ways[s.Peer()].flights.pop()
	switch {
	case u.Client && kind == flightHello:
		p.upgraded(s, protocol.TLSState{}, ErrTLSRoles)
	case kind == flightHello:
		p.flight(s, flightServerHello)
	default:
		state, err := p.opts.TLS(s, u)
		if u.Client && err == nil {
			p.ways[s].signal(flightFinished, p.now)
		}
		p.upgraded(s, state, err)
	}
	return true
}

// flight sends a flight of a handshake that is not the end of it.
func (p *Pipe) flight(s Side, kind flightKind) {
	p.ways[s].signal(kind, p.now)
	p.emit(PipeEvent{Side: s, Kind: EventHandshake})
}

func (p *Pipe) upgraded(s Side, state protocol.TLSState, err error) {
	p.ends[s].asked = false
	p.ends[s].core.Upgraded(p.now, state, err)
	p.emit(PipeEvent{Side: s, Kind: EventUpgrade, Err: err})
}
