package transport

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Way shapes one direction of a Pipe. Offsets count the octets of this direction
// from 0. The zero value changes nothing.
type Way struct {
	// Latency adds to that of the link.
	Latency time.Duration
	// Window is how many octets may be under way or unread, as the buffers of a
	// socket bound them. Where it is full a write is short, or has to wait. What the
	// reader took is acknowledged when that news has travelled back. 0: no bound.
	Window int
	// Max is the max that Output is called with. 0: 64 KiB.
	Max int
	// WriteTime is how long a write takes: Wrote comes this much behind the octets,
	// and no other write begins before. If it is longer than a round trip, replies
	// overtake Wrote.
	WriteTime time.Duration
	// Gap is the least time between two deliveries, as of a peer that trickles.
	Gap time.Duration
	// Cuts are offsets that no delivery spans, in any order.
	Cuts []int64
	// CutEvery cuts at every multiple of itself. 0: nowhere.
	CutEvery int
	// CutRandom cuts into pieces of 1 to CutRandom octets drawn from the seed; all
	// cuts hold together. 0: nowhere.
	CutRandom int
	// Fault breaks this direction at an octet.
	Fault Fault
}

// flight is something on its way, in the order of the stream.
type flight struct {
	at   time.Time // when it arrives
	end  int64     // the offset behind its octets
	kind flightKind
}

type flightKind uint8

const (
	flightOctets flightKind = iota
	flightEOF
	flightReset
	flightHello       // a TLS client's first flight
	flightServerHello // the server's answer, with which the client is done
	flightFinished    // the client's second, with which the server is done
)

// ack is news of room in the window.
type ack struct {
	at time.Time
	n  int64
}

// way is one direction of the link.
type way struct {
	Way
	latency time.Duration // of octets
	back    time.Duration // of acknowledgements
	rand    *rand.Rand
	state   FaultKind // what became of it
	armed   bool      // its Fault is still to come

	written int64  // octets written in all
	arrived int64  // octets that may be read
	base    int64  // octets read: the offset of buf[head]
	buf     []byte // octets under way or unread, from head on
	head    int
	flights queue[flight]

	occupied int64 // octets of the window in use
	acks     queue[ack]
	nextRead time.Time
	randCut  int64
}

func (w *way) init(shape Way, latency time.Duration, r *rand.Rand) {
	if latency < 0 || shape.Latency < 0 || shape.WriteTime < 0 || shape.Gap < 0 {
		panic("transport: a duration of a Pipe is negative")
	}
	w.Way = shape
	w.Cuts = slices.Sorted(slices.Values(shape.Cuts))
	if w.Max == 0 {
		w.Max = defaultMax
	}
	w.latency = latency + shape.Latency
	w.rand = r
	w.armed = shape.Fault.Kind != FaultNone
}

// ended reports whether octets vanish without leaving a trace in the window.
func (w *way) ended() bool { return w.state == FaultEOF || w.state == FaultWrite }

// room returns how many octets may be written now.
func (w *way) room(now time.Time) int64 {
	room := int64(math.MaxInt64)
	if w.Window > 0 && !w.ended() {
		for w.acks.len() > 0 && !w.acks.front().at.After(now) {
			w.occupied -= w.acks.pop().n
		}
		// A write that vanished past the window may have ended in a reset, in the
		// middle, and so have filled it beyond its size.
		room = max(int64(w.Window)-w.occupied, 0)
	}
	if w.armed && w.Fault.Kind == FaultWrite {
		// A write that fails has taken all before the fault.
		room = min(room, w.Fault.At-w.written)
	}
	return room
}

