package protocol_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/transport"
)

var (
	randomSessions = flag.Int("random.sessions", 20_000, "random sessions to run")
	randomFirst    = flag.Uint64("random.first", 0, "seed of the first random session")
)

// A session of random tasks with a server that answers anything, over any link.
func TestRandomSessions(t *testing.T) { // F1 F2 F3 F4 F6 F8 F23 H-R8 H-R9 H-R14 H-R15
	const parts = 4
	var outcomes [parts]tally
	t.Run("parts", func(t *testing.T) {
		for part := range parts {
			t.Run(fmt.Sprint(part), func(t *testing.T) {
				t.Parallel()
				for seed := part; seed < *randomSessions; seed += parts {
					s := checkRandom(t, *randomFirst+uint64(seed))
					outcomes[part].add(s)
				}
			})
		}
	})
	for _, o := range outcomes[1:] {
		for i, n := range o {
			outcomes[0][i] += n
		}
	}
	t.Logf("%d random sessions; recipients: %v", *randomSessions, outcomes[0])
}

func checkRandom(t *testing.T, seed uint64) *simulation {
	t.Helper()
	s := randomSession(seed, false)
	if trouble := s.trouble(); trouble != "" {
		t.Fatalf("seed %d: %s\n%s", seed, trouble, strings.Join(randomSession(seed, true).log, "\n"))
	}
	return s
}

func randomSession(seed uint64, verbose bool) *simulation {
	r := rand.New(rand.NewPCG(seed, 5))
	opts := shape(seed)
	if r.IntN(4) == 0 {
		fault := transport.Fault{At: r.Int64N(600), Kind: faultKinds[r.IntN(len(faultKinds))]}
		if r.IntN(2) == 0 {
			opts.AtoB.Fault = fault
		} else {
			opts.BtoA.Fault = fault
		}
	}
	c := conduct{lmtp: r.IntN(3) == 0, bend: bender(r)}
	for _, offer := range []string{"PIPELINING", "8BITMIME", "SIZE 100000", "STARTTLS", "AUTH PLAIN", "CHUNKING", "BINARYMIME"} {
		if r.IntN(3) > 0 {
			c.offers = append(c.offers, offer)
		}
	}
	cfg := protocol.ClientConfig{LMTP: c.lmtp, AllowCleartextAuth: true, RequireTLS: r.IntN(10) == 0, Allow8Bit: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		cfg.Window = protocol.Window{Messages: 1 + r.IntN(4), Octets: 1 + r.Int64N(400), Ahead: r.Int64N(200) - 50}
	}
	return simulate(cfg, c, opts, false, verbose, func(s *simulation) {
		s.hello()
		if r.IntN(4) == 0 {
			s.startTLS()
		}
		for range 1 + r.IntN(7) {
			s.randomTask(r)
		}
		if r.IntN(8) > 0 {
			s.quit()
		} else {
			// Somebody else has to end it.
			s.SetDeadline(start.Add(time.Hour))
		}
	})
}

// bender answers as the standard has it most of the time, and else anything.
func bender(r *rand.Rand) func(step, arg, standard string) string {
	trust := 4 << r.IntN(5) // sessions differ in how often something odd happens
	return func(step, _, standard string) string {
		if step == "early" || step == "ahead" {
			if r.IntN(8*trust) > 0 {
				return ""
			}
			return fmt.Sprintf("%d not this", 452+100*r.IntN(2))
		}
		if r.IntN(trust) > 0 {
			return standard
		}
		code := standard[:3]
		switch r.IntN(16) {
		case 0, 1, 2, 3:
			code = []string{"450", "451", "454", "500", "502", "550", "554"}[r.IntN(7)]
		case 4, 5:
			code = []string{"250", "251", "252"}[r.IntN(3)]
		case 6:
			code = "421"
		case 7:
			code = []string{"354", "334", "220", "221", "235"}[r.IntN(5)]
		}
		text := code + " so it is"
		for range r.IntN(3) {
			text = code + "-more of it\r\n" + text
		}
		return text
	}
}

// randomTask queues a task, and sometimes something that happens to it.
func (s *simulation) randomTask(r *rand.Rand) {
	later := func(f func()) {
		s.link.AfterFunc(time.Duration(r.IntN(400))*time.Millisecond, func(time.Time) { f() })
	}
	switch r.IntN(14) {
	case 13:
		s.task(r)
	case 12:
		s.lonelyWait(r)
	case 0:
		c := s.do("NOOP")
		if r.IntN(3) == 0 {
			later(func() { s.cancelDo(c) })
		}
	case 1:
		s.pair()
	case 2:
		s.login()
	case 3:
		later(func() { s.randomSend(r) })
	default:
		m := s.randomSend(r)
		switch r.IntN(8) {
		case 0:
			later(func() { s.giveUp(m) })
		case 1:
			later(func() { s.cancel(m, m.Result().Cancel) })
		case 2:
			// A callback may do anything but drive.
			s.onSettled(m, r)
		}
	}
}

// randomSend queues a message, of which the source may break its promise.
func (s *simulation) randomSend(r *rand.Rand) *message {
	to := make([]string, 1+r.IntN(4))
	for i := range to {
		to[i] = fmt.Sprintf("r%d@mx.example", i)
		if r.IntN(6) == 0 {
			to[i] = "no." + to[i]
		}
	}
	return s.send(func(m *message) {
		if r.IntN(6) == 0 {
			longMessage(m)
		}
		m.binary = r.IntN(6) == 0
		if m.source == nil {
			return
		}
		s.enliven(m.source, r)
		if r.IntN(6) > 0 {
			return
		}
		m.broken = true
		switch r.IntN(3) {
		case 0:
			m.source.fails = errors.New("disk on fire")
		case 1:
			m.source.declared = int64(len(m.content)) + 1
		case 2:
			m.source.declared = int64(len(m.content)) - 1
		}
	}, to...)
}
