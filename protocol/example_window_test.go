package protocol_test

import (
	"fmt"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Where the server offers CHUNKING and PIPELINING, whole messages go back to back in
// one write, as far as the window goes.
func ExampleWindow() {
	c, err := protocol.NewClient(exampleTime, protocol.ClientConfig{
		Window: protocol.Window{Messages: 64, Octets: 512 << 10},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	to, _ := wire.ParsePath("b@mx.example")

	c.Hello("client.example")
	for i := range 2 {
		message := c.Send(protocol.Envelope{To: []wire.Recipient{{Path: to}}}, protocol.BodyText("Hello.\n"))
		message.Result().OnReady(func(r protocol.Receipt, err error) {
			fmt.Println("=", i, r.Outcome, r.Reply, err)
		})
	}

	serve(c,
		"220 mx.example\r\n",
		"250-mx.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n",
		"250 ok\r\n250 ok\r\n250 queued as 42\r\n250 reset\r\n250 ok\r\n250 ok\r\n250 queued as 43\r\n")
	// Output:
	// C: EHLO client.example
	// C: MAIL FROM:<>
	// C: RCPT TO:<b@mx.example>
	// C: BDAT 8 LAST
	// C: Hello.
	// C: RSET
	// C: MAIL FROM:<>
	// C: RCPT TO:<b@mx.example>
	// C: BDAT 8 LAST
	// C: Hello.
	// = 0 accepted 250 queued as 42 <nil>
	// = 1 accepted 250 queued as 43 <nil>
}
