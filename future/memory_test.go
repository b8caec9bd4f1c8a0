package future_test

import (
	"runtime"
	"testing"

	"github.com/sansmtp/sansmtp/future"
)

// cleanupOf closes freed once the collector has taken p.
func cleanupOf[T any](p *T, freed chan struct{}) {
	runtime.AddCleanup(p, func(c chan struct{}) { close(c) }, freed)
}

// collect runs the collector until freed is closed.
func collect(t *testing.T, freed <-chan struct{}) {
	t.Helper()
	for range 10 {
		runtime.GC()
		for range 1000 { // the cleanup has a goroutine of its own
			select {
			case <-freed:
				return
			default:
				runtime.Gosched()
			}
		}
	}
	t.Error("kept alive")
}

// A result must not keep alive what it was made from, or long loops would add up.
func TestDerivedLetsGoOfItsSource(t *testing.T) {
	for _, d := range derivations {
		t.Run(d.name, func(t *testing.T) {
			freed := make(chan struct{})
			derive := func(s *story) *future.Future[int] {
				p := new(future.Promise[int])
				cleanupOf(p, freed)
				f := d.derive(s, p.Future())
				p.Resolve(1)
				return f
			}
			f := derive(new(story))
			collect(t, freed)
			wantResult(t, f, 1, nil)
		})
	}
}

func TestDerivedLetsGoOfWhatItStarted(t *testing.T) {
	then := func(f *future.Future[int]) any {
		return future.Then(future.Resolved(1), func(int) *future.Future[int] { return f })
	}
	each := func(f *future.Future[int]) any {
		return future.Each([]int{1}, func(int) *future.Future[int] { return f })
	}
	for name, derive := range map[string]func(f *future.Future[int]) any{"Then": then, "Each": each} {
		t.Run(name, func(t *testing.T) {
			freed := make(chan struct{})
			f := func() any {
				p := new(future.Promise[int])
				cleanupOf(p, freed)
				f := derive(p.Future())
				p.Resolve(1)
				return f
			}()
			collect(t, freed)
			runtime.KeepAlive(f)
		})
	}
}

func TestSettledLetsGoOfCallbacksAndHooks(t *testing.T) {
	for name, settle := range map[string]func(*future.Promise[int]){
		"resolved":  func(p *future.Promise[int]) { p.Resolve(1) },
		"cancelled": func(p *future.Promise[int]) { p.Future().Cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			var p future.Promise[int]
			add := func() (freed chan struct{}) {
				freed = make(chan struct{})
				captured := new([64]byte)
				cleanupOf(captured, freed)
				p.OnCancel(func() { captured[0]++ })
				p.Future().OnReady(func(int, error) { captured[1]++ })
				return freed
			}
			first, second := add(), add()
			settle(&p)
			collect(t, first)
			collect(t, second)
			runtime.KeepAlive(&p)
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// One future that lives as long as a connection is raced against every operation.
func TestLongLivedFutureForgetsWhoNoLongerWaits(t *testing.T) {
	var closed future.Promise[int]
	round := func(n int) {
		for range n {
			var p future.Promise[int]
			f := future.Race(p.Future(), future.Shield(closed.Future()))
			p.Resolve(1)
			wantResult(t, f, 1, nil)
		}
	}
	round(100)
	before := heap()
	round(100_000)
	if after := heap(); after > before+64<<10 {
		t.Errorf("grew by %d octets", after-before)
	}
	runtime.KeepAlive(&closed)
}

func TestSweepKeepsWhoStillWaits(t *testing.T) {
	var s story
	var p future.Promise[int]
	watch(&s, "first", p.Future())
	for i := range 200 {
		f := future.Shield(p.Future())
		if i%50 == 0 {
			watch(&s, "shield", f)
		} else {
			f.Cancel()
		}
		if i == 120 {
			watch(&s, "callback", p.Future())
		}
	}
	p.Resolve(7)
	s.is(t, "first = 7", "shield = 7", "shield = 7", "shield = 7", "callback = 7", "shield = 7")
}
