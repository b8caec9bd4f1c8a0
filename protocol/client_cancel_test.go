package protocol_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

var cancelActs = map[string]func(*session){
	"cancel":         cancel("send", true),
	"cancel next":    cancel("next", true),
	"cancel in vain": cancel("send", false),
	"cancel result": func(s *session) {
		if !s.deliveries["send"].Result().Cancel() {
			s.t.Errorf("%v: the result was settled", s.mode)
		}
	},
}

// A queued message is taken back at once, and only that one.
func TestCancelQueued(t *testing.T) { // P16, F23
	play(t, conversation{
		begin: does(hello, send("one"), send("send"), send("two"), send("three"), cancel("send", true), cancel("send", false), func(s *session) {
			if s.Queued() != 4 {
				s.t.Errorf("%d queued", s.Queued())
			}
			s.deliveries["two"].Result().Cancel()
		}),
		text: `
			= send: not delivered: canceled
			= two: canceled
			S: 220 mx.example
			= greeting: 220 mx.example
			C: EHLO me.example
			S: 250 mx.example
			= hello: ok from mx.example
			C: MAIL FROM:<a@me.example>
			S: 550 no
			= one: refused: MAIL: 550 no
			C: RSET
			S: 250 reset
			C: MAIL FROM:<a@me.example>
			S: 550 no
			= three: refused: MAIL: 550 no
		`,
	})
}

// A message of which some was sent is given up behind the reply that is due, and
// RSET clears it away. The connection lives, and the outcome is "not delivered".
func TestCancelLockStep(t *testing.T) { // F4, F23
	const next = `
			C: RSET
			S: 250 reset
			C: MAIL FROM:<a@me.example>
			S: 550 no
			= next: refused: MAIL: 550 no`
	for name, text := range map[string]string{
		"at MAIL": `
			C: MAIL FROM:<a@me.example>
			! cancel
			! cancel
			S: 250 ok
			= send: not delivered: canceled` + next,
		"at MAIL, refused": `
			C: MAIL FROM:<a@me.example>
			! cancel
			S: 550 no
			= send: refused: MAIL: 550 no` + next,
		"at the first RCPT": `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			! cancel
			S: 250 ok
			= send: not delivered: canceled` + next,
		"at the last RCPT": `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: RCPT TO:<c@mx.example>
			! cancel
			S: 250 ok
			= send: not delivered: canceled` + next,
		"at DATA, refused": `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: RCPT TO:<c@mx.example>
			S: 250 ok
			C: DATA
			! cancel
			S: 451 later
			= send: refused: DATA: 451 later (want 354)` + next,
		"at RSET": `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 550 no
			C: RCPT TO:<c@mx.example>
			S: 550 no
			= send: refused: RCPT <b@mx.example>: 550 no; 2 recipients refused in all
			C: RSET
			! cancel next
			S: 250 reset
			= next: not delivered: canceled
			EOF
			= closed: EOF`,
		"by its result": `
			C: MAIL FROM:<a@me.example>
			! cancel result
			= send: canceled
			S: 250 ok` + next,
	} {
		t.Run(name, func(t *testing.T) {
			play(t, conversation{
				begin: does(hello, sendTo("send", "hi\r\n", "b@mx.example", "c@mx.example"), send("next")),
				acts:  cancelActs,
				text:  opening() + text,
			})
		})
	}
}

