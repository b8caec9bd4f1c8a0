package transport

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// LoopConfig configures a Loop. The zero value suits a client that starts in
// clear.
type LoopConfig struct {
	// TLS is used when the core asks for TLS, and for ImplicitTLS. It must not be
	// changed afterwards. TLS 1.2 is the least that is accepted, whatever MinVersion
	// says. nil: a client checks the server against the system's roots and the name
	// in Upgrade; a server has no TLS.
	//
	// A server should make it with [ServerTLS], once for each listener.
	TLS *tls.Config
	// ImplicitTLS starts TLS before the first octet (RFC 8314 §3).
	ImplicitTLS bool
	// Server says that the core is the server's side: it is the server of an
	// implicit TLS handshake, and its connection is closed with care, so that its
	// last reply is not lost to a reset.
	Server bool
	// Linger bounds what happens behind the end of the core: writing its last
	// output, and on a server waiting for the peer to close. 0: 5 seconds.
	Linger time.Duration
	// Ended, if not nil, is called once nothing is left of a Loop that Start or Drive
	// drove, without its lock.
	Ended func()
}

const defaultLinger = 5 * time.Second

// Loop drives one core over one net.Conn. It has one goroutine at rest, the one
// that called Run or one of its own, which reads; the core's calls are made by whichever goroutine
// has a reason to, under the Loop's lock. Output is written at once as far as the
// socket takes it. A short-lived goroutine writes what is left while reading goes
// on, so that two ends that write a lot never wait for each other.
//
// TCP and Unix sockets are read and written without blocking, with a buffer that
// is shared by all Loops and held only while there are octets in it. Any other
// net.Conn, and TLS, is used through its Read and Write, and every write there has
// a goroutine for as long as it takes. The conn's deadlines and Close must work on
// calls under way, as net.Conn says.
//
// The core, its futures' Cancel and OnReady, and everything else of it belong to
// the lock: use [Loop.Do]. A future's Await, Done and Result may be used from
// anywhere except in a callback. While nobody drives the Loop it leaves the core
// alone, deadlines included; so a program in which one goroutine does all, with
// [Await], may use the core without Do between its waits.
type Loop struct {
	cfg    LoopConfig
	base   net.Conn // as given
	mu     sync.Mutex
	done   chan struct{} // closed with the connection; nil: nobody has asked for it
	wakeup chan struct{} // for a driver that is parked; nil before that

	seat chan struct{} // full while somebody drives; nil: see place
	turn Turn
	conn net.Conn        // base, or TLS over it
	fd   syscall.RawConn // of base; nil: it has no descriptor to use

	driver  driverState
	driven  bool                  // somebody drives
	wait    *wait                 // why, if not to the end
	owed    []func(now time.Time) // what the core was not told, because nobody drove
	writing bool                  // a writer's goroutine is under way
	started bool                  // Start was called
	own     bool                  // it is a goroutine that may be replaced while it waits: see rest
	resting bool                  // and was
	tired   bool                  // and is to be
	active  time.Time             // when input came last

	implicit bool   // TLS comes first, and has not come yet
	securing bool   // a handshake's goroutine is under way
	early    []byte // read while the core could not have it

	eof     bool // reading is over
	hard    bool // nothing that is under way matters any more
	over    bool // the core is over, and its output written: close
	closed  bool
	small   *[idleBuffer]byte // what a conn without descriptor is read into while idle
	filled  bool              // the last read of it filled its buffer
	timer   *time.Timer
	armed   time.Time // when timer fires; zero: it does not
	expires time.Time // of Linger; zero: the core is not over
}

// driverState is what the goroutine that drives is doing.
type driverState uint8

const (
	driverBusy    driverState = iota // holds the lock, or is not there
	driverReading                    // waits for input
	driverParked                     // waits for wakeup
	driverClosing                    // closes the connection
)

// wait is a drive that ends before the conversation does.
type wait struct {
	ctx     context.Context
	settled <-chan struct{}
}

