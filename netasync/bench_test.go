package netasync_test

import (
	"net"
	"net/smtp"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// sinkURL is a server that only answers, for one connection.
func sinkURL(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := ln.Accept(); err == nil {
			defer conn.Close()
			echo(conn)
		}
	}()
	b.Cleanup(func() { ln.Close(); <-done })
	return "smtp://" + ln.Addr().String()
}

// One message after the other over loopback TCP, to the same server: here, with
// many goroutines on one Client, and with net/smtp.
func BenchmarkSend(b *testing.B) {
	content := strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab\r\n", 32)
	connected := func(b *testing.B) *netasync.Client {
		c := dial(b, sinkURL(b), me())
		b.SetBytes(int64(len(content)))
		b.ReportAllocs()
		b.ResetTimer()
		return c
	}
	b.Run("one", func(b *testing.B) {
		c := connected(b)
		env, message := envelope(), protocol.BodyText(content)
		for b.Loop() {
			if _, err := c.Send(b.Context(), env, message); err != nil {
				b.Fatal(err)
			}
		}
		quit(b, c)
	})
	b.Run("many", func(b *testing.B) {
		c := connected(b)
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			env, message := envelope(), protocol.BodyText(content)
			for pb.Next() {
				if _, err := c.Send(b.Context(), env, message); err != nil {
					b.Error(err)
				}
			}
		})
		quit(b, c)
	})
	b.Run("net/smtp", func(b *testing.B) {
		c, err := smtp.Dial(strings.TrimPrefix(sinkURL(b), "smtp://"))
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(content)))
		b.ReportAllocs()
		for b.Loop() {
			if err := sendNetSMTP(c, content); err != nil {
				b.Fatal(err)
			}
		}
		if err := c.Quit(); err != nil {
			b.Error(err)
		}
	})
}

func sendNetSMTP(c *smtp.Client, content string) error {
	if err := c.Mail("a@me.example"); err != nil {
		return err
	}
	if err := c.Rcpt("b@mx.example"); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(content)); err != nil {
		return err
	}
	return w.Close()
}
