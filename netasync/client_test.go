package netasync_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestSend(t *testing.T) {
	p := listen(t, nil, hello+sending+bye)
	c := dial(t, p.url(), me())
	receipt, err := c.Send(t.Context(), envelope(), body())
	if err != nil || receipt.Outcome != protocol.Accepted || receipt.Reply.Text != "queued" {
		t.Errorf("got %+v, %v", receipt, err)
	}
	if name := c.Extensions().Name(); name != "mx.example" {
		t.Errorf("got %q", name)
	}
	if c.TLS().Active() || c.Err() != nil {
		t.Errorf("got %+v, %v", c.TLS(), c.Err())
	}
	quit(t, c)
	<-c.Done()
	if c.Err() != nil {
		t.Error(c.Err())
	}
	// Behind the end nothing works any more, and nothing hangs. F2
	_, err = c.Send(t.Context(), envelope(), body())
	if !errors.Is(err, protocol.ErrClosed) || netasync.KindOf(err) != netasync.KindConnection {
		t.Errorf("got %v", err)
	}
	if err := c.Quit(t.Context()); !errors.Is(err, protocol.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// The error says where, and the Receipt comes beside it.
func TestSendRefused(t *testing.T) {
	p := listen(t, nil, hello+`
		C: MAIL FROM:<a@me.example>
		S: 250 ok
		C: RCPT TO:<b@mx.example>
		S: 550 no such user
	`+bye)
	c := dial(t, p.url(), me())
	receipt, err := c.Send(t.Context(), envelope(), body())
	if receipt.Outcome != protocol.Refused || receipt.Recipients[0].Reply.Code != 550 {
		t.Errorf("got %+v", receipt)
	}
	if got, want := err.Error(), c.Host()+": refused: RCPT <b@mx.example>: 550 no such user"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	host := err.(*netasync.HostError)
	if host.Step != netasync.StepSend || host.Temporary() || host.Timeout() || netasync.KindOf(err) != netasync.KindReply {
		t.Errorf("got %+v", host)
	}
	quit(t, c)
}

// PIPELINING: the greeting, EHLO, one group, the content, QUIT. What is sent and
// received is counted octet by octet.
func TestStats(t *testing.T) {
	script := `
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
		C: hi
		C: .
		S: 250 queued
		C: QUIT
		S: 221 bye
	`
	p := listen(t, nil, script)
	c := dial(t, p.url(), me())
	if s := c.Stats(); s.RoundTrips != 2 || s.Connect <= 0 {
		t.Errorf("after EHLO: %+v", s)
	}
	if _, err := c.Send(t.Context(), envelope(), body()); err != nil {
		t.Error(err)
	}
	quit(t, c)
	var want netasync.Stats
	for line := range strings.Lines(script) {
		verb, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "C:":
			want.Sent += int64(len(text) + 2)
		case "S:":
			want.Received += int64(len(text) + 2)
		}
	}
	want.RoundTrips = 5
	got := c.Stats()
	if got.Connect = 0; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// As many messages as the window holds go out before the first verdict.
func TestSendWindow(t *testing.T) {
	const (
		first = `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: BDAT 4 LAST
			C: hi
		`
		verdict = `
			S: 250 ok
			S: 250 ok
			S: 250 queued
		`
		next = "C: RSET\n" + first // what stands before it is not decided
	)
	for _, row := range []struct {
		messages int
		script   string
		trips    int // with greeting, EHLO and QUIT
	}{
		{0, first + next + next + verdict + "S: 250 ok" + verdict + "S: 250 ok" + verdict, 4},
		{2, first + next + verdict + next + "S: 250 ok" + verdict + "S: 250 ok" + verdict, 5},
		{1, first + verdict + first + verdict + first + verdict, 6},
	} {
		p := listen(t, nil, `
			S: 220 mx.example
			C: EHLO me.example
			S: 250-mx.example
			S: 250-PIPELINING
			S: 250 CHUNKING
		`+row.script+bye)
		cfg := me()
		cfg.Window.Messages = row.messages
		c := dial(t, p.url(), cfg)
		var deliveries []*protocol.Delivery
		c.Do(func(machine *protocol.Client) {
			for range 3 {
				deliveries = append(deliveries, machine.Send(envelope(), body()))
			}
		})
		for _, d := range deliveries {
			if receipt, err := d.Result().Await(t.Context()); err != nil || receipt.Outcome != protocol.Accepted {
				t.Errorf("window of %d: got %+v, %v", row.messages, receipt, err)
			}
		}
		quit(t, c)
		if s := c.Stats(); s.RoundTrips != row.trips {
			t.Errorf("window of %d: %d round trips, want %d", row.messages, s.RoundTrips, row.trips)
		}
	}
}

// Many goroutines may send on one Client; each gets the verdict on its own message.
// P16, P38.
func TestSendFromManyGoroutines(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var server sync.WaitGroup
	server.Go(func() {
		conn, err := ln.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		echo(conn)
	})
	c := dial(t, "smtp://"+ln.Addr().String(), me())
	const senders, each = 16, 25
	var group sync.WaitGroup
	for i := range senders {
		group.Go(func() {
			for j := range each {
				text := fmt.Sprintf("message %d of %d", j, i)
				receipt, err := c.Send(t.Context(), envelope(), protocol.BodyText(text))
				if err != nil || receipt.Reply.Text != text {
					t.Errorf("%s: got %q, %v", text, receipt.Reply.Text, err)
				}
				c.Stats()
				c.TLS()
			}
		})
	}
	group.Wait()
	quit(t, c)
	server.Wait()
}

// echo is a server whose verdict on a message repeats its first line. It answers a
// group of commands with one write.
func echo(conn net.Conn) {
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	say := func(line string) { w.WriteString(line + "\r\n") }
	say("220 mx.example")
	first, content := "", false
	for {
		if r.Buffered() == 0 {
			w.Flush()
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\r\n")
		switch {
		case content && line != ".":
			if first == "" {
				first = line
			}
		case content:
			say("250 " + first)
			first, content = "", false
		case strings.HasPrefix(line, "EHLO"):
			say("250-mx.example\r\n250 PIPELINING")
		case line == "DATA":
			content = true
			say("354 go")
		case line == "QUIT":
			say("221 bye")
			w.Flush()
			return
		default:
			say("250 ok")
		}
	}
}

// The end of the context gives a message up: what is known of it then depends on
// how far it was. F23
func TestSendCanceled(t *testing.T) {
	const mail = "C: MAIL FROM:<a@me.example>\n"
	const data = mail + "S: 250 ok\nC: RCPT TO:<b@mx.example>\nS: 250 ok\nC: DATA\nS: 354 go\n"
	for _, row := range []struct {
		name, script string
		want         protocol.Outcome
		err          string
	}{
		{"in MAIL", mail + "CALL\nHANG", protocol.NotDelivered, "not delivered: enough"},
		{"behind the end of data", data + "C: hi\nC: .\nCALL\nHANG", protocol.Unknown, "outcome unknown, a retry may duplicate: enough"},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			p := listen(t, func() { cancel(errors.New("enough")) }, hello+row.script)
			c := dial(t, p.url(), me())
			receipt, err := c.Send(ctx, envelope(), body())
			if receipt.Outcome != row.want || len(receipt.Recipients) != 1 || receipt.Recipients[0].Outcome != row.want {
				t.Errorf("got %+v", receipt)
			}
			if err == nil || err.Error() != c.Host()+": "+row.err || netasync.KindOf(err) != netasync.KindCanceled {
				t.Errorf("got %v", err)
			}
			c.Close()
			if host, ok := errors.AsType[*netasync.HostError](c.Err()); !ok || host.Step != netasync.StepSession {
				t.Errorf("got %v", c.Err())
			}
		})
	}
}

// What was said of a recipient before stays true.
func TestSendCanceledKeepsReplies(t *testing.T) { // F6, F23
	for _, row := range []struct {
		sent string
		want protocol.Outcome
	}{
		{"CALL\nHANG", protocol.NotDelivered},
		{"C: DATA\nS: 354 go\nC: hi\nC: .\nCALL\nHANG", protocol.Unknown},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		p := listen(t, func() { cancel(errors.New("enough")) }, hello+`
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<no@mx.example>
			S: 550 who
			C: RCPT TO:<b@mx.example>
		`+strings.Replace(row.sent, "C: DATA", "S: 250 ok\nC: DATA", 1))
		c := dial(t, p.url(), me())
		receipt, err := c.Send(ctx, envelope("no@mx.example", "b@mx.example"), body())
		if receipt.Outcome != row.want || len(receipt.Recipients) != 2 || receipt.Recipients[1].Outcome != row.want {
			t.Errorf("got %+v, %v", receipt, err)
		} else if first := receipt.Recipients[0]; first.Outcome != protocol.Refused || first.Reply.Code != 550 {
			t.Errorf("got %+v, %v", receipt, err)
		}
		c.Close()
	}
}

// A message that was refused on this side, and waits only to settle in its turn, is not
// one whose fate nobody knows.
func TestSendCanceledWhenRejected(t *testing.T) { // F2, F23
	release := make(chan struct{})
	p := listen(t, func() { <-release }, `
		S: 220 mx.example
		C: EHLO me.example
		S: 250-mx.example
		S: 250-PIPELINING
		S: 250 CHUNKING
		C: MAIL FROM:<a@me.example>
		C: RCPT TO:<b@mx.example>
		C: BDAT 4 LAST
		C: hi
		CALL
		S: 250 ok
		S: 250 ok
		S: 250 queued
	`+bye)
	c := dial(t, p.url(), me())
	first := c.SendAsync(envelope(), protocol.BodyText("hi\r\n"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	receipt, err := c.Send(ctx, envelope(), protocol.BodyText("\xfc\r\n"))
	if receipt.Outcome != protocol.NotDelivered || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", receipt, err)
	}
	close(release)
	if _, err := first.Result().Await(t.Context()); err != nil {
		t.Error(err)
	}
	quit(t, c)
}

// In mid-content it ends the connection, without an end of data.
func TestSendCanceledInContent(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p := listen(t, func() { cancel(errors.New("enough")) }, hello+
		"C: MAIL FROM:<a@me.example>\nS: 250 ok\nC: RCPT TO:<b@mx.example>\nS: 250 ok\nC: DATA\nS: 354 go\nREAD\nCALL\n")
	c := dial(t, p.url(), me())
	// More than any socket takes before the server reads on.
	receipt, err := c.Send(ctx, envelope(), protocol.BodyFrom(endless{}, -1))
	if receipt.Outcome != protocol.NotDelivered {
		t.Errorf("got %+v, %v", receipt, err)
	}
	<-c.Done()
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "0123456789abcde\n"[i%16]
	}
	return len(p), nil
}

// A message that waits its turn is taken back, and the session goes on.
func TestSendCanceledInQueue(t *testing.T) {
	release := make(chan struct{})
	p := listen(t, func() { <-release }, hello+`
		C: MAIL FROM:<a@me.example>
		CALL
		S: 250 ok
		C: RCPT TO:<b@mx.example>
		S: 250 ok
		C: DATA
		S: 354 go
		C: hi
		C: .
		S: 250 queued
	`+bye)
	c := dial(t, p.url(), me())
	first := c.SendAsync(envelope(), body())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	receipt, err := c.Send(ctx, envelope("never@mx.example"), body())
	if receipt.Outcome != protocol.NotDelivered || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", receipt, err)
	}
	close(release)
	if _, err := first.Result().Await(t.Context()); err != nil {
		t.Error(err)
	}
	quit(t, c)
}

