package wire_test

import (
	"fmt"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func ExampleMail_Parse() {
	options := wire.ParseOptions{Enabled: wire.Size | wire.EightBitMIME}

	var m wire.Mail
	err := m.Parse("FROM:<ann@example.com> SIZE=1024 BODY=8BITMIME", options)
	fmt.Println(m.From, m.Size, m.Body, err)

	err = m.Parse("FROM:<ann@example.com> RET=FULL", options)
	if fault, ok := err.(*wire.SyntaxError); ok {
		fmt.Println(fault.Code, fault.Enhanced, fault)
	}
	// Output:
	// <ann@example.com> 1024 8BITMIME <nil>
	// 555 5.5.4 parameter: not recognized or not on offer at offset 23
}

func ExampleAppendMail() {
	from, err := wire.ParsePath("ann@example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	p := wire.MailParams{Size: 1024, EnvID: "order 17"}
	fmt.Println("needs", p.Needs())
	line, err := wire.AppendMail(nil, from, &p)
	fmt.Printf("%q %v\n", line, err)
	// Output:
	// needs SIZE DSN
	// "MAIL FROM:<ann@example.com> SIZE=1024 ENVID=order+2017\r\n" <nil>
}

func ExampleRecipient_Parse() {
	var r wire.Recipient
	err := r.Parse("TO:<bob@example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob+2Bwork@example.net", wire.ParseOptions{Enabled: wire.DSN})
	fmt.Println(r.Path, r.Notify, r.ORCPT.Addr, err)
	// Output:
	// <bob@example.com> SUCCESS,DELAY bob+work@example.net <nil>
}

func ExampleAppendRcpt() {
	path, err := wire.NewPath("bob", "example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	r := wire.Recipient{Path: path, RcptParams: wire.RcptParams{Notify: wire.NotifyNever}}
	line, err := wire.AppendRcpt(nil, &r, false)
	fmt.Printf("%q %v\n", line, err)
	// Output:
	// "RCPT TO:<bob@example.com> NOTIFY=NEVER\r\n" <nil>
}
