package wire_test

import (
	"bytes"
	"fmt"
	"net"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Content goes out in pieces as they come. The slices may go straight to one
// writev, which net.Buffers is.
func ExampleDotEncoder() {
	var enc wire.DotEncoder // bare LF becomes CRLF
	var out net.Buffers
	var scratch []byte
	for _, piece := range []string{"Subject: dots\n\n.", "profile is hidden\n.", "\n"} {
		var err error
		if out, scratch, err = enc.Encode(out, scratch, []byte(piece)); err != nil {
			fmt.Println(err)
			return
		}
	}
	out, err := enc.End(out)
	if err != nil {
		fmt.Println(err)
		return
	}

	var conn bytes.Buffer
	_, _ = out.WriteTo(&conn)
	fmt.Printf("%q\n", conn.String())
	// Output:
	// "Subject: dots\r\n\r\n..profile is hidden\r\n..\r\n.\r\n"
}

func ExampleDotEncoder_strict() {
	enc := wire.DotEncoder{EOL: wire.EOLStrict}
	_, _, err := enc.Encode(nil, nil, []byte("Subject: x\r\n\r\nno CR here\n"))
	fmt.Println(err)
	// Output:
	// content: bare LF at offset 24
}
