package protocol

import (
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// A client that is never idle, because its driver is always behind and a message is
// always in flight, holds no more than its window needs, however long it goes on.
func TestBusyClientIsBounded(t *testing.T) { // rule 11
	const messages = 5000
	for _, keyword := range []string{"CHUNKING", "HELP"} {
		now := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
		c, err := NewClient(now, ClientConfig{Window: Window{Messages: 8}})
		if err != nil {
			t.Fatal(err)
		}
		c.Hello("me.example")
		feed := func(s string) {
			t.Helper()
			if _, err := c.Feed(now, []byte(s)); err != nil {
				t.Fatal(err)
			}
		}
		// write writes what is offered up to the last octet but keep.
		write := func(keep int64) {
			n := -keep
			for _, chunk := range c.Output(now, nil, 1<<20) {
				n += int64(len(chunk.Bytes))
			}
			c.Wrote(now, max(n, 0))
		}
		feed("220 mx.example\r\n")
		write(0)
		feed("250-mx.example\r\n250-PIPELINING\r\n250 " + keyword + "\r\n")
		path, err := wire.ParsePath("b@" + strings.Repeat("x", 60) + ".example")
		if err != nil {
			t.Fatal(err)
		}
		env := Envelope{From: path, To: []wire.Recipient{{Path: path}, {Path: path}}}
		accepted := 0
		send := func() {
			c.Send(env, BodyText("a\n.b\n")).Result().OnReady(func(_ Receipt, err error) {
				if err != nil {
					t.Error(err)
				}
				accepted++
			})
		}
		for range 20 {
			send()
		}
		reply := "250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n250 reset\r\n"
		if keyword == "HELP" {
			write(0)
			feed("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")
			reply = "250 queued\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"
		}
		for range messages {
			send()
			write(1)
			feed(reply)
			m := c.mem
			if n := cap(m.awaited) + cap(m.segs) + cap(m.flight) + cap(m.queue); n > 1000 || cap(m.arena) > 2*maxPooled || cap(m.scratch) > 2*maxPooled {
				t.Fatalf("%s, behind %d messages: %d awaited, %d segments, %d in flight, %d queued, arena of %d, scratch of %d",
					keyword, accepted, cap(m.awaited), cap(m.segs), cap(m.flight), cap(m.queue), cap(m.arena), cap(m.scratch))
			}
		}
		if accepted != messages {
			t.Errorf("%s: %d accepted", keyword, accepted)
		}
	}
}

// Nor does the trace of one whose output always waits in part.
func TestBusyTraceIsBounded(t *testing.T) { // rule 11
	now := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	traced := 0
	c, err := NewClient(now, ClientConfig{Window: Window{Messages: 8}, Trace: func(e TraceEvent) {
		if e.Kind == TraceSent {
			traced++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	path, err := wire.ParsePath("b@mx.example")
	if err != nil {
		t.Fatal(err)
	}
	env := Envelope{From: path, To: []wire.Recipient{{Path: path}}}
	c.Hello("me.example")
	for range 20 {
		c.Send(env, BodyText("hi\r\n"))
	}
	write := func(keep int64) {
		c.Output(now, nil, int(c.out.planned-c.out.acked-keep))
		c.Wrote(now, c.out.lent-c.out.acked)
	}
	for i, reply := range []string{"220 mx.example\r\n", "250-mx.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n", "250 ok\r\n250 ok\r\n250 queued\r\n"} {
		if _, err := c.Feed(now, []byte(reply)); err != nil {
			t.Fatal(err)
		}
		write(int64(i / 2))
	}
	before := traced
	const messages = 1000
	for range messages {
		c.Send(env, BodyText("hi\r\n"))
		if _, err := c.Feed(now, []byte("250 reset\r\n250 ok\r\n250 ok\r\n250 queued\r\n")); err != nil {
			t.Fatal(err)
		}
		write(1)
		if cap(c.traces) > 200 {
			t.Fatalf("%d lines are kept", cap(c.traces))
		}
	}
	if traced -= before; traced != 4*messages {
		t.Errorf("%d lines traced", traced)
	}
}

// What a message that is given up had encoded makes room again.
func TestCanceledMessageLeavesNothingReserved(t *testing.T) { // rule 11
	now := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	c, err := NewClient(now, ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	path, err := wire.ParsePath("b@mx.example")
	if err != nil {
		t.Fatal(err)
	}
	env := Envelope{From: path, To: []wire.Recipient{{Path: path}}}
	c.Hello("me.example")
	c.Send(env, BodyText("hi\n"))
	two := c.Send(env, BodyText("hi\n"))
	c.Feed(now, []byte("220 mx.example\r\n"))
	c.Wrote(now, int64(len(c.Output(now, nil, 100)[0].Bytes)))
	c.Feed(now, []byte("250-mx.example\r\n250 PIPELINING\r\n"))
	c.Wrote(now, int64(len(c.Output(now, nil, 100)[0].Bytes)))
	c.Feed(now, []byte("250 ok\r\n250 ok\r\n354 go\r\n"))
	if two.phase != phaseEncoded || c.out.reserved != len("MAIL FROM:<b@mx.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n") {
		t.Fatalf("phase %d, %d reserved", two.phase, c.out.reserved)
	}
	if !two.Cancel() || c.out.reserved != 0 {
		t.Errorf("%d reserved", c.out.reserved)
	}
}
