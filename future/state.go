package future

import (
	"runtime"
	"sync"
)

// The state of a future is one word of these bits; none is ever cleared.
//
// A slot (waiter or hook) goes from taken to set: who takes it writes it, and
// then sets it. Once the future has settled no slot can be set any more, so what is
// set by then belongs to whoever settled, and what is merely taken belongs to
// whoever took it. The slots need no lock beside that.
const (
	waiterTaken uint32 = 1 << iota
	waiterSet
	hookTaken
	hookSet
	claimed   // somebody won, and writes the result
	settled   // the result can be read
	abandoned // set with settled: the future's side cancelled, so hooks run
)

// overflow holds what the slots inside a future have no room for.
type overflow[T any] struct {
	mu      sync.Mutex
	waiters []waiter[T]   // changed under mu until settled, then by the settler
	hooks   []any         // likewise
	sweepAt int           // the number of waiters at which to look for dead ones
	done    chan struct{} // under mu
}

// sweepMin is the number of waiters below which dead ones may stay.
const sweepMin = 16

func (f *Future[T]) overflow() *overflow[T] {
	if o := f.more.Load(); o != nil {
		return o
	}
	f.more.CompareAndSwap(nil, &overflow[T]{sweepAt: sweepMin})
	return f.more.Load()
}

// take reserves a slot for the caller. It fails if the slot is gone, or f settled.
func (f *Future[T]) take(taken uint32) bool {
	for {
		s := f.state.Load()
		if s&(taken|settled) != 0 {
			return false
		}
		if f.state.CompareAndSwap(s, s|taken) {
			return true
		}
	}
}

// set hands a slot that the caller took to whoever will settle f. It fails if f
// settled meanwhile: the slot is still the caller's then.
func (f *Future[T]) set(set uint32) bool {
	for {
		s := f.state.Load()
		if s&settled != 0 {
			return false
		}
		if f.state.CompareAndSwap(s, s|set) {
			return true
		}
	}
}

// addWaiter reports false if f is settled: the caller has to serve w itself.
func (f *Future[T]) addWaiter(w waiter[T]) bool {
	if f.take(waiterTaken) {
		f.waiter = w
		if f.set(waiterSet) {
			return true
		}
		f.waiter = nil
		return false
	}
	if f.Settled() {
		return false
	}
	o := f.overflow()
	o.mu.Lock()
	defer o.mu.Unlock()
	// The overflow was in place before this look. So whoever settles behind it
	// finds the overflow, takes the lock, and with it what is added here.
	if f.Settled() {
		return false
	}
	if len(o.waiters) >= o.sweepAt {
		o.sweep()
	}
	o.waiters = append(o.waiters, w)
	return true
}

// sweep drops the waiters of derived futures that were settled by other means, so
// that a long-lived future that is raced against many short ones does not collect
// them. Doubling keeps the cost of adding constant.
func (o *overflow[T]) sweep() {
	n := 0
	for _, w := range o.waiters {
		if !w.dead() {
			o.waiters[n] = w
			n++
		}
	}
	clear(o.waiters[n:])
	o.waiters = o.waiters[:n]
	o.sweepAt = max(sweepMin, 2*n)
}

// addHook reports false if f is settled: the caller decides what becomes of h.
func (f *Future[T]) addHook(h any) bool {
	if f.take(hookTaken) {
		f.hook = h
		if f.set(hookSet) {
			return true
		}
		f.hook = nil
		return false
	}
	if f.Settled() {
		return false
	}
	o := f.overflow()
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.Settled() {
		return false
	}
	o.hooks = append(o.hooks, h)
	return true
}

// hookFirst is addHook for a future that nobody else has seen yet.
func (f *Future[T]) hookFirst(h cancelHook) {
	f.hook = h
	f.state.Store(hookTaken | hookSet)
}

// publish settles f and reports whether it did. The caller has to run f's waiters,
// and its hooks if how is abandoned; s says which of the slots are set.
func (f *Future[T]) publish(v T, err error, how uint32) (s uint32, ok bool) {
	for {
		s = f.state.Load()
		if s&claimed != 0 {
			return s, false
		}
		if f.state.CompareAndSwap(s, s|claimed) {
			break
		}
	}
	f.value, f.err = v, err
	s = f.state.Or(settled | how)
	if how&abandoned == 0 && s&hookSet != 0 {
		f.hook = nil
	}
	if o := f.more.Load(); o != nil {
		o.mu.Lock()
		if how&abandoned == 0 {
			o.hooks = nil
		}
		if o.done != nil {
			close(o.done)
		}
		o.mu.Unlock()
	}
	return s, true
}

// settleNow settles f from outside and runs all that follows from it.
func (f *Future[T]) settleNow(v T, err error, how uint32) bool {
	s, ok := f.publish(v, err, how)
	if !ok {
		// Not having won must mean that there is a result to read. The winner is
		// between two writes and runs no foreign code there.
		for !f.Settled() {
			runtime.Gosched()
		}
		return false
	}
	if f.more.Load() == nil && (how&abandoned == 0 || s&hookSet == 0) {
		if s&waiterSet == 0 {
			return true
		}
		if c, ok := f.waiter.(callback[T]); ok {
			f.waiter = nil
			c(v, err)
			return true
		}
	}
	q := new(queue)
	q.push(f, how)
	q.run()
	return true
}

// settle settles f in the course of a run that is under way, which does the rest.
func (f *Future[T]) settle(q *queue, v T, err error) bool {
	_, ok := f.publish(v, err, 0)
	if ok {
		q.push(f, 0)
	}
	return ok
}

// cancel is Cancel in the course of a run that is under way.
func (f *Future[T]) cancel(q *queue) {
	var zero T
	if _, ok := f.publish(zero, ErrCanceled, abandoned); ok {
		q.push(f, abandoned)
	}
}

// nextWaiter takes the waiter whose turn it is, and reports whether more are left.
// Only the settler calls it.
func (f *Future[T]) nextWaiter() (w waiter[T], left bool) {
	o := f.more.Load()
	if f.state.Load()&waiterSet != 0 && f.waiter != nil {
		w, f.waiter = f.waiter, nil
	} else if o != nil && len(o.waiters) > 0 {
		w, o.waiters[0] = o.waiters[0], nil
		o.waiters = o.waiters[1:]
	}
	return w, o != nil && len(o.waiters) > 0
}

// nextHook is nextWaiter for hooks.
func (f *Future[T]) nextHook() (h any, left bool) {
	o := f.more.Load()
	if f.state.Load()&hookSet != 0 && f.hook != nil {
		h, f.hook = f.hook, nil
	} else if o != nil && len(o.hooks) > 0 {
		h, o.hooks[0] = o.hooks[0], nil
		o.hooks = o.hooks[1:]
	}
	return h, o != nil && len(o.hooks) > 0
}
