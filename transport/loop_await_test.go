package transport

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
)

// A Loop can be driven by those who wait, without a goroutine of its own.
func TestLoopAwait(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		served := script(t, m.peerOf(b), session)
		c := client(t, protocol.ClientConfig{})
		l := NewLoop(a, c, m.config(false))
		defer l.Close()
		if r, err := Await(t.Context(), l, c.Greeting()); r.Text != "mx.example" || err != nil {
			t.Errorf("got %v, %v", r, err)
		}
		if x, err := Await(t.Context(), l, c.Hello("me.example")); x.Name() != "mx.example" || err != nil {
			t.Errorf("got %v, %v", x.Name(), err)
		}
		var d *protocol.Delivery
		l.Do(func(time.Time) { d = c.Send(envelope(t), protocol.BodyText("hello\n.\n")) })
		if r, err := Await(t.Context(), l, d.Result()); r.Outcome != protocol.Accepted || err != nil {
			t.Errorf("got %v, %v", r, err)
		}
		if r, err := Await(t.Context(), l, c.Quit()); r.Text != "bye" || err != nil {
			t.Errorf("got %v, %v", r, err)
		}
		// The conversation is over; what is left is to close the connection.
		if _, err := Await(t.Context(), l, new(future.Promise[int]).Future()); err != io.EOF {
			t.Errorf("got %v", err)
		}
		<-served
		<-l.Done()
	})
}

// The end of a wait is not the end of the conversation, and another wait goes on.
func TestLoopAwaitContext(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		c := client(t, protocol.ClientConfig{})
		l := NewLoop(a, c, m.config(false))
		defer l.Close()
		ctx, cancel := context.WithCancelCause(t.Context())
		first := c.Greeting()
		go func() {
			untilBlocked(l)
			cancel(errTest)
		}()
		if _, err := Await(ctx, l, first); err != errTest {
			t.Errorf("got %v", err)
		}
		served := script(t, m.peerOf(b), "S: 220 mx.example\nGONE")
		if r, err := Await(t.Context(), l, first); r.Text != "mx.example" || err != nil {
			t.Errorf("got %v, %v", r, err)
		}
		l.Close()
		<-served
	})
}

// Those who wait take turns at driving.
func TestLoopAwaitTogether(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		served := sink(t, m.peerOf(b))
		c := client(t, protocol.ClientConfig{})
		l := NewLoop(a, c, m.config(false))
		defer l.Close()
		c.Hello("me.example")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for range 20 {
					var d *protocol.Delivery
					l.Do(func(time.Time) { d = c.Send(envelope(t), protocol.BodyText("hello\n")) })
					if _, err := Await(t.Context(), l, d.Result()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		l.Do(func(time.Time) { c.Quit() })
		if err := l.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if n := <-served; n != 400 {
			t.Errorf("%d messages served", n)
		}
	})
}

// A Loop that a goroutine drives is left to it.
func TestLoopAwaitDriven(t *testing.T) {
	a, b := media[1].connect(t)
	served := script(t, b, "S: 220 mx.example\nGONE")
	c := client(t, protocol.ClientConfig{})
	l := drive(t, a, c, LoopConfig{})
	await(t, c.Greeting())
	ctx, cancel := context.WithCancelCause(t.Context())
	var p future.Promise[int]
	cancel(errTest)
	if _, err := Await(ctx, l, p.Future()); err != errTest {
		t.Errorf("got %v", err)
	}
	wait := make(chan error)
	go func() {
		_, err := Await(t.Context(), l, p.Future())
		wait <- err
	}()
	l.Close()
	if err := <-wait; !errors.Is(err, l.Err()) {
		t.Errorf("got %v", err)
	}
	<-served
}
