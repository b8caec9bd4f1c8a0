package future_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/sansmtp/sansmtp/future"
)

// derivations are all ways to derive one future from one other. Each has code that
// records that it ran.
var derivations = []struct {
	name   string
	derive func(s *story, f *future.Future[int]) *future.Future[int]
	upward bool // cancelling it cancels the source
}{
	{"Map", func(s *story, f *future.Future[int]) *future.Future[int] {
		return future.Map(f, func(v int) (int, error) { s.add("code"); return v, nil })
	}, true},
	{"Then", func(s *story, f *future.Future[int]) *future.Future[int] {
		return future.Then(f, func(v int) *future.Future[int] { s.add("code"); return future.Resolved(v) })
	}, true},
	{"Recover", func(s *story, f *future.Future[int]) *future.Future[int] {
		return future.Recover(f, func(err error) *future.Future[int] { s.add("code"); return future.Rejected[int](err) })
	}, true},
	{"Shield", func(_ *story, f *future.Future[int]) *future.Future[int] { return future.Shield(f) }, false},
	{"All", func(_ *story, f *future.Future[int]) *future.Future[int] { return eachLen(future.All(f)) }, true},
	{"Any", func(_ *story, f *future.Future[int]) *future.Future[int] { return future.Any(f) }, true},
	{"Race", func(_ *story, f *future.Future[int]) *future.Future[int] { return future.Race(f) }, true},
	{"Each", func(_ *story, f *future.Future[int]) *future.Future[int] {
		return eachLen(future.Each([]int{1}, func(int) *future.Future[int] { return f }))
	}, true},
}

func TestCancellingUpwards(t *testing.T) { // F24
	for _, d := range derivations {
		t.Run(d.name, func(t *testing.T) {
			var s story
			var p future.Promise[int]
			hook(&s, "p", &p)
			f := d.derive(&s, p.Future())
			watch(&s, "derived", f)
			watch(&s, "p", p.Future())
			if !f.Cancel() || f.Cancel() {
				t.Error("Cancel did not settle, or did twice")
			}
			if d.upward {
				s.is(t, "stop p", "p: canceled", "derived: canceled")
				return
			}
			s.is(t, "derived: canceled")
			p.Resolve(1)
			s.is(t, "p = 1")
		})
	}
}

func TestCancellingDownwards(t *testing.T) { // F24
	cancel := map[string]func(p *future.Promise[int]){
		"reader": func(p *future.Promise[int]) { p.Future().Cancel() },
		"owner":  func(p *future.Promise[int]) { p.Cancel() },
		"reject": func(p *future.Promise[int]) { p.Reject(future.ErrCanceled) },
	}
	for _, d := range derivations {
		for who, cancel := range cancel {
			t.Run(d.name+" "+who, func(t *testing.T) {
				var s story
				var p future.Promise[int]
				f := d.derive(&s, p.Future())
				watch(&s, "derived", f)
				cancel(&p)
				s.is(t, "derived: canceled")
				watch(&s, "late", d.derive(&s, p.Future()))
				s.is(t, "late: canceled")
			})
		}
	}
}

// A callback that hears of the source's value first may cancel what derives from it.
func TestCancelledBeforeItsTurn(t *testing.T) { // F24
	for _, d := range derivations {
		t.Run(d.name, func(t *testing.T) {
			var s story
			var p future.Promise[int]
			var f *future.Future[int]
			p.Future().OnReady(func(int, error) { f.Cancel() })
			f = d.derive(&s, p.Future())
			watch(&s, "derived", f)
			if d.name == "Recover" {
				p.Reject(errA)
			} else {
				p.Resolve(1)
			}
			s.is(t, "derived: canceled")
		})
	}
}

func TestCancelReachesTheTop(t *testing.T) { // F24
	var s story
	var p future.Promise[int]
	hook(&s, "p", &p)
	f := p.Future()
	watch(&s, "p", f)
	for i, d := range derivations {
		if d.upward {
			f = d.derive(&s, f)
			watch(&s, strconv.Itoa(i), f)
		}
	}
	f.Cancel()
	s.is(t, "stop p", "p: canceled", "0: canceled", "1: canceled", "2: canceled", "4: canceled",
		"5: canceled", "6: canceled", "7: canceled")
}

