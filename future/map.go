package future

// Map returns a future for what fn makes of f's value. fn runs when f has a value,
// where a callback of f would; an error of f passes by it. If fn returns an
// error, the future has that and no value. Cancelling it cancels f.
func Map[S, T any](f *Future[S], fn func(S) (T, error)) *Future[T] {
	m := &mapped[S, T]{fn: fn}
	m.source.Store(f)
	m.promise.future.hookFirst(m)
	attach(f, m)
	return m.promise.Future()
}

type mapped[S, T any] struct {
	promise Promise[T]
	source  source[S]
	fn      func(S) (T, error)
}

func (m *mapped[S, T]) ready(f *Future[S], q *queue) {
	m.source.Store(nil)
	fn := m.fn
	m.fn = nil
	if m.dead() {
		return
	}
	var v T
	err := f.err
	defer func() { m.promise.future.settle(q, v, err) }()
	if err == nil {
		err = ErrPanicked // stands if fn does not return
		if v, err = fn(f.value); err != nil {
			v = *new(T)
		}
	}
}

func (m *mapped[S, T]) dead() bool      { return m.promise.Settled() }
func (m *mapped[S, T]) cancel(q *queue) { m.source.cancel(q) }
