package transport

import (
	"errors"
	"io"
	"os"
	"time"
)

// idleBuffer is what a conn is read into that cannot say when there is input:
// enough for a reply. A read that fills it is followed by one into a large buffer.
const idleBuffer = 512

// readDescriptor reads until the driver has something else to do. No read is under
// way while the lock is not held, so that none can take the first octets of a
// handshake.
func (l *Loop) readDescriptor() {
	raw := l.fd
	l.driver = driverReading
	err := l.outside(func() error { return raw.Read(l.readable) })
	l.driver = driverBusy
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		l.base.SetReadDeadline(time.Time{}) // it was a nudge
	default:
		l.received(nil, err)
	}
}

// outside calls f without the lock, and with the lock returns, even if a callback of
// the core's panics inside.
func (l *Loop) outside(f func() error) error {
	l.mu.Unlock()
	defer l.mu.Lock()
	return f()
}

// readable is called with the descriptor at first and whenever there may be input.
// It returns true to stop.
func (l *Loop) readable(fd uintptr) (stop bool) {
	// Until nothing is left: the event may have been about more than one read, and
	// an end of input behind the last octets brings none of its own.
	for {
		if stop, again := l.readOnce(fd); !again {
			return stop
		}
	}
}

func (l *Loop) readOnce(fd uintptr) (stop, again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.driver = driverBusy
	if l.due() || !l.reads() {
		return true, false
	}
	s := borrow()
	defer s.giveBack()
	n, again, err := readNow(fd, s.buf[:])
	if again {
		l.driver = driverReading
		return false, false
	}
	if err != nil {
		err = l.opError("read", err)
	}
	l.received(s.buf[:n], err)
	return false, true
}

// readConn makes one Read.
func (l *Loop) readConn() {
	conn := l.conn
	l.driver = driverReading
	if l.small == nil {
		l.small = make([]byte, idleBuffer)
	}
	p := l.small
	var s *scratch
	if l.filled {
		s = borrow()
		defer s.giveBack()
		p = s.buf[:]
	}
	l.mu.Unlock()
	n, err := conn.Read(p)
	l.mu.Lock()
	l.driver = driverBusy
	l.filled = n == len(p)
	if n > 0 {
		l.tired = false // conn may have read more than it gave, which brings no event
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.base.SetReadDeadline(time.Time{}) // it was a nudge
		err = nil
	}
	if truncated(conn, err) {
		err = io.ErrUnexpectedEOF
	}
	if n > 0 && !l.reads() && l.core.Err() == nil {
		// The core paused, or waits for TLS, since the Read began. An error comes again.
		l.early = append(l.early, p[:n]...)
		return
	}
	l.received(p[:n], err)
}
