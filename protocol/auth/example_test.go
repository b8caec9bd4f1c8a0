package auth_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// The strongest mechanism comes first: the client takes the first that the server
// offers too and that may be used on this connection.
func Example() {
	now := time.Now()
	c, err := protocol.NewClient(now, protocol.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Hello("client.example")
	c.Login(auth.CRAMMD5("tim", "tanstaaftanstaaf"), auth.Plain("", "tim", "tanstaaftanstaaf")).
		OnReady(func(_ wire.Reply, err error) { fmt.Println("logged in:", err == nil) })

	for _, flight := range []string{
		"220 mx.example\r\n",
		"250-mx.example\r\n250 AUTH PLAIN CRAM-MD5\r\n",
		"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n",
		"235 welcome\r\n",
	} {
		c.Feed(now, []byte(flight))
		for _, chunk := range c.Output(now, nil, 4096) {
			fmt.Println("->", strings.TrimSpace(string(chunk.Bytes)))
			c.Wrote(now, int64(len(chunk.Bytes)))
		}
	}
	// Output:
	// -> EHLO client.example
	// -> AUTH CRAM-MD5
	// -> dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
	// logged in: true
}

func ExamplePlain() {
	mechanism := auth.Plain("", "george", "abracadabra")
	fmt.Println(mechanism.Name, mechanism.Cleartext)

	_, err := auth.Plain("", "george", "").New(protocol.TLSState{})
	fmt.Println(err)
	// Output:
	// PLAIN true
	// password: empty
}