// Where the server takes content already, or is about to, only the end of the
// connection keeps half a message from being delivered. Behind the end of data it
// is too late.
func TestCancelPipelined(t *testing.T) { // F23, C52
	const (
		group = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA`
		next = `
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 250 reset
			S: 550 no
			S: 503 no
			S: 503 no
			= next: refused: MAIL: 550 no`
	)
	// An end of data cleared the transaction: no RSET (F4).
	cleared := strings.NewReplacer("C: RSET\n", "", "S: 250 reset\n", "").Replace(next)
	for name, text := range map[string]string{
		"354 on its way": group + `
			! cancel
			S: 250 ok
			S: 250 ok
			S: 354 go
			= send: not delivered: canceled
			= next: not delivered: the connection was given up in the middle of a message
			= closed: the connection was given up in the middle of a message`,
		"DATA refused": group + `
			! cancel
			S: 250 ok
			S: 250 ok
			S: 451 later
			= send: refused: DATA: 451 later (want 354)` + next,
		"nobody accepted": group + `
			! cancel
			S: 250 ok
			S: 550 who
			S: 554 nobody
			= send: refused: RCPT <b@mx.example>: 550 who` + next,
		"nobody there for the content": group + `
			! cancel
			S: 250 ok
			S: 550 who
			S: 354 go
			C: .
			S: 554 nobody
			= send: refused: RCPT <b@mx.example>: 550 who` + cleared,
		"the connection is lost": group + `
			! cancel
			EOF
			= send: not delivered: connection lost before the reply to MAIL: unexpected EOF
			= next: not delivered: connection lost before the reply to MAIL: unexpected EOF
			= closed: connection lost before the reply to MAIL: unexpected EOF`,
		"too late": group + `
			S: 250 ok
			S: 250 ok
			S: 354 go
			C: hi
			C: .` + group + `
			! cancel in vain
			S: 554 spam
			= send: refused: end of data: 554 spam` + strings.Replace(cleared, group[1:], "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			play(t, conversation{begin: does(hello, send("send"), send("next")), acts: cancelActs, text: opening("PIPELINING") + text})
		})
	}
}

// inContent returns a client that has been asked for content of so many octets
// of x, and the message.
func inContent(t *testing.T, n int) (*protocol.Client, *protocol.Delivery) {
	t.Helper()
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText(strings.Repeat("x", n)))
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	c.Feed(start, []byte("250 ok\r\n250 ok\r\n354 go\r\n"))
	return c, d
}

// Cancelled at any octet of the content, the message was not delivered, and the
// connection ends without a dot; once the last octet of the end of data was lent
// it cannot be cancelled any more.
func TestCancelAtEveryOctetOfContent(t *testing.T) { // F23, F11
	const n, all = 10, 10 + len("\r\n.\r\n")
	for lent := range all + 1 {
		c, d := inContent(t, n)
		if lent > 0 {
			c.Output(start, nil, lent)
		}
		got := d.Cancel()
		receipt, err, ok := d.Result().Result()
		if lent == all {
			if got || ok || c.Err() != nil {
				t.Errorf("behind the end of data: Cancel %v, settled %v, %v", got, ok, c.Err())
			}
			continue
		}
		if !got || !ok || !errors.Is(err, protocol.ErrCanceled) || asError[*protocol.DeliveryError](t, err).Receipt.Outcome != protocol.NotDelivered {
			t.Errorf("at octet %d: Cancel %v, %+v, %v", lent, got, receipt, err)
		}
		if c.Err() == nil || len(c.Output(start, nil, 100)) != 0 {
			t.Errorf("at octet %d: still open", lent)
		}
	}
}

// A source may give its own message up when it is asked for more: the connection
// ends once it has answered.
func TestCancelFromSource(t *testing.T) { // F23
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	var d *protocol.Delivery
	quitter := &quitter{source: source{content: "0123456789", piece: 5, size: -1}, cancel: func() bool { return d.Cancel() }}
	d = c.Send(envelope("a@me.example", "b@mx.example"), quitter)
	next := c.Do(protocol.Command{Verb: "NOOP"})
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	if out := feed(c, "250 ok\r\n250 ok\r\n354 go\r\n"); strings.Contains(out, "\n") {
		t.Errorf("wrote %q", out)
	}
	if _, err := resultOf(t, d); err == nil || err.Error() != "not delivered: canceled" {
		t.Error(err)
	}
	if _, err, _ := next.Result(); err != protocol.ErrAborted || c.Err() != protocol.ErrAborted {
		t.Error(err, c.Err())
	}
	if quitter.released != 1 {
		t.Errorf("released %d times", quitter.released)
	}
}

// quitter is a source that cancels its message when half of it is gone.
type quitter struct {
	source
	cancel func() bool
}

func (q *quitter) Open() (protocol.BodyReader, error) {
	_, err := q.source.Open()
	return q, err
}

func (q *quitter) Next(max int) (protocol.Chunk, error) {
	if len(q.rest) == 5 {
		q.cancel()
	}
	return q.source.Next(max)
}

// A message may be given up while its body is asked what it holds, or opened: nothing is
// written of it, its source is released, and it does not count.
func TestCancelFromBody(t *testing.T) { // F23, F3
	for _, offer := range []string{"8BITMIME", "PIPELINING", "CHUNKING"} {
		for _, from := range []string{"Size", "Open"} {
			m := greeted(t, protocol.ClientConfig{Disable: wire.EightBitMIME}, "LIMITS MAILMAX=2", "PIPELINING", offer)
			if offer == "8BITMIME" {
				m = greeted(t, protocol.ClientConfig{Disable: wire.EightBitMIME}, "LIMITS MAILMAX=2", offer)
			}
			var d *protocol.Delivery
			b := &asked{source: source{content: "0123456789", piece: 5, size: 10}}
			b.act = func(during string) {
				if during == from && !d.Result().Settled() && !d.Cancel() {
					t.Errorf("%s, %s: cannot be cancelled", offer, from)
				}
			}
			noop := m.Do(protocol.Command{Verb: "NOOP"}) // it keeps the message from its turn
			d = m.send("one", b, "b@mx.example")
			next := m.Send(envelope("a@me.example", "c@mx.example"), protocol.BodyText("hi\r\n"))
			last := m.Send(envelope("a@me.example", "d@mx.example"), protocol.BodyText("ho\r\n"))
			m.wrote("NOOP\r\n")
			m.feed("250 ok\r\n")
			m.wantLog("one mail: canceled", "one rcpt: canceled", "one: not delivered: canceled")
			if out := m.take(1 << 20); !strings.HasPrefix(out, "MAIL FROM:<a@me.example>\r\n") || strings.Contains(out, "<b@mx") {
				t.Errorf("%s, %s: wrote %q", offer, from, out)
			}
			if b.opened != b.released || !noop.Settled() || next.Result().Settled() || last.Result().Settled() {
				t.Errorf("%s, %s: opened %d times, released %d times", offer, from, b.opened, b.released)
			}
		}
	}
}

// What is cancelled from there may be another message, and those behind that one are
// planned anew: all the same they stay in order.
func TestCancelAnotherFromBody(t *testing.T) { // F23, F8
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
	noop := m.Do(protocol.Command{Verb: "NOOP"})
	one := m.send("one", protocol.BodyText("1\r\n"), "b@mx.example")
	m.send("two", protocol.BodyText("2\r\n"), "b@mx.example")
	b := &asked{source: source{content: "3\r\n", piece: 3, size: 3}}
	b.act = func(during string) {
		if during == "Open" && !one.Cancel() {
			t.Error("cannot be cancelled")
		}
	}
	m.send("three", b, "b@mx.example")
	m.wrote("NOOP\r\n")
	m.feed("250 ok\r\n")
	m.wrote(chunkGroup + "BDAT 3 LAST\r\n2\r\nRSET\r\n" + chunkGroup + "BDAT 3 LAST\r\n3\r\n")
	m.feed("250 ok\r\n250 ok\r\n250 queued\r\n250 reset\r\n250 ok\r\n250 ok\r\n250 queued\r\n")
	m.wantLog("one mail: canceled", "one rcpt: canceled", "one: not delivered: canceled", "two mail", "two rcpt", "two", "three mail", "three rcpt", "three")
	if !noop.Settled() || b.opened != 1 || b.released != 1 {
		t.Errorf("opened %d times, released %d times", b.opened, b.released)
	}
}

// Its size may be asked for while others are under way, to see if it may begin. If it
// gives up itself then, and one of those, what goes back to the queue for that stays.
func TestCancelTwoFromSize(t *testing.T) { // F2, F23
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
	one := m.send("one", protocol.BodyText("1\r\n"), "b@mx.example")
	m.send("two", protocol.BodyText("2\r\n"), "b@mx.example")
	var three *protocol.Delivery
	b := &asked{source: source{content: "3\r\n", piece: 3, size: 3}}
	b.act = func(string) {
		if !three.Result().Settled() && !(one.Cancel() && three.Cancel()) {
			t.Error("cannot be cancelled")
		}
	}
	one.Mail().OnReady(func(wire.Reply, error) { three = m.send("three", b, "b@mx.example") })
	m.lend(len(chunkGroup))
	m.Wrote(m.now, int64(len(chunkGroup)))
	m.feed("250 ok\r\n")
	m.wrote("RSET\r\n" + chunkGroup + "BDAT 3 LAST\r\n2\r\n")
	m.feed("250 ok\r\n250 reset\r\n250 ok\r\n250 ok\r\n250 queued\r\n")
	m.wantLog("one mail", "three mail: canceled", "three rcpt: canceled", "three: not delivered: canceled",
		"one rcpt", "one: not delivered: canceled", "two mail", "two rcpt", "two")
}

// asked is a source with an ear for what is asked of its Body.
type asked struct {
	source
	act func(during string)
}

func (a *asked) Size() int64 {
	a.act("Size")
	return a.source.Size()
}

func (a *asked) Open() (protocol.BodyReader, error) {
	r, err := a.source.Open()
	a.act("Open")
	return r, err
}

// What was planned but not lent at all is taken back as if it had never been
// added, and what is behind it moves up.
func TestCancelBeforeAnythingWasLent(t *testing.T) { // F23
	for _, keyword := range []string{"PIPELINING", "8BITMIME"} {
		c := newClient(t, protocol.ClientConfig{Disable: wire.EightBitMIME})
		c.Hello("me.example")
		one := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("one"))
		two := c.Send(envelope("a@me.example", "c@mx.example"), protocol.BodyText("two"))
		feed(c, "220 mx.example\r\n")
		c.Feed(start, []byte("250-mx.example\r\n250 "+keyword+"\r\n"))
		if !c.Busy() || c.Queued() != 1 {
			t.Fatalf("busy %v, %d queued", c.Busy(), c.Queued())
		}
		if !one.Cancel() {
			t.Error("cannot be taken back")
		}
		if _, err := resultOf(t, one); err == nil || err.Error() != "not delivered: canceled" {
			t.Error(err)
		}
		if got, want := joined(c.Output(start, nil, 26)), "MAIL FROM:<a@me.example>\r\n"; got != want {
			t.Errorf("lent %q", got)
		}
		if _, _, ok := two.Result().Result(); ok || !c.Busy() || c.Queued() != 0 {
			t.Error("the second message is not under way")
		}
	}
}

// Cancelling the future of one step gives up that future alone.
func TestCancelOneStep(t *testing.T) { // F23
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi\r\n"))
	if !d.Mail().Cancel() || !d.Rcpt(0).Cancel() {
		t.Error("cannot be cancelled")
	}
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	feed(c, "250 ok\r\n250 ok\r\n354 go\r\n")
	feed(c, "250 queued\r\n")
	if receipt, err := resultOf(t, d); err != nil || receipt.Outcome != protocol.Accepted || c.Err() != nil {
		t.Errorf("%+v, %v, %v", receipt, err, c.Err())
	}
}
