package transport

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

func TestLatencyIsTheOnlyTime(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: 10 * ms, BtoA: Way{Latency: 5 * ms}})
	l.a.say("ping")
	l.b.onFeed = func(time.Time, []byte) { l.b.say("pong") }
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "ping"
		00:00:00.010 B feed 0 "ping"
		00:00:00.010 B write 0 "pong"
		00:00:00.025 A feed 0 "pong"`)
	if l.RTT() != 25*ms || l.RoundTrips(start) != 1 {
		t.Errorf("round trip %v, counted %v", l.RTT(), l.RoundTrips(start))
	}
}

func TestRoundTripsWithoutLatency(t *testing.T) {
	at := start.Add(time.Hour)
	l := newLink(t, PipeOptions{Start: at})
	if !l.Now().Equal(at) || l.RoundTrips(start) != 0 {
		t.Errorf("starts at %v, %v round trips", l.Now(), l.RoundTrips(start))
	}
}

// What arrives together is fed together, whatever number of writes it took.
func TestDeliveriesAreMerged(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: ms, AtoB: Way{Max: 2}})
	l.a.say("abcde")
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "ab"
		00:00:00.000 A write 2 "cd"
		00:00:00.000 A write 4 "e"
		00:00:00.001 B feed 0 "abcde"`)
}

func TestCuts(t *testing.T) {
	for _, c := range []struct {
		name string
		way  Way
		want string
	}{
		{"none", Way{}, "abcdefghij"},
		{"offsets in any order, twice, at the ends", Way{Cuts: []int64{7, 0, 2, 2, 10, 99}}, "ab|cdefg|hij"},
		{"every", Way{CutEvery: 4}, "abcd|efgh|ij"},
		{"every octet", Way{CutEvery: 1}, "a|b|c|d|e|f|g|h|i|j"},
		{"both", Way{CutEvery: 4, Cuts: []int64{5}}, "abcd|e|fgh|ij"},
		{"random, with one octet to choose from", Way{CutRandom: 1}, "a|b|c|d|e|f|g|h|i|j"},
		{"random", Way{CutRandom: 5}, "a|b|c|de|fgh|i|j"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLink(t, PipeOptions{AtoB: c.way})
			var pieces []string
			l.a.say("abcdefghij")
			l.b.onFeed = func(_ time.Time, p []byte) { pieces = append(pieces, string(p)) }
			l.run(t)
			if got := strings.Join(pieces, "|"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A cut is a place in the stream: a reader that took less meets it where it was.
func TestLeftovers(t *testing.T) {
	l := newLink(t, PipeOptions{AtoB: Way{CutEvery: 4}})
	l.b.take = 3
	l.a.say("abcdef")
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "abcdef"
		00:00:00.000 B feed 0 "abc"
		00:00:00.000 B feed 3 "d"
		00:00:00.000 B feed 4 "ef"`)
}

func TestPausedReaderIsNotFed(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: 10 * ms})
	l.a.say("abc")
	l.a.err = io.EOF // The end of input waits behind the octets.
	l.b.take = 2
	l.b.onFeed = func(time.Time, []byte) {
		l.b.paused = true
		l.AfterFunc(time.Minute, func(time.Time) { l.b.paused = false })
	}
	l.b.onEOF = func(time.Time) { l.b.err = io.EOF }
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "abc"
		00:00:00.000 A close: EOF
		00:00:00.010 B feed 0 "ab"
		00:01:00.010 B feed 2 "c"
		00:02:00.010 B end of input
		00:02:00.010 B close: EOF`)
}

// Octets that nobody reads do not make time pass.
func TestQuiescenceKeepsTime(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: 10 * ms, AtoB: Way{Window: 8}})
	l.a.say("abc")
	l.b.paused = true
	l.run(t)
	if !l.Now().Equal(start) {
		t.Errorf("time moved to %v", l.Now())
	}
	l.b.paused = false
	l.run(t)
	if string(l.b.got) != "abc" || !l.Now().Equal(start.Add(10*ms)) {
		t.Errorf("got %q at %v", l.b.got, l.Now())
	}
}

func TestWindow(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: 10 * ms, AtoB: Way{Window: 4}})
	l.a.say("abcdefghij")
	l.b.take = 3
	l.run(t)
	// Each octet taken makes room one latency later: a window each round trip.
	l.wantLog(t, `
		00:00:00.000 A write 0 "abcd"
		00:00:00.010 B feed 0 "abc"
		00:00:00.010 B feed 3 "d"
		00:00:00.020 A write 4 "efgh"
		00:00:00.030 B feed 4 "efg"
		00:00:00.030 B feed 7 "h"
		00:00:00.040 A write 8 "ij"
		00:00:00.050 B feed 8 "ij"`)
}

