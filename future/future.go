package future

import (
	"context"
	"sync/atomic"
)

// Future is the read side of a result that may be still to come. It is made by a
// [Promise], by [Resolved] or [Rejected], or by one of the functions that derive a
// future from others. Use it by pointer.
type Future[T any] struct {
	state  atomic.Uint32               // the bits in state.go
	more   atomic.Pointer[overflow[T]] // made when a slot is not enough
	waiter waiter[T]                   // the first waiter; owned as state says
	hook   any                         // the first hook, a cancelHook or a Canceler; likewise
	value  T                           // written between claimed and settled
	err    error                       // likewise
}

// Resolved returns a future that is settled with a value.
func Resolved[T any](v T) *Future[T] {
	f := &Future[T]{value: v}
	f.state.Store(claimed | settled)
	return f
}

// Rejected returns a future that is settled with an error. A nil error panics.
func Rejected[T any](err error) *Future[T] {
	mustFail(err)
	f := &Future[T]{err: err}
	f.state.Store(claimed | settled)
	return f
}

// Result returns the value or the error if f is settled, and whether it is. It
// never blocks. While ok is false both are zero; with an error the value is.
func (f *Future[T]) Result() (v T, err error, ok bool) {
	if !f.Settled() {
		return v, nil, false
	}
	return f.value, f.err, true
}

// Err returns the error f was settled with: nil after a value, and nil while f is
// not settled.
func (f *Future[T]) Err() error {
	if !f.Settled() {
		return nil
	}
	return f.err
}

// Settled reports whether f has a result.
func (f *Future[T]) Settled() bool { return f.state.Load()&settled != 0 }

// Done returns a channel that is closed when f settles, before callbacks run. It
// is made on first use and the same from then on.
func (f *Future[T]) Done() <-chan struct{} {
	o := f.more.Load()
	if o == nil {
		if f.Settled() {
			return closed
		}
		o = f.overflow()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done == nil {
		if f.Settled() {
			return closed // and not stored: whoever settles may come here yet, to close
		}
		o.done = make(chan struct{})
	}
	return o.done
}

// closed serves all futures that were settled before anybody asked for a channel.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Await waits for the result and returns it. If ctx ends first, Await returns the
// cause of that; it ends the wait, not the operation, for which there is Cancel. A
// result that is there beats a context that has ended.
//
// It blocks the goroutine: called from the one that has to settle f, without an
// end of ctx in sight, it blocks for ever.
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	if !f.Settled() {
		select {
		case <-f.Done():
		case <-ctx.Done():
			if !f.Settled() {
				var zero T
				return zero, context.Cause(ctx)
			}
		}
	}
	return f.value, f.err
}

// OnReady has fn called with the result, once, when f settles: on the goroutine
// that settles f, behind the callbacks added before. If f is settled already, fn is
// called at once, ahead of callbacks of f that may not have had their turn yet.
func (f *Future[T]) OnReady(fn func(T, error)) {
	if !f.addWaiter(callback[T](fn)) {
		fn(f.value, f.err)
	}
}

// Cancel settles f with ErrCanceled and reports whether it did; false means that f
// was settled before. Then the operation behind f, or whatever f was derived from,
// is told to stop; see the package documentation.
func (f *Future[T]) Cancel() bool {
	var zero T
	return f.settleNow(zero, ErrCanceled, abandoned)
}
