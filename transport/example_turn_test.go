package transport_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/transport"
)

// handler is a connection of an event loop that calls its methods: onData with
// what came in, onTimer at the time it asked for. write and close stand for what
// the event loop offers.
type handler struct {
	turn  *transport.Turn
	core  protocol.Core
	write func(p []byte)
	close func(reason error)
}

func (h *handler) onData(now time.Time, p []byte) {
	h.turn.Feed(now, p)
	h.after(now)
}

func (h *handler) onTimer(now time.Time) {
	h.core.Tick(now)
	h.after(now)
}

// after follows every call of the core. This event loop buffers what it is told to
// write, so all of it counts as written.
func (h *handler) after(now time.Time) {
	h.turn.Flush(now, 64<<10, func(chunks []protocol.Chunk) (n int64, err error) {
		for _, c := range chunks {
			h.write(c.Bytes)
			n += int64(len(c.Bytes))
		}
		return n, nil
	})
	if err := h.core.Err(); err != nil {
		h.close(err)
	}
}

// A driver for an event loop that pushes its input is a few lines around a Turn.
func ExampleTurn() {
	now := time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	client, err := protocol.NewClient(now, protocol.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := &handler{
		turn:  transport.NewTurn(client),
		core:  client,
		write: func(p []byte) { fmt.Println("->", strings.TrimSpace(string(p))) },
		close: func(reason error) { fmt.Println("closed:", reason) },
	}
	client.Hello("me.example")
	client.Quit()

	h.onData(now, []byte("220 mx.exam"))
	h.onData(now, []byte("ple\r\n"))
	h.onData(now, []byte("250 mx.example\r\n"))
	h.onTimer(now.Add(time.Minute)) // nothing is due yet
	h.onData(now.Add(time.Minute), []byte("221 bye\r\n"))
	// Output:
	// -> EHLO me.example
	// -> QUIT
	// closed: EOF
}
