package protocol_test

import (
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

var tempoSessions = flag.Int("tempo.sessions", 1000, "random sessions to run on several links each")

// Whatever the link cuts, delays and takes at a time, a session writes the same octets,
// and its futures settle alike in the same order.
func TestClientTempos(t *testing.T) {
	clean := 0
	for seed := range uint64(*tempoSessions) {
		first := tempoSession(seed, 0)
		if strings.HasSuffix(first, "EOF\n") {
			clean++
		}
		for tempo := range uint64(3) {
			if got := tempoSession(seed, tempo+1); got != first {
				t.Fatalf("seed %d, tempo %d:\n%s\nwant\n%s", seed, tempo+1, got, first)
			}
		}
	}
	if clean < *tempoSessions/2 {
		t.Errorf("%d of %d sessions came to QUIT", clean, *tempoSessions)
	}
}

// tempoSession returns all that must not depend on the tempo of a session.
func tempoSession(seed, tempo uint64) string {
	r := rand.New(rand.NewPCG(seed, 6))
	c := conduct{lmtp: r.IntN(3) == 0, bend: constantBender(r)}
	for _, offer := range []string{"PIPELINING", "8BITMIME", "SIZE 100000", "CHUNKING", "BINARYMIME"} {
		if r.IntN(4) > 0 {
			c.offers = append(c.offers, offer)
		}
	}
	cfg := protocol.ClientConfig{LMTP: c.lmtp, Allow8Bit: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		cfg.Window = protocol.Window{Messages: 1 + r.IntN(4), Octets: 1 + r.Int64N(400), Ahead: r.Int64N(200) - 50}
	}
	opts := shape(seed + tempo<<32)
	opts.Seed = seed // of what the messages are
	s := simulate(cfg, c, opts, tempo == 0, false, func(s *simulation) {
		s.hello()
		for range 1 + r.IntN(8) {
			switch r.IntN(7) {
			case 0:
				s.do("NOOP")
			case 1:
				s.pair()
			default:
				s.tempoSend(r, slices.Contains(c.offers, "CHUNKING"))
			}
		}
		s.quit()
	})
	var b strings.Builder
	for _, p := range s.order {
		fmt.Fprintf(&b, "%s: %v\n", p.name, p.err)
	}
	fmt.Fprintf(&b, "%s%q\n%v\n", s.trouble(), s.monitor.lent, s.Err())
	return b.String()
}

// tempoSend queues a message. What goes in chunks lies in memory as it is to be sent:
// where content that is made piece by piece ends, and so whether a RSET goes out behind
// it, depends on what was answered until Output asked for it (rule 2 of Core).
func (s *simulation) tempoSend(r *rand.Rand, chunks bool) {
	to := make([]string, 1+r.IntN(3))
	for i := range to {
		to[i] = fmt.Sprintf("r%d@mx.example", i)
		if r.IntN(5) == 0 {
			to[i] = "no." + to[i]
		}
	}
	s.send(func(m *message) {
		m.binary = r.IntN(6) == 0
		if chunks {
			m.source, m.content = nil, normal(m.content)
		}
		if r.IntN(6) == 0 && m.source != nil {
			m.broken, m.source.fails = true, errors.New("disk on fire")
		}
	}, to...)
}

// constantBender refuses some commands, and always the same. It says nothing that ends
// the session: how much was lent by then is a matter of time.
func constantBender(r *rand.Rand) func(step, arg, standard string) string {
	trust, salt, n := uint32(3<<r.IntN(4)), r.Uint64(), 0
	return func(step, arg, standard string) string {
		switch step {
		case "early", "ahead", "greeting", "EHLO", "LHLO", "RSET":
			return standard
		}
		n++
		h := fnv.New32a()
		fmt.Fprint(h, step, arg, n, salt)
		if x := h.Sum32() >> 4; x%trust == 0 {
			return []string{"450 no", "550 no", "451 no", "554 no"}[x/trust%4]
		}
		return standard
	}
}
