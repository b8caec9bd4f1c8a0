package future_test

import (
	"testing"

	"github.com/sansmtp/sansmtp/future"
)

func TestEach(t *testing.T) {
	var s story
	p := make([]future.Promise[int], 3)
	for i := range p {
		p[i].OnCancel(func() { s.add("stop %d", i) })
	}
	start := func(i int) *future.Future[int] { s.add("start %d", i); return p[i].Future() }

	f := future.Each([]int{0, 1, 2}, start)
	watch(&s, "each", f)
	p[0].Resolve(10)
	p[2].Resolve(12) // settled before its turn
	s.is(t, "start 0", "start 1")
	p[1].Resolve(11)
	s.is(t, "start 2", "each = [10 11 12]")
	watch(&s, "again", future.Each([]int{2, 1, 0}, start))
	s.is(t, "start 2", "start 1", "start 0", "again = [12 11 10]")
}

func TestEachOfNothing(t *testing.T) {
	f := future.Each(nil, func(int) *future.Future[int] { panic("called") })
	if v, err, ok := f.Result(); v == nil || len(v) != 0 || err != nil || !ok {
		t.Errorf("%v, %v, %v", v, err, ok)
	}
}

func TestEachEndsAtTheFirstError(t *testing.T) {
	for _, at := range []string{"at once", "later"} {
		t.Run(at, func(t *testing.T) {
			var s story
			var p future.Promise[int]
			if at == "at once" {
				p.Reject(errA)
			}
			f := future.Each([]int{1, 2, 3}, func(i int) *future.Future[int] {
				s.add("start %d", i)
				if i == 2 {
					return p.Future()
				}
				return future.Resolved(i)
			})
			watch(&s, "each", f)
			p.Reject(errA)
			s.is(t, "start 1", "start 2", "each: a failed")
		})
	}
}

func TestEachCancelled(t *testing.T) { // F24
	var s story
	var p future.Promise[int]
	hook(&s, "p", &p)
	f := future.Each([]int{1, 2}, func(i int) *future.Future[int] { s.add("start %d", i); return p.Future() })
	watch(&s, "each", f)
	f.Cancel()
	s.is(t, "start 1", "stop p", "each: canceled")

	// Cancelled while the function runs: what it started is stopped, no more begins.
	var first, second future.Promise[int]
	hook(&s, "second", &second)
	f = future.Each([]int{1, 2, 3}, func(i int) *future.Future[int] {
		s.add("start %d", i)
		if i == 1 {
			return first.Future()
		}
		f.Cancel()
		return second.Future()
	})
	first.Resolve(1)
	s.is(t, "start 1", "start 2", "stop second")

	// Cancelled by a callback that hears of a value first.
	var third future.Promise[int]
	third.Future().OnReady(func(int, error) { f.Cancel() })
	f = future.Each([]int{1, 2}, func(i int) *future.Future[int] { s.add("start %d", i); return third.Future() })
	third.Resolve(1)
	s.is(t, "start 1")
	if err := f.Err(); err != future.ErrCanceled {
		t.Error(err)
	}
}
