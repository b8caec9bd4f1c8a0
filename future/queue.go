package future

// waiter is what waits for a future: a caller's function or a derived future.
type waiter[T any] interface {
	// ready is called once, with f settled. What it settles in turn goes to q.
	ready(f *Future[T], q *queue)
	// dead reports whether ready would do nothing any more.
	dead() bool
}

// cancelHook is what hears that a future was cancelled by the reading side.
type cancelHook interface {
	// cancel is called once. What it cancels in turn goes to q.
	cancel(q *queue)
}

// callback and hookFunc are pointers in shape, so that an interface holds them
// without an allocation.
type (
	callback[T any] func(T, error)
	hookFunc        func()
)

func (c callback[T]) ready(f *Future[T], _ *queue) { c(f.value, f.err) }
func (c callback[T]) dead() bool                   { return false }
func (h hookFunc) cancel(*queue)                   { h() }

// runner is a settled future of any type.
type runner interface {
	runWaiter(q *queue)
	runHook(q *queue)
}

// queue holds the settled futures whose hooks and waiters have still to run. It is
// what stands in for recursion: a derived future that settles is pushed, and its
// waiters run from the same loop as those of its source. Each call that settles
// from outside has a queue of its own, so none is ever shared.
//
// Both parts are stacks, and so waiters run in the order that recursion would give.
// A future leaves before the last of its waiters runs: a chain stays one deep.
type queue struct {
	hooks []runner // served first, for operations to stop before anybody hears of it
	ready []runner
	few   [4]runner // what ready starts with
}

func (q *queue) push(r runner, how uint32) {
	if q.ready == nil {
		q.ready = q.few[:0]
	}
	q.ready = append(q.ready, r)
	if how&abandoned != 0 {
		q.hooks = append(q.hooks, r)
	}
}

func pop(s []runner) []runner {
	s[len(s)-1] = nil
	return s[:len(s)-1]
}

// run empties q. What is left when a function panics, or ends the goroutine, runs
// on the way out.
func (q *queue) run() {
	empty := false
	defer func() {
		if !empty {
			q.run()
		}
	}()
	for {
		if n := len(q.hooks); n > 0 {
			q.hooks[n-1].runHook(q)
		} else if n := len(q.ready); n > 0 {
			q.ready[n-1].runWaiter(q)
		} else {
			break
		}
	}
	empty = true
}

// runWaiter expects f on top of q.ready.
func (f *Future[T]) runWaiter(q *queue) {
	w, left := f.nextWaiter()
	if !left {
		q.ready = pop(q.ready)
	}
	if w != nil {
		w.ready(f, q)
	}
}

// runHook expects f on top of q.hooks.
func (f *Future[T]) runHook(q *queue) {
	h, left := f.nextHook()
	if !left {
		q.hooks = pop(q.hooks)
	}
	switch h := h.(type) {
	case Canceler: // first: one that has a Future inside has that one's cancel too
		h.Cancel()
	case cancelHook:
		h.cancel(q)
	}
}

// attach adds w to f, or serves it at once if f is settled.
func attach[T any](f *Future[T], w waiter[T]) {
	if f.addWaiter(w) {
		return
	}
	q := new(queue)
	defer q.run()
	w.ready(f, q)
}
