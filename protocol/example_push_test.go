package protocol_test

import (
	"fmt"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Content is written as it comes. Nothing is sent while there is none, and no time
// limit counts.
func ExampleBodyPush() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c, err := protocol.NewClient(now, protocol.ClientConfig{})
	if err != nil {
		panic(err)
	}
	send := func() { // a driver does this after every call
		chunks := c.Output(now, nil, 1<<16)
		for _, chunk := range chunks {
			fmt.Printf("%q\n", chunk.Bytes)
			c.Wrote(now, chunk.Len())
		}
	}
	to, err := wire.ParsePath("b@mx.example")
	if err != nil {
		panic(err)
	}
	body := protocol.NewBodyPush(c, -1, 64<<10, nil)
	c.Hello("me.example")
	c.Send(protocol.Envelope{To: []wire.Recipient{{Path: to}}}, body)
	for _, reply := range []string{"220 mx.example", "250 mx.example", "250 ok", "250 ok", "354 go on"} {
		c.Feed(now, []byte(reply+"\r\n"))
		send()
	}
	fmt.Println("no deadline:", c.Deadline().IsZero())

	fmt.Fprint(body, "Subject: hello\n\n")
	send()
	fmt.Fprint(body, "Hello.\n")
	body.Close()
	send()
	// Output:
	// "EHLO me.example\r\n"
	// "MAIL FROM:<>\r\n"
	// "RCPT TO:<b@mx.example>\r\n"
	// "DATA\r\n"
	// no deadline: true
	// "Subject: hello\r\n\r\n"
	// "Hello.\r\n"
	// ".\r\n"
}
