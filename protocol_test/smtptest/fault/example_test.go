package fault_test

import (
	"fmt"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
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

// The machine of a server, and what a client gets to see of it.
func ExampleInjector() {
	now := time.Now()
	injector, err := fault.NewInjector(fault.InjectorConfig{Script: fault.MustParse("noop:2=delay 30s bare-lf 250 at last")})
	if err != nil {
		fmt.Println(err)
		return
	}
	machine, err := protocol.NewServer(now, protocol.ServerConfig{Requests: injector.Requests()})
	if err != nil {
		fmt.Println(err)
		return
	}
	core := injector.Core(machine)
	step := func() {
		for r, ok := machine.Next(); ok; r, ok = machine.Next() {
			if !injector.Take(r) {
				r.AnswerDefault()
			}
		}
		for _, chunk := range core.Output(now, nil, 1<<10) {
			fmt.Printf("%q\n", chunk.Bytes)
			core.Wrote(now, int64(len(chunk.Bytes)))
		}
	}
	step()
	core.Feed(now, []byte("NOOP\r\nNOOP\r\n"))
	step()
	fmt.Println(core.Deadline().Sub(now))
	now = now.Add(30 * time.Second)
	core.Tick(now)
	step()
	// Output:
	// "220 localhost ESMTP\r\n"
	// "250 2.0.0 ok\r\n"
	// 30s
	// "250 at last\n"
}
