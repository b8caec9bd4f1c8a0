package transport

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// Side names one of the two ends of a Pipe.
type Side uint8

const (
	SideA Side = iota // the first core given to NewPipe
	SideB             // the second
)

// Peer returns the other side.
func (s Side) Peer() Side { return s ^ 1 }

// String returns "A" or "B".
func (s Side) String() string { return "AB"[s&1 : s&1+1] }

// PipeOptions shape a Pipe. The zero value is a link without latency, window, cuts
// and faults.
type PipeOptions struct {
	// Start is the virtual time at which the link begins; the zero time stands for
	// 2000-01-01 00:00:00 UTC.
	Start time.Time
	// Seed is what all chance is drawn from: Way.CutRandom and Shuffle.
	Seed uint64
	// Latency is how long an octet travels, in either direction.
	Latency time.Duration
	// AtoB and BtoA shape the two directions.
	AtoB, BtoA Way
	// Shuffle draws the order of what happens at the same instant from the seed:
	// a write may then come behind several deliveries, a Tick before the reply that
	// arrives at that very instant. Without it the order is fixed: writes,
	// handshakes, deliveries, functions of AfterFunc, Ticks; A before B.
	Shuffle bool
	// TLS is asked for the outcome when a core is to be told that TLS started; each
	// end of a handshake asks for itself. An error goes to that core's Upgraded as
	// the reason of failure. nil: the link has no TLS, and Upgraded gets ErrNoTLS.
	//
	// The link plays a stand-in without encryption: three flights without octets,
	// as in RFC 8446 §2, travel in order with the octets of the stream. A client is
	// told after one round trip, its server half a round trip later. A handshake
	// begins when the client asks for it and waits until the server does too. What
	// was written before the flights is in clear and is fed as it is to a core that
	// waits for its handshake, whatever WantRead says: the link hides no octets that
	// somebody injected (RFC 3207 §6).
	TLS func(side Side, u *protocol.Upgrade) (protocol.TLSState, error)
	// Tap sees every event of the link; it may call Break and AfterFunc.
	Tap func(PipeEvent)
	// MaxSteps is how many steps may follow each other while no virtual time passes.
	// Step then gives up with a *LivelockError. 0: 1,000,000.
	MaxSteps int
}

// The defaults of PipeOptions and Way.
const (
	defaultMaxSteps = 1_000_000
	defaultMax      = 64 << 10
)

// Pipe joins two cores in memory and in virtual time. It keeps the driver's part
// of the contract of [protocol.Core] to the letter, and panics where a core breaks
// its own part in a way that it can see. A Pipe is for one goroutine.
type Pipe struct {
	opts   PipeOptions
	now    time.Time
	ends   [2]end
	ways   [2]way // ways[s] leads from end s to its peer
	calls  []call // in order of time
	rand   *rand.Rand
	chunks []protocol.Chunk
	seen   []byte // what the tap is shown of a write
	file   []byte // what was read of a file
	still  int    // steps since time last passed
	err    error  // why the last step was none
	busy   bool   // a step is under way
}

// end is what the link knows of one core.
type end struct {
	core   protocol.Core
	closed bool // nothing is called any more
	// mute: WriteFailed was called, so Output is not.
	mute bool
	// stalled: the core offers more than the window lets out.
	stalled bool
	// asked: the core waits for its handshake, and the peer was told.
	asked bool
	// failErr is what writing fails with from failAt on; nil: it does not.
	failErr error
	failAt  time.Time
	// lent is a write under way, of unwrote octets, that is over at wroteAt.
	lent    []protocol.Chunk
	unwrote int64
	sum     uint32
	wroteAt time.Time
}

// call is a function that AfterFunc was given.
type call struct {
	at time.Time
	f  func(now time.Time)
}