// A verdict that is there beats a context that has ended.
func TestSendVerdictBeatsContext(t *testing.T) {
	p := listen(t, nil, hello+bye)
	c := dial(t, p.url(), me())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Send(ctx, envelope(""), body())
	if got, want := err.Error(), c.Host()+": not delivered: To[0]: null path"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	quit(t, c)
}

// Everything else of the machine is there too.
func TestDo(t *testing.T) {
	p := listen(t, nil, hello+"C: NOOP\nS: 250 here\n"+sending+bye)
	c := dial(t, p.url(), me())
	var noop *future.Future[wire.Reply]
	c.Do(func(machine *protocol.Client) { noop = machine.Do(protocol.Command{Verb: "NOOP"}) })
	if r, err := noop.Await(t.Context()); err != nil || r.Text != "here" {
		t.Errorf("got %v, %v", r, err)
	}
	d := c.SendAsync(envelope(), body())
	var steps []string
	c.Do(func(*protocol.Client) {
		d.Mail().OnReady(func(r wire.Reply, err error) { steps = append(steps, "mail") })
		d.Rcpt(0).OnReady(func(r wire.Reply, err error) { steps = append(steps, "rcpt") })
	})
	if _, err := d.Result().Await(t.Context()); err != nil {
		t.Error(err)
	}
	c.Do(func(*protocol.Client) {
		if got := strings.Join(steps, " "); got != "mail rcpt" {
			t.Errorf("got %q", got)
		}
	})
	quit(t, c)
}

