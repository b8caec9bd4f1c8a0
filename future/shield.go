package future

// Shield returns a future that settles as f does, and whose cancelling leaves f
// alone. Put it between an operation that others need too and what may cancel.
func Shield[T any](f *Future[T]) *Future[T] {
	d := new(follower[T])
	attach(f, d)
	return d.promise.Future()
}
