package transport

import (
	"net"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// player sends its octets again each time it has read as many: ping-pong for ever,
// with a deadline that it moves each time, as a command timer does.
type player struct {
	ball     []byte
	left     int // of ball, to be written
	missing  int // octets to be read before it is sent again
	deadline time.Time
	rounds   int
}

func (c *player) Feed(now time.Time, p []byte) (int, error) {
	if c.missing -= len(p); c.missing == 0 {
		c.missing, c.left = len(c.ball), len(c.ball)
		c.deadline = now.Add(time.Minute)
		c.rounds++
	}
	return len(p), nil
}

func (c *player) Output(_ time.Time, dst []protocol.Chunk, limit int) []protocol.Chunk {
	if c.left == 0 {
		return dst
	}
	p := c.ball[len(c.ball)-c.left:]
	return append(dst, protocol.Chunk{Bytes: p[:min(len(p), limit)]})
}

func (c *player) Wrote(_ time.Time, n int64)                   { c.left -= int(n) }
func (c *player) FeedEOF(time.Time)                            {}
func (c *player) Fail(time.Time, error)                        {}
func (c *player) WriteFailed(time.Time, error)                 {}
func (c *player) WantRead() bool                               { return true }
func (c *player) Deadline() time.Time                          { return c.deadline }
func (c *player) Tick(time.Time)                               {}
func (c *player) Upgrade() *protocol.Upgrade                   { return nil }
func (c *player) Upgraded(time.Time, protocol.TLSState, error) {}
func (c *player) Err() error                                   { return nil }

func newPlayers(size int) (a, b *player) {
	a = &player{ball: make([]byte, size), left: size, missing: size}
	b = &player{ball: a.ball, missing: size}
	return a, b
}

func round(tb testing.TB, p *Pipe, c *player) {
	for want := c.rounds + 1; c.rounds < want; {
		if !p.Step() {
			tb.Fatal(p.Err())
		}
	}
}

func TestStepsDoNotAllocate(t *testing.T) {
	for _, way := range []Way{{}, {Window: 20, CutEvery: 7}, {WriteTime: ms, CutRandom: 5}} {
		a, b := newPlayers(64)
		p := NewPipe(a, b, PipeOptions{Latency: ms, AtoB: way, BtoA: way})
		round(t, p, a)
		round(t, p, a)
		if n := testing.AllocsPerRun(100, func() { round(t, p, a) }); n != 0 {
			t.Errorf("%+v: %v allocations each round", way, n)
		}
	}
}

func benchmarkPipe(b *testing.B, size int, opts PipeOptions) {
	x, y := newPlayers(size)
	p := NewPipe(x, y, opts)
	b.ReportAllocs()
	b.SetBytes(int64(2 * size))
	for b.Loop() {
		round(b, p, x)
	}
}

func BenchmarkPipe(b *testing.B) {
	way := Way{Window: 64, CutEvery: 16}
	b.Run("64B", func(b *testing.B) { benchmarkPipe(b, 64, PipeOptions{Latency: ms}) })
	b.Run("64B/cuts", func(b *testing.B) { benchmarkPipe(b, 64, PipeOptions{Latency: ms, AtoB: way, BtoA: way}) })
	b.Run("64KiB", func(b *testing.B) { benchmarkPipe(b, 64<<10, PipeOptions{Latency: ms}) })
}

// The same exchange over net.Pipe, where each end needs a goroutine.
func BenchmarkNetPipe(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"64B", 64}, {"64KiB", 64 << 10}} {
		b.Run(c.name, func(b *testing.B) {
			x, y := net.Pipe()
			go func() {
				buf := make([]byte, c.size)
				for {
					n, err := y.Read(buf)
					if err != nil {
						return
					}
					y.Write(buf[:n])
				}
			}()
			buf := make([]byte, c.size)
			b.ReportAllocs()
			b.SetBytes(int64(2 * c.size))
			for b.Loop() {
				x.Write(buf)
				for n := 0; n < c.size; {
					m, _ := x.Read(buf)
					n += m
				}
			}
			x.Close()
		})
	}
}
