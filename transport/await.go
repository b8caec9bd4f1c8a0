package transport

import (
	"context"

	"github.com/sansmtp/sansmtp/future"
)

// Runner is what drives machines on the goroutine that waits for them: a [Pipe],
// or a [Loop].
type Runner interface {
	// Wait drives until settled is closed, and returns nil then, at the latest
	// when it has noticed. Else the error says why it stopped before: the cause of
	// the end of ctx, or that nothing is left that could settle anything.
	Wait(ctx context.Context, settled <-chan struct{}) error
}

// Await runs r until f settles, and returns its result. The futures of a machine
// settle on the goroutine that drives it; so there, [future.Future.Await] would
// wait for ever, and this is what to wait with. A Loop that another goroutine
// drives is left to it.
//
// The end of ctx ends the wait with its cause; the operation behind f goes on as
// soon as anybody drives r again. If r has nothing left to do before f settles, its
// reason is the error: a *QuiescentError or a *LivelockError of a Pipe, the core's
// error of a Loop. A result that is there beats both. Await may not be called from
// a callback of the core.
func Await[T any](ctx context.Context, r Runner, f *future.Future[T]) (T, error) {
	err := error(nil)
	if !f.Settled() {
		err = r.Wait(ctx, f.Done())
	}
	if v, failed, ok := f.Result(); ok {
		return v, failed
	}
	var zero T
	return zero, err
}

// Wait steps until settled is closed. The end of ctx stops it between two steps,
// with the cause of that end; the next step that anybody takes goes on. If nothing
// is left to happen before, its error is that of Err.
func (p *Pipe) Wait(ctx context.Context, settled <-chan struct{}) error {
	for {
		select {
		case <-settled:
			return nil
		default:
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !p.Step() {
			return p.Err()
		}
	}
}
