package protocol_test

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// drive runs a Core over a connection that blocks, which is all that a driver is:
// what Output lends is written, what is read goes to Feed, and when Deadline is
// reached Tick is called. This conn knows no time: one that does would take
// core.Deadline before it reads, and call core.Tick where that passes.
func drive(core protocol.Core, conn io.ReadWriter, now func() time.Time) error {
	var chunks []protocol.Chunk
	buf, input := make([]byte, 4096), []byte(nil)
	for {
		for chunks = core.Output(now(), chunks[:0], 64<<10); len(chunks) > 0; chunks = core.Output(now(), chunks[:0], 64<<10) {
			for _, chunk := range chunks {
				n, err := conn.Write(chunk.Bytes)
				core.Wrote(now(), int64(n))
				if err != nil {
					core.WriteFailed(now(), err)
					break
				}
			}
		}
		switch {
		case core.Err() != nil:
			return core.Err()
		case len(input) > 0 && core.WantRead():
			// What Feed did not take comes again.
			n, _ := core.Feed(now(), input)
			input = input[n:]
		default:
			n, err := conn.Read(buf)
			input = buf[:n]
			if n == 0 && err == io.EOF {
				core.FeedEOF(now())
			} else if n == 0 && err != nil {
				core.Fail(now(), err)
			}
		}
	}
}

// answers is the other end of a connection: it answers each write with the next
// flight.
type answers struct{ flights []string }

func (a *answers) Read(p []byte) (int, error) {
	if len(a.flights) == 0 {
		return 0, io.EOF
	}
	n := copy(p, a.flights[0])
	a.flights = a.flights[1:]
	return n, nil
}

func (a *answers) Write(p []byte) (int, error) {
	fmt.Println("C:", strings.TrimSpace(string(p)))
	return len(p), nil
}

// A driver of a few lines, over a connection that blocks. Package transport has
// those for real connections, with deadlines and TLS.
func ExampleCore() {
	now := func() time.Time { return exampleTime }
	c, err := protocol.NewClient(now(), protocol.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Hello("client.example")
	c.Quit()
	fmt.Println("=", drive(c, &answers{[]string{"220 mx.", "example\r\n", "250 mx.example\r\n", "221 bye\r\n"}}, now))
	// Output:
	// C: EHLO client.example
	// C: QUIT
	// = EOF
}

// pushLoop is an event loop of the other kind: it calls back with input, and takes
// output whenever it is given any.
type pushLoop struct {
	core  protocol.Core
	write func([]byte)
	input []byte // what Feed has not taken yet
}

// push gives the loop all there is to write; it goes behind every call of the core.
func (l *pushLoop) push(now time.Time) {
	for {
		chunks := l.core.Output(now, nil, 64<<10)
		if len(chunks) == 0 {
			return
		}
		n := int64(0)
		for _, chunk := range chunks {
			l.write(chunk.Bytes) // this loop copies, so that the octets count as written
			n += int64(len(chunk.Bytes))
		}
		l.core.Wrote(now, n)
	}
}

func (l *pushLoop) onData(now time.Time, p []byte) {
	l.input = append(l.input, p...)
	for len(l.input) > 0 && l.core.WantRead() {
		n, _ := l.core.Feed(now, l.input)
		l.input = l.input[n:]
		l.push(now)
	}
}

func (l *pushLoop) onTimer(now time.Time) {
	l.core.Tick(now)
	l.push(now)
}

// A push-style event loop: output is looped into its writer behind every event, and
// Deadline says when its timer is due.
func ExampleCore_push() {
	c, err := protocol.NewClient(exampleTime, protocol.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	loop := &pushLoop{core: c, write: func(p []byte) { fmt.Println("C:", strings.TrimSpace(string(p))) }}
	c.Hello("client.example").OnReady(func(_ protocol.Extensions, err error) { fmt.Println("=", err) })

	loop.onData(exampleTime, []byte("220 mx.example\r\n"))
	due := c.Deadline()
	fmt.Println("timer in", due.Sub(exampleTime))
	loop.onTimer(due)
	fmt.Println("=", c.Err())
	// Output:
	// C: EHLO client.example
	// timer in 5m0s
	// = timeout: no reply to EHLO within 5m0s
	// = timeout: no reply to EHLO within 5m0s
}
