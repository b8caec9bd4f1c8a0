package wire_test

import (
	"bytes"
	"fmt"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// What stands behind the end of data is left for the parser of commands.
func ExampleDotDecoder() {
	received := []byte("..profile\r\n.\r\nQUIT\r\n")

	var dec wire.DotDecoder
	content, _, n, done := dec.Decode(nil, nil, received)
	fmt.Printf("%q %v\n", bytes.Join(content, nil), done)
	fmt.Printf("%q\n", received[n:])
	// Output:
	// ".profile\r\n" true
	// "QUIT\r\n"
}

// An attempt to smuggle a second message: a lax server would take LF . CRLF for
// the end of data and obey the rest.
func ExampleDotDecoder_Bare() {
	received := []byte("hello\n.\r\nMAIL FROM:<root@example.com>\r\n.\r\n")

	var dec wire.DotDecoder
	_, _, n, done := dec.Decode(nil, nil, received)
	if done && dec.Bare() {
		fmt.Println(n == len(received), "550 5.6.0 content has a bare CR or LF")
	}
	// Output:
	// true 550 5.6.0 content has a bare CR or LF
}