// Two ends that write much more than their windows hold, at the same time.
func TestTwoWritersDoNotBlockEachOther(t *testing.T) { // H-R41, C53
	const n = 20_000
	for _, window := range []int{1, 2, 7, 1024} {
		way := Way{Window: window}
		l := newLink(t, PipeOptions{Latency: ms, AtoB: way, BtoA: way})
		l.Pipe.opts.Tap = nil
		a, b := bytes.Repeat([]byte("a1"), n/2), bytes.Repeat([]byte("b23"), n/3)
		l.a.say(string(a))
		l.b.say(string(b))
		l.run(t)
		if !bytes.Equal(l.b.got, a) || !bytes.Equal(l.a.got, b) {
			t.Fatalf("window %d: octets differ", window)
		}
		flights := (n + window - 1) / window
		if got, want := l.RoundTrips(start), float64(flights)-0.5; got != want {
			t.Errorf("window %d: %v round trips, want %v", window, got, want)
		}
	}
}

func TestWindowOpensWhenTheReaderCloses(t *testing.T) {
	l := newLink(t, PipeOptions{AtoB: Way{Window: 2}})
	l.a.say("abcdefgh")
	l.b.endsAfter(2)
	l.a.onEOF = func(time.Time) { l.a.err = io.EOF }
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "ab"
		00:00:00.000 B feed 0 "ab": EOF
		00:00:00.000 A write 2 "cd"
		00:00:00.000 B close: EOF
		00:00:00.000 A write 4 "efgh"
		00:00:00.000 A end of input
		00:00:00.000 A close: EOF`)
}

func TestGap(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: time.Second, AtoB: Way{CutEvery: 1, Gap: time.Minute}})
	l.a.say("abc")
	l.b.deadline = start.Add(90 * time.Second)
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "abc"
		00:00:01.000 B feed 0 "a"
		00:01:01.000 B feed 1 "b"
		00:01:30.000 B tick
		00:02:01.000 B feed 2 "c"`)
}

