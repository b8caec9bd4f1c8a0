package future

import "strings"

// Any returns a future for the first value that one of fs has; the rest is
// cancelled then. If there is none, it has all their errors in the order of fs:
// errors.Is and errors.As find each. One of fs being cancelled is an error like
// another here; if all are, so is what Any returns. Without fs the error is
// ErrNoFutures.
func Any[T any](fs ...*Future[T]) *Future[T] {
	if len(fs) == 0 {
		return Rejected[T](ErrNoFutures)
	}
	errs := make([]error, len(fs))
	return join(fs, func(g *group[T, T], i int, f *Future[T], q *queue) {
		if f.err == nil {
			g.settle(q, f.value, nil)
			return
		}
		errs[i] = f.err
		if g.last() {
			g.settle(q, f.value, joinErrors(errs))
		}
	})
}

func joinErrors(errs []error) error {
	for _, err := range errs {
		if err != ErrCanceled {
			return allErrors(errs)
		}
	}
	return ErrCanceled
}

// allErrors is errors.Join on one line.
type allErrors []error

func (e allErrors) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (e allErrors) Unwrap() []error { return e }
