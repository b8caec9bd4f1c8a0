package protocol_test

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// sink answers a client from memory: it counts line ends as far as it must, and
// nothing else.
type sink struct {
	replies []byte // to a whole group of commands, the 354 included
	verdict []byte
}

// exchange moves all output of c into the sink and the replies back.
func (k *sink) exchange(b *testing.B, c *protocol.Client, now time.Time, chunks []protocol.Chunk) []protocol.Chunk {
	for {
		chunks = c.Output(now, chunks[:0], 1<<20)
		if len(chunks) == 0 {
			return chunks
		}
		n, reply := int64(0), k.replies
		for _, chunk := range chunks {
			n += int64(len(chunk.Bytes))
		}
		if bytes.HasSuffix(chunks[len(chunks)-1].Bytes, []byte(".\r\n")) {
			reply = k.verdict
		}
		c.Wrote(now, n)
		if _, err := c.Feed(now, reply); err != nil {
			b.Fatal(err)
		}
	}
}

// connected returns a client that has said EHLO to a sink for transactions with so
// many recipients.
func connected(b *testing.B, recipients int, now time.Time) (*protocol.Client, *sink) {
	c, err := protocol.NewClient(now, protocol.ClientConfig{})
	if err != nil {
		b.Fatal(err)
	}
	c.Hello("me.example")
	c.Feed(now, []byte("220 mx.example ESMTP\r\n"))
	c.Wrote(now, int64(len("EHLO me.example\r\n"))*int64(len(c.Output(now, nil, 100))))
	c.Feed(now, []byte("250-mx.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 10240000\r\n250 ENHANCEDSTATUSCODES\r\n"))
	k := &sink{verdict: []byte("250 2.0.0 Ok: queued as 4bQz3T1k7pz2x\r\n")}
	k.replies = append(k.replies, "250 2.1.0 Ok\r\n"...)
	for range recipients {
		k.replies = append(k.replies, "250 2.1.5 Ok\r\n"...)
	}
	k.replies = append(k.replies, "354 End data with <CR><LF>.<CR><LF>\r\n"...)
	return c, k
}

// BenchmarkClient is PERFORMANCE's "client core in memory": messages of 1 KiB.
func BenchmarkClient(b *testing.B) {
	for _, n := range []int{1, 50} {
		b.Run("recipients="+strconv.Itoa(n), func(b *testing.B) {
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			c, k := connected(b, n, now)
			env := envelope("sender@example.com")
			for i := range n {
				env.To = append(env.To, wire.Recipient{Path: path("recipient" + strconv.Itoa(i) + "@example.org")})
			}
			body := protocol.BodyBytes(bytes.Repeat([]byte("A line of text that is about as long as a line of mail tends to be, 76.\r\n"), 14))
			chunks := make([]protocol.Chunk, 0, 16)
			b.ReportAllocs()
			for b.Loop() {
				d := c.Send(env, body)
				chunks = k.exchange(b, c, now, chunks)
				if _, err, ok := d.Result().Result(); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
