package transport

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFaultEOF(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: ms, AtoB: Way{Window: 4, Fault: Fault{At: 3, Kind: FaultEOF}}})
	l.a.say("abcdefghij")
	l.b.onEOF = func(time.Time) { l.b.say("bye") }
	l.run(t)
	// The writer goes on, and no window stops it: what it writes vanishes.
	l.wantLog(t, `
		00:00:00.000 A write 0 "abcd"
		00:00:00.000 A write 4 "efghij"
		00:00:00.001 B feed 0 "abc"
		00:00:00.001 B end of input
		00:00:00.001 B write 0 "bye"
		00:00:00.002 A feed 0 "bye"`)
}

func TestFaultReset(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: 10 * ms, BtoA: Way{Latency: 10 * ms, Fault: Fault{At: 3, Kind: FaultReset}}})
	l.a.say("request")
	l.b.say("552x")
	l.AfterFunc(5*ms, func(time.Time) { l.a.say("vanishes") })
	l.AfterFunc(20*ms, func(time.Time) { l.a.say("fails") })
	l.run(t)
	// What was under way is read all the same, and each end learns in its own time.
	// B has nothing to write and so learns it only by reading.
	l.wantLog(t, `
		00:00:00.000 A write 0 "request"
		00:00:00.000 B write 0 "552x"
		00:00:00.005 A write 7 "vanishes"
		00:00:00.010 B feed 0 "request"
		00:00:00.010 B fail: connection reset by the link
		00:00:00.020 A feed 0 "552"
		00:00:00.020 A fail: connection reset by the link`)
}

// With output at hand the write fails first, and the reply is still read.
func TestWriteIntoAReset(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: 10 * ms, AtoB: Way{Window: 4}, BtoA: Way{CutEvery: 2, Fault: Fault{At: 4, Kind: FaultReset}}})
	l.a.say("content")
	l.b.paused = true
	l.b.say("552.")
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "cont"
		00:00:00.000 B write 0 "552."
		00:00:00.010 A write failed: connection reset by the link
		00:00:00.010 A feed 0 "55"
		00:00:00.010 A feed 2 "2."
		00:00:00.010 A fail: connection reset by the link`)
	wantCalls(t, "A", l.a, "WriteFailed: "+ErrReset.Error(), "Fail: "+ErrReset.Error())
	wantCalls(t, "B", l.b) // neither reads nor writes
}

// An end that is blocked by the window hears of the reset in time, although it
// does not read.
func TestResetWakesABlockedWriter(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: 10 * ms, AtoB: Way{Window: 1}})
	l.a.say("content")
	l.a.paused, l.b.paused = true, true
	l.AfterFunc(time.Second, func(time.Time) { l.Break(SideA, FaultReset) })
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "c"
		00:00:01.010 A write failed: connection reset by the link`)
}

// A direction that ended takes more than its window, and can then still be reset.
func TestResetBehindTheEndOfInput(t *testing.T) {
	reset := Fault{At: 3, Kind: FaultReset}
	l := newLink(t, PipeOptions{Latency: ms, AtoB: Way{Window: 1, Max: 3, Fault: reset}})
	l.a.say("abcdef")
	l.AfterFunc(0, func(time.Time) { l.Break(SideA, FaultEOF) })
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "a"
		00:00:00.000 A write 1 "bcd"
		00:00:00.001 A write failed: connection reset by the link
		00:00:00.001 A fail: connection reset by the link
		00:00:00.001 B feed 0 "a"
		00:00:00.001 B end of input
		00:00:00.001 B fail: connection reset by the link`)
}

func TestFaultStall(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: ms, AtoB: Way{Window: 4, Fault: Fault{At: 2, Kind: FaultStall}}})
	l.a.say("abcdefghij")
	l.a.deadline = start.Add(time.Minute)
	l.a.onTick = func(time.Time) { l.a.out, l.a.err = nil, errTest }
	l.b.onFeed = func(time.Time, []byte) { l.b.say("ok") }
	l.run(t)
	// Two octets are acknowledged, the others hold the window for ever. No end of
	// input reaches B, whose own direction is whole.
	l.wantLog(t, `
		00:00:00.000 A write 0 "abcd"
		00:00:00.001 B feed 0 "ab"
		00:00:00.001 B write 0 "ok"
		00:00:00.002 A write 4 "ef"
		00:00:00.002 A feed 0 "ok"
		00:01:00.000 A tick
		00:01:00.000 A close: test`)
}

func TestStallThenEOF(t *testing.T) {
	l := newLink(t, PipeOptions{})
	l.Break(SideA, FaultStall)
	l.a.say("lost")
	l.AfterFunc(time.Second, func(time.Time) { l.Break(SideA, FaultEOF) })
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "lost"
		00:00:01.000 B end of input`)
}

