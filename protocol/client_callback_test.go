package protocol_test

import (
	"errors"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// driverCalls are what no callback may do: rule 5.
func driverCalls(c *protocol.Client) map[string]func() {
	return map[string]func(){
		"Feed":        func() { c.Feed(start, []byte("250 ok\r\n")) },
		"FeedEOF":     func() { c.FeedEOF(start) },
		"WriteFailed": func() { c.WriteFailed(start, nil) },
		"Output":      func() { c.Output(start, nil, 100) },
		"Wrote":       func() { c.Wrote(start, 0) },
		"Tick":        func() { c.Tick(start) },
		"Upgraded":    func() { c.Upgraded(start, verified, nil) },
	}
}

// A callback that drives the machine panics with the rule's name, whichever call
// it runs in.
func TestCallbackMustNotDrive(t *testing.T) {
	for name := range driverCalls(nil) {
		within := map[string]func(c *protocol.Client){
			"Feed": func(c *protocol.Client) {
				c.Feed(start, []byte("220 mx.example\r\n"))
			},
			"FeedEOF": func(c *protocol.Client) { c.FeedEOF(start) },
			"Tick":    func(c *protocol.Client) { c.Tick(start.Add(1e18)) },
			"Fail":    func(c *protocol.Client) { c.Fail(start, nil) },
		}
		for where, call := range within {
			c := newClient(t, protocol.ClientConfig{})
			ran := false
			c.Greeting().OnReady(func(wire.Reply, error) {
				ran = true
				wantPanic(t, "protocol: rule 5: "+name+" called from a callback", driverCalls(c)[name])
			})
			call(c)
			if !ran {
				t.Errorf("%s in %s: the callback did not run", name, where)
			}
		}
	}
	// A task that is rejected as soon as it is added runs callbacks too.
	c := newClient(t, protocol.ClientConfig{})
	feed(c, "220 mx.example\r\n")
	again := c.Hello("me.example")
	again.OnReady(func(protocol.Extensions, error) {
		wantPanic(t, "protocol: rule 5: Output called from a callback", driverCalls(c)["Output"])
	})
	c.Fail(start, nil)
}

// A callback may add, cancel and Fail, and finds the machine as it will be.
func TestCallbackAdds(t *testing.T) { // P16
	play(t, conversation{
		begin: does(hello, func(s *session) {
			s.Greeting().OnReady(func(wire.Reply, error) { noop(s) })
			s.deliver("send", envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n")).Result().OnReady(func(protocol.Receipt, error) {
				if s.Busy() {
					s.t.Errorf("%v: busy with what is settled", s.mode)
				}
				sendTo("next", "ho\r\n", "c@mx.example")(s)
				quit(s)
			})
		}),
		text: `
			S: 220 mx.example
			= greeting: 220 mx.example
			C: EHLO me.example
			S: 250-mx.example
			S: 250 PIPELINING
			= hello: ok from mx.example
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 550 no
			S: 503 no
			S: 503 no
			= send: refused: MAIL: 550 no
			C: NOOP
			S: 250 ok
			= noop: 250 ok
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<c@mx.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: ho
			C: .
			S: 250 queued
			= next: accepted: 250 queued
			C: QUIT
			S: 221 bye
			= quit: 221 bye
			= closed: EOF
		`,
	})
}

// A callback that cancels its own message, or the next one, at any step.
func TestCallbackCancels(t *testing.T) { // F23
	play(t, conversation{
		begin: does(hello, func(s *session) {
			env := envelope("a@me.example", "b@mx.example")
			one := s.Send(env, protocol.BodyText("one\r\n"))
			two := s.Send(env, protocol.BodyText("two\r\n"))
			watch(s, "one mail", one.Mail()).OnReady(func(wire.Reply, error) { one.Cancel() })
			watch(s, "one rcpt", one.Rcpt(0))
			watch(s, "one", one.Result()).OnReady(func(protocol.Receipt, error) { two.Cancel() })
			watch(s, "two", two.Result())
		}, noop),
		text: opening() + `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			= one mail: 250 ok
			= one rcpt: canceled
			= one: not delivered: canceled
			= two: not delivered: canceled
			C: NOOP
			S: 250 ok
			= noop: 250 ok
		`,
	})
}

// A Fail from a callback takes effect behind the current reply: what that settles
// is settled by it.
func TestCallbackFails(t *testing.T) { // F2
	play(t, conversation{
		begin: does(hello, func(s *session) {
			d := s.Send(envelope("a@me.example", "b@mx.example", "c@mx.example"), protocol.BodyText("hi\r\n"))
			watchAll(s, "send", d, 2)
			d.Mail().OnReady(func(wire.Reply, error) {
				s.Fail(s.now, errors.New("enough"))
				s.Fail(s.now, errors.New("too late"))
				if s.Err() != nil {
					s.t.Errorf("%v: ended inside a reply", s.mode)
				}
			})
		}, noop),
		text: opening("PIPELINING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: DATA
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 354 go
			= send mail: 250 ok
			= send rcpt 0: connection lost before the reply to RCPT: enough
			= send rcpt 1: connection lost before the reply to RCPT: enough
			= send: not delivered: connection lost before the reply to RCPT: enough
			= noop: connection lost before the reply to RCPT: enough
			= closed: connection lost before the reply to RCPT: enough
		`,
	})
}

// What an Output would have lent, had a source not failed the connection meanwhile, has
// not left: a message in it is not delivered.
func TestCallbackFailsInsideOutput(t *testing.T) { // F2, C47
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
	m.send("one", protocol.BodyText("1\r\n"), "b@mx.example")
	m.send("two", &quitter{
		source: source{content: "01234", piece: 5, size: 5},
		cancel: func() bool { m.Fail(m.now, errors.New("enough")); return true },
	}, "b@mx.example")
	m.wrote("")
	const lost = "connection lost before the reply to MAIL: enough"
	m.wantLog("one mail: "+lost, "one rcpt: "+lost, "one: not delivered: "+lost, "two mail: "+lost, "two rcpt: "+lost, "two: not delivered: "+lost)
}

// A callback that panics takes no other callback with it: each future of the
// message settles.
func TestCallbackPanics(t *testing.T) { // F24, F3
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
	second := false
	d.Mail().OnReady(func(wire.Reply, error) { panic("mine") })
	d.Mail().OnReady(func(wire.Reply, error) { second = true })
	feed(c, "220 mx.example\r\n")
	feed(c, "250 mx.example\r\n")
	func() {
		defer func() {
			if got := recover(); got != "mine" {
				t.Errorf("panic %v", got)
			}
		}()
		c.Feed(start, []byte("550 no\r\n"))
	}()
	if !second {
		t.Error("the second callback did not run")
	}
}

// Wrote of more than was lent is a fault of the driver's.
func TestWroteTooMuch(t *testing.T) {
	for _, n := range []int64{-1, 6} {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		c.Feed(start, []byte("220 mx.example\r\n"))
		c.Output(start, nil, 5)
		wantPanic(t, "protocol: rule 3: Wrote past what was lent", func() { c.Wrote(start, n) })
	}
}
