package future

import "sync/atomic"

// source is what a derived future waits for. It is emptied when the wait is over,
// so that a chain of results does not keep all that came before it alive. One
// goroutine may empty it while another cancels.
type source[T any] struct {
	atomic.Pointer[Future[T]]
}

func (s *source[T]) cancel(q *queue) {
	if f := s.Swap(nil); f != nil {
		f.cancel(q)
	}
}

// follower is a derived future that settles as its source does.
type follower[T any] struct {
	promise Promise[T]
	source  source[T]
}

// follow makes f the source. If the future was cancelled before, f is too.
func (d *follower[T]) follow(f *Future[T], q *queue) {
	d.source.Store(f)
	// Whoever cancels settles first and looks at source then. Here it is the other
	// way round, so at least one of the two sees what the other did.
	if d.dead() {
		d.source.cancel(q)
	} else if !f.addWaiter(d) {
		d.ready(f, q)
	}
}

func (d *follower[T]) ready(f *Future[T], q *queue) {
	d.source.Store(nil)
	d.promise.future.settle(q, f.value, f.err)
}

func (d *follower[T]) dead() bool { return d.promise.Settled() }
