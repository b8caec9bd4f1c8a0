package peers_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// small is 1 KiB of text.
var small = []byte("Subject: a message\r\n\r\n" + strings.Repeat(strings.Repeat("x", 62)+"\r\n", 15) + strings.Repeat("y", 40) + "\r\n")

// BenchmarkLoopback sends messages of 1 KiB, one recipient each, on one connection
// over loopback to the sink. raw writes prepared octets and counts replies: the
// limit of the protocol and the machine.
func BenchmarkLoopback(b *testing.B) {
	for _, set := range []struct {
		name       string
		extensions []string
	}{
		{"DATA", without("CHUNKING", "BINARYMIME")},
		{"CHUNKING", everything},
	} {
		for _, c := range append(clients(), client{"raw", dialRaw}) {
			b.Run(set.name+"/"+c.name, func(b *testing.B) {
				conn, done := connect(b, set.extensions)
				client, err := c.dial(context.Background(), conn, nil)
				if err != nil {
					b.Fatal(err)
				}
				if raw, ok := client.(*raw); ok {
					raw.chunking = set.name == "CHUNKING"
				}
				b.SetBytes(int64(len(small)))
				b.ReportAllocs()
				b.ResetTimer()
				if err := client.send(b.N, []string{"bob@example.org"}, small); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := client.close(); err != nil {
					b.Fatal(err)
				}
				conn.Close()
				if got := done(); got != b.N {
					b.Fatalf("the sink has %d messages of %d", got, b.N)
				}
			})
		}
	}
}

// connect starts a sink for one connection and connects to it. done waits until it
// has ended, and returns how many messages came.
func connect(b *testing.B, extensions []string) (conn net.Conn, done func() int) {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	server := &sink{extensions: extensions}
	served := make(chan error, 1)
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			err = server.serve(conn)
			conn.Close()
		}
		served <- err
	}()
	conn, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	return conn, func() int {
		if err := <-served; err != nil {
			b.Error(err)
		}
		return server.messages
	}
}

// raw is a client by hand that validates nothing.
type raw struct {
	conn     net.Conn
	buf      [64 << 10]byte
	ahead    int // reply lines that were read with those in front of them
	chunking bool
}

func dialRaw(_ context.Context, conn net.Conn, _ *tls.Config) (sender, error) {
	r := &raw{conn: conn}
	if err := r.replies(1); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, "EHLO me.example\r\n"); err != nil {
		return nil, err
	}
	// The last line of the reply is the one without a hyphen.
	for {
		n, err := conn.Read(r.buf[:])
		if err != nil {
			return nil, err
		}
		if bytes.Contains(r.buf[:n], []byte("250 HELP\r\n")) {
			return r, nil
		}
	}
}

// replies reads until n more lines have come.
func (r *raw) replies(n int) error {
	for r.ahead < n {
		m, err := r.conn.Read(r.buf[:])
		if err != nil {
			return err
		}
		r.ahead += bytes.Count(r.buf[:m], []byte("\n"))
	}
	r.ahead -= n
	return nil
}

// rawWindow is how many messages raw sends ahead with CHUNKING.
const rawWindow = 32

func (r *raw) send(n int, to []string, content []byte) error {
	var head strings.Builder
	head.WriteString("MAIL FROM:<" + from + "> SIZE=1024\r\n")
	for _, t := range to {
		head.WriteString("RCPT TO:<" + t + ">\r\n")
	}
	if r.chunking {
		one := fmt.Sprintf("%sBDAT %d LAST\r\n%s", head.String(), len(content), content)
		all := []byte(strings.Repeat(one, rawWindow))
		for n > 0 {
			k := min(n, rawWindow)
			if _, err := r.conn.Write(all[:k*len(one)]); err != nil {
				return err
			}
			if err := r.replies(k * (len(to) + 2)); err != nil {
				return err
			}
			n -= k
		}
		return nil
	}
	first := head.String() + "DATA\r\n"
	next := []byte(string(content) + ".\r\n" + first)
	if _, err := io.WriteString(r.conn, first); err != nil {
		return err
	}
	for i := range n {
		if err := r.replies(len(to) + 2); err != nil {
			return err
		}
		p := next
		if i == n-1 {
			p = next[:len(next)-len(first)]
		}
		if _, err := r.conn.Write(p); err != nil {
			return err
		}
		if err := r.replies(1); err != nil {
			return err
		}
	}
	return nil
}

func (r *raw) close() error {
	if _, err := io.WriteString(r.conn, "QUIT\r\n"); err != nil {
		return err
	}
	return r.replies(1)
}
