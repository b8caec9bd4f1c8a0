package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

const session = `
	S: 220 mx.example
	C: EHLO me.example
	S: 250-mx.example
	S: 250 PIPELINING
	C: MAIL FROM:<a@me.example>
	C: RCPT TO:<b@mx.example>
	C: DATA
	S: 250 ok
	S: 250 ok
	S: 354 go
	C: hello
	C: ..
	C: .
	S: 250 queued
	C: QUIT
	S: 221 bye
	EOF
`

func TestLoopSession(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		served := script(t, m.peerOf(b), session)
		c := client(t, protocol.ClientConfig{})
		l := drive(t, a, c, m.config(false))
		var d *protocol.Delivery
		var bye *future.Future[wire.Reply]
		l.Do(func(time.Time) {
			c.Hello("me.example")
			d = c.Send(envelope(t), protocol.BodyText("hello\n.\n"))
			bye = c.Quit()
		})
		if r := await(t, d.Result()); r.Outcome != protocol.Accepted || r.Reply.Text != "queued" {
			t.Errorf("got %+v", r)
		}
		if r := await(t, bye); r.Text != "bye" {
			t.Errorf("got %v", r)
		}
		<-l.Done()
		if err := l.Err(); err != nil {
			t.Errorf("ended with %v", err)
		}
		<-served
		if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the connection was left open: %v", err)
		}
	})
}

// What the server says may end at any octet. // H-R9
func TestLoopPeerCloses(t *testing.T) {
	const says = "220 mx.example\r\n250-mx.example\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"
	go354 := strings.Index(says, "250 queued")
	everywhere(t, func(t *testing.T, m medium) {
		for n := 1; n < len(says); n++ {
			a, b := m.connect(t)
			served := script(t, &cutConn{m.peerOf(b), n}, session)
			c := client(t, protocol.ClientConfig{})
			c.Hello("me.example")
			d := c.Send(envelope(t), protocol.BodyText("hello\n.\n"))
			l := drive(t, a, c, m.config(false))
			<-l.Done()
			<-served
			_, err, ok := d.Result().Result()
			failed, typed := errors.AsType[*protocol.DeliveryError](err)
			if !ok || !typed {
				t.Fatalf("cut behind octet %d: %v, %v", n, err, ok)
			}
			want := protocol.NotDelivered
			if n > go354 {
				want = protocol.Unknown
			}
			// Right behind the 354 the end may come ahead of the content, or behind it.
			if failed.Receipt.Outcome != want && n != go354 {
				t.Errorf("cut behind octet %d: got %v", n, failed.Receipt.Outcome)
			}
			if l.Err() == nil {
				t.Errorf("cut behind octet %d: no error", n)
			}
		}
	})
}

// talker is a core that writes left octets.
type talker struct {
	peer
	left int
	sum  byte
}

func (c *talker) Output(now time.Time, dst []protocol.Chunk, limit int) []protocol.Chunk {
	if len(c.out) == 0 && c.left > 0 {
		n := min(c.left, limit)
		c.left -= n
		c.out = bytes.Repeat([]byte{c.sum}, n)
	}
	return c.peer.Output(now, dst, limit)
}

// Wrote is ignored behind the end, as rule 7 says.
func (c *talker) Wrote(now time.Time, n int64) {
	if c.err == nil {
		c.peer.Wrote(now, n)
	}
}

// Both sides write before either has read. // H-R41
func TestLoopBothTalk(t *testing.T) {
	const size = 8 << 20
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		var ends [2]*talker
		for i := range ends {
			c := &talker{peer: peer{t: t}, left: size, sum: byte(i)}
			over := func(time.Time) {
				if len(c.got) == size && c.left == 0 && len(c.out) == 0 {
					c.err = io.EOF
				}
			}
			c.onFeed = func(now time.Time, _ []byte) { over(now) }
			c.onWrote = over
			ends[i] = c
		}
		cfg := m.config(true)
		cfg.Linger = time.Second // both close, and neither reads what the other says then
		la := drive(t, a, ends[0], m.config(false))
		lb := drive(t, b, ends[1], cfg)
		<-la.Done()
		<-lb.Done()
		if la.Err() != nil || lb.Err() != nil {
			t.Errorf("ended with %v, %v", la.Err(), lb.Err())
		}
		for i, c := range ends {
			if len(c.got) != size || bytes.IndexByte(c.got, byte(i)) >= 0 {
				t.Errorf("end %d got %d octets", i, len(c.got))
			}
		}
	})
}

