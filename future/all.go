package future

// All returns a future for the values of all fs, in the order of fs. The first
// error, or the first to be cancelled, settles it with that and cancels the rest.
// Without fs it is settled with no values.
func All[T any](fs ...*Future[T]) *Future[[]T] {
	values := make([]T, len(fs))
	if len(fs) == 0 {
		return Resolved(values)
	}
	return join(fs, func(g *group[T, []T], i int, f *Future[T], q *queue) {
		if f.err != nil {
			g.settle(q, nil, f.err)
			return
		}
		values[i] = f.value
		if g.last() {
			g.settle(q, values, nil)
		}
	})
}
