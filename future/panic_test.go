package future_test

import (
	"runtime"
	"testing"

	"github.com/sansmtp/sansmtp/future"
)

func TestPanicLosesNoOtherCallback(t *testing.T) { // F24
	var s story
	var p future.Promise[int]
	f := p.Future()
	watch(&s, "1", f)
	f.OnReady(func(int, error) { panic("two") })
	watch(&s, "3", f)
	derived := future.Map(f, func(v int) (int, error) { return v + 1, nil })
	derived.OnReady(func(int, error) { panic("four") })
	watch(&s, "5", derived)
	watch(&s, "6", f)
	// The second panic supersedes the first, as in any deferred call.
	if got := panics(func() { p.Resolve(7) }); got != "four" {
		t.Errorf("panicked with %v", got)
	}
	s.is(t, "1 = 7", "3 = 7", "5 = 8", "6 = 7")
	wantResult(t, f, 7, nil)
}

func TestPanicInTheOnlyCallback(t *testing.T) {
	var p future.Promise[int]
	p.Future().OnReady(func(int, error) { panic("alone") })
	if got := panics(func() { p.Resolve(7) }); got != "alone" {
		t.Errorf("panicked with %v", got)
	}
	wantResult(t, p.Future(), 7, nil)
}

func TestPanicInHookLosesNothing(t *testing.T) { // F24
	var s story
	var p future.Promise[int]
	p.OnCancel(func() { panic("hook") })
	hook(&s, "it", &p)
	watch(&s, "p", p.Future())
	if got := panics(func() { p.Future().Cancel() }); got != "hook" {
		t.Errorf("panicked with %v", got)
	}
	s.is(t, "stop it", "p: canceled")
}

func TestGoexitLosesNoOtherCallback(t *testing.T) {
	var s story
	var p future.Promise[int]
	p.Future().OnReady(func(int, error) { runtime.Goexit() })
	watch(&s, "2", p.Future())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Resolve(7)
	}()
	<-ended
	s.is(t, "2 = 7")
}

// Whoever waits for a derived future must not wait for ever.
func TestPanicSettlesWhatItShouldHaveSettled(t *testing.T) { // F24
	type derive func(f *future.Future[int]) *future.Future[int]
	noFuture := func(int) *future.Future[int] { return nil }
	for _, row := range []struct {
		name   string
		derive derive
		source func(*future.Promise[int]) bool
	}{
		{"Map", func(f *future.Future[int]) *future.Future[int] {
			return future.Map(f, func(int) (int, error) { panic("map") })
		}, func(p *future.Promise[int]) bool { return p.Resolve(1) }},
		{"Then", func(f *future.Future[int]) *future.Future[int] {
			return future.Then(f, func(int) *future.Future[int] { panic("then") })
		}, func(p *future.Promise[int]) bool { return p.Resolve(1) }},
		{"Then without a future", func(f *future.Future[int]) *future.Future[int] {
			return future.Then(f, noFuture)
		}, func(p *future.Promise[int]) bool { return p.Resolve(1) }},
		{"Recover", func(f *future.Future[int]) *future.Future[int] {
			return future.Recover(f, func(error) *future.Future[int] { panic("recover") })
		}, func(p *future.Promise[int]) bool { return p.Reject(errA) }},
		{"Each, second item", func(f *future.Future[int]) *future.Future[int] {
			first := true
			return eachLen(future.Each([]int{1, 2}, func(int) *future.Future[int] {
				if first {
					first = false
					return f
				}
				panic("each")
			}))
		}, func(p *future.Promise[int]) bool { return p.Resolve(1) }},
		{"Each without a future", func(f *future.Future[int]) *future.Future[int] {
			first := true
			return eachLen(future.Each([]int{1, 2}, func(int) *future.Future[int] {
				if first {
					first = false
					return f
				}
				return nil
			}))
		}, func(p *future.Promise[int]) bool { return p.Resolve(1) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			var s story
			var p future.Promise[int]
			d := row.derive(p.Future())
			watch(&s, "derived", d)
			watch(&s, "source", future.AllSettled(p.Future()))
			if panics(func() { row.source(&p) }) == nil {
				t.Error("the panic was swallowed")
			}
			wantResult(t, d, 0, future.ErrPanicked)
			if len(s) != 2 || s[0] != "derived: no result: the function panicked" {
				t.Errorf("%q", s)
			}
		})
	}
}

func eachLen(f *future.Future[[]int]) *future.Future[int] {
	return future.Map(f, func(v []int) (int, error) { return len(v), nil })
}
