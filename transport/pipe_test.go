package transport

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

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

func TestGap(t *testing.T) { // H-R10
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

func TestLivelock(t *testing.T) {
	forever := func(t *testing.T) *link {
		l := newLink(t, PipeOptions{MaxSteps: 1000})
		for _, c := range []*peer{l.a, l.b} {
			c.onFeed = func(time.Time, []byte) { c.say("x") }
		}
		l.a.say("x")
		return l
	}
	const state = "after 0s: A reads; B reads"
	for _, c := range []struct {
		name  string
		run   func(l *link) error
		steps int
	}{
		{"Run", func(l *link) error { return l.Run(20) }, 21},
		{"RunUntil", func(l *link) error { return l.RunUntil(func() bool { return false }, 20) }, 20},
		{"Step, at one instant", func(l *link) error {
			for l.Step() {
			}
			return l.Err()
		}, 1000},
		{"Run, at one instant", func(l *link) error { return l.Run(1_000_000) }, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := forever(t)
			err := c.run(l)
			lock, ok := errors.AsType[*LivelockError](err)
			if !ok || lock.Steps != c.steps || l.Err() != err {
				t.Fatalf("got %v after %d steps, Err %v", err, len(l.log), l.Err())
			}
			if c.steps == 1000 && lock.State != state {
				t.Errorf("state %q, want %q", lock.State, state)
			}
		})
	}
}

// Steps are counted for each instant apart: a conversation that takes time is none.
func TestLongConversationIsNoLivelock(t *testing.T) {
	l := newLink(t, PipeOptions{MaxSteps: 10, Latency: ms})
	l.a.say("x")
	for _, c := range []*peer{l.a, l.b} {
		c.onFeed = func(time.Time, []byte) { c.say("x") }
	}
	if err := l.RunUntil(func() bool { return l.RoundTrips(start) >= 100 }, 1000); err != nil {
		t.Fatal(err)
	}
}

func TestRunExactly(t *testing.T) {
	l := newLink(t, PipeOptions{})
	l.a.say("x")
	if err := l.Run(2); err != nil {
		t.Errorf("two steps: %v", err)
	}
}

func TestQuiescence(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: ms, AtoB: Way{Window: 2}})
	l.a.say("abc")
	l.b.paused = true
	l.b.err = nil
	err := l.RunUntil(func() bool { return false }, 10)
	quiet, ok := errors.AsType[*QuiescentError](err)
	want := "after 0s: A reads, waits for the window; B does not read, 2 octets to come"
	if !ok || quiet.State != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	if got := err.Error(); got != "nothing is left to happen "+want {
		t.Errorf("text %q", got)
	}
	// New work revives the link.
	l.b.paused = false
	l.a.err = io.EOF
	if !l.Step() || l.Err() != nil {
		t.Errorf("no step, Err %v", l.Err())
	}
	l.run(t)
	if got, want := l.String(), "after 3ms: A closed (EOF); B reads"; got != want {
		t.Errorf("state %q, want %q", got, want)
	}
}

func TestStepInsideAStep(t *testing.T) {
	const text = "transport: rule 5: the Pipe was stepped from inside a step"
	l := newLink(t, PipeOptions{})
	l.a.say("x")
	l.b.onFeed = func(time.Time, []byte) { wantPanic(t, text, func() { l.Step() }) }
	l.run(t)
	if string(l.b.got) != "x" {
		t.Errorf("got %q", l.b.got)
	}
}

// rogue breaks the core's part of the contract.
type rogue struct {
	peer
	feed   func(p []byte) (int, error)
	output []byte
}

func (r *rogue) Feed(_ time.Time, p []byte) (int, error) { return r.feed(p) }

func (r *rogue) Output(_ time.Time, dst []protocol.Chunk, _ int) []protocol.Chunk {
	return append(dst, protocol.Chunk{Bytes: r.output})
}

func TestBrokenCores(t *testing.T) {
	for _, c := range []struct {
		name string
		core rogue
		want string
	}{
		{"more than max", rogue{output: make([]byte, 5)}, "transport: Output lent 5 octets, max is 4"},
		{"more than there was", rogue{feed: func([]byte) (int, error) { return 4, nil }}, "transport: Feed took 4 of 3 octets"},
		{"less than nothing", rogue{feed: func([]byte) (int, error) { return -1, nil }}, "transport: Feed took -1 of 3 octets"},
		{"two errors", rogue{feed: func([]byte) (int, error) { return 3, errTest }}, "transport: Feed returned test where Err is <nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.core.t = t
			other := &peer{t: t, out: []byte("abc")}
			p := NewPipe(other, &c.core, PipeOptions{BtoA: Way{Max: 4}})
			wantPanic(t, c.want, func() { p.Run(10) })
		})
	}
}

