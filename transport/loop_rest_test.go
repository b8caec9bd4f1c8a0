package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// rests makes a Loop at rest have its goroutine replaced, as it does by itself in
// time.
func rests(l *Loop) {
	for !tire(l) {
		runtime.Gosched()
	}
}

func tire(l *Loop) (resting bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tired = l.own && !l.resting && l.driver == driverReading
	l.nudge()
	return l.resting
}

// descriptors are the media whose connections can rest.
func descriptors(t *testing.T, test func(t *testing.T, m medium)) {
	everywhere(t, func(t *testing.T, m medium) {
		if m.network != "" {
			test(t, m)
		}
	})
}

func TestLoopRestsBetweenSteps(t *testing.T) {
	descriptors(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		served := script(t, m.peerOf(b), session)
		c := client(t, protocol.ClientConfig{})
		ended := make(chan struct{})
		cfg := m.config(false)
		cfg.Ended = func() { close(ended) } // once: a second time panics
		l := drive(t, a, c, cfg)
		if m.tls {
			l.Do(func(time.Time) { c.Hello("me.example") })
		} else {
			rests(l)
			l.Do(func(time.Time) { c.Hello("me.example") })
		}
		await(t, c.Greeting())
		rests(l)
		var d *protocol.Delivery
		l.Do(func(time.Time) { d = c.Send(envelope(t), protocol.BodyText("hello\n.\n")) })
		await(t, d.Result())
		rests(l)
		l.Do(func(time.Time) { c.Quit() })
		<-ended
		select {
		case <-l.Done():
		default:
			t.Error("ended before it was done")
		}
		if err := l.Err(); err != nil {
			t.Errorf("ended with %v", err)
		}
		<-served
	})
}

// Octets that come just then are neither lost nor left lying.
func TestLoopRestsWhileInputComes(t *testing.T) {
	descriptors(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		messages := sink(t, m.peerOf(b))
		c := client(t, protocol.ClientConfig{})
		l := drive(t, a, c, m.config(false))
		l.Do(func(time.Time) { c.Hello("me.example") })
		for range 200 {
			var d *protocol.Delivery
			l.Do(func(time.Time) { d = c.Send(envelope(t), protocol.BodyText("hello\n")) })
			for !d.Result().Settled() {
				tire(l)
			}
			await(t, d.Result())
		}
		l.Do(func(time.Time) { c.Quit() })
		if n := <-messages; n != 200 {
			t.Errorf("%d messages arrived", n)
		}
	})
}

func TestLoopEndsAtRest(t *testing.T) {
	descriptors(t, func(t *testing.T, m medium) {
		gone := errors.New("gone")
		for name, end := range map[string]struct {
			end  func(l *Loop, peer net.Conn, cancel context.CancelCauseFunc)
			want error
		}{
			"closed":  {func(l *Loop, _ net.Conn, _ context.CancelCauseFunc) { l.Close() }, net.ErrClosed},
			"context": {func(_ *Loop, _ net.Conn, cancel context.CancelCauseFunc) { cancel(gone) }, gone},
			"peer":    {func(_ *Loop, peer net.Conn, _ context.CancelCauseFunc) { peer.Close() }, io.ErrUnexpectedEOF},
		} {
			t.Run(name, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				a, b := m.connect(t)
				c := client(t, protocol.ClientConfig{})
				hello := c.Hello("me.example")
				l := Drive(ctx, a, c, m.config(false))
				peer := m.peerOf(b)
				if _, err := peer.Write([]byte("220 mx.example\r\n")); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(peer, make([]byte, len("EHLO me.example\r\n"))); err != nil {
					t.Fatal(err)
				}
				rests(l)
				end.end(l, peer, cancel)
				<-l.Done()
				if _, err := hello.Await(t.Context()); !errors.Is(err, end.want) {
					t.Errorf("got %v, want %v", err, end.want)
				}
			})
		}
	})
}
