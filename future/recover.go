package future

// Recover returns a future that has f's value, or else settles as what fn returns
// for f's error: Resolved for a value in its stead, Rejected for the same or
// another error, or the future of another attempt. fn runs where a callback of f
// would, and does not run if f was cancelled. Cancelling cancels what is under way,
// f or the other attempt.
func Recover[T any](f *Future[T], fn func(error) *Future[T]) *Future[T] {
	r := &recovered[T]{fn: fn}
	r.first.Store(f)
	r.second.promise.future.hookFirst(r)
	attach(f, r)
	return r.second.promise.Future()
}

type recovered[T any] struct {
	second follower[T]
	first  source[T]
	fn     func(error) *Future[T]
}

func (r *recovered[T]) ready(f *Future[T], q *queue) {
	r.first.Store(nil)
	fn := r.fn
	r.fn = nil
	if r.dead() {
		return
	}
	if f.err == nil || f.err == ErrCanceled {
		r.second.promise.future.settle(q, f.value, f.err)
		return
	}
	r.second.start(q, func() *Future[T] { return fn(f.err) })
}

func (r *recovered[T]) dead() bool { return r.second.dead() }

func (r *recovered[T]) cancel(q *queue) {
	r.first.cancel(q)
	r.second.source.cancel(q)
}
