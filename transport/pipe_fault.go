package transport

import "errors"

// Reasons that a Pipe gives to its cores.
var (
	// ErrReset is what WriteFailed and Fail get after a FaultReset.
	ErrReset = errors.New("connection reset by the link")
	// ErrBroken is what WriteFailed gets after a FaultWrite.
	ErrBroken = errors.New("connection broken by the link")
)

// Fault breaks one direction of a Pipe at an octet. The zero value is none.
type Fault struct {
	// At is how many octets of the direction get through; what is written behind
	// them does not.
	At   int64
	Kind FaultKind
}

// FaultKind says how a direction breaks.
type FaultKind uint8

const (
	FaultNone FaultKind = iota
	// FaultEOF lets the receiver see the end of input behind the last octet that got
	// through. The writer notices nothing: what it writes vanishes.
	FaultEOF
	// FaultReset breaks both directions at once, and either end is told after the
	// latency of the direction that leads to it. As with a socket, what was under way
	// can still be read. From the time of the news on a write is a WriteFailed; an
	// end that reads on until it meets the reset gets Fail.
	FaultReset
	// FaultStall swallows octets. They are neither delivered nor acknowledged to the
	// window, nor does the end of input follow: only deadlines help.
	FaultStall
	// FaultWrite makes writes fail at once: WriteFailed tells the writer, and the
	// other end sees the end of input. The other direction is whole.
	FaultWrite
)

// String returns the kind in lower case: "reset".
func (k FaultKind) String() string {
	switch k {
	case FaultNone:
		return "none"
	case FaultEOF:
		return "end of input"
	case FaultReset:
		return "reset"
	case FaultStall:
		return "stall"
	case FaultWrite:
		return "write error"
	default:
		return "unknown fault"
	}
}

// Break breaks the direction that leads out of side, behind all that was written by
// now. A direction that is broken can be broken again by a FaultReset, and, unless
// it ended, by any other kind.
func (p *Pipe) Break(side Side, kind FaultKind) {
	w := &p.ways[side]
	if w.state == FaultReset || w.ended() && kind != FaultReset {
		return
	}
	switch kind {
	case FaultNone:
		return
	case FaultEOF:
		w.push(flightEOF, p.now)
	case FaultWrite:
		w.push(flightEOF, p.now)
		p.ends[side].failErr, p.ends[side].failAt = ErrBroken, p.now
	case FaultReset:
		for s := range p.ways {
			w := &p.ways[s]
			w.push(flightReset, p.now)
			w.state = FaultReset
			// The end that reads this way learns that its writing is in vain.
			e := &p.ends[Side(s).Peer()]
			e.failErr, e.failAt = ErrReset, p.now.Add(w.latency)
		}
		return
	}
	w.state = kind
}

// put takes octets of a write on their way, breaking it where its fault says.
func (p *Pipe) put(s Side, b []byte) {
	w := &p.ways[s]
	if left := max(w.Fault.At-w.written, 0); w.armed && left <= int64(len(b)) {
		w.store(b[:left], p.now)
		b = b[left:]
		w.armed = false
		p.Break(s, w.Fault.Kind)
	}
	w.store(b, p.now)
}
