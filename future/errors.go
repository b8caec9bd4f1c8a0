package future

import "errors"

var (
	// ErrCanceled is what a cancelled future is settled with.
	ErrCanceled = errors.New("canceled")
	// ErrPanicked is what a derived future is settled with if the function that
	// should have given its result panicked, or ended its goroutine.
	ErrPanicked = errors.New("no result: the function panicked")
	// ErrNoFutures is what Any and Race give without futures to wait for.
	ErrNoFutures = errors.New("no futures to wait for")
)
