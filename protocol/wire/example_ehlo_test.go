package wire_test

import (
	"fmt"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func ExampleParseExtensions() {
	e := wire.ParseExtensions(wire.Reply{
		Code: wire.CodeOK,
		Text: "mx.example.com at your service\nPIPELINING\nSIZE 52428800\nAUTH PLAIN LOGIN\nX-THING",
	})
	fmt.Println(e.Name())
	fmt.Println(e.Set())
	fmt.Println(e.AuthMechanisms(), e.Has("x-thing"))
	fmt.Println(e.SizeLimit())
	// Output:
	// mx.example.com
	// PIPELINING SIZE AUTH
	// [PLAIN LOGIN] true
	// 52428800 true
}

func ExampleAppendExtensions() {
	text, err := wire.AppendExtensions([]byte("mx.example.com"), &wire.Offer{
		Set:       wire.Pipelining | wire.Size | wire.EightBitMIME,
		SizeLimit: 1 << 20,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	reply := wire.Reply{Code: wire.CodeOK, Text: string(text)}
	fmt.Printf("%q\n", reply.AppendTo(nil))
	// Output:
	// "250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 1048576\r\n250 8BITMIME\r\n"
}

func ExampleParseXtext() {
	fmt.Println(string(wire.AppendXtext(nil, "bob+work@example.net")))
	fmt.Println(wire.ParseXtext("bob+2Bwork@example.net"))
	// Output:
	// bob+2Bwork@example.net
	// bob+work@example.net <nil>
}
