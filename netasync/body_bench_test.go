package netasync_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// swallow is a server that throws content away as fast as it can be read.
func swallow(conn net.Conn, keywords string) {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 256<<10)
	say := "220 mx.example\r\n"
	for {
		if r.Buffered() == 0 || say == "" {
			if _, err := conn.Write([]byte(say)); err != nil {
				return
			}
			say = ""
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "EHLO":
			say = "250-mx.example\r\n" + keywords + "250 PIPELINING\r\n"
		case "DATA":
			if _, err := conn.Write([]byte(say + "354 go\r\n")); err != nil {
				return
			}
			for end := ""; end != "\r\n.\r\n"; {
				p, err := r.Peek(max(1, r.Buffered()))
				if err != nil {
					return
				}
				end += string(p[max(0, len(p)-5):])
				end = end[max(0, len(end)-5):]
				r.Discard(len(p))
			}
			say = "250 ok\r\n"
		case "BDAT":
			size, _, _ := strings.Cut(args, " ")
			n, _ := strconv.Atoi(size)
			for n > 0 {
				p, err := r.Peek(min(n, max(1, r.Buffered())))
				if err != nil {
					return
				}
				n -= len(p)
				r.Discard(len(p))
			}
			say += "250 ok\r\n"
		default:
			say += "250 ok\r\n"
		}
	}
}

// drain is the far end of a connection without a protocol.
func drain(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 256<<10)
	for {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}

// peakHeap reports the most memory that Go had in use while f ran.
func peakHeap(b *testing.B, f func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	peak := uint64(0)
	go func() {
		defer close(done)
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64()+sample[1].Value.Uint64())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	f()
	close(stop)
	<-done
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}

// BenchmarkFile sends a file of 1 GiB, or of 64 MiB with -short, over loopback TCP to
// a reader in this process: by itself, with net/smtp, and by DATA and BDAT.
func BenchmarkFile(b *testing.B) {
	size := 1 << 30
	if testing.Short() {
		size = 64 << 20
	}
	files := map[string]string{}
	for name, end := range map[string]string{"crlf": "\r\n", "lf": "\n"} {
		line := strings.Repeat("x", 76) + end
		block := bytes.Repeat([]byte(line), (1<<20)/len(line))
		files[name] = filepath.Join(b.TempDir(), name)
		f, err := os.Create(files[name])
		if err != nil {
			b.Fatal(err)
		}
		f.WriteString("Subject: hi" + end + end)
		for range size / len(block) {
			if _, err := f.Write(block); err != nil {
				b.Fatal(err)
			}
		}
		f.Close()
	}
	serve := func(b *testing.B, far func(net.Conn)) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if conn, err := ln.Accept(); err == nil {
				far(conn)
			}
		}()
		b.Cleanup(func() { ln.Close(); <-done })
		return ln.Addr().String()
	}
	open := func(b *testing.B, name string) *os.File {
		f, err := os.Open(files[name])
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { f.Close() })
		return f
	}
	run := func(b *testing.B, name string, once func(f *os.File) error) {
		f := open(b, name)
		info, err := f.Stat()
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(info.Size())
		b.ReportAllocs()
		peakHeap(b, func() {
			for b.Loop() {
				if _, err := f.Seek(0, io.SeekStart); err != nil {
					b.Fatal(err)
				}
				if err := once(f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	raw := func(b *testing.B) *net.TCPConn {
		conn, err := net.Dial("tcp", serve(b, drain))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
		return conn.(*net.TCPConn)
	}
	b.Run("raw/read_write", func(b *testing.B) {
		conn := raw(b)
		buf := make([]byte, 64<<10)
		run(b, "crlf", func(f *os.File) error {
			_, err := io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{f}, buf)
			return err
		})
	})
	b.Run("raw/sendfile", func(b *testing.B) {
		conn := raw(b)
		run(b, "crlf", func(f *os.File) error {
			_, err := conn.ReadFrom(f)
			return err
		})
	})
	b.Run("net_smtp/crlf", func(b *testing.B) {
		c, err := smtp.Dial(serve(b, func(conn net.Conn) { swallow(conn, "") }))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		run(b, "crlf", func(f *os.File) error {
			c.Mail("a@me.example")
			c.Rcpt("b@mx.example")
			w, err := c.Data()
			if err != nil {
				return err
			}
			if _, err := io.Copy(w, f); err != nil {
				return err
			}
			return w.Close()
		})
	})
	b.Run("look_through/crlf", func(b *testing.B) {
		run(b, "crlf", func(f *os.File) error {
			_, err := netasync.BodyFile(f.Name())
			return err
		})
	})
	for _, test := range []struct {
		name, keywords, file string
		body                 func(f *os.File) (protocol.Body, error)
	}{
		{"data/crlf", "", "crlf", nil},
		{"data/lf", "", "lf", nil},
		{"data/stream", "", "crlf", func(f *os.File) (protocol.Body, error) { return netasync.BodyFrom(f, -1), nil }},
		{"bdat/crlf", "250-CHUNKING\r\n", "crlf", nil},
		{"bdat/lf", "250-CHUNKING\r\n", "lf", nil},
		{"bdat/stream", "250-CHUNKING\r\n", "crlf", func(f *os.File) (protocol.Body, error) { return netasync.BodyFrom(f, -1), nil }},
	} {
		b.Run(test.name, func(b *testing.B) {
			c := dial(b, "smtp://"+serve(b, func(conn net.Conn) { swallow(conn, test.keywords) }), me())
			var body protocol.Body
			if test.body == nil {
				// It is looked through once, and sent many times.
				var err error
				if body, err = netasync.BodyFile(files[test.file]); err != nil {
					b.Fatal(err)
				}
			}
			env := envelope()
			run(b, test.file, func(f *os.File) (err error) {
				if test.body != nil {
					if body, err = test.body(f); err != nil {
						return err
					}
				}
				_, err = c.Send(b.Context(), env, body)
				return err
			})
			c.Close()
		})
	}
}