func TestNegativeDurations(t *testing.T) {
	for _, opts := range []PipeOptions{
		{Latency: -1}, {AtoB: Way{Latency: -1}}, {BtoA: Way{Gap: -1}}, {BtoA: Way{WriteTime: -1}},
	} {
		wantPanic(t, "transport: a duration of a Pipe is negative", func() { NewPipe(nil, nil, opts) })
	}
}

func TestNames(t *testing.T) {
	if got := SideA.String() + SideB.String() + SideA.Peer().String() + SideB.Peer().String(); got != "ABBA" {
		t.Errorf("sides: %s", got)
	}
	var kinds []string
	for k := EventWrite; k <= EventClose+1; k++ {
		kinds = append(kinds, k.String())
	}
	for k := FaultNone; k <= FaultWrite+1; k++ {
		kinds = append(kinds, k.String())
	}
	want := "write, wrote, feed, end of input, tick, handshake, upgrade, write failed, fail, close, unknown event, " +
		"none, end of input, reset, stall, write error, unknown fault"
	if got := strings.Join(kinds, ", "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	err := &LivelockError{Steps: 3, State: "after 0s"}
	if got := err.Error(); got != "no end in 3 steps, after 0s" {
		t.Errorf("livelock: %s", got)
	}
	e := PipeEvent{Time: start.Add(1_234_500), Side: SideB, Kind: EventTick}
	if got := e.String(); got != "00:00:00.0012345 B tick" {
		t.Errorf("event: %s", got)
	}
}

// drawWay draws everything but faults.
func drawWay(t *rapid.T, name string) Way {
	d := func(what string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, name+" "+what)) * ms
	}
	return Way{
		Latency:   d("latency", 3),
		Window:    rapid.IntRange(0, 9).Draw(t, name+" window"),
		Max:       rapid.IntRange(0, 9).Draw(t, name+" max"),
		WriteTime: d("write time", 9),
		Gap:       d("gap", 2),
		CutEvery:  rapid.IntRange(0, 9).Draw(t, name+" cut every"),
		CutRandom: rapid.IntRange(0, 9).Draw(t, name+" cut random"),
		Cuts:      rapid.SliceOfN(rapid.Int64Range(0, 200), 0, 9).Draw(t, name+" cuts"),
	}
}

func drawOptions(t *rapid.T) PipeOptions {
	return PipeOptions{
		Seed:    rapid.Uint64().Draw(t, "seed"),
		Shuffle: rapid.Bool().Draw(t, "shuffle"),
		AtoB:    drawWay(t, "A to B"),
		BtoA:    drawWay(t, "B to A"),
	}
}

// echo makes b send back what it reads, and a end once it has read it all.
func (l *link) echo(s string) {
	l.a.say(s)
	l.b.onFeed = func(_ time.Time, p []byte) { l.b.say(string(p)) }
	l.a.endsAfter(len(s))
	l.b.onEOF = func(time.Time) { l.b.err = io.EOF }
}

// However the link is shaped, every octet arrives, in order, and both cores end.
func TestAnyLinkIsWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		opts := drawOptions(rt)
		s := string(rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(rt, "octets"))
		l := newLink(t, opts)
		l.b.take = rapid.IntRange(0, 5).Draw(rt, "take")
		l.echo(s)
		if err := l.Run(100_000); err != nil {
			rt.Fatal(err)
		}
		if string(l.b.got) != s || string(l.a.got) != s {
			rt.Fatalf("sent %q, B read %q, A read %q", s, l.b.got, l.a.got)
		}
		wantCalls(t, "A", l.a)
		wantCalls(t, "B", l.b, "EOF")
	})
}

// The same seed gives the same log, octet for octet.
func TestDeterminism(t *testing.T) {
	play := func(seed uint64) string {
		way := Way{Window: 16, CutRandom: 5, WriteTime: ms}
		l := newLink(t, PipeOptions{Seed: seed, Shuffle: true, Latency: ms, AtoB: way, BtoA: way})
		l.echo(strings.Repeat("conversation", 20))
		l.run(t)
		return strings.Join(l.log, "\n")
	}
	logs := make(map[string]bool)
	for seed := range uint64(20) {
		first := play(seed)
		if again := play(seed); again != first {
			t.Fatalf("seed %d: first\n%s\nthen\n%s", seed, first, again)
		}
		logs[first] = true
	}
	if len(logs) != 20 {
		t.Errorf("20 seeds gave %d logs", len(logs))
	}
}

// With Shuffle a Tick can come before the reply of that instant, and behind it.
func TestShuffle(t *testing.T) {
	early := 0
	for seed := range uint64(100) {
		l := newLink(t, PipeOptions{Seed: seed, Shuffle: true})
		l.a.say("x")
		l.b.deadline = start
		l.b.onTick = func(time.Time) {
			if len(l.b.got) == 0 {
				early++
			}
		}
		l.run(t)
	}
	if early == 0 || early == 100 {
		t.Errorf("%d of 100 Ticks came first", early)
	}
}
