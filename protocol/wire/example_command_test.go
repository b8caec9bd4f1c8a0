package wire_test

import (
	"fmt"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func ExampleParseCommand() {
	c, err := wire.ParseCommand("mail FROM:<ann@example.com> SIZE=1024")
	fmt.Println(c.Verb, c.Args, err)

	_, err = wire.ParseCommand("NOOP \x1b[2J")
	fmt.Println(err)
	// Output:
	// MAIL FROM:<ann@example.com> SIZE=1024 <nil>
	// command: control octet 0x1B at offset 5
}

func ExampleAppendCommand() {
	line, err := wire.AppendCommand(nil, wire.VerbVrfy, "ann", false)
	fmt.Printf("%q %v\n", line, err)

	_, err = wire.AppendCommand(nil, wire.VerbVrfy, "ann\r\nQUIT", false)
	fmt.Println(err)
	// Output:
	// "VRFY ann\r\n" <nil>
	// VRFY: control octet 0x0D at offset 8
}

func ExampleParameters() {
	for p := range wire.Parameters() {
		if p.Extension == wire.DSN {
			fmt.Println(p.Verb, p.Keyword)
		}
	}
	// Output:
	// MAIL RET
	// MAIL ENVID
	// RCPT NOTIFY
	// RCPT ORCPT
}
