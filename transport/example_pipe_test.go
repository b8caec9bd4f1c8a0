package transport_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/transport"
)

// greeter is the smallest of cores: it says one line, takes one line, and gives up
// when it has to wait too long.
type greeter struct {
	say      string
	heard    future.Promise[string]
	deadline time.Time
}

func (g *greeter) Feed(now time.Time, p []byte) (int, error) {
	g.heard.Resolve(string(p))
	g.deadline = time.Time{}
	return len(p), nil
}

func (g *greeter) Output(_ time.Time, dst []protocol.Chunk, _ int) []protocol.Chunk {
	if g.say == "" {
		return dst
	}
	return append(dst, protocol.Chunk{Bytes: []byte(g.say)})
}

func (g *greeter) Wrote(_ time.Time, n int64)                   { g.say = g.say[n:] }
func (g *greeter) FeedEOF(time.Time)                            { g.heard.Cancel() }
func (g *greeter) Fail(_ time.Time, err error)                  { g.heard.Reject(err) }
func (g *greeter) WriteFailed(time.Time, error)                 {}
func (g *greeter) WantRead() bool                               { return true }
func (g *greeter) Deadline() time.Time                          { return g.deadline }
func (g *greeter) Upgrade() *protocol.Upgrade                   { return nil }
func (g *greeter) Err() error                                   { return nil }
func (g *greeter) Upgraded(time.Time, protocol.TLSState, error) {}

func (g *greeter) Tick(time.Time) {
	g.deadline = time.Time{}
	g.heard.Reject(fmt.Errorf("no answer"))
}

func ExamplePipe() {
	client, server := &greeter{say: "hello"}, &greeter{say: "welcome"}
	link := transport.NewPipe(client, server, transport.PipeOptions{
		Latency: 10 * time.Millisecond,
		BtoA:    transport.Way{CutEvery: 4},
		Tap:     func(e transport.PipeEvent) { fmt.Println(e) },
	})
	if err := link.Run(100); err != nil {
		fmt.Println(err)
	}
	fmt.Println(link)
	// Output:
	// 00:00:00.000 A write 0 "hello"
	// 00:00:00.000 B write 0 "welcome"
	// 00:00:00.010 A feed 0 "welc"
	// 00:00:00.010 A feed 4 "ome"
	// 00:00:00.010 B feed 0 "hello"
	// after 10ms: A reads; B reads
}

// A link that swallows octets: what takes two minutes there takes no time here.
func ExampleAwait() {
	client, server := &greeter{}, &greeter{say: "welcome"}
	link := transport.NewPipe(client, server, transport.PipeOptions{
		BtoA: transport.Way{Fault: transport.Fault{At: 0, Kind: transport.FaultStall}},
	})
	start := link.Now()
	client.deadline = start.Add(2 * time.Minute)

	_, err := transport.Await(context.Background(), link, client.heard.Future())
	fmt.Println(err, "after", link.Now().Sub(start))

	_, err = transport.Await(context.Background(), link, server.heard.Future())
	fmt.Println(err)
	// Output:
	// no answer after 2m0s
	// nothing is left to happen after 2m0s: A reads; B reads
}
