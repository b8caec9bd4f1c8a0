package transport

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

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
