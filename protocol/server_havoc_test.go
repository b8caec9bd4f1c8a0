package protocol_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// havoc is what nobody foresees. A nil one never strikes.
type havoc struct {
	gone   bool // the end of input
	broken bool // nothing can be written any more
	struck []string
}

func (h *havoc) strikes(w *walker) bool { return h != nil && w.chance(40) }

func (h *havoc) left() bool { return h != nil && h.gone }

// strike does the worst, and returns what input is left.
func (h *havoc) strike(w *walker, rest []byte) []byte {
	blow := []string{"Shutdown", "End", "SetDeadline", "Tick", "FeedEOF", "FeedEOF", "WriteFailed", "WriteFailed", "Fail"}[w.r.IntN(9)]
	h.struck = append(h.struck, blow)
	switch blow {
	case "Shutdown":
		w.Shutdown()
	case "End":
		w.End(wire.Reply{Code: wire.CodeNotAvailable, Text: "the end"})
	case "SetDeadline":
		w.SetDeadline(w.now)
		w.Tick(w.now)
	case "Tick":
		w.now = w.now.Add(20 * time.Minute)
		w.Tick(w.now)
	case "FeedEOF":
		if h.gone {
			return nil
		}
		h.gone = true
		w.FeedEOF(w.now)
		rest = nil
	case "WriteFailed":
		h.broken = true
		w.WriteFailed(w.now, errBroken)
	case "Fail":
		h.broken = true
		w.lent, w.octets = nil, ""
		w.Fail(w.now, errBroken)
	}
	w.pump()
	return rest
}

// A session that is shut down, ended, cut off or overdue at any moment has said what
// it would have said until then, and at most one reply more. It has not kept any
// message that it would not have, every future has settled once, and nothing goes on.
func TestServerHavoc(t *testing.T) { // C34 F27
	struck := map[string]int{}
	for seed := range uint64(*tempoScripts) {
		seed += *tempoFirst
		script := newTempoScript(seed)
		script.eof, script.ends = false, false
		whole := script.play(t, 0, nil)
		want := whole.replies(false)
		kept := strings.Join(whole.events, "\n") + "\n"
		for tempo := range uint64(3) {
			h := &havoc{}
			w := script.play(t, tempo+100, h)
			for i, r := range w.replies(h.broken) {
				if i < len(want) && r == want[i] {
					continue
				}
				if r.Code != wire.CodeNotAvailable || i < len(w.replies(h.broken))-1 {
					t.Fatalf("seed %d, tempo %d, %q:\n%q\nreply %d is %v, of\n%q\nwant\n%q", seed, tempo, h.struck, script.flights, i, r, w.out, whole.out)
				}
			}
			for _, e := range w.events {
				if strings.Contains(e, " octets, ") && !strings.Contains(kept, e+"\n") {
					t.Fatalf("seed %d, tempo %d, %q:\n%q\n%s\nwant\n%s", seed, tempo, h.struck, script.flights, e, kept)
				}
			}
			for _, blow := range h.struck {
				struck[blow]++
			}
		}
	}
	for _, blow := range []string{"Shutdown", "End", "SetDeadline", "Tick", "FeedEOF", "WriteFailed", "Fail"} {
		if struck[blow] < *tempoScripts/100 {
			t.Errorf("%s struck %d times", blow, struck[blow])
		}
	}
	t.Logf("%d scripts; %v", *tempoScripts, struck)
}
