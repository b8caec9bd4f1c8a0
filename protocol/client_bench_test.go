package protocol_test

import (
	"bytes"
	"net"
	"net/smtp"
	"slices"
	"strconv"
	"strings"
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

// windowed returns a client that has said EHLO to a sink that takes BDAT.
func windowed(b *testing.B, window protocol.Window, now time.Time) *protocol.Client {
	c, err := protocol.NewClient(now, protocol.ClientConfig{Window: window})
	if err != nil {
		b.Fatal(err)
	}
	c.Hello("me.example")
	c.Feed(now, []byte("220 mx.example ESMTP\r\n"))
	c.Wrote(now, int64(len("EHLO me.example\r\n"))*int64(len(c.Output(now, nil, 100))))
	c.Feed(now, []byte("250-mx.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-8BITMIME\r\n250-SIZE 10240000\r\n250 ENHANCEDSTATUSCODES\r\n"))
	return c
}

// BenchmarkWindow is the client's core in memory with BDAT: messages of 1 KiB to one
// recipient, in windows of so many, each an operation. The sink answers a window at
// once, with a RSET in front of every message but the first.
func BenchmarkWindow(b *testing.B) {
	for _, n := range []int{1, 32, 256} {
		b.Run("messages="+strconv.Itoa(n), func(b *testing.B) {
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			c := windowed(b, protocol.Window{Messages: n, Octets: 1 << 20}, now)
			env := envelope("sender@example.com", "recipient@example.org")
			body := protocol.BodyBytes(kibibyte)
			const reset, message = "250 2.0.0 Ok\r\n", "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.0.0 Ok: queued as 4bQz3T1k7pz2x\r\n"
			replies := []byte(message + strings.Repeat(reset+message, n-1))
			chunks := make([]protocol.Chunk, 0, 1024)
			sent := make([]*protocol.Delivery, n)
			b.ReportAllocs()
			for i := 0; i < b.N; i += n {
				for j := range sent {
					sent[j] = c.Send(env, body)
				}
				for {
					chunks = c.Output(now, chunks[:0], 1<<20)
					octets := int64(0)
					for _, chunk := range chunks {
						octets += int64(len(chunk.Bytes))
					}
					if octets == 0 {
						break
					}
					c.Wrote(now, octets)
				}
				if _, err := c.Feed(now, replies); err != nil {
					b.Fatal(err)
				}
				for _, d := range sent {
					if _, err, ok := d.Result().Result(); !ok || err != nil {
						b.Fatal(ok, err)
					}
				}
			}
		})
	}
}

// BenchmarkDATAQueue is BenchmarkClient with messages that wait in the queue, so that
// the commands of each go out with the content before it.
func BenchmarkDATAQueue(b *testing.B) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c, k := connected(b, 1, now)
	env := envelope("sender@example.com", "recipient@example.org")
	body := protocol.BodyBytes(kibibyte)
	both := append(slices.Clone(k.verdict), k.replies...)
	chunks := make([]protocol.Chunk, 0, 16)
	const ahead = 4
	sent := make([]*protocol.Delivery, 0, ahead+1)
	b.ReportAllocs()
	for b.Loop() {
		for len(sent) <= ahead {
			sent = append(sent, c.Send(env, body))
		}
		for done := false; !done; _, _, done = sent[0].Result().Result() {
			chunks = c.Output(now, chunks[:0], 1<<20)
			octets := int64(0)
			for _, chunk := range chunks {
				octets += int64(len(chunk.Bytes))
			}
			c.Wrote(now, octets)
			reply := both
			if bytes.HasPrefix(chunks[0].Bytes, []byte("MAIL")) {
				reply = k.replies
			}
			if _, err := c.Feed(now, reply); err != nil {
				b.Fatal(err)
			}
		}
		sent = append(sent[:0], sent[1:]...)
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
