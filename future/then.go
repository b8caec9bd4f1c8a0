package future

// Then returns a future for the second of two operations, which fn starts with the
// value of the first. fn runs when f has a value, where a callback of f would; an
// error of f passes by it. Cancelling cancels the operation that is under way, the
// first or the second.
func Then[S, T any](f *Future[S], fn func(S) *Future[T]) *Future[T] {
	t := &then[S, T]{fn: fn}
	t.first.Store(f)
	t.second.promise.future.hookFirst(t)
	attach(f, t)
	return t.second.promise.Future()
}

type then[S, T any] struct {
	second follower[T]
	first  source[S]
	fn     func(S) *Future[T]
}

func (t *then[S, T]) ready(f *Future[S], q *queue) {
	t.first.Store(nil)
	fn := t.fn
	t.fn = nil
	if t.dead() {
		return
	}
	if f.err != nil {
		var zero T
		t.second.promise.future.settle(q, zero, f.err)
		return
	}
	t.second.start(q, func() *Future[T] { return fn(f.value) })
}

func (t *then[S, T]) dead() bool { return t.second.dead() }

func (t *then[S, T]) cancel(q *queue) {
	t.first.cancel(q)
	t.second.source.cancel(q)
}

// start follows the future that begin returns.
func (d *follower[T]) start(q *queue, begin func() *Future[T]) {
	following := false
	defer func() {
		if !following {
			var zero T
			d.promise.future.settle(q, zero, ErrPanicked)
		}
	}()
	d.follow(begin(), q)
	following = true
}