func TestCancelTakesOtherReadersAlong(t *testing.T) {
	var s story
	var p future.Promise[int]
	one := future.Map(p.Future(), func(v int) (int, error) { return v, nil })
	watch(&s, "two", future.Map(p.Future(), func(v int) (int, error) { return v, nil }))
	one.Cancel()
	s.is(t, "two: canceled")
}

func TestMap(t *testing.T) {
	format := func(v int) (string, error) {
		if v < 0 {
			return "ignored", errB
		}
		return strconv.Itoa(v), nil
	}
	wantResult(t, future.Map(future.Resolved(1), format), "1", nil)
	wantResult(t, future.Map(future.Rejected[int](errA), format), "", errA)
	if err := future.Map(future.Resolved(-1), format).Err(); err != errB {
		t.Error(err)
	}

	var p future.Promise[int]
	f := future.Map(p.Future(), format)
	pending(t, f)
	p.Resolve(2)
	wantResult(t, f, "2", nil)
}

func TestMapCancelledByItsOwnCode(t *testing.T) {
	var p future.Promise[int]
	var f *future.Future[int]
	f = future.Map(p.Future(), func(v int) (int, error) { f.Cancel(); return v, nil })
	p.Resolve(1)
	wantResult(t, f, 0, future.ErrCanceled)
}

func TestErrorsCarryNoValue(t *testing.T) {
	f := future.Map(future.Resolved(1), func(int) (string, error) { return "half", errA })
	wantResult(t, f, "", errA)
}

func TestThen(t *testing.T) {
	var s story
	var first future.Promise[int]
	var second future.Promise[string]
	hook(&s, "first", &first)
	hook(&s, "second", &second)
	start := func(v int) *future.Future[string] { s.add("start %d", v); return second.Future() }

	f := future.Then(first.Future(), start)
	watch(&s, "then", f)
	first.Resolve(1)
	s.is(t, "start 1")
	second.Resolve("v")
	s.is(t, "then = v")

	watch(&s, "both settled", future.Then(first.Future(), start))
	s.is(t, "start 1", "both settled = v")

	wantResult(t, future.Then(future.Rejected[int](errA), start), "", errA)
	s.is(t)

	failed := future.Then(first.Future(), func(int) *future.Future[string] { return future.Rejected[string](errB) })
	wantResult(t, failed, "", errB)
}

func TestThenCancelsTheSecond(t *testing.T) { // F24
	var s story
	var second future.Promise[int]
	hook(&s, "second", &second)
	f := future.Then(future.Resolved(1), func(int) *future.Future[int] { return second.Future() })
	watch(&s, "then", f)
	f.Cancel()
	s.is(t, "stop second", "then: canceled")

	// Cancelled while the function runs: what it started is stopped at once.
	var first, third future.Promise[int]
	hook(&s, "third", &third)
	f = future.Then(first.Future(), func(int) *future.Future[int] { f.Cancel(); return third.Future() })
	first.Resolve(1)
	s.is(t, "stop third")
	wantResult(t, f, 0, future.ErrCanceled)

	var fourth future.Promise[int]
	f = future.Then(future.Resolved(1), func(int) *future.Future[int] { return fourth.Future() })
	fourth.Cancel()
	wantResult(t, f, 0, future.ErrCanceled)
}

func TestRecover(t *testing.T) {
	var s story
	var again future.Promise[int]
	hook(&s, "again", &again)
	retry := func(err error) *future.Future[int] { s.add("retry: %v", err); return again.Future() }

	wantResult(t, future.Recover(future.Resolved(1), retry), 1, nil)
	s.is(t)

	var p future.Promise[int]
	f := future.Recover(p.Future(), retry)
	p.Reject(errA)
	s.is(t, "retry: a failed")
	pending(t, f)
	f.Cancel()
	s.is(t, "stop again")

	// An error that wraps ErrCanceled says more than it, and is no cancelling.
	wrapped := fmt.Errorf("message 3: %w", future.ErrCanceled)
	f = future.Recover(future.Rejected[int](wrapped), func(err error) *future.Future[int] {
		return future.Rejected[int](errors.Join(err, errB))
	})
	if err := f.Err(); !errors.Is(err, wrapped) || !errors.Is(err, errB) {
		t.Error(err)
	}
}

func TestShield(t *testing.T) {
	var p future.Promise[int]
	f := future.Shield(p.Future())
	pending(t, f)
	p.Resolve(1)
	wantResult(t, f, 1, nil)
	wantResult(t, future.Shield(future.Rejected[int](errA)), 0, errA)
}
