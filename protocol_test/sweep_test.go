package protocol_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/transport"
)

var sweepSeeds = flag.Int("sweep.seeds", 1, "links to run each fault of the sweep on")

// script is a session of the sweep.
type script struct {
	name    string
	cfg     protocol.ClientConfig
	conduct conduct
	tasks   func(*simulation)
	seeds   int // links to run each fault on, if these are fewer than all
}

func threeMessages(s *simulation) {
	s.hello()
	s.send(nil, "a@mx.example", "no.one@mx.example")
	s.send(nil, "no.two@mx.example", "no.three@mx.example")
	s.send(nil, "b@mx.example")
	s.quit()
}

var scripts = []script{
	{name: "lock-step", conduct: conduct{offers: []string{"SIZE 1000000"}}, tasks: threeMessages},
	{name: "pipelined", conduct: conduct{offers: []string{"PIPELINING", "SIZE", "8BITMIME"}}, tasks: threeMessages},
	{
		name: "LMTP", cfg: protocol.ClientConfig{LMTP: true},
		conduct: conduct{lmtp: true, offers: []string{"PIPELINING", "8BITMIME"}, bend: func(step, arg, standard string) string {
			if step == "content" && strings.Contains(arg, "message 1") {
				return "452-4.2.2 mailbox full\r\n452 4.2.2 later"
			}
			return standard
		}},
		tasks: func(s *simulation) {
			s.hello()
			s.send(nil, "a@mx.example", "b@mx.example")
			s.send(nil, "a@mx.example", "no.one@mx.example", "b@mx.example")
			s.quit()
		},
	},
	{
		name:    "STARTTLS and login",
		cfg:     protocol.ClientConfig{RequireTLS: true, ServerName: "mx.example"},
		conduct: conduct{offers: []string{"PIPELINING", "STARTTLS", "AUTH PLAIN LOGIN"}},
		tasks: func(s *simulation) {
			s.hello()
			s.startTLS()
			s.login()
			s.send(nil, "a@mx.example")
			s.quit()
		},
	},
	{
		name: "content lent", conduct: conduct{offers: []string{"PIPELINING"}},
		tasks: func(s *simulation) {
			s.hello()
			s.send(longMessage, "a@mx.example")
			s.quit()
		},
	},
	{
		name: "window", conduct: conduct{offers: []string{"PIPELINING", "CHUNKING", "SIZE"}}, seeds: 1,
		tasks: func(s *simulation) {
			s.hello()
			for range 20 {
				s.send(nil, "a@mx.example")
			}
			s.quit()
		},
	},
	{
		name: "window with refusals", conduct: conduct{offers: []string{"PIPELINING", "CHUNKING"}, bend: refuseMessage3}, seeds: 1,
		tasks: func(s *simulation) {
			s.hello()
			s.send(nil, "a@mx.example", "no.one@mx.example")
			s.send(nil, "no.two@mx.example", "no.three@mx.example")
			for range 5 {
				s.send(nil, "b@mx.example")
			}
			s.quit()
		},
	},
	{
		name: "LMTP window", cfg: protocol.ClientConfig{LMTP: true},
		conduct: conduct{lmtp: true, offers: []string{"PIPELINING", "CHUNKING"}, bend: refuseMessage3}, seeds: 1,
		tasks: func(s *simulation) {
			s.hello()
			for range 3 {
				s.send(nil, "a@mx.example", "no.one@mx.example", "b@mx.example")
			}
			s.send(nil, "a@mx.example", "b@mx.example")
			s.send(nil, "no.two@mx.example")
			s.send(nil, "a@mx.example")
			s.quit()
		},
	},
	{
		name: "Do and WaitFor", conduct: conduct{offers: []string{"PIPELINING"}},
		tasks: func(s *simulation) {
			s.hello()
			s.do("NOOP")
			s.pair()
			s.send(nil, "a@mx.example")
			s.do("RSET")
			s.send(nil, "no.one@mx.example")
			s.pair()
			s.quit()
		},
	},
}