func (w *wait) over() bool {
	if w == nil {
		return false
	}
	select {
	case <-w.settled:
		return true
	default:
		return w.ctx.Err() != nil
	}
}

// NewLoop returns a Loop of core over conn. The conn belongs to the Loop, which
// closes it. Nothing is read and no goroutine started before Run, Start, Wait
// or Do is called.
func NewLoop(conn net.Conn, core protocol.Core, cfg LoopConfig) *Loop {
	if cfg.Linger <= 0 {
		cfg.Linger = defaultLinger
	}
	return &Loop{
		cfg: cfg, base: conn, conn: conn, fd: descriptor(conn), turn: Turn{core: core}, implicit: cfg.ImplicitTLS,
	}
}

// Drive is NewLoop with Start; Done says when that is over.
func Drive(ctx context.Context, conn net.Conn, core protocol.Core, cfg LoopConfig) *Loop {
	l := NewLoop(conn, core, cfg)
	l.Start(ctx)
	return l
}

// Run drives the core on the caller's goroutine until the conversation is over and
// the connection closed, and returns Err. The end of ctx ends the conversation:
// the core fails with its cause. While another goroutine drives the Loop, Run waits
// for it to stop.
func (l *Loop) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { l.fail(context.Cause(ctx)) })
	defer stop()
	seat, done := l.place(), l.Done()
	select {
	case <-done:
	case seat <- struct{}{}:
		l.drive(nil)
		<-seat
	}
	return l.Err()
}

// Wait waits until settled is closed, and returns nil then. While nobody drives the
// Loop, it does that itself; the conversation stays as it is when it returns, and
// the next Wait or Run goes on with it. The end of ctx ends the wait only, with its
// cause. If the conversation ends first, the error is that of its core, which is
// io.EOF after a clean end.
//
// [Await] is the way to use it.
func (l *Loop) Wait(ctx context.Context, settled <-chan struct{}) error {
	select {
	case <-settled:
		return nil
	default:
	}
	seat, done := l.place(), l.Done()
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-done:
	case seat <- struct{}{}:
		defer func() { <-seat }()
		if ctx.Done() != nil {
			stop := context.AfterFunc(ctx, l.look)
			defer stop()
		}
		l.drive(&wait{ctx: ctx, settled: settled})
	}
	select {
	case <-settled:
		return nil
	default:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.turn.core.Err(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// Do calls f with the present time, under the Loop's lock, and then writes what
// came of it as far as the socket takes it. It may be called from any goroutine, at
// any time; after the end of the conversation too, where the core refuses by
// itself. It does not wait for the peer.
//
// In a callback of the core the lock is held already: Do would wait for ever there,
// and is not needed.
func (l *Loop) Do(f func(now time.Time)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.catchUp(now)
	f(now)
	l.settle(now)
}

// Close ends the conversation at once, if it is not over, and closes the
// connection; the core fails with net.ErrClosed. It returns when nothing of the
// Loop is left, and must not be called from a callback of the core.
func (l *Loop) Close() {
	l.fail(net.ErrClosed)
	seat, done := l.place(), l.Done()
	select {
	case <-done:
	case seat <- struct{}{}:
		l.drive(nil)
		<-seat
	}
}

// place returns the seat of whoever drives; nil, on which nobody can sit down, where
// the Loop's own goroutines do so to the end.
func (l *Loop) place() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seat == nil && !l.started {
		l.seat = make(chan struct{}, 1)
	}
	return l.seat
}

// Done is closed when the conversation is over and the connection closed.
// A callback of the core must not ask for it.
func (l *Loop) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(chan struct{})
		if l.closed {
			close(l.done)
		}
	}
	return l.done
}

// Err returns the error of the core; nil while it is open, and after a clean end.
func (l *Loop) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.turn.core.Err(); err != io.EOF {
		return err
	}
	return nil
}

// fail ends the conversation for a reason that lies outside of it.
func (l *Loop) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.catchUp(now)
	l.turn.Fail(now, err)
	l.hard = true
	l.settle(now)
}
