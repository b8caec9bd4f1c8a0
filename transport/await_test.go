package transport

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/future"
)

func TestAwait(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: ms})
	var p future.Promise[string]
	l.a.say("ping")
	l.b.onFeed = func(time.Time, []byte) { l.b.say("pong") }
	l.a.onFeed = func(_ time.Time, b []byte) { p.Resolve(string(b)); l.a.say("more") }
	v, err := Await(t.Context(), l, p.Future())
	if v != "pong" || err != nil || l.RoundTrips(start) != 1 {
		t.Errorf("got %q, %v after %v round trips", v, err, l.RoundTrips(start))
	}
	// It took no step too many: what A said then is not written yet.
	if string(l.a.out) != "more" {
		t.Errorf("A has %q to write", l.a.out)
	}
}

func TestAwaitRejected(t *testing.T) {
	l := newLink(t, PipeOptions{})
	if v, err := Await(t.Context(), l, future.Rejected[int](errTest)); v != 0 || err != errTest {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestAwaitQuiescence(t *testing.T) {
	l := newLink(t, PipeOptions{})
	l.a.say("x")
	var p future.Promise[int]
	_, err := Await(t.Context(), l, p.Future())
	quiet, ok := errors.AsType[*QuiescentError](err)
	if !ok || quiet.State != "after 0s: A reads; B reads" {
		t.Errorf("got %v", err)
	}
	if p.Settled() {
		t.Error("the end of the wait settled the future")
	}
}

func TestAwaitLivelock(t *testing.T) {
	l := newLink(t, PipeOptions{MaxSteps: 100})
	l.a.say("x")
	for _, c := range []*peer{l.a, l.b} {
		c.onFeed = func(time.Time, []byte) { c.say("x") }
	}
	var p future.Promise[int]
	_, err := Await(t.Context(), l, p.Future())
	if lock, ok := errors.AsType[*LivelockError](err); !ok || lock.Steps != 100 {
		t.Errorf("got %v", err)
	}
}

func TestAwaitContext(t *testing.T) {
	l := newLink(t, PipeOptions{})
	ctx, cancel := context.WithCancelCause(t.Context())
	var p future.Promise[int]
	l.AfterFunc(time.Second, func(time.Time) { cancel(errTest) })
	l.AfterFunc(2*time.Second, func(time.Time) { p.Resolve(1) })
	if v, err := Await(ctx, l, p.Future()); v != 0 || err != errTest {
		t.Errorf("got %v, %v", v, err)
	}
	if p.Settled() {
		t.Error("the end of the wait settled the future")
	}
	// The operation goes on, and its result beats the context.
	l.run(t)
	if v, err := Await(ctx, l, p.Future()); v != 1 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}

// A wait that ends for another reason may be the one in which a future settles.
type lastStep struct{ p future.Promise[int] }

func (r *lastStep) Wait(context.Context, <-chan struct{}) error { r.p.Resolve(1); return errTest }

func TestAwaitLastStep(t *testing.T) {
	var r lastStep
	if v, err := Await(t.Context(), &r, r.p.Future()); v != 1 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}
