package wire_test

import (
	"bytes"
	"fmt"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func ExampleFrameBDAT() {
	var out [][]byte
	var scratch []byte
	out, scratch = wire.FrameBDAT(out, scratch, []byte("Subject: x\r\n\r\n"), false)
	out, _ = wire.FrameBDAT(out, scratch, []byte(".\r\n"), true)
	fmt.Printf("%q\n", bytes.Join(out, nil))
	// Output:
	// "BDAT 14\r\nSubject: x\r\n\r\nBDAT 3 LAST\r\n.\r\n"
}

// The octets of a chunk arrive in pieces; what follows them is a command.
func ExampleBDATDecoder() {
	n, last, err := wire.ParseBDAT("5 LAST")
	fmt.Println(n, last, err)

	var dec wire.BDATDecoder
	dec.Begin(n)
	for _, piece := range []string{"hel", "lo" + "QUIT\r\n"} {
		content, done := dec.Decode([]byte(piece))
		fmt.Printf("%q %v, then %q\n", content, done, piece[len(content):])
	}
	// Output:
	// 5 true <nil>
	// "hel" false, then ""
	// "lo" true, then "QUIT\r\n"
}
