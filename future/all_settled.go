package future

// Result is what a future was settled with: a value, or an error and a zero value.
type Result[T any] struct {
	Value T
	Err   error
}

// AllSettled returns a future for the results of all fs, in the order of fs,
// whatever they are. It has no error of its own unless it is cancelled itself, and
// then fs are. Without fs it is settled with no results.
func AllSettled[T any](fs ...*Future[T]) *Future[[]Result[T]] {
	results := make([]Result[T], len(fs))
	if len(fs) == 0 {
		return Resolved(results)
	}
	return join(fs, func(g *group[T, []Result[T]], i int, f *Future[T], q *queue) {
		results[i] = Result[T]{Value: f.value, Err: f.err}
		if g.last() {
			g.settle(q, results, nil)
		}
	})
}
