package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// longAgo is a deadline that ends whatever is under way.
var longAgo = time.Unix(1, 0)

// drive is the goroutine of a Loop: it waits for input. The caller holds the seat.
func (l *Loop) drive(w *wait) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.driven, l.wait = true, w
	defer func() { l.driven, l.wait = false, nil }()
	l.begin()
	l.steps(w)
	if l.over && !l.closed {
		l.close()
	}
}

// begin makes up for what happened while nobody drove.
func (l *Loop) begin() {
	now := time.Now()
	l.active = now
	l.catchUp(now)
	l.settle(now)
}

// steps drives until the conversation is over, or w is, or the driver is to rest.
func (l *Loop) steps(w *wait) {
	for !l.over && !w.over() && !l.tired {
		switch {
		case l.handshakeDue():
			l.startTLS()
		case !l.reads():
			l.park()
		case len(l.early) > 0:
			p := l.early
			l.early = nil
			l.received(p, nil)
		case l.direct():
			l.readDescriptor()
		default:
			l.readConn()
		}
	}
}

// report tells the core what a goroutine other than the driver's has to tell: now,
// or when somebody drives again.
func (l *Loop) report(f func(now time.Time)) {
	if !l.driven {
		l.owed = append(l.owed, f)
		return
	}
	now := time.Now()
	f(now)
	l.settle(now)
}

// catchUp tells the core what was reported while nobody drove.
func (l *Loop) catchUp(now time.Time) {
	owed := l.owed
	l.owed = nil
	for _, f := range owed {
		f(now)
	}
}

// look makes the driver look again.
func (l *Loop) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nudge()
}

// due reports whether the driver has anything to do but to wait for input.
func (l *Loop) due() bool { return l.over || l.tired || l.wait.over() || l.handshakeDue() }

// reads reports whether to read. Behind the end of the core, what comes is thrown
// away: a peer that first has to get rid of its output would not read our last.
func (l *Loop) reads() bool {
	if l.turn.core.Err() != nil {
		return !l.eof && !l.over && !l.securing
	}
	return !l.eof && !l.implicit && !l.securing && l.turn.WantRead()
}

// direct reports whether the descriptor is read and written, and not conn.
func (l *Loop) direct() bool { return l.fd != nil && l.conn == l.base && !l.implicit }

// park waits until settle finds something to do.
func (l *Loop) park() {
	l.driver = driverParked
	if l.wakeup == nil {
		l.wakeup = make(chan struct{}, 1)
	}
	wakeup := l.wakeup
	l.mu.Unlock()
	<-wakeup
	l.mu.Lock()
	l.driver = driverBusy
}

// settle does what follows from any call of the core: it writes, ends, sets the
// timer and tells the driver.
func (l *Loop) settle(now time.Time) {
	if l.closed {
		return
	}
	l.write(now)
	if l.turn.core.Err() != nil {
		l.finish(now)
	}
	l.arm(now)
	l.nudge()
}

// finish is on the way from the end of the core to the end of the connection.
func (l *Loop) finish(now time.Time) {
	if l.expires.IsZero() {
		l.expires = now.Add(l.cfg.Linger)
	}
	switch {
	case l.securing:
		if l.base.SetDeadline(longAgo) != nil {
			l.base.Close() // a conn without deadlines
		}
	case !l.writing:
		l.over = true
	case l.hard || len(l.turn.Output(now, nil, 1)) == 0:
		// What is being written is not what the core wants to be written any more.
		l.base.SetWriteDeadline(longAgo)
	}
}

// nudge makes the driver look again, if there is something for it to see.
func (l *Loop) nudge() {
	switch {
	case l.driver == driverReading && l.due(), l.driver == driverClosing && l.hard:
		switch {
		case !l.over:
			l.base.SetReadDeadline(longAgo)
		case l.base.SetDeadline(longAgo) != nil:
			l.base.Close() // a conn without deadlines
		}
	case l.driver == driverParked && (l.due() || l.reads()):
		select {
		case l.wakeup <- struct{}{}:
		default:
		}
	}
}

// arm sets the timer, unless it fires early enough already: deadlines move with
// every reply, and nearly always to a later time.
func (l *Loop) arm(now time.Time) {
	at := l.expires
	if at.IsZero() {
		at = l.turn.core.Deadline()
		if rest := l.restDue(now); at.IsZero() || !rest.IsZero() && rest.Before(at) {
			at = rest
		}
	}
	if at.IsZero() || !l.armed.IsZero() && !at.Before(l.armed) || l.over {
		return
	}
	l.armed = at
	if l.timer == nil {
		l.timer = time.AfterFunc(at.Sub(now), l.expire)
	} else {
		l.timer.Reset(at.Sub(now))
	}
}

// expire is the timer's goroutine.
func (l *Loop) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = time.Time{}
	if l.closed || !l.driven {
		return // whoever drives next arms it again
	}
	now := time.Now()
	switch due := l.turn.core.Deadline(); {
	case !l.expires.IsZero():
		l.hard = l.hard || !now.Before(l.expires)
	case !due.IsZero() && !now.Before(due):
		l.turn.core.Tick(now)
	}
	l.tired = l.own && !l.resting && l.driver == driverReading && !now.Before(l.active.Add(restAfter))
	l.settle(now)
}

// received hands the core what a read brought.
func (l *Loop) received(p []byte, err error) {
	now := time.Now()
	l.active = now
	if len(p) > 0 {
		l.turn.Feed(now, p)
	}
	switch {
	case err == nil || errors.Is(err, os.ErrDeadlineExceeded):
	case errors.Is(err, io.EOF):
		l.eof = true
		l.turn.FeedEOF(now)
	default:
		l.eof = true
		l.turn.Fail(now, err)
		l.hard = true
	}
	l.settle(now)
}

// close closes the connection. The caller is the driver, and nobody else uses the
// connection any more, except to cut this short.
func (l *Loop) close() {
	if l.timer != nil {
		l.timer.Stop()
	}
	conn := l.conn
	careful := l.cfg.Server && !l.hard && !l.eof && l.turn.writeErr == nil
	l.driver = driverClosing
	l.base.SetReadDeadline(l.expires)
	if secure, ok := conn.(*tls.Conn); ok {
		secure.NetConn().(*peerConn).latest = l.expires
	}
	l.mu.Unlock()
	if careful {
		closeWithCare(l.base, conn)
	}
	l.mu.Lock()
	if l.hard || l.turn.writeErr != nil {
		conn = l.base // without another octet: there may be half a record before it
	}
	l.mu.Unlock()
	conn.Close()
	l.mu.Lock()
	l.driver = driverBusy
	l.closed = true
	l.early, l.small = nil, nil
	if l.done != nil {
		close(l.done)
	}
}

// maxDrained is how much is read from a peer that goes on sending after it was told
// that the session is over.
const maxDrained = 1 << 20

// closeWithCare lets the peer read the last reply. A socket that is closed with
// input unread resets the connection, and a reset makes the peer's system throw
// away what its owner has not read yet. base has a read deadline.
func closeWithCare(base, conn net.Conn) {
	type halfCloser interface{ CloseWrite() error }
	half, ok := base.(halfCloser)
	if !ok {
		return
	}
	if conn != base {
		if tlsConn, ok := conn.(halfCloser); ok && tlsConn.CloseWrite() != nil {
			return
		}
	}
	if half.CloseWrite() != nil {
		return
	}
	s := borrow()
	defer s.giveBack()
	for read := 0; read < maxDrained; {
		n, err := base.Read(s.buf[:])
		if err != nil {
			return
		}
		read += n
	}
}
