package future_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sansmtp/sansmtp/future"
)

func TestSettledFutures(t *testing.T) {
	wantResult(t, future.Resolved("v"), "v", nil)
	wantResult(t, future.Rejected[string](errA), "", errA)
	if future.Resolved(1).Cancel() {
		t.Error("cancelled what had a value")
	}
}

func TestCallbacksRunInOrder(t *testing.T) {
	var s story
	var p future.Promise[int]
	f := p.Future()
	for _, name := range []string{"1", "2", "3"} {
		watch(&s, name, f)
	}
	f.OnReady(func(int, error) {
		s.add("adds one")
		watch(&s, "added", f)
	})
	watch(&s, "5", f)
	p.Resolve(7)
	s.is(t, "1 = 7", "2 = 7", "3 = 7", "adds one", "added = 7", "5 = 7")
	watch(&s, "late", f)
	s.is(t, "late = 7")
}

// A lock held, or a queue shared, would block or reorder here.
func TestCallbackMaySettleOthers(t *testing.T) {
	var s story
	var p, q future.Promise[int]
	watch(&s, "q", q.Future())
	p.Future().OnReady(func(int, error) { q.Resolve(2); s.add("first ends") })
	p.Future().OnReady(func(int, error) { q.Resolve(3); <-p.Future().Done(); s.add("second ends") })
	p.Resolve(1)
	s.is(t, "q = 2", "first ends", "second ends")
}

func TestDone(t *testing.T) {
	var p future.Promise[int]
	done := p.Future().Done()
	select {
	case <-done:
		t.Fatal("closed before the result")
	default:
	}
	p.Future().OnReady(func(int, error) {
		select {
		case <-done:
		default:
			t.Error("open in a callback")
		}
	})
	p.Resolve(1)
	<-done
	if p.Future().Done() != done {
		t.Error("another channel")
	}

	settled := future.Resolved(1)
	<-settled.Done()

	// Settled with an overflow, but without a channel.
	var crowded future.Promise[int]
	crowded.Future().OnReady(func(int, error) {})
	crowded.Future().OnReady(func(int, error) {})
	crowded.Resolve(1)
	<-crowded.Future().Done()
}

func TestAwait(t *testing.T) {
	cause := errors.New("shutting down")
	ended, end := context.WithCancelCause(t.Context())
	end(cause)

	t.Run("a result beats an ended context", func(t *testing.T) {
		if v, err := future.Resolved(1).Await(ended); v != 1 || err != nil {
			t.Errorf("%v, %v", v, err)
		}
		if v, err := future.Rejected[int](errA).Await(ended); v != 0 || err != errA {
			t.Errorf("%v, %v", v, err)
		}
	})
	t.Run("an ended context ends the wait only", func(t *testing.T) {
		var p future.Promise[int]
		if v, err := p.Future().Await(ended); v != 0 || err != cause {
			t.Errorf("%v, %v", v, err)
		}
		pending(t, p.Future())
		p.Resolve(1)
		wantResult(t, p.Future(), 1, nil)
	})
	t.Run("the result ends the wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			var p future.Promise[int]
			time.AfterFunc(time.Second, func() { p.Resolve(1) })
			start := time.Now()
			if v, err := p.Future().Await(ctx); v != 1 || err != nil || time.Since(start) != time.Second {
				t.Errorf("%v, %v after %v", v, err, time.Since(start))
			}
		})
	})
	t.Run("the deadline ends the wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			var p future.Promise[int]
			start := time.Now()
			if _, err := p.Future().Await(ctx); err != context.DeadlineExceeded || time.Since(start) != time.Minute {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			pending(t, p.Future())
		})
	})
	// select picks at random among what is ready: a value must win every time.
	t.Run("both at once", func(t *testing.T) {
		for range 200 {
			var p future.Promise[int]
			ctx := &settlesWhenAsked{Context: ended, settle: func() { p.Resolve(1) }}
			if v, err := p.Future().Await(ctx); v != 1 || err != nil {
				t.Fatalf("%v, %v", v, err)
			}
		}
	})
}

// settlesWhenAsked settles a promise while Await enters its select.
type settlesWhenAsked struct {
	context.Context
	settle func()
}

func (c *settlesWhenAsked) Done() <-chan struct{} {
	c.settle()
	return c.Context.Done()
}
