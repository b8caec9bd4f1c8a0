package transport

import (
	"context"
	"errors"
	"os"
	"time"
)

// restAfter is how long nothing has to come from the peer until the goroutine that
// waits for it makes room for one with a smaller stack.
const restAfter = time.Second

// Start has goroutines of the Loop's own drive the core, and returns at once; else it
// is like Run. While nothing comes, the one that waits has a stack of the least size,
// which is most of what an idle connection costs.
func (l *Loop) Start(ctx context.Context) {
	go func() {
		l.seat <- struct{}{}
		l.mu.Lock()
		l.own = l.fd != nil
		l.mu.Unlock()
		if ctx.Done() == nil {
			l.lead(nil)
			return
		}
		stop := context.AfterFunc(ctx, func() { l.fail(context.Cause(ctx)) })
		l.lead(func() { stop() })
	}()
}

// lead drives to the end, or until there is nothing to do but to wait: a goroutine that
// has called the core has had its stack grow, and it will not shrink again. stop is
// called in the end, if it is not nil.
func (l *Loop) lead(stop func()) {
	l.mu.Lock()
	if !l.driven {
		l.driven = true
		l.begin()
	}
	l.resting, l.tired, l.driver = false, false, driverBusy
	l.steps(nil)
	if !l.over {
		l.resting, l.driver = true, driverReading
		l.small, l.wakeup = nil, nil
		l.mu.Unlock()
		go l.rest(stop)
		return
	}
	if !l.closed {
		l.close()
	}
	l.driven = false
	<-l.seat
	ended := l.cfg.Ended
	l.mu.Unlock()
	if stop != nil {
		stop()
	}
	if ended != nil {
		ended()
	}
}

// rest waits until there is something to read, or to do. What goes wrong here goes
// wrong again where it is dealt with.
func (l *Loop) rest(stop func()) {
	first := true
	err := l.fd.Read(func(fd uintptr) bool {
		// Input that was there before this began brings no event of its own.
		again := !first || readableNow(fd)
		first = false
		return again
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.base.SetReadDeadline(time.Time{}) // it was a nudge
	}
	go l.lead(stop)
}

// restDue is when the driver has waited long enough; zero: it does not matter.
func (l *Loop) restDue(now time.Time) time.Time {
	if !l.own || l.resting || l.core.Err() != nil {
		return time.Time{}
	}
	if due := l.active.Add(restAfter); now.Before(due) {
		return due
	}
	return now.Add(restAfter)
}
