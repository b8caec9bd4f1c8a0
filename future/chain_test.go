package future_test

import (
	"runtime/debug"
	"testing"

	"github.com/sansmtp/sansmtp/future"
)

const links = 100_000

// shallow fails, by a fatal stack overflow, what needs stack for every link.
func shallow(t *testing.T) {
	t.Helper()
	old := debug.SetMaxStack(256 << 10)
	t.Cleanup(func() { debug.SetMaxStack(old) })
}

var chains = []struct {
	name string
	link func(*future.Future[int]) *future.Future[int]
	end  int // the value of a chain that begins with 0
}{
	{"Map", func(f *future.Future[int]) *future.Future[int] {
		return future.Map(f, func(v int) (int, error) { return v + 1, nil })
	}, links},
	{"Then", func(f *future.Future[int]) *future.Future[int] {
		return future.Then(f, func(v int) *future.Future[int] { return future.Resolved(v + 1) })
	}, links},
	{"inner Then", func(f *future.Future[int]) *future.Future[int] {
		return future.Then(future.Resolved(0), func(int) *future.Future[int] { return f })
	}, 0},
	{"Recover", func(f *future.Future[int]) *future.Future[int] {
		return future.Recover(f, func(err error) *future.Future[int] { return future.Rejected[int](err) })
	}, 0},
	{"Race", func(f *future.Future[int]) *future.Future[int] {
		return future.Race(new(future.Promise[int]).Future(), f)
	}, 0},
}

func TestLongChains(t *testing.T) {
	shallow(t)
	for _, c := range chains {
		build := func(p *future.Promise[int]) *future.Future[int] {
			f := p.Future()
			for range links {
				f = c.link(f)
			}
			return f
		}
		t.Run(c.name+" resolved", func(t *testing.T) {
			var p future.Promise[int]
			f := build(&p)
			p.Resolve(0)
			wantResult(t, f, c.end, nil)
		})
		t.Run(c.name+" rejected", func(t *testing.T) {
			var p future.Promise[int]
			f := build(&p)
			p.Reject(errA)
			wantResult(t, f, 0, errA)
		})
		t.Run(c.name+" cancelled at the top", func(t *testing.T) { // F24
			var p future.Promise[int]
			f := build(&p)
			p.Future().Cancel()
			wantResult(t, f, 0, future.ErrCanceled)
		})
		t.Run(c.name+" cancelled at the end", func(t *testing.T) { // F24
			var s story
			var p future.Promise[int]
			hook(&s, "p", &p)
			build(&p).Cancel()
			wantResult(t, p.Future(), 0, future.ErrCanceled)
			s.is(t, "stop p")
		})
	}
}

func TestLongEach(t *testing.T) {
	shallow(t)
	items := make([]int, links)
	n := 0
	f := future.Each(items, func(int) *future.Future[int] { n++; return future.Resolved(n) })
	if v, err := f.Await(t.Context()); len(v) != links || v[links-1] != links || err != nil {
		t.Errorf("%d values, %v", len(v), err)
	}
	// The same with operations that have to be waited for.
	promises := make([]future.Promise[int], links)
	next := 0
	f = future.Each(items, func(int) *future.Future[int] { next++; return promises[next-1].Future() })
	for i := range promises {
		promises[i].Resolve(i)
	}
	if v, err := f.Await(t.Context()); len(v) != links || v[links-1] != links-1 || err != nil {
		t.Errorf("%d values, %v", len(v), err)
	}
}

func TestManyCallbacks(t *testing.T) {
	var p future.Promise[int]
	n := 0
	for i := range links {
		p.Future().OnReady(func(int, error) {
			if n != i {
				t.Fatalf("callback %d ran as number %d", i, n)
			}
			n++
		})
	}
	p.Resolve(1)
	if n != links {
		t.Errorf("%d callbacks ran", n)
	}
}

// The queue stands in for the stack: it must not grow with the chain either.
func TestChainRunsInConstantSpace(t *testing.T) {
	const runs = 3
	var ps [runs + 1]future.Promise[int] // AllocsPerRun runs once more, to warm up
	for i := range ps {
		f := ps[i].Future()
		for range 1000 {
			f = chains[0].link(f)
		}
	}
	next := 0
	if n := testing.AllocsPerRun(runs, func() { ps[next].Resolve(0); next++ }); n != 1 {
		t.Errorf("%v allocations", n)
	}
}
