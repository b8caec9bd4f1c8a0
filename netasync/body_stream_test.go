package netasync_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// upTo354 is the transaction of envelope() until content is asked for.
const upTo354 = `
	C: MAIL FROM:<a@me.example>
	S: 250 ok
	C: RCPT TO:<b@mx.example>
	S: 250 ok
	C: DATA
	S: 354 go
`

// Content comes as it is read, whatever its reader gives at a time, and more of it
// than is kept.
func TestBodyFrom(t *testing.T) { // P23
	line := "0123456789abcdefghijklmnopqrstuvwxyz\r\n"
	content := strings.Repeat(line, 5000)
	want := strings.Repeat("C: "+strings.TrimSpace(line)+"\n", 5000) + "C: .\nS: 250 queued\n"
	for name, r := range map[string]io.Reader{
		"all":           strings.NewReader(content),
		"with its end":  iotest.DataErrReader(strings.NewReader(content)),
		"half":          iotest.HalfReader(strings.NewReader(content)),
		"little":        little{strings.NewReader(content)},
		"behind a Peek": bufio.NewReaderSize(strings.NewReader(content), 100),
	} {
		t.Run(name, func(t *testing.T) {
			p := listen(t, nil, hello+upTo354+want+bye)
			c := dial(t, p.url(), me())
			if b, is := r.(*bufio.Reader); is {
				b.Peek(50)
			}
			body := netasync.BodyFrom(r, int64(len(content)))
			if receipt, err := c.Send(t.Context(), envelope(), body); err != nil || receipt.Outcome != protocol.Accepted {
				t.Errorf("got %+v, %v", receipt, err)
			}
			_, err := c.Send(t.Context(), envelope(), body)
			if err == nil || err.Error() != c.Host()+": not delivered: message content: the reader was used for an earlier transaction" {
				t.Errorf("used twice: %v", err)
			}
			quit(t, c)
		})
	}
}

// little is a reader that gives little at a time.
type little struct{ io.Reader }

func (l little) Read(p []byte) (int, error) { return l.Reader.Read(p[:min(len(p), 333)]) }

// A reader that waits holds nobody up: not the caller of anything else, nor the end of
// the message's context.
func TestBodyFromStalls(t *testing.T) {
	arrived := make(chan struct{})
	p := listen(t, func() { close(arrived) }, hello+upTo354+`
		C: one
		CALL
		HANG
	`)
	c := dial(t, p.url(), me())
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	d := c.SendAsync(envelope(), netasync.BodyFrom(r, -1))
	if _, err := w.Write([]byte("one\r\n")); err != nil {
		t.Fatal(err)
	}
	<-arrived
	// Nothing more comes now.
	if c.Extensions().Name() != "mx.example" {
		t.Error("no extensions")
	}
	cancel()
	receipt, err := c.Send(ctx, envelope(), body())
	if !errors.Is(err, context.Canceled) || receipt.Outcome != protocol.NotDelivered {
		t.Errorf("got %+v, %v", receipt, err)
	}
	c.Do(func(*protocol.Client) { d.Cancel() })
	if _, err := d.Result().Await(t.Context()); !errors.Is(err, protocol.ErrCanceled) {
		t.Errorf("got %v", err)
	}
	// The goroutine that reads ends with its next octets.
	if _, err := w.Write([]byte("two")); err != nil {
		t.Error(err)
	}
}

// A reader that fails, or has other octets than it said, gets no end of data.
func TestBodyFromFails(t *testing.T) { // P24, C31
	fault := errors.New("disk on fire")
	for _, test := range []struct {
		r    io.Reader
		size int64
		want string
	}{
		{io.MultiReader(strings.NewReader("line\r\n"), iotest.ErrReader(fault)), -1, "disk on fire"},
		{io.MultiReader(strings.NewReader("line\r\n"), iotest.ErrReader(io.ErrUnexpectedEOF)), -1, "unexpected EOF"},
		{strings.NewReader("line\r\n"), 7, "source yields 6 octets, but promised 7"},
		{strings.NewReader("line\r\n"), 5, "source yields 6 octets, but promised 5"},
		{idle{}, -1, "multiple Read calls return no data or error"},
	} {
		p := listen(t, nil, hello+upTo354+"HANG\n")
		c := dial(t, p.url(), me())
		receipt, err := c.Send(t.Context(), envelope(), netasync.BodyFrom(test.r, test.size))
		if err == nil || err.Error() != c.Host()+": not delivered: message content: "+test.want || receipt.Outcome != protocol.NotDelivered {
			t.Errorf("got %+v, %v", receipt, err)
		}
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// The machine itself can be given such a body too: it reads then.
func TestBodyFromOnTheMachine(t *testing.T) {
	p := listen(t, nil, hello+sending+bye)
	c := dial(t, p.url(), me())
	body := netasync.BodyFrom(strings.NewReader("hi\n"), 3)
	var d *protocol.Delivery
	c.Do(func(m *protocol.Client) { d = m.Send(envelope(), body) })
	if _, err := d.Result().Await(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := body.Open(); err == nil {
		t.Error("opened twice")
	}
	quit(t, c)
}