func TestFaultWrite(t *testing.T) {
	l := newLink(t, PipeOptions{Latency: ms, AtoB: Way{Fault: Fault{At: 3, Kind: FaultWrite}}})
	l.a.say("abcdef")
	l.b.onEOF = func(time.Time) { l.b.say("552"); l.b.err = io.EOF }
	l.a.onEOF = func(time.Time) { l.a.err = errTest }
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "abc"
		00:00:00.000 A write failed: connection broken by the link
		00:00:00.001 B feed 0 "abc"
		00:00:00.001 B end of input
		00:00:00.001 B write 0 "552"
		00:00:00.001 B close: EOF
		00:00:00.002 A feed 0 "552"
		00:00:00.002 A end of input
		00:00:00.002 A close: test`)
}

// A direction that ended can only be reset, and a reset is the last that happens.
func TestBreakTwice(t *testing.T) {
	for _, c := range []struct {
		kinds []FaultKind
		want  string
	}{
		{[]FaultKind{FaultNone}, ""},
		{[]FaultKind{FaultEOF, FaultEOF, FaultStall, FaultWrite}, "EOF"},
		{[]FaultKind{FaultEOF, FaultReset}, "EOF, Fail: connection reset by the link"},
		{[]FaultKind{FaultReset, FaultEOF, FaultReset, FaultWrite}, "Fail: connection reset by the link"},
		{[]FaultKind{FaultStall, FaultStall}, ""},
		{[]FaultKind{FaultStall, FaultWrite}, "EOF"},
	} {
		t.Run(fmt.Sprint(c.kinds), func(t *testing.T) {
			l := newLink(t, PipeOptions{})
			for _, k := range c.kinds {
				l.Break(SideA, k)
			}
			l.run(t)
			if got := strings.Join(l.b.calls, ", "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A callback may break the link that it was called over.
func TestBreakInsideACallback(t *testing.T) {
	l := newLink(t, PipeOptions{})
	l.a.say("abc")
	l.b.onFeed = func(time.Time, []byte) {
		l.b.say("reply")
		l.Break(SideB, FaultEOF)
	}
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "abc"
		00:00:00.000 B feed 0 "abc"
		00:00:00.000 B write 0 "reply"
		00:00:00.000 A end of input`)
}

// Every fault at every octet of an echo, in either direction: exactly the octets
// before it get through, and each end is told as the kind says.
func TestEveryFaultAtEveryOctet(t *testing.T) {
	const text = "conversation"
	eof, reset := []string{"EOF"}, []string{"Fail: " + ErrReset.Error()}
	broken := []string{"WriteFailed: " + ErrBroken.Error()}
	for _, way := range []Way{{}, {Window: 3}, {CutEvery: 1}, {Window: 5, CutRandom: 4, WriteTime: 3 * ms}} {
		for at := range int64(len(text) + 1) {
			for kind := FaultEOF; kind <= FaultWrite; kind++ {
				for side := range Side(2) {
					opts := PipeOptions{Latency: ms, AtoB: way, BtoA: way}
					broke := [...]*Way{&opts.AtoB, &opts.BtoA}[side]
					broke.Fault = Fault{At: at, Kind: kind}
					l := newLink(t, opts)
					l.a.say(text)
					l.b.onFeed = func(_ time.Time, p []byte) { l.b.say(string(p)) }
					l.run(t)

					name := fmt.Sprintf("%v at %d out of %v, %+v", kind, at, side, way)
					from, to := l.a, l.b
					if side == SideB {
						from, to = to, from
					}
					if got := string(to.got); got != text[:at] {
						t.Errorf("%s: %q got through", name, got)
					}
					switch kind {
					case FaultEOF:
						wantCalls(t, name, from)
						wantCalls(t, name, to, eof...)
					case FaultStall:
						wantCalls(t, name, from)
						wantCalls(t, name, to)
					case FaultWrite:
						if at == int64(len(text)) {
							wantCalls(t, name, from)
						} else {
							wantCalls(t, name, from, broken...)
						}
						wantCalls(t, name, to, eof...)
					case FaultReset:
						for _, c := range []*peer{from, to} {
							calls := slices.DeleteFunc(slices.Clone(c.calls), func(s string) bool {
								return s == "WriteFailed: "+ErrReset.Error()
							})
							if !slices.Equal(calls, reset) || len(c.calls) > 2 {
								t.Errorf("%s: calls %q", name, c.calls)
							}
						}
					}
				}
			}
		}
	}
}

// However the link is shaped and wherever it breaks: no octet is changed, the link
// comes to rest, and the core contract holds, as the peers check.
func TestAnyFaultOnAnyLink(t *testing.T) {
	fault := func(rt *rapid.T, name string) Fault {
		return Fault{
			At:   rapid.Int64Range(0, 120).Draw(rt, name+" fault at"),
			Kind: FaultKind(rapid.IntRange(0, int(FaultWrite)).Draw(rt, name+" fault")),
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		opts := drawOptions(rt)
		opts.AtoB.Fault, opts.BtoA.Fault = fault(rt, "A to B"), fault(rt, "B to A")
		s := string(rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(rt, "octets"))
		l := newLink(t, opts)
		l.echo(s)
		l.AfterFunc(time.Duration(rapid.IntRange(0, 100).Draw(rt, "break after"))*ms, func(time.Time) {
			l.Break(Side(rapid.IntRange(0, 1).Draw(rt, "break side")), FaultKind(rapid.IntRange(0, int(FaultWrite)).Draw(rt, "break")))
		})
		if err := l.Run(100_000); err != nil {
			rt.Fatal(err)
		}
		if !strings.HasPrefix(s, string(l.b.got)) || !strings.HasPrefix(string(l.b.got), string(l.a.got)) {
			rt.Fatalf("sent %q, B read %q, A read %q", s, l.b.got, l.a.got)
		}
	})
}
