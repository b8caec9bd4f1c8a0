package future_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sansmtp/sansmtp/future"
)

// together runs the functions at the same time and waits for all of them.
func together(fns ...func()) {
	var ready atomic.Int32
	var wg sync.WaitGroup
	for _, fn := range fns {
		wg.Go(func() {
			ready.Add(1)
			for int(ready.Load()) < len(fns) {
				runtime.Gosched()
			}
			fn()
		})
	}
	wg.Wait()
}

func rounds() int {
	if testing.Short() {
		return 500
	}
	return 10_000
}

func TestManyWaiters(t *testing.T) {
	var p future.Promise[int]
	const waiters = 64
	var called, woken atomic.Int32
	fns := []func(){func() { p.Resolve(7) }}
	for range waiters {
		fns = append(fns, func() {
			p.Future().OnReady(func(v int, err error) {
				if v != 7 || err != nil {
					t.Errorf("callback: %v, %v", v, err)
				}
				called.Add(1)
			})
			if v, err := p.Future().Await(t.Context()); v != 7 || err != nil {
				t.Errorf("Await: %v, %v", v, err)
			}
			<-p.Future().Done()
			woken.Add(1)
		})
	}
	together(fns...)
	if called.Load() != waiters || woken.Load() != waiters {
		t.Errorf("%d called, %d woken", called.Load(), woken.Load())
	}
}

func TestConcurrentSettleHasOneWinner(t *testing.T) {
	for range rounds() {
		var p future.Promise[int]
		var won, hooks, called atomic.Int32
		p.OnCancel(func() { hooks.Add(1) })
		p.Future().OnReady(func(int, error) { called.Add(1) })
		try := func(settle func() bool) func() {
			return func() {
				if settle() {
					won.Add(1)
				}
				// Whoever lost finds the result, too.
				if !p.Settled() {
					t.Error("not settled")
				}
			}
		}
		together(
			try(func() bool { return p.Resolve(1) }),
			try(func() bool { return p.Reject(errA) }),
			try(p.Future().Cancel),
		)
		_, err, _ := p.Future().Result()
		if won.Load() != 1 || called.Load() != 1 || (hooks.Load() == 1) != (err == future.ErrCanceled) {
			t.Fatalf("%d winners, %d callbacks, %d hooks, %v", won.Load(), called.Load(), hooks.Load(), err)
		}
	}
}

func TestCallbacksAndHooksRunOnceEach(t *testing.T) {
	for range rounds() {
		var p future.Promise[int]
		var called, hooks atomic.Int32
		add := func() {
			p.Future().OnReady(func(int, error) { called.Add(1) })
			p.OnCancel(func() { hooks.Add(1) })
		}
		together(add, add, func() { p.Future().Cancel() }, func() { <-p.Future().Done() })
		if called.Load() != 2 || hooks.Load() != 2 {
			t.Fatalf("%d callbacks, %d hooks", called.Load(), hooks.Load())
		}
	}
}

// What is added while the future settles is either seen by whoever settles it, or
// sees the result: in the slots, and behind them.
func TestAddingWhileSettling(t *testing.T) {
	for _, crowded := range []bool{false, true} {
		for _, row := range []struct {
			name string
			add  func(p *future.Promise[int], called *atomic.Int32)
		}{
			{"OnReady", func(p *future.Promise[int], called *atomic.Int32) {
				p.Future().OnReady(func(int, error) { called.Add(1) })
			}},
			{"OnCancel", func(p *future.Promise[int], called *atomic.Int32) {
				p.OnCancel(func() { called.Add(1) })
			}},
		} {
			t.Run(fmt.Sprintf("%s crowded %v", row.name, crowded), func(t *testing.T) {
				for range 2 * rounds() {
					var p future.Promise[int]
					if crowded {
						p.OnCancel(func() {})
						p.Future().OnReady(func(int, error) {})
					}
					var called atomic.Int32
					together(func() { row.add(&p, &called) }, func() { p.Future().Cancel() })
					if called.Load() != 1 {
						t.Fatalf("called %d times", called.Load())
					}
				}
			})
		}
	}
}

// A large value takes long to write. Nobody may be told of it before it is there.
func TestLoserFindsTheResult(t *testing.T) {
	large := new([1 << 16]byte)
	large[len(large)-1] = 7
	for range rounds() / 10 {
		var p future.Promise[[1 << 16]byte]
		resolve := func() {
			p.Resolve(*large)
			if v, _, ok := p.Future().Result(); !ok || v != *large {
				t.Errorf("settled %v, ends with %d", ok, v[len(v)-1])
			}
		}
		together(resolve, resolve)
	}
}

// Whatever the order, nothing that was started is left running.
func TestConcurrentCancelStopsWhatIsUnderWay(t *testing.T) { // F24
	type start func() *future.Future[int]
	for _, row := range []struct {
		name  string
		chain func(first *future.Future[int], second start) *future.Future[int]
	}{
		{"Then", func(first *future.Future[int], second start) *future.Future[int] {
			return future.Then(first, func(int) *future.Future[int] { return second() })
		}},
		{"Recover", func(first *future.Future[int], second start) *future.Future[int] {
			return future.Recover(first, func(error) *future.Future[int] { return second() })
		}},
		{"Each", func(first *future.Future[int], second start) *future.Future[int] {
			operations := []start{func() *future.Future[int] { return first }, second}
			return eachLen(future.Each(operations, func(s start) *future.Future[int] { return s() }))
		}},
		{"All", func(first *future.Future[int], second start) *future.Future[int] {
			return eachLen(future.All(first, second()))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for range rounds() {
				var first, second future.Promise[int]
				var started atomic.Bool
				f := row.chain(first.Future(), func() *future.Future[int] {
					started.Store(true)
					return second.Future()
				})
				together(func() {
					if row.name == "Recover" {
						first.Reject(errA)
					} else {
						first.Resolve(1)
					}
				}, func() { f.Cancel() })
				if f.Err() != future.ErrCanceled || !first.Settled() || second.Settled() != started.Load() {
					t.Fatalf("%v, first settled %v, second started %v, settled %v",
						f.Err(), first.Settled(), started.Load(), second.Settled())
				}
			}
		})
	}
}

func TestConcurrentGroups(t *testing.T) {
	for range rounds() {
		var p [3]future.Promise[int]
		fs := []*future.Future[int]{p[0].Future(), p[1].Future(), p[2].Future()}
		all, race := future.All(fs...), future.Race(future.Shield(fs[0]), future.Shield(fs[1]))
		together(
			func() { p[0].Resolve(0) },
			func() { p[1].Resolve(1) },
			func() { p[2].Resolve(2) },
		)
		v, err, ok := all.Result()
		if !ok || err != nil || len(v) != 3 || v[0] != 0 || v[1] != 1 || v[2] != 2 {
			t.Fatalf("%v, %v, %v", v, err, ok)
		}
		if _, err, ok := race.Result(); !ok || err != nil {
			t.Fatalf("%v, %v", err, ok)
		}
	}
}
