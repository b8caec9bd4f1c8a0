package future_test

import (
	"testing"
	"unsafe"

	"github.com/sansmtp/sansmtp/future"
)

func TestFirstSettleWins(t *testing.T) {
	for _, first := range []struct {
		name   string
		settle func(*future.Promise[int]) bool
		value  int
		err    error
	}{
		{"resolve", func(p *future.Promise[int]) bool { return p.Resolve(1) }, 1, nil},
		{"reject", func(p *future.Promise[int]) bool { return p.Reject(errA) }, 0, errA},
		{"cancel", func(p *future.Promise[int]) bool { return p.Cancel() }, 0, future.ErrCanceled},
		{"reader cancels", func(p *future.Promise[int]) bool { return p.Future().Cancel() }, 0, future.ErrCanceled},
	} {
		t.Run(first.name, func(t *testing.T) {
			var p future.Promise[int]
			pending(t, p.Future())
			if p.Settled() {
				t.Error("settled before anything")
			}
			if !first.settle(&p) || !p.Settled() {
				t.Error("the first did not settle")
			}
			if p.Resolve(2) || p.Reject(errB) || p.Cancel() || p.Future().Cancel() {
				t.Error("settled twice")
			}
			wantResult(t, p.Future(), first.value, first.err)
		})
	}
}

func TestFutureIsPartOfPromise(t *testing.T) {
	var p future.Promise[int]
	f := p.Future()
	if p.Future() != f {
		t.Error("two futures")
	}
	if n := testing.AllocsPerRun(100, func() { p.Future() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPromiseSize(t *testing.T) {
	if got := unsafe.Sizeof(future.Promise[uint64]{}); unsafe.Sizeof(uintptr(0)) == 8 && got != 64+8 {
		t.Errorf("%d octets", got)
	}
}

func TestRejectNeedsAnError(t *testing.T) {
	const want = "future: rejected with a nil error"
	if got := panics(func() { new(future.Promise[int]).Reject(nil) }); got != want {
		t.Errorf("Reject: %v", got)
	}
	if got := panics(func() { future.Rejected[int](nil) }); got != want {
		t.Errorf("Rejected: %v", got)
	}
}

func TestOnCancel(t *testing.T) { // F24
	t.Run("reader cancels", func(t *testing.T) {
		var s story
		var p future.Promise[int]
		watch(&s, "first", p.Future())
		watch(&s, "second", p.Future())
		p.OnCancel(func() { s.add("hook 1, settled %v", p.Settled()) })
		hook(&s, "2", &p)
		hook(&s, "3", &p)
		p.Future().Cancel()
		s.is(t, "hook 1, settled true", "stop 2", "stop 3", "first: canceled", "second: canceled")
		hook(&s, "late", &p)
		s.is(t, "stop late")
		p.Future().Cancel()
		s.is(t)
	})
	t.Run("nobody listens", func(t *testing.T) {
		var s story
		var p future.Promise[int]
		hook(&s, "it", &p)
		p.Future().Cancel()
		s.is(t, "stop it")
	})
	for name, settle := range map[string]func(*future.Promise[int]) bool{
		"resolved":      func(p *future.Promise[int]) bool { return p.Resolve(1) },
		"rejected":      func(p *future.Promise[int]) bool { return p.Reject(errA) },
		"owner cancels": func(p *future.Promise[int]) bool { return p.Cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			var s story
			var p future.Promise[int]
			hook(&s, "1", &p)
			hook(&s, "2", &p)
			settle(&p)
			hook(&s, "late", &p)
			p.Future().Cancel()
			s.is(t)
		})
	}
}

// operation is a Canceler that records under its name that it was cancelled.
type operation struct {
	s    *story
	name string
}

func (o *operation) Cancel() bool {
	o.s.add("stop %s", o.name)
	return true
}

// awaitable is an operation that is its own future too.
type awaitable struct {
	*future.Future[int]
	operation
}

func (a *awaitable) Cancel() bool { return a.operation.Cancel() }

func TestCancels(t *testing.T) { // F24
	t.Run("reader cancels", func(t *testing.T) {
		var s story
		var p, other future.Promise[int]
		watch(&s, "p", p.Future())
		watch(&s, "other", other.Future())
		p.Cancels(&operation{&s, "1"})
		hook(&s, "2", &p)
		p.Cancels(&operation{&s, "3"})
		p.Cancels(other.Future())
		p.Future().Cancel()
		s.is(t, "stop 1", "stop 2", "stop 3", "other: canceled", "p: canceled")
		p.Cancels(&operation{&s, "late"})
		s.is(t, "stop late")
	})
	t.Run("resolved", func(t *testing.T) {
		var s story
		var p future.Promise[int]
		p.Cancels(&operation{&s, "1"})
		p.Cancels(&operation{&s, "2"})
		p.Resolve(1)
		p.Cancels(&operation{&s, "late"})
		p.Future().Cancel()
		s.is(t)
	})
	t.Run("with a future inside", func(t *testing.T) {
		var s story
		var p future.Promise[int]
		p.Cancels(&awaitable{p.Future(), operation{&s, "1"}})
		p.Future().Cancel()
		s.is(t, "stop 1")
	})
	t.Run("without allocations", func(t *testing.T) {
		o, p := new(operation), make([]future.Promise[int], 101)
		if n := testing.AllocsPerRun(100, func() {
			p[0].Cancels(o)
			p[0].Resolve(1)
			p = p[1:]
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func TestHookMaySettleAndCancelOthers(t *testing.T) {
	var s story
	var p, other future.Promise[int]
	watch(&s, "other", other.Future())
	p.OnCancel(func() {
		if p.Resolve(1) {
			t.Error("settled twice")
		}
		other.Resolve(2)
		s.add("hook ends")
	})
	watch(&s, "p", p.Future())
	p.Future().Cancel()
	s.is(t, "other = 2", "hook ends", "p: canceled")
}
