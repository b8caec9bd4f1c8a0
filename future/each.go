package future

// Each runs fn on one item after the other, each when the future of the one before
// has its value, and returns a future for all values in the order of items. The
// first error, or the first to be cancelled, ends it: fn is not called again.
// Cancelling cancels the operation that is under way and ends it too.
//
// fn is called first by Each itself, and then where callbacks of its futures would
// be. A million items take no more stack than one. items must not change until the
// future is settled.
func Each[S, T any](items []S, fn func(S) *Future[T]) *Future[[]T] {
	e := &each[S, T]{items: items, fn: fn, values: make([]T, 0, len(items))}
	e.promise.future.hookFirst(e)
	q := new(queue)
	defer q.run()
	e.next(q)
	return e.promise.Future()
}

type each[S, T any] struct {
	promise Promise[[]T]
	current source[T]
	items   []S // those whose turn is still to come
	fn      func(S) *Future[T]
	values  []T
}

// next starts operations until one has to be waited for, or none is left.
func (e *each[S, T]) next(q *queue) {
	err := ErrPanicked // stands if fn does not return
	waiting := false
	defer func() {
		// Waiting, e may be in use on another goroutine by now.
		if !waiting {
			e.finish(q, err)
		}
	}()
	for len(e.items) > 0 {
		if e.dead() {
			return
		}
		f := e.fn(e.items[0])
		e.items = e.items[1:]
		e.current.Store(f)
		// As in follow: whoever cancels settles first and looks at current then.
		if e.dead() {
			e.current.cancel(q)
			return
		}
		if waiting = f.addWaiter(e); waiting {
			return
		}
		if err = e.take(f); err != nil {
			return
		}
		err = ErrPanicked
	}
	err = nil
}

// take keeps the value of f, or returns its error.
func (e *each[S, T]) take(f *Future[T]) error {
	e.current.Store(nil)
	if f.err == nil {
		e.values = append(e.values, f.value)
	}
	return f.err
}

// finish settles e, unless it was cancelled, and lets go of what it worked with.
func (e *each[S, T]) finish(q *queue, err error) {
	values := e.values
	if err != nil {
		values = nil
	}
	e.items, e.fn, e.values = nil, nil, nil
	e.promise.future.settle(q, values, err)
}

func (e *each[S, T]) ready(f *Future[T], q *queue) {
	if err := e.take(f); err != nil {
		e.finish(q, err)
		return
	}
	e.next(q)
}

func (e *each[S, T]) dead() bool      { return e.promise.Settled() }
func (e *each[S, T]) cancel(q *queue) { e.current.cancel(q) }