// An early refusal reaches the caller although the server resets the connection
// while content is being written. // C53
func TestLoopRefusalInContent(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		served := script(t, m.peerOf(b), `
			S: 220 mx.example
			C: EHLO me.example
			S: 250 mx.example
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			C: hello
			S: 552 too much
		`)
		c := client(t, protocol.ClientConfig{})
		l := drive(t, a, c, m.config(false))
		var d *protocol.Delivery
		l.Do(func(time.Time) {
			c.Hello("me.example")
			d = c.Send(envelope(t), protocol.BodyText("hello\n"+strings.Repeat("x\n", 8<<20)))
		})
		<-l.Done()
		<-served
		_, err, _ := d.Result().Result()
		if reply, ok := errors.AsType[*protocol.ReplyError](err); !ok || reply.Reply.Text != "too much" {
			t.Errorf("got %v", err)
		}
	})
}

// The end of the context is the end of the conversation.
func TestLoopContext(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		served := script(t, m.peerOf(b), "S: 220 mx.example\nGONE")
		ctx, cancel := context.WithCancelCause(t.Context())
		c := client(t, protocol.ClientConfig{})
		l := Drive(ctx, a, c, m.config(false))
		await(t, c.Greeting())
		var hello *future.Future[protocol.Extensions]
		l.Do(func(time.Time) { hello = c.Hello("me.example") })
		cancel(errTest)
		<-l.Done()
		if !errors.Is(l.Err(), errTest) || !errors.Is(hello.Err(), errTest) {
			t.Errorf("ended with %v, EHLO with %v", l.Err(), hello.Err())
		}
		<-served
	})
}

// The end of the Loop is the end of the conversation too, at whatever it is.
func TestLoopClose(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		for _, text := range []string{"GONE", "S: 220 mx.example\nGONE"} {
			a, b := m.connect(t)
			if text != "GONE" {
				b = m.peerOf(b) // else the handshake is cut short
			}
			served := script(t, b, text)
			c := client(t, protocol.ClientConfig{})
			l := Drive(t.Context(), a, c, m.config(false))
			if text != "GONE" {
				await(t, c.Greeting())
			}
			l.Close()
			l.Close()
			if !errors.Is(l.Err(), net.ErrClosed) {
				t.Errorf("ended with %v", l.Err())
			}
			<-l.Done()
			<-served
		}
	})
}

// A Loop that nobody ever drove has a connection to close too.
func TestLoopCloseUndriven(t *testing.T) {
	a, b := net.Pipe()
	c := client(t, protocol.ClientConfig{})
	NewLoop(a, c, LoopConfig{}).Close()
	if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("got %d, %v", n, err)
	}
}

// Do may be called from everywhere at once, and its output is never mixed up.
func TestLoopConcurrentSends(t *testing.T) {
	const senders, each = 50, 20
	everywhere(t, func(t *testing.T, m medium) {
		for range 2 {
			a, b := m.connect(t)
			served := sink(t, m.peerOf(b))
			c := client(t, protocol.ClientConfig{})
			l := drive(t, a, c, m.config(false))
			l.Do(func(time.Time) { c.Hello("me.example") })
			var wg sync.WaitGroup
			for range senders {
				wg.Go(func() {
					for range each {
						var d *protocol.Delivery
						l.Do(func(time.Time) { d = c.Send(envelope(t), protocol.BodyText("hello\n")) })
						if _, err := d.Result().Await(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			l.Do(func(time.Time) { c.Quit() })
			<-l.Done()
			if n := <-served; n != senders*each || l.Err() != nil {
				t.Errorf("%d messages served, ended with %v", n, l.Err())
			}
		}
	})
}

// A step that takes too long is ended by its own limit, whether the peer is silent
// or does not read. // H-R10
func TestLoopTimeouts(t *testing.T) {
	for _, row := range []struct {
		name, text, step string
		after            time.Duration
	}{
		{"silent", "GONE", "greeting", 5 * time.Minute},
		{"unread", "S: 220 mx.example\nWAIT", "progress in writing", 3 * time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				a, b := net.Pipe()
				forget := make(chan struct{})
				served := script(t, &waitConn{b, forget}, row.text)
				c := client(t, protocol.ClientConfig{})
				l := Drive(t.Context(), a, c, LoopConfig{})
				l.Do(func(time.Time) { c.Hello("me.example") })
				<-l.Done()
				timeout, ok := errors.AsType[*protocol.TimeoutError](l.Err())
				if !ok || timeout.Step != row.step || time.Since(begin) != row.after {
					t.Errorf("got %v after %v", l.Err(), time.Since(begin))
				}
				close(forget)
				<-served
			})
		})
	}
}