// store takes octets on their way, or lets them vanish.
func (w *way) store(p []byte, now time.Time) {
	w.written += int64(len(p))
	switch {
	case len(p) == 0:
	case w.ended():
	case w.state != FaultNone:
		w.occupied += int64(len(p)) // for ever: nobody will take them
	default:
		// Half a buffer read makes up for the copying.
		if len(w.buf)+len(p) > cap(w.buf) && w.head >= len(w.buf)/2 {
			w.buf = w.buf[:copy(w.buf, w.buf[w.head:])]
			w.head = 0
		}
		w.buf = append(w.buf, p...)
		w.occupied += int64(len(p))
		w.push(flightOctets, now)
	}
}

// push sends a flight behind all that was stored.
func (w *way) push(kind flightKind, now time.Time) {
	at, end := now.Add(w.latency), w.base+int64(len(w.buf)-w.head)
	if kind == flightOctets && w.flights.len() > 0 {
		if last := w.flights.back(); last.kind == flightOctets && last.at.Equal(at) {
			last.end = end
			return
		}
	}
	w.flights.push(flight{at, end, kind})
}

// arrive makes what arrived by now readable, up to the first flight that is not of
// octets.
func (w *way) arrive(now time.Time) {
	for w.flights.len() > 0 {
		f := w.flights.front()
		if f.kind != flightOctets || f.at.After(now) {
			return
		}
		w.arrived = f.end
		w.flights.pop()
	}
}

// unread returns how many octets may be read.
func (w *way) unread() int64 { return w.arrived - w.base }

// signal sends a flight without octets, if the way still leads anywhere.
func (w *way) signal(kind flightKind, now time.Time) {
	if w.state == FaultNone {
		w.push(kind, now)
	}
}

// signalled returns the flight without octets that has arrived, if the octets
// before it were read.
func (w *way) signalled(now time.Time) (flightKind, bool) {
	if w.unread() > 0 || w.flights.len() == 0 || w.flights.front().at.After(now) {
		return 0, false
	}
	return w.flights.front().kind, true
}

// piece returns the next delivery: what may be read up to the next cut.
func (w *way) piece() []byte {
	n := w.unread()
	for len(w.Cuts) > 0 && w.Cuts[0] <= w.base {
		w.Cuts = w.Cuts[1:]
	}
	if len(w.Cuts) > 0 {
		n = min(n, w.Cuts[0]-w.base)
	}
	if w.CutEvery > 0 {
		every := int64(w.CutEvery)
		n = min(n, every-w.base%every)
	}
	if w.CutRandom > 0 {
		for w.randCut <= w.base {
			w.randCut += 1 + w.rand.Int64N(int64(w.CutRandom))
		}
		n = min(n, w.randCut-w.base)
	}
	end := w.head + int(n)
	return w.buf[w.head:end:end]
}

// consume takes the n octets that were read out of the buffer and out of the
// window. It overwrites them: who keeps input shall not get away with it.
func (w *way) consume(n int, now time.Time) {
	w.nextRead = now.Add(w.Gap)
	clear(w.buf[w.head : w.head+n])
	w.head += n
	w.base += int64(n)
	if w.head == len(w.buf) {
		w.buf, w.head = w.buf[:0], 0
	}
	if n > 0 && w.Window > 0 {
		w.acks.push(ack{now.Add(w.back), int64(n)})
	}
}

// discard forgets all that is under way to an end that closed. Octets written from
// now on vanish, unless they did not get through before either.
func (w *way) discard() {
	w.buf, w.head = nil, 0
	w.base = w.arrived
	w.flights = queue[flight]{}
	if w.state == FaultNone {
		w.state = FaultEOF
	}
}

// queue is a first-in first-out list that reuses its memory.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) len() int  { return len(q.items) - q.head }
func (q *queue[T]) front() *T { return &q.items[q.head] }
func (q *queue[T]) back() *T  { return &q.items[len(q.items)-1] }

func (q *queue[T]) push(v T) {
	if len(q.items) == cap(q.items) && q.head >= (len(q.items)+1)/2 {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	q.items = append(q.items, v)
}

func (q *queue[T]) pop() T {
	v := q.items[q.head]
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return v
}
