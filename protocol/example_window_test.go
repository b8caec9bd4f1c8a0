package protocol_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Where the server offers CHUNKING and PIPELINING, whole messages go back to back in
// one write, as far as the window goes.
func ExampleWindow() {
	now := time.Now()
	c, err := protocol.NewClient(now, protocol.ClientConfig{
		Window: protocol.Window{Messages: 64, Octets: 512 << 10},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	path, err := wire.ParsePath("b@mx.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Hello("me.example")
	for i := range 3 {
		message := c.Send(protocol.Envelope{To: []wire.Recipient{{Path: path}}}, protocol.BodyText("hi\r\n"))
		message.Result().OnReady(func(r protocol.Receipt, err error) { fmt.Println(i, r.Outcome, err) })
	}
	c.Feed(now, []byte("220 mx.example\r\n"))
	c.Wrote(now, int64(len("EHLO me.example\r\n"))*int64(len(c.Output(now, nil, 100))))
	c.Feed(now, []byte("250-mx.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n"))
	for _, chunk := range c.Output(now, nil, 64<<10) {
		fmt.Print(strings.ReplaceAll(string(chunk.Bytes), "\r", ""))
		c.Wrote(now, int64(len(chunk.Bytes)))
	}
	const verdict = "250 ok\r\n250 ok\r\n250 queued\r\n"
	c.Feed(now, []byte(verdict+"250 reset\r\n"+verdict+"250 reset\r\n"+verdict))
	// Output:
	// MAIL FROM:<>
	// RCPT TO:<b@mx.example>
	// BDAT 4 LAST
	// hi
	// RSET
	// MAIL FROM:<>
	// RCPT TO:<b@mx.example>
	// BDAT 4 LAST
	// hi
	// RSET
	// MAIL FROM:<>
	// RCPT TO:<b@mx.example>
	// BDAT 4 LAST
	// hi
	// 0 accepted <nil>
	// 1 accepted <nil>
	// 2 accepted <nil>
}