// A 421 between two messages ends the session, and says so.
func TestServerLeaves(t *testing.T) {
	p := listen(t, nil, hello+"S: 421 restart\n")
	c := dial(t, p.url(), me())
	<-c.Done()
	if got, want := c.Err().Error(), c.Host()+": connection: 421 restart"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if host := c.Err().(*netasync.HostError); !host.Temporary() {
		t.Error("not temporary")
	}
}

// Quit does not wait longer than its context.
func TestQuitCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := listen(t, cancel, hello+"C: QUIT\nCALL\nHANG")
	c := dial(t, p.url(), me())
	err := c.Quit(ctx)
	if host, ok := errors.AsType[*netasync.HostError](err); !ok || host.Step != netasync.StepQuit || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-c.Done()
}

// Close ends what is under way, and may come twice.
func TestClose(t *testing.T) {
	asked := make(chan struct{})
	p := listen(t, func() { close(asked) }, hello+"C: MAIL FROM:<a@me.example>\nCALL\nHANG")
	c := dial(t, p.url(), me())
	d := c.SendAsync(envelope(), body())
	<-asked
	c.Close()
	c.Close()
	_, err := d.Result().Await(t.Context())
	if delivery, ok := errors.AsType[*protocol.DeliveryError](err); !ok || delivery.Receipt.Outcome != protocol.NotDelivered || !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// A 552 and a close in the middle of the content: the 552 is what is reported, and
// not the pipe that breaks. H-R41
func TestRefusedInMidContent(t *testing.T) {
	p := listen(t, nil, hello+"C: MAIL FROM:<a@me.example>\nS: 250 ok\nC: RCPT TO:<b@mx.example>\nS: 250 ok\nC: DATA\nS: 354 go\nREAD\nS: 552 too big\n")
	c := dial(t, p.url(), me())
	receipt, err := c.Send(t.Context(), envelope(), protocol.BodyFrom(io.LimitReader(endless{}, 12<<20), -1))
	if receipt.Outcome != protocol.Refused || receipt.Reply.Code != 552 {
		t.Errorf("got %+v, %v", receipt, err)
	}
	if got, want := err.Error(), c.Host()+": refused: end of data: 552 too big"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The server's silence has a limit at each step, here at MAIL.
func TestSendTimeout(t *testing.T) {
	cfg := me()
	cfg.Timeouts.Mail = time.Millisecond
	p := listen(t, nil, hello+"C: MAIL FROM:<a@me.example>\nHANG")
	c := dial(t, p.url(), cfg)
	_, err := c.Send(t.Context(), envelope(), body())
	if got, want := err.Error(), c.Host()+": not delivered: timeout: no reply to MAIL within 1ms"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if host := err.(*netasync.HostError); !host.Timeout() || !host.Temporary() {
		t.Errorf("got %+v", host)
	}
}
