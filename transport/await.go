package transport

import (
	"context"

	"github.com/sansmtp/sansmtp/future"
)

// Runner is what drives machines step by step, on the goroutine that calls it. A
// [Pipe] is one.
type Runner interface {
	// Step lets the next thing happen. It returns false when nothing more can.
	Step() bool
	// Err says why Step returned false; it is not nil then.
	Err() error
}

// Await steps r until f settles, and returns its result. The futures of a machine
// settle on the goroutine that drives it; so there, [future.Future.Await] would
// wait for ever, and this is what to wait with.
//
// A ctx that has ended stops the wait between two steps, with the cause of its end;
// the operation behind f goes on with the next step that anybody takes. If r has
// nothing left to do before f settles, its Err is the error: a *QuiescentError or a
// *LivelockError of a Pipe. A result that is there beats both. Await may not be
// called from inside a step.
func Await[T any](ctx context.Context, r Runner, f *future.Future[T]) (T, error) {
	for stepped := true; ; stepped = r.Step() {
		if v, err, ok := f.Result(); ok {
			return v, err
		}
		var zero T
		if !stepped {
			return zero, r.Err()
		}
		if ctx.Err() != nil {
			return zero, context.Cause(ctx)
		}
	}
}
