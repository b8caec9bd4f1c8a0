package future

// Race returns a future that settles as the first of fs to settle does, be that a
// value, an error or being cancelled; the rest is cancelled then. Of several that
// are settled already the first in the order of fs counts. Without fs the error is
// ErrNoFutures.
func Race[T any](fs ...*Future[T]) *Future[T] {
	if len(fs) == 0 {
		return Rejected[T](ErrNoFutures)
	}
	return join(fs, func(g *group[T, T], _ int, f *Future[T], q *queue) {
		g.settle(q, f.value, f.err)
	})
}
