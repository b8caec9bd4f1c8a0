package protocol_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// write stands for a driver that writes all the client has to write, and prints it.
func write(c *protocol.Client, now time.Time) {
	for {
		n := int64(0)
		for _, chunk := range c.Output(now, nil, 4096) {
			for line := range strings.Lines(string(chunk.Bytes)) {
				fmt.Println(strings.TrimSpace("C: " + line))
			}
			n += int64(len(chunk.Bytes))
		}
		if n == 0 {
			return
		}
		c.Wrote(now, n)
	}
}

// serve plays a server: one flight of replies, and all that the client says to it.
func serve(c *protocol.Client, flights ...string) {
	for _, flight := range flights {
		c.Feed(exampleTime, []byte(flight))
		write(c, exampleTime)
	}
}

var exampleTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A session is a queue of operations, which are added at once and done in turn.
func ExampleClient() {
	c, err := protocol.NewClient(exampleTime, protocol.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	from, _ := wire.ParsePath("a@client.example")
	to, _ := wire.ParsePath("b@mx.example")

	c.Hello("client.example")
	message := c.Send(
		protocol.Envelope{From: from, To: []wire.Recipient{{Path: to}}},
		protocol.BodyText("Subject: hi\n\nHello.\n"))
	c.Quit()
	message.Result().OnReady(func(r protocol.Receipt, err error) {
		fmt.Println("=", r.Outcome, r.Reply, err)
	})

	serve(c,
		"220 mx.example\r\n",
		"250-mx.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
		"250 ok\r\n250 ok\r\n354 go ahead\r\n",
		"250 queued as 42\r\n",
		"221 bye\r\n")
	fmt.Println("=", c.Err())
	// Output:
	// C: EHLO client.example
	// C: MAIL FROM:<a@client.example> BODY=8BITMIME
	// C: RCPT TO:<b@mx.example>
	// C: DATA
	// C: Subject: hi
	// C:
	// C: Hello.
	// C: .
	// = accepted 250 queued as 42 <nil>
	// C: QUIT
	// = EOF
}

// Every step of a message has a future of its own, and the receipt says what became
// of each recipient.
func ExampleDelivery() {
	c, _ := protocol.NewClient(exampleTime, protocol.ClientConfig{})
	from, _ := wire.ParsePath("a@client.example")
	known, _ := wire.ParsePath("b@mx.example")
	unknown, _ := wire.ParsePath("c@mx.example")

	c.Hello("client.example")
	message := c.Send(
		protocol.Envelope{From: from, To: []wire.Recipient{{Path: known}, {Path: unknown}}},
		protocol.BodyText("Hello.\n"))
	message.Rcpt(1).OnReady(func(_ wire.Reply, err error) { fmt.Println("=", err) })

	serve(c,
		"220 mx.example\r\n",
		"250-mx.example\r\n250 PIPELINING\r\n",
		"250 ok\r\n250 ok\r\n550 no such user\r\n354 go ahead\r\n",
		"250 queued\r\n")

	receipt, err, settled := message.Result().Result()
	fmt.Println("=", settled, receipt.Outcome, err)
	for _, r := range receipt.Recipients {
		fmt.Println("=", r.Outcome, r.Reply)
	}
	fmt.Println("= too late to cancel:", !message.Cancel())
	// Output:
	// C: EHLO client.example
	// C: MAIL FROM:<a@client.example>
	// C: RCPT TO:<b@mx.example>
	// C: RCPT TO:<c@mx.example>
	// C: DATA
	// = RCPT <c@mx.example>: 550 no such user
	// C: Hello.
	// C: .
	// = true accepted <nil>
	// = accepted 250 queued
	// = refused 550 no such user
	// = too late to cancel: true
}

// Do sends a command of the caller's own. Want says which codes are success.
func ExampleClient_Do() {
	c, _ := protocol.NewClient(exampleTime, protocol.ClientConfig{})
	c.Hello("client.example")
	c.Do(protocol.Command{Verb: "VRFY", Args: "smith", Want: []wire.Code{250, 251}}).
		OnReady(func(_ wire.Reply, err error) { fmt.Println("=", err) })
	c.Do(protocol.Command{Verb: "DATA"}).
		OnReady(func(_ wire.Reply, err error) { fmt.Println("=", err) })

	serve(c, "220 mx.example\r\n", "250 mx.example\r\n", "252 send it, and we shall see\r\n")
	// Output:
	// = DATA: the command has a method of its own
	// C: EHLO client.example
	// C: VRFY smith
	// = VRFY: 252 send it, and we shall see (want 250 or 251)
}

// ping is an exchange that says a word until the server says goodbye to it.
type ping struct{ times int }

func (p *ping) Step(last *wire.Reply, dst []byte) (line []byte, done bool, err error) {
	switch {
	case last != nil && last.Code == 250:
		return dst, true, nil
	case last != nil && !last.Intermediate():
		return dst, false, &protocol.ReplyError{Reply: *last, Command: "XPING"}
	}
	p.times++
	return fmt.Appendf(dst, "XPING %d", p.times), false, nil
}

// AddTask queues an exchange of the caller's own, which is AUTH-like: lines and
// replies by turns.
func ExampleClient_AddTask() {
	c, _ := protocol.NewClient(exampleTime, protocol.ClientConfig{})
	c.Hello("client.example")
	c.AddTask(&ping{}).OnReady(func(r wire.Reply, err error) { fmt.Println("=", r, err) })

	serve(c, "220 mx.example\r\n", "250 mx.example\r\n", "334 again\r\n", "250 enough\r\n")
	// Output:
	// C: EHLO client.example
	// C: XPING 1
	// C: XPING 2
	// = 250 enough <nil>
}

// FeedLine suits an event loop that splits its input into lines.
func ExampleClient_FeedLine() {
	c, _ := protocol.NewClient(exampleTime, protocol.ClientConfig{})
	c.Hello("client.example").OnReady(func(e protocol.Extensions, err error) {
		fmt.Println("=", e.Name(), e.Has("PIPELINING"), err)
	})
	for _, line := range []string{"220 mx.example", "250-mx.example", "250 PIPELINING", "nonsense"} {
		if err := c.FeedLine(exampleTime, line); err != nil {
			fmt.Println("=", err)
		}
		write(c, exampleTime)
	}
	// Output:
	// C: EHLO client.example
	// = mx.example true <nil>
	// = protocol error: reply code: first digit is not 2 to 5 but octet 0x6E at offset 0
}