// refuseMessage3 refuses the content of one message.
func refuseMessage3(step, arg, standard string) string {
	if step == "content" && strings.Contains(arg, "message 3") {
		return "452-4.2.2 mailbox full\r\n452 4.2.2 later"
	}
	return standard
}

// longMessage makes m long enough for the machine to lend its content from where it
// lies instead of copying it.
func longMessage(m *message) {
	m.content = fmt.Sprintf("Subject: long %s\r\n\r\n%s\r\n.\r\n", m.from, strings.Repeat("text that is long ", 40))
	m.source = &source{content: m.content, declared: -1, piece: 600}
}

func (c script) run(opts transport.PipeOptions, calm, verbose bool) *simulation {
	return simulate(c.cfg, c.conduct, opts, calm, verbose, c.tasks)
}

var faultKinds = []transport.FaultKind{transport.FaultEOF, transport.FaultReset, transport.FaultStall, transport.FaultWrite}

// shape draws a link.
func shape(seed uint64) transport.PipeOptions {
	r := rand.New(rand.NewPCG(seed, 4))
	way := func() (w transport.Way) {
		some := func(most int) int { return max(0, r.IntN(2*most+1)-most) }
		w.Latency = time.Duration(some(3)) * time.Millisecond
		w.Window = some(60)
		w.Max = some(100)
		w.WriteTime = time.Duration(some(20)) * time.Millisecond
		w.CutRandom = some(30)
		return w
	}
	return transport.PipeOptions{Seed: seed, Shuffle: r.IntN(2) == 0, AtoB: way(), BtoA: way()}
}

// A session that is cut at any octet, in either direction, in any way: every future
// settles once, in order, with the truth.
func TestFaultSweep(t *testing.T) { // F2 F3 H-R8 H-R9
	total, outcomes := 0, tally{}
	for _, c := range scripts {
		t.Run(c.name, func(t *testing.T) {
			whole := c.run(transport.PipeOptions{}, true, false)
			if trouble := whole.trouble(); trouble != "" {
				t.Fatal(trouble)
			}
			ways := [...]int64{int64(len(whole.monitor.lent)), int64(len(whole.server.out))}
			runs, seeds, of := 0, *sweepSeeds, tally{}
			if c.seeds > 0 {
				seeds = min(seeds, c.seeds)
			}
			for side, octets := range ways {
				for at := range octets + 1 {
					for _, kind := range faultKinds {
						for seed := range seeds {
							opts := shape(uint64(runs)<<8 + uint64(seed))
							way := &opts.AtoB
							if side == 1 {
								way = &opts.BtoA
							}
							way.Fault = transport.Fault{At: at, Kind: kind}
							runs++
							s := c.check(t, fmt.Sprintf("%v at octet %d of %v, seed %d", kind, at, transport.Side(side), opts.Seed), opts)
							outcomes.add(s)
							of.add(s)
						}
					}
				}
			}
			t.Logf("%d cut sessions; %d octets from the client, %d from the server; recipients: %v", runs, ways[0], ways[1], of)
			total += runs
		})
	}
	t.Logf("%d cut sessions in all; recipients: %v", total, outcomes)
}

// tally counts recipients by the outcome of their message.
type tally [protocol.Unknown + 1]int

func (t *tally) add(s *simulation) {
	for o, n := range s.outcomes {
		t[o] += n
	}
}

func (t tally) String() string {
	var parts []string
	for o, n := range t {
		parts = append(parts, fmt.Sprintf("%d %v", n, protocol.Outcome(o)))
	}
	return strings.Join(parts, ", ")
}

// check runs a session, and again with a log if something was wrong.
func (c script) check(t *testing.T, name string, opts transport.PipeOptions) *simulation {
	t.Helper()
	s := c.run(opts, false, false)
	if trouble := s.trouble(); trouble != "" {
		again := c.run(opts, false, true)
		t.Fatalf("%s: %s: %s\n%s", c.name, name, trouble, strings.Join(again.log, "\n"))
	}
	return s
}
