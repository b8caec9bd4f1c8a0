package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// tracer prints the lines of all sessions, each with the number of its session.
type tracer struct {
	start time.Time

	mu       sync.Mutex
	out      io.Writer
	sessions int
}

func newTracer(out io.Writer) *tracer { return &tracer{start: time.Now(), out: out} }

// session is netasync.Server's Trace.
func (t *tracer) session(s *netasync.Session) func(protocol.TraceEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sessions++
	n := t.sessions
	fmt.Fprintf(t.out, "%9.3f [%d] connection from %s\n", time.Since(t.start).Seconds(), n, s.RemoteAddr())
	return func(e protocol.TraceEvent) {
		t.mu.Lock()
		defer t.mu.Unlock()
		fmt.Fprintf(t.out, "%9.3f [%d] %s\n", e.Time.Sub(t.start).Seconds(), n, e)
	}
}
