package future_test

import (
	"context"
	"testing"

	"github.com/sansmtp/sansmtp/future"
)

// channel is what one would write without this package: the result goes into a
// channel with room for it.
type channel struct{ result chan result }

type result struct {
	value int
	err   error
}

func newChannel() *channel { return &channel{make(chan result, 1)} }

func (c *channel) resolve(v int) { c.result <- result{value: v} }

// await puts the result back for the next reader.
func (c *channel) await(ctx context.Context) (int, error) {
	select {
	case r := <-c.result:
		c.result <- r
		return r.value, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

var sink int

func BenchmarkResolve(b *testing.B) {
	b.Run("OnReady", func(b *testing.B) {
		b.ReportAllocs()
		callback := func(v int, _ error) { sink = v }
		ps := make([]future.Promise[int], 1024)
		for i := 0; b.Loop(); i++ {
			p := &ps[i%len(ps)]
			*p = future.Promise[int]{}
			p.Future().OnReady(callback)
			p.Resolve(1)
		}
	})
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		ps := make([]future.Promise[int], 1024)
		for i := 0; b.Loop(); i++ {
			p := &ps[i%len(ps)]
			*p = future.Promise[int]{}
			p.Resolve(1)
		}
	})
	b.Run("OnCancel and OnReady", func(b *testing.B) {
		b.ReportAllocs()
		callback, hook := func(v int, _ error) { sink = v }, func() {}
		ps := make([]future.Promise[int], 1024)
		for i := 0; b.Loop(); i++ {
			p := &ps[i%len(ps)]
			*p = future.Promise[int]{}
			p.OnCancel(hook)
			p.Future().OnReady(callback)
			p.Resolve(1)
		}
	})
	b.Run("three callbacks", func(b *testing.B) {
		b.ReportAllocs()
		callback := func(v int, _ error) { sink = v }
		for b.Loop() {
			p := new(future.Promise[int])
			p.Future().OnReady(callback)
			p.Future().OnReady(callback)
			p.Future().OnReady(callback)
			p.Resolve(1)
		}
	})
	b.Run("new and Await", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p := new(future.Promise[int])
			p.Resolve(1)
			sink, _ = p.Future().Await(b.Context())
		}
	})
	b.Run("channel: new and await", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := newChannel()
			c.resolve(1)
			sink, _ = c.await(b.Context())
		}
	})
}

func BenchmarkSettled(b *testing.B) {
	b.Run("Result", func(b *testing.B) {
		b.ReportAllocs()
		f := future.Resolved(1)
		for b.Loop() {
			sink, _, _ = f.Result()
		}
	})
	b.Run("Await", func(b *testing.B) {
		b.ReportAllocs()
		f := future.Resolved(1)
		for b.Loop() {
			sink, _ = f.Await(b.Context())
		}
	})
	b.Run("channel: await", func(b *testing.B) {
		b.ReportAllocs()
		c := newChannel()
		c.resolve(1)
		for b.Loop() {
			sink, _ = c.await(b.Context())
		}
	})
}

// A wait that blocks, and the wake-up from it.
func BenchmarkBlocked(b *testing.B) {
	b.Run("Await", func(b *testing.B) {
		b.ReportAllocs()
		work := make(chan *future.Promise[int])
		go func() {
			for p := range work {
				p.Resolve(1)
			}
		}()
		for b.Loop() {
			p := new(future.Promise[int])
			work <- p
			sink, _ = p.Future().Await(b.Context())
		}
		close(work)
	})
	b.Run("channel: await", func(b *testing.B) {
		b.ReportAllocs()
		work := make(chan *channel)
		go func() {
			for c := range work {
				c.resolve(1)
			}
		}()
		for b.Loop() {
			c := newChannel()
			work <- c
			sink, _ = c.await(b.Context())
		}
		close(work)
	})
}

func BenchmarkDerive(b *testing.B) {
	increment := func(v int) (int, error) { return v + 1, nil }
	one := future.Resolved(1)
	b.Run("Map, pending", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var p future.Promise[int]
			f := future.Map(p.Future(), increment)
			p.Resolve(1)
			sink, _, _ = f.Result()
		}
	})
	b.Run("Map, settled", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink, _, _ = future.Map(one, increment).Result()
		}
	})
	b.Run("All of 10", func(b *testing.B) {
		b.ReportAllocs()
		fs := make([]*future.Future[int], 10)
		for b.Loop() {
			var ps [10]future.Promise[int]
			for i := range ps {
				fs[i] = ps[i].Future()
			}
			f := future.All(fs...)
			for i := range ps {
				ps[i].Resolve(i)
			}
			v, _, _ := f.Result()
			sink = v[9]
		}
	})
}

// One operation is a whole chain: its time and allocations grow with its length
// and no faster.
func BenchmarkChain(b *testing.B) {
	for _, n := range []struct {
		name  string
		links int
	}{{"1000", 1000}, {"10000", 10_000}, {"100000", 100_000}} {
		for _, settle := range []struct {
			name string
			fn   func(p *future.Promise[int], end *future.Future[int])
		}{
			{"resolve", func(p *future.Promise[int], _ *future.Future[int]) { p.Resolve(1) }},
			{"cancel", func(_ *future.Promise[int], end *future.Future[int]) { end.Cancel() }},
		} {
			b.Run(settle.name+"/"+n.name, func(b *testing.B) {
				b.ReportAllocs()
				one := future.Resolved(1)
				next := func(int) *future.Future[int] { return one }
				for b.Loop() {
					var p future.Promise[int]
					f := p.Future()
					for range n.links {
						f = future.Then(f, next)
					}
					settle.fn(&p, f)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n.links), "ns/link")
			})
		}
	}
}
