package transport

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/smtp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// answer is a server that reads no more than it must and answers a flight with one
// write.
func answer(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	out := []byte("220 mx.example\r\n")
	content := false
	for {
		if r.Buffered() == 0 {
			if _, err := conn.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
		line, err := r.ReadSlice('\n')
		switch {
		case err != nil:
			return
		case content && string(line) == ".\r\n":
			content = false
			out = append(out, "250 ok\r\n"...)
		case content:
		case bytes.HasPrefix(line, []byte("EHLO")):
			out = append(out, "250-mx.example\r\n250 PIPELINING\r\n"...)
		case bytes.HasPrefix(line, []byte("DATA")):
			content = true
			out = append(out, "354 go\r\n"...)
		default:
			out = append(out, "250 ok\r\n"...)
		}
	}
}

// oneKiB is a message of 1 KiB.
var oneKiB = []byte("Subject: hi\r\n\r\n" + strings.Repeat(strings.Repeat("x", 62)+"\r\n", 15) + strings.Repeat("x", 47) + "\r\n")

// BenchmarkMessages sends messages of 1 KiB over one connection of the loopback to
// a server in the same process: one after another, each waited for, as net/smtp
// has to; and 64 at a time.
func BenchmarkMessages(b *testing.B) {
	dial := func(b *testing.B) net.Conn {
		conn, peer := media[1].connect(b)
		go answer(peer)
		b.ReportAllocs()
		b.SetBytes(int64(len(oneKiB)))
		return conn
	}
	b.Run("net_smtp", func(b *testing.B) {
		c, err := smtp.NewClient(dial(b), "mx.example")
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Hello("me.example"); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			c.Mail("a@me.example")
			c.Rcpt("b@mx.example")
			w, err := c.Data()
			if err != nil {
				b.Fatal(err)
			}
			w.Write(oneKiB)
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
		c.Close()
	})
	body := protocol.BodyBytes(oneKiB)
	b.Run("driven", func(b *testing.B) {
		c := client(b, protocol.ClientConfig{})
		l := drive(b, dial(b), c, LoopConfig{})
		l.Do(func(time.Time) { c.Hello("me.example") })
		env := envelope(b)
		var d *protocol.Delivery
		send := func(time.Time) { d = c.Send(env, body) }
		for b.Loop() {
			l.Do(send)
			if _, err := d.Result().Await(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("awaited", func(b *testing.B) {
		c := client(b, protocol.ClientConfig{})
		l := NewLoop(dial(b), c, LoopConfig{})
		defer l.Close()
		c.Hello("me.example")
		env := envelope(b)
		var d *protocol.Delivery
		send := func(time.Time) { d = c.Send(env, body) }
		for b.Loop() {
			l.Do(send)
			if _, err := Await(context.Background(), l, d.Result()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64 at a time", func(b *testing.B) {
		c := client(b, protocol.ClientConfig{})
		l := drive(b, dial(b), c, LoopConfig{})
		l.Do(func(time.Time) { c.Hello("me.example") })
		env := envelope(b)
		var d *protocol.Delivery
		for n := 0; b.Loop(); n++ {
			if n%64 > 0 {
				continue
			}
			l.Do(func(time.Time) {
				for range 64 {
					d = c.Send(env, body)
				}
			})
			if _, err := d.Result().Await(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkContent sends 64 MiB to a server that only counts.
func BenchmarkContent(b *testing.B) {
	const size = 64 << 20
	for _, m := range []medium{media[1], media[2], media[4]} {
		b.Run(m.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			line := []byte(strings.Repeat("x", 74) + "\r\n")
			body := protocol.BodyBytes(bytes.Repeat(line, size/len(line)))
			conn, peer := m.connect(b)
			go answer(m.peerOf(peer))
			c := client(b, protocol.ClientConfig{})
			l := drive(b, conn, c, m.config(false))
			l.Do(func(time.Time) { c.Hello("me.example") })
			env := envelope(b)
			for b.Loop() {
				var d *protocol.Delivery
				l.Do(func(time.Time) { d = c.Send(env, body) })
				if _, err := d.Result().Await(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIdle reports what a connection costs that waits for the server's
// greeting: its client, its Loop, its goroutine, its socket.
func BenchmarkIdle(b *testing.B) {
	const conns = 1000
	for _, m := range []medium{media[1], media[4]} {
		b.Run(m.name, func(b *testing.B) {
			for b.Loop() {
				used := func() (heap, stacks uint64) {
					var ms runtime.MemStats
					runtime.GC()
					runtime.GC()
					runtime.ReadMemStats(&ms)
					return ms.HeapAlloc, ms.StackInuse
				}
				var ends []net.Conn
				for range conns {
					x, y := m.connect(b)
					ends = append(ends, x, y)
					if m.tls {
						go func() { m.peerOf(y).(interface{ Handshake() error }).Handshake() }()
					}
				}
				heap, stacks := used()
				loops := make([]*Loop, 0, conns)
				for i := range conns {
					l := drive(b, ends[2*i], client(b, protocol.ClientConfig{}), m.config(false))
					loops = append(loops, l)
				}
				for _, l := range loops {
					for secured := !m.tls; !secured; runtime.Gosched() {
						l.mu.Lock()
						secured = l.conn != l.base
						l.mu.Unlock()
					}
					untilReading(l)
				}
				runtime.GC() // by which the stacks of new goroutines are sized
				for _, l := range loops {
					rests(l)
				}
				h, s := used()
				b.ReportMetric(float64(h-heap)/conns, "heap-B/conn")
				b.ReportMetric(float64(s-stacks)/conns, "stack-B/conn")
				for _, l := range loops {
					l.Close()
				}
			}
		})
	}
}
