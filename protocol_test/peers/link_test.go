package peers_test

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// link joins two ends in memory. An octet travels for the latency and nothing
// else: bandwidth is not limited, so that what is measured is how often one end
// waits for the other. In a bubble of testing/synctest the figures are exact.
func link(latency time.Duration) (client, server net.Conn) {
	there, back := newWay(latency), newWay(latency)
	return &end{in: back, out: there}, &end{in: there, out: back}
}

// way is one direction of a link.
type way struct {
	latency time.Duration

	mu      sync.Mutex
	flights []flight
	closed  bool
	closeAt time.Time     // when the reader sees the end
	news    chan struct{} // closed and made anew with every change
}

type flight struct {
	due    time.Time
	octets []byte
}

func newWay(latency time.Duration) *way { return &way{latency: latency, news: make(chan struct{})} }

func (w *way) changed() {
	close(w.news)
	w.news = make(chan struct{})
}

func (w *way) write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, io.ErrClosedPipe
	}
	w.flights = append(w.flights, flight{time.Now().Add(w.latency), append([]byte(nil), p...)})
	w.changed()
	return len(p), nil
}

func (w *way) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed, w.closeAt = true, time.Now().Add(w.latency)
		w.changed()
	}
}

// take reads what has arrived. Where nothing has, it returns when something may.
func (w *way) take(p []byte) (n int, news <-chan struct{}, due time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for n < len(p) && len(w.flights) > 0 && !w.flights[0].due.After(now) {
		f := &w.flights[0]
		m := copy(p[n:], f.octets)
		n += m
		if f.octets = f.octets[m:]; len(f.octets) == 0 {
			w.flights = w.flights[1:]
		}
	}
	switch {
	case n > 0 || len(p) == 0:
		return n, nil, due, nil
	case len(w.flights) > 0:
		return 0, w.news, w.flights[0].due, nil
	case w.closed && !w.closeAt.After(now):
		return 0, nil, due, io.EOF
	case w.closed:
		return 0, w.news, w.closeAt, nil
	}
	return 0, w.news, due, nil
}

// end is one end of a link.
type end struct {
	in, out *way

	mu       sync.Mutex
	deadline time.Time
	closed   bool
}

func (e *end) Read(p []byte) (int, error) {
	for {
		e.mu.Lock()
		deadline, closed := e.deadline, e.closed
		e.mu.Unlock()
		if closed {
			return 0, net.ErrClosed
		}
		n, news, due, err := e.in.take(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		if !deadline.IsZero() {
			if !time.Now().Before(deadline) {
				return 0, os.ErrDeadlineExceeded
			}
			if due.IsZero() || deadline.Before(due) {
				due = deadline
			}
		}
		if due.IsZero() {
			<-news
			continue
		}
		timer := time.NewTimer(time.Until(due))
		select {
		case <-news:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }

func (e *end) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.out.close()
	e.wake()
	return nil
}

// wake lets a Read under way look at the deadline again.
func (e *end) wake() {
	e.in.mu.Lock()
	e.in.changed()
	e.in.mu.Unlock()
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.mu.Lock()
	e.deadline = t
	e.mu.Unlock()
	e.wake()
	return nil
}

func (e *end) SetDeadline(t time.Time) error { return e.SetReadDeadline(t) }

// SetWriteDeadline does nothing: a write never waits.
func (e *end) SetWriteDeadline(time.Time) error { return nil }

func (e *end) LocalAddr() net.Addr  { return address{} }
func (e *end) RemoteAddr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "link" }
func (address) String() string  { return "peer.example:25" }
