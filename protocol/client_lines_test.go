package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// Lines in, bytes out: a loop that splits its input itself gets the same session as
// one that feeds it whole.
func TestFeedLine(t *testing.T) { // P1
	const input = "220 mx.example\r\n250-mx.example\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n221 bye\r\n"
	begin := func() (*protocol.Client, *protocol.Delivery) {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
		c.Quit()
		return c, d
	}
	whole, _ := begin()
	want := ""
	for flight := range strings.Lines(input) {
		want += feed(whole, flight)
	}
	byLine, d := begin()
	got := ""
	for line := range strings.Lines(input) {
		if err := byLine.FeedLine(start, strings.TrimSuffix(line, "\r\n")); err != nil && byLine.Err() != whole.Err() {
			t.Fatal(err)
		}
		got += flush(byLine)
	}
	if got != want || !strings.HasSuffix(got, "hi\r\n.\r\nQUIT\r\n") {
		t.Errorf("wrote %q, want %q", got, want)
	}
	if receipt, err := resultOf(t, d); err != nil || receipt.Outcome != protocol.Accepted {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// Whoever runs the loop can wait for a future: until it settles, another turn.
func TestWaitByRunningTheLoop(t *testing.T) { // P17
	c := newClient(t, protocol.ClientConfig{})
	f := c.Hello("me.example")
	flights := []string{"220 mx.", "example\r\n", "250-mx.example\r\n", "250 SIZE\r\n", "never fed"}
	for _, _, settled := f.Result(); !settled; _, _, settled = f.Result() {
		feed(c, flights[0])
		flights = flights[1:]
	}
	if ext, err, _ := f.Result(); err != nil || !ext.Has("SIZE") || len(flights) != 1 {
		t.Errorf("%v, %v, %q left", ext, err, flights)
	}
}