// NewPipe joins a and b. Nothing is called before the first step. It panics if a
// duration in opts is negative.
func NewPipe(a, b protocol.Core, opts PipeOptions) *Pipe {
	if opts.Start.IsZero() {
		opts.Start = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	if opts.MaxSteps == 0 {
		opts.MaxSteps = defaultMaxSteps
	}
	p := &Pipe{
		opts: opts,
		now:  opts.Start,
		ends: [2]end{{core: a}, {core: b}},
		rand: rand.New(rand.NewPCG(opts.Seed, 0)),
	}
	for s, w := range [...]Way{SideA: opts.AtoB, SideB: opts.BtoA} {
		p.ways[s].init(w, opts.Latency, rand.New(rand.NewPCG(opts.Seed, uint64(s)+1)))
	}
	p.ways[SideA].back, p.ways[SideB].back = p.ways[SideB].latency, p.ways[SideA].latency
	for s := range p.ways {
		p.put(Side(s), nil) // a fault at offset 0 waits for no octet
	}
	return p
}

// Now returns the virtual time.
func (p *Pipe) Now() time.Time { return p.now }

// RTT is the time that an octet and its answer travel together.
func (p *Pipe) RTT() time.Duration { return p.ways[SideA].latency + p.ways[SideB].latency }

// RoundTrips returns the virtual time passed since then in round trips of this
// link; 0 if it has no latency.
func (p *Pipe) RoundTrips(since time.Time) float64 {
	if p.RTT() == 0 {
		return 0
	}
	return float64(p.now.Sub(since)) / float64(p.RTT())
}

// AfterFunc calls f on the link's goroutine once d has passed: what an application
// does at a time of its own, such as a late answer. A d that is not positive stands
// for the present instant.
func (p *Pipe) AfterFunc(d time.Duration, f func(now time.Time)) {
	at := p.now.Add(max(d, 0))
	i := len(p.calls)
	for i > 0 && p.calls[i-1].at.After(at) {
		i--
	}
	p.calls = slices.Insert(p.calls, i, call{at, f})
}

// Step makes the next event happen, moving time on to it if nothing is due at the
// present instant. It returns false when nothing is left to happen, and for a
// livelock; Err tells the two apart. New work for a core, or an AfterFunc, may make
// the next Step return true again.
func (p *Pipe) Step() bool {
	if p.busy {
		panic("transport: rule 5: the Pipe was stepped from inside a step")
	}
	p.busy = true
	defer func() { p.busy = false }()
	p.err = nil
	for {
		if p.still >= p.opts.MaxSteps {
			p.livelock(p.still)
			return false
		}
		if p.act() || p.call() { // a core that had nothing to do may have asked for a call at once
			p.still++
			return true
		}
		next := p.next()
		if next.IsZero() {
			p.err = &QuiescentError{State: p.String()}
			return false
		}
		p.now, p.still = next, 0
	}
}

// Err says why the last Step returned false: a *QuiescentError or a
// *LivelockError. It is nil while Step returns true.
func (p *Pipe) Err() error { return p.err }

// Run steps until nothing is left to happen, as when both cores have ended. More
// than maxSteps steps are a *LivelockError.
func (p *Pipe) Run(maxSteps int) error {
	for n := 0; p.Step(); n++ {
		if n >= maxSteps {
			return p.livelock(n + 1)
		}
	}
	if _, ok := p.err.(*QuiescentError); ok {
		return nil
	}
	return p.err
}

// RunUntil steps until done returns true; it is asked before each step. Nothing
// left to happen is a *QuiescentError then, and maxSteps steps without success a
// *LivelockError.
func (p *Pipe) RunUntil(done func() bool, maxSteps int) error {
	for n := 0; !done(); n++ {
		if n >= maxSteps {
			return p.livelock(n)
		}
		if !p.Step() {
			return p.err
		}
	}
	return nil
}

func (p *Pipe) livelock(steps int) error {
	p.err = &LivelockError{Steps: steps, State: p.String()}
	return p.err
}

// act lets one thing happen that is due now, and reports whether there was one.
func (p *Pipe) act() bool {
	const kinds = 6
	first := 0
	if p.opts.Shuffle {
		first = p.rand.IntN(2 * kinds)
	}
	for i := range 2 * kinds {
		i = (first + i) % (2 * kinds)
		s, done := Side(i%2), false
		switch i / 2 {
		case 0:
			done = p.wrote(s)
		case 1:
			done = p.write(s)
		case 2:
			done = p.upgrade(s)
		case 3:
			done = p.read(s)
		case 4:
			done = p.call()
		case 5:
			done = p.tick(s)
		}
		if done {
			return true
		}
	}
	return false
}

// next returns the earliest time after now at which something can happen; the
// zero time: never. What cannot be acted upon does not make time pass: not the
// arrival of octets that nobody reads, nor of a window that nobody waits for.
func (p *Pipe) next() time.Time {
	var next time.Time
	consider := func(t time.Time) {
		if t.After(p.now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for s := range p.ends {
		e, out, in := &p.ends[s], &p.ways[s], &p.ways[Side(s).Peer()]
		if e.closed {
			continue
		}
		consider(e.core.Deadline())
		if e.unwrote > 0 {
			consider(e.wroteAt)
		}
		if e.stalled {
			consider(e.failAt)
			if out.acks.len() > 0 {
				consider(out.acks.front().at)
			}
		}
		switch {
		case !e.reads():
		case in.unread() > 0:
			consider(in.nextRead)
		case in.flights.len() > 0:
			consider(in.flights.front().at)
		}
	}
	if len(p.calls) > 0 {
		consider(p.calls[0].at)
	}
	return next
}

func (p *Pipe) call() bool {
	if len(p.calls) == 0 || p.calls[0].at.After(p.now) {
		return false
	}
	f := p.calls[0].f
	p.calls = slices.Delete(p.calls, 0, 1)
	f(p.now)
	return true
}

func (p *Pipe) tick(s Side) bool {
	e := &p.ends[s]
	if e.closed {
		return false
	}
	due := e.core.Deadline()
	if due.IsZero() || due.After(p.now) {
		return false
	}
	e.core.Tick(p.now)
	p.emit(PipeEvent{Side: s, Kind: EventTick})
	return true
}

// String describes the state of the link in one line: what each end waits for.
func (p *Pipe) String() string {
	return fmt.Sprintf("after %v: A %s; B %s", p.now.Sub(p.opts.Start), p.describe(SideA), p.describe(SideB))
}

func (p *Pipe) describe(s Side) string {
	e, in := &p.ends[s], &p.ways[s.Peer()]
	if e.closed {
		return fmt.Sprintf("closed (%v)", e.core.Err())
	}
	state := "does not read"
	if e.core.WantRead() {
		state = "reads"
	}
	if n := len(in.buf) - in.head; n > 0 {
		state += fmt.Sprintf(", %d octets to come", n)
	}
	if e.stalled {
		state += ", waits for the window"
	}
	if e.asked {
		state += ", waits for TLS"
	}
	return state
}
