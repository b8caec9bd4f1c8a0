package fault_test

import (
	"fmt"

	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

func ExampleParse() {
	script, err := fault.Parse("rcpt:3=450 4.2.1 later; data=drop after 4KiB; banner=delay 30s")
	if err != nil {
		fmt.Println(err)
		return
	}
	for n := 1; n <= 3; n++ {
		action, found := script.At(fault.Rcpt, n)
		fmt.Printf("%d %v %q\n", n, found, action)
	}
	action, _ := script.At(fault.Data, 1)
	fmt.Println(action.Break, action.After)

	_, err = fault.Parse("rcpt:3=450 later; date=drop")
	fmt.Println(err)
	// Output:
	// 1 false ""
	// 2 false ""
	// 3 true "450 4.2.1 later"
	// drop 4096
	// fault script: no such step at offset 18
}

// A script can be put together in Go, too.
func ExampleScript() {
	script := fault.Script{
		{Step: fault.Ehlo, N: 1, Action: fault.Action{Reply: wire.Reply{Code: 502, Text: "what?"}}},
		{Step: fault.Quit, Action: fault.Action{Break: fault.Reset}},
	}
	fmt.Println(script, script.Check())
	// Output:
	// ehlo:1=502 what?; quit=reset <nil>
}
