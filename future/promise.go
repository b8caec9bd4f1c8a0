package future

// Promise is the write side of a result. Its zero value is ready for use; it must
// not be copied after first use, which go vet checks. It takes 64 octets beside the
// value. Embedded in the operation it belongs to, it costs no allocation.
type Promise[T any] struct {
	future Future[T]
}

// Future returns the read side. It is part of p: the same one every time, and
// it keeps the memory around p alive.
func (p *Promise[T]) Future() *Future[T] { return &p.future }

// Resolve settles with a value and reports whether it did; false means that p was
// settled before.
func (p *Promise[T]) Resolve(v T) bool { return p.future.settleNow(v, nil, 0) }

// Reject settles with an error and reports whether it did; false means that p was
// settled before. A nil error panics.
func (p *Promise[T]) Reject(err error) bool {
	mustFail(err)
	var zero T
	return p.future.settleNow(zero, err, 0)
}

// Cancel settles with ErrCanceled and reports whether it did. It is for the owner
// of the operation, who needs no telling: hooks set with OnCancel do not run.
func (p *Promise[T]) Cancel() bool {
	var zero T
	return p.future.settleNow(zero, ErrCanceled, 0)
}

// OnCancel adds a hook that runs if the future's side cancels: once, on the
// goroutine that cancels, after the promise has settled and before callbacks run.
// If that has happened already, the hook runs at once. If p settles in any other
// way, the hook is dropped. Several hooks run in the order they were added; the
// first costs no allocation.
func (p *Promise[T]) OnCancel(hook func()) {
	if !p.future.addHook(hookFunc(hook)) && p.future.state.Load()&abandoned != 0 {
		hook()
	}
}

// Settled reports whether p has a result.
func (p *Promise[T]) Settled() bool { return p.future.Settled() }

// Canceler is what can be given up: an operation, or a [Future]. Cancel reports whether
// that was still possible.
type Canceler interface {
	Cancel() bool
}

// Cancels names the operation that p is the result of: op.Cancel is called when a hook set
// with OnCancel would be. It costs no allocation, where the function for OnCancel would.
func (p *Promise[T]) Cancels(op Canceler) {
	if !p.future.addHook(op) && p.future.state.Load()&abandoned != 0 {
		op.Cancel()
	}
}

// mustFail keeps a nil error from passing for success further down the line.
func mustFail(err error) {
	if err == nil {
		panic("future: rejected with a nil error")
	}
}
