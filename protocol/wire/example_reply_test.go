package wire_test

import (
	"fmt"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func ExampleReplyParser() {
	var p wire.ReplyParser
	for _, piece := range []string{"220 mx.example", ".com\r\n250-mx.example.com\r\n250-SIZE 1024", "\r\n250 DSN\r\n"} {
		for b := []byte(piece); len(b) > 0; {
			n, reply, done, err := p.Parse(b)
			if err != nil {
				fmt.Println(err)
				return
			}
			if done {
				fmt.Println(reply)
			}
			b = b[n:]
		}
	}
	// Output:
	// 220 mx.example.com
	// 250 mx.example.com / SIZE 1024 / DSN
}

func ExampleReply() {
	p := wire.ReplyParser{Enhanced: true}
	_, reply, _, err := p.Parse([]byte("450-4.2.1 The mailbox is full,\r\n450 4.2.1 try again later\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reply.Code, reply.Enhanced, reply.Temporary())
	for line := range reply.Lines() {
		fmt.Println(line)
	}
	// Output:
	// 450 4.2.1 true
	// The mailbox is full,
	// try again later
}

func ExampleReply_AppendTo() {
	reply := wire.Reply{
		Code:     wire.CodeMailboxUnavailable,
		Enhanced: wire.EnhancedCode{Class: 5, Subject: 1, Detail: 1},
		Text:     "No such user\nsee https://example.com/bounces",
	}
	fmt.Printf("%q\n", reply.AppendTo(nil))
	// Output:
	// "550-5.1.1 No such user\r\n550 5.1.1 see https://example.com/bounces\r\n"
}

// A code of one's own acts by its first digit.
func ExampleCode() {
	code := wire.Code(571)
	fmt.Println(code, code.Permanent(), wire.CodeNotAvailable.Temporary())
	// Output:
	// 571 true true
}

func ExampleParseEnhancedCode() {
	code, err := wire.ParseEnhancedCode("5.7.1")
	fmt.Println(code.Class, code.Subject, code.Detail, err)
	_, err = wire.ParseEnhancedCode("5.07.1")
	fmt.Println(err)
	// Output:
	// 5 7 1 <nil>
	// enhanced status code: not class.subject.detail of class 2, 4 or 5 at offset 3
}

func ExampleCutEnhancedCode() {
	code, rest, found := wire.CutEnhancedCode("5.7.1 Relaying denied")
	fmt.Println(code, rest, found)
	// Output:
	// 5.7.1 Relaying denied true
}
