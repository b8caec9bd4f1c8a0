package protocol_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/transport"
)

// deaf is a server that reads nothing while it has something to write, and has a lot
// to write: each of its replies fills a line.
type deaf struct {
	out      []byte
	in       []byte
	content  bool
	messages int
	err      error
}

func (d *deaf) say(text string) {
	d.out = fmt.Appendf(d.out, "%s %s\r\n", text, strings.Repeat("x", 500))
}

func (d *deaf) Feed(_ time.Time, p []byte) (n int, err error) {
	for n < len(p) && len(d.out) == 0 {
		d.in = append(d.in, p[n])
		n++
		if line, whole := bytes.CutSuffix(d.in, []byte("\r\n")); whole {
			d.line(string(line))
			d.in = d.in[:0]
		}
	}
	return n, d.err
}

func (d *deaf) line(line string) {
	switch {
	case d.content && line != ".":
	case d.content:
		d.content = false
		d.messages++
		d.say("250")
	case line == "EHLO me.example":
		d.out = append(d.out, "250-mx.example\r\n250 PIPELINING\r\n"...)
	case line == "DATA":
		d.content = true
		d.say("354")
	case line == "QUIT":
		d.say("221")
		d.err = io.EOF
	default:
		d.say("250")
	}
}

func (d *deaf) Output(_ time.Time, dst []protocol.Chunk, max int) []protocol.Chunk {
	if n := min(max, len(d.out)); n > 0 {
		dst = append(dst, protocol.Chunk{Bytes: d.out[:n:n]})
	}
	return dst
}

func (d *deaf) Wrote(_ time.Time, n int64)                   { d.out = d.out[n:] }
func (d *deaf) FeedEOF(time.Time)                            { d.err = io.EOF }
func (d *deaf) Fail(_ time.Time, err error)                  { d.err = err }
func (d *deaf) WriteFailed(_ time.Time, err error)           { d.err = err }
func (d *deaf) WantRead() bool                               { return len(d.out) == 0 && d.err == nil }
func (d *deaf) Deadline() time.Time                          { return time.Time{} }
func (d *deaf) Tick(time.Time)                               {}
func (d *deaf) Upgrade() *protocol.Upgrade                   { return nil }
func (d *deaf) Upgraded(time.Time, protocol.TLSState, error) {}
func (d *deaf) Err() error                                   { return d.err }

// A group that does not fit into the link, against a server that does not read while
// it writes: only a client that reads while it writes comes to an end. Both buffers
// are full most of the time here.
func TestHazardBothWrite(t *testing.T) { // H-R41, C53
	for _, window := range []int{1, 64, 600, 5000} {
		server := &deaf{}
		server.say("220")
		client, err := protocol.NewClient(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), protocol.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		client.Hello("me.example")
		env := envelope("a@me.example")
		for i := range 300 {
			env.To = append(env.To, wire.Recipient{Path: path(fmt.Sprintf("u%d@mx.example", i))})
		}
		var deliveries []*protocol.Delivery
		for range 2 {
			deliveries = append(deliveries, client.Send(env, protocol.BodyText(strings.Repeat("line\r\n", 5000))))
		}
		client.Quit()
		way := transport.Way{Window: window}
		link := transport.NewPipe(client, server, transport.PipeOptions{Latency: time.Millisecond, AtoB: way, BtoA: way, MaxSteps: 10_000})
		if err := link.Run(10_000_000); err != nil {
			t.Fatalf("window %d: %v", window, err)
		}
		if !errors.Is(client.Err(), io.EOF) || server.messages != 2 {
			t.Fatalf("window %d: %v: client %v, %d messages", window, link, client.Err(), server.messages)
		}
		for _, d := range deliveries {
			if receipt, err := resultOf(t, d); err != nil || receipt.Outcome != protocol.Accepted {
				t.Errorf("window %d: %v, %v", window, receipt.Outcome, err)
			}
		}
	}
}
