package protocol_test

import (
	"bytes"
	"net"
	"net/smtp"
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

// BenchmarkClient is the client's core in memory, the answering side included:
// messages of 1 KiB. The rival is net/smtp on the same replies.
func BenchmarkClient(b *testing.B) {
	for _, n := range []int{1, 50} {
		b.Run("recipients="+strconv.Itoa(n)+"/net_smtp", func(b *testing.B) { benchmarkNetSMTP(b, n) })
		b.Run("recipients="+strconv.Itoa(n)+"/sansmtp", func(b *testing.B) {
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			c, k := connected(b, n, now)
			env := envelope("sender@example.com")
			for i := range n {
				env.To = append(env.To, wire.Recipient{Path: path("recipient" + strconv.Itoa(i) + "@example.org")})
			}
			body := protocol.BodyBytes(kibibyte)
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

var kibibyte = bytes.Repeat([]byte("A line of text that is about as long as a line of mail tends to be, 76.\r\n"), 14)

func benchmarkNetSMTP(b *testing.B, recipients int) {
	conn := &sinkConn{replies: []byte("220 mx.example ESMTP\r\n")}
	c, err := smtp.NewClient(conn, "mx.example")
	if err == nil {
		err = c.Hello("me.example")
	}
	if err != nil {
		b.Fatal(err)
	}
	to := make([]string, recipients)
	for i := range to {
		to[i] = "recipient" + strconv.Itoa(i) + "@example.org"
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := sendNetSMTP(c, to); err != nil {
			b.Fatal(err)
		}
	}
}

func sendNetSMTP(c *smtp.Client, to []string) error {
	if err := c.Mail("sender@example.com"); err != nil {
		return err
	}
	for _, to := range to {
		if err := c.Rcpt(to); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(kibibyte); err != nil {
		return err
	}
	return w.Close()
}

// sinkConn is a connection to a sink that answers what is written to it.
type sinkConn struct {
	net.Conn
	replies []byte
	content bool
}

func (k *sinkConn) Write(p []byte) (int, error) {
	reply := "250 2.1.5 Ok\r\n"
	switch {
	case k.content && !bytes.HasSuffix(p, []byte("\r\n.\r\n")):
		return len(p), nil
	case k.content:
		k.content, reply = false, "250 2.0.0 Ok: queued as 4bQz3T1k7pz2x\r\n"
	case bytes.HasPrefix(p, []byte("EHLO")):
		reply = "250-mx.example\r\n250-8BITMIME\r\n250-SIZE 10240000\r\n250 ENHANCEDSTATUSCODES\r\n"
	case bytes.HasPrefix(p, []byte("DATA")):
		k.content, reply = true, "354 End data with <CR><LF>.<CR><LF>\r\n"
	}
	k.replies = append(k.replies, reply...)
	return len(p), nil
}

func (k *sinkConn) Read(p []byte) (int, error) {
	n := copy(p, k.replies)
	k.replies = k.replies[:copy(k.replies, k.replies[n:])]
	return n, nil
}

func (k *sinkConn) Close() error { return nil }
