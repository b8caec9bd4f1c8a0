package transport

import (
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

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