func TestReplyOvertakesWrote(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: 10 * ms, AtoB: Way{WriteTime: time.Second}})
	l.a.say("ping")
	l.b.onFeed = func(time.Time, []byte) { l.b.say("pong") }
	l.a.onFeed = func(time.Time, []byte) { l.a.say("more"); l.a.onFeed = nil }
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "ping"
		00:00:00.010 B feed 0 "ping"
		00:00:00.010 B write 0 "pong"
		00:00:00.020 A feed 0 "pong"
		00:00:01.000 A wrote
		00:00:01.000 A write 4 "more"
		00:00:01.010 B feed 4 "more"
		00:00:01.010 B write 4 "pong"
		00:00:01.020 A feed 4 "pong"
		00:00:02.000 A wrote`)
}

func TestLentOctetsMayNotChange(t *testing.T) {
	l := newLink(t, PipeOptions{AtoB: Way{WriteTime: time.Second}})
	l.a.say("ping")
	l.b.onFeed = func(time.Time, []byte) { l.a.out[1] = 'o' }
	wantPanic(t, "transport: rule 3: octets changed while they were lent", func() { l.Run(10) })
}

func TestTickOnlyWhenDue(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: 10 * ms})
	l.b.deadline = start.Add(-time.Second) // overdue
	l.a.deadline = start.Add(20 * ms)
	l.a.say("ping")
	l.b.onFeed = func(time.Time, []byte) { l.b.say("pong") }
	l.a.onFeed = func(time.Time, []byte) { l.a.deadline = start.Add(time.Hour) }
	l.run(t)
	// What arrives at the instant of a deadline is in time.
	l.wantLog(t, `
		00:00:00.000 A write 0 "ping"
		00:00:00.000 B tick
		00:00:00.010 B feed 0 "ping"
		00:00:00.010 B write 0 "pong"
		00:00:00.020 A feed 0 "pong"
		01:00:00.000 A tick`)
}

func TestAfterFunc(t *testing.T) {
	l := newLink(t, PipeOptions{})
	var got []string
	note := func(s string) func(time.Time) {
		return func(now time.Time) { got = append(got, now.Sub(start).String()+" "+s) }
	}
	l.AfterFunc(2*time.Second, note("c"))
	l.AfterFunc(time.Second, note("a"))
	l.AfterFunc(-time.Second, note("now"))
	l.AfterFunc(time.Second, note("b"))
	l.AfterFunc(time.Second, func(time.Time) { l.AfterFunc(0, note("nested")) })
	l.run(t)
	want := []string{"0s now", "1s a", "1s b", "1s nested", "2s c"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOutputOfACoreThatEndedIsWritten(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: ms, BtoA: Way{Window: 4}})
	l.b.say("421 closing\r\n")
	l.b.err = errTest
	l.a.say("too late")
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "too late"
		00:00:00.000 B write 0 "421 "
		00:00:00.001 A feed 0 "421 "
		00:00:00.002 B write 4 "clos"
		00:00:00.003 A feed 4 "clos"
		00:00:00.004 B write 8 "ing\r"
		00:00:00.005 A feed 8 "ing\r"
		00:00:00.006 B write 12 "\n"
		00:00:00.006 B close: test
		00:00:00.007 A feed 12 "\n"
		00:00:00.007 A end of input`)
}

// A core that ended but cannot get rid of its output still has its deadline.
func TestBlockedCoreThatEndedIsTicked(t *testing.T) {
	l := newLink(t, PipeOptions{BtoA: Way{Window: 1}})
	l.a.paused = true
	l.b.say("xx")
	l.b.err = errTest
	l.b.deadline = start.Add(time.Minute)
	l.b.onTick = func(time.Time) { l.b.out = nil }
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 B write 0 "x"
		00:01:00.000 B tick
		00:01:00.000 B close: test`)
}

func TestInputIsOverwritten(t *testing.T) {
	l := newLink(t, PipeOptions{})
	var kept []byte
	l.a.say("secret")
	l.b.onFeed = func(_ time.Time, p []byte) {
		if cap(p) != len(p) {
			t.Errorf("%d octets behind the piece can be reached", cap(p)-len(p))
		}
		kept = p
	}
	l.run(t)
	if !bytes.Equal(kept, make([]byte, 6)) {
		t.Errorf("a core that keeps input still reads %q", kept)
	}
}

// asking asks for a call each time it is asked for output, until it has had enough.
type asking struct {
	*peer
	ask func()
}

func (a asking) Output(now time.Time, dst []protocol.Chunk, max int) []protocol.Chunk {
	a.ask()
	return a.peer.Output(now, dst, max)
}

// A call for the present instant comes, also if a core asks for it while nothing else
// is left to happen.
func TestAfterFuncFromWithinOutput(t *testing.T) {
	for seed := range uint64(20) {
		var p *Pipe
		asked, called := 0, 0
		a := asking{&peer{t: t}, func() {
			if asked < 5 {
				asked++
				p.AfterFunc(0, func(time.Time) { called++ })
			}
		}}
		p = NewPipe(a, &peer{t: t}, PipeOptions{Seed: seed, Shuffle: true})
		if err := p.Run(1000); err != nil {
			t.Fatal(err)
		}
		if called != 5 {
			t.Errorf("seed %d: %d of 5 calls came", seed, called)
		}
	}
}
