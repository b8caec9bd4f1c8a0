package protocol_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

const (
	flood    = 100 << 20
	piece    = 64 << 10
	maxRise  = 256 << 10
	segment  = 1460 // what a TCP segment often carries
	sampling = 100  // pieces between two looks at the heap
)

// heap is what is reachable now.
func heap() int64 {
	runtime.GC()
	runtime.GC() // a sync.Pool lets go at the second collection
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A peer that never ends its reply is cut off, and costs next to nothing, whether
// its octets are refused at once or dropped behind the error.
func TestEndlessReply(t *testing.T) { // H-R1 H-R2 C30
	line := bytes.Repeat([]byte("a line of a greeting that has no end "), piece/37)
	greeting := bytes.Repeat([]byte("220-mx.example, and more to come\r\n"), piece/34)
	tests := []struct {
		name  string
		begin string
		piece []byte
		error string
	}{
		{"line", "220 ", line, "protocol error at the greeting: reply line: too long at offset 16384"},
		{"lines", "", greeting, "protocol error at the greeting: reply: too many lines at offset 34816"},
		{"empty lines", "", bytes.Repeat([]byte("220-\r\n"), piece/6), "protocol error at the greeting: reply: too many lines at offset 6144"},
		{
			"long lines", "", bytes.Repeat([]byte("220-"+strings.Repeat("x", 16000)+"\r\n"), 4),
			"protocol error at the greeting: reply: too long at offset 65536",
		},
	}
	for _, tt := range tests {
		for _, size := range []int{piece, segment} {
			t.Run(fmt.Sprintf("%s in pieces of %d", tt.name, size), func(t *testing.T) {
				c, peak, total := endure(t, tt.begin, tt.piece, size)
				var broken *protocol.ProtocolError
				if !errors.As(c.Err(), &broken) || c.Err().Error() != tt.error {
					t.Errorf("Err is %v, want %s", c.Err(), tt.error)
				}
				if _, err, ok := c.Greeting().Result(); !ok || err != c.Err() {
					t.Errorf("greeting: %v, %v", err, ok)
				}
				t.Logf("%d octets: at most %d octets more of heap", total, peak)
				if peak > maxRise {
					t.Errorf("%d octets more of heap, at most %d are allowed", peak, maxRise)
				}
			})
		}
	}
}

// endure feeds a client begin and then p over and over, size octets at a time, and
// returns by how much the heap was larger on the way.
func endure(t *testing.T, begin string, p []byte, size int) (c *protocol.Client, peak int64, total int) {
	c, err := protocol.NewClient(start, protocol.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	c.Feed(start, []byte(begin))
	for i := 0; total < flood; i++ {
		for part := range slices.Chunk(p, size) {
			open := c.Err() == nil
			c.Feed(start, part)
			total += len(part)
			if open {
				peak = max(peak, heap()-before)
			}
		}
		if i%sampling == 0 {
			peak = max(peak, heap()-before)
		}
	}
	runtime.KeepAlive(c)
	return c, peak, total
}

// An idle client gives its buffers back: what many of them hold is what one costs.
func TestIdleClientMemory(t *testing.T) {
	const n = 20_000
	clients := make([]*protocol.Client, n)
	before := heap()
	for i := range clients {
		clients[i] = idleClient(t)
	}
	t.Logf("an idle client, behind EHLO and one message: %d octets of heap", (heap()-before)/n)
	runtime.KeepAlive(clients)
}

// idleClient has said EHLO and sent a message, and waits for more to do.
func idleClient(t *testing.T) *protocol.Client {
	t.Helper()
	c, err := protocol.NewClient(start, protocol.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c.Hello("me.example")
	d := c.Send(protocol.Envelope{From: mustPath("a@me.example"), To: []wire.Recipient{{Path: mustPath("b@mx.example")}}}, protocol.BodyText("hi\r\n"))
	for _, flight := range []string{
		"220 mx.example ESMTP\r\n",
		"250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 10240000\r\n250 ENHANCEDSTATUSCODES\r\n",
		"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n",
		"250 2.0.0 Ok: queued\r\n",
	} {
		c.Feed(start, []byte(flight))
		for {
			n := int64(0)
			for _, chunk := range c.Output(start, nil, 1<<20) {
				n += int64(len(chunk.Bytes))
			}
			if n == 0 {
				break
			}
			c.Wrote(start, n)
		}
	}
	if receipt, err, ok := d.Result().Result(); !ok || receipt.Outcome != protocol.Accepted {
		t.Fatal(receipt, err, ok)
	}
	return c
}
