package protocol_test

import (
	"fmt"
	"strings"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// say plays a client: it feeds the server a flight of lines, has the requests answered,
// and prints both sides.
func say(s *protocol.Server, handle func(protocol.Request), lines ...string) {
	for _, line := range lines {
		fmt.Println("C: " + line)
	}
	for input := []byte(strings.Join(append(lines, ""), "\r\n")); ; {
		n, _ := s.Feed(exampleTime, input)
		input = input[n:]
		for r, ok := s.Next(); ok; r, ok = s.Next() {
			handle(r)
		}
		if len(input) == 0 || n == 0 {
			break
		}
	}
	for _, chunk := range s.Output(exampleTime, nil, 4096) {
		for line := range strings.Lines(string(chunk.Bytes)) {
			fmt.Println("S: " + strings.TrimSpace(line))
		}
		s.Wrote(exampleTime, int64(len(chunk.Bytes)))
	}
}

// A server answers every command by itself, but for the requests that the application
// asked for.
func ExampleServer() {
	s, err := protocol.NewServer(exampleTime, protocol.ServerConfig{
		Hostname: "mx.example",
		Requests: protocol.RequestRcpt | protocol.RequestData,
		Disable:  protocol.DefaultExtensions &^ (wire.Pipelining | wire.EnhancedStatusCodes),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handle := func(r protocol.Request) {
		switch r.Kind() {
		case protocol.RequestRcpt:
			if r.Recipient().Path.Local() != "postmaster" {
				r.AnswerDefault()
				return
			}
			r.Answer(wire.Reply{Code: wire.CodeOK})
		case protocol.RequestData:
			r.AcceptContent(stdout{}).OnReady(func(octets int64, err error) {
				if err == nil {
					r.Answer(wire.Reply{Code: wire.CodeOK, Text: fmt.Sprint("took ", octets, " octets")})
				}
			})
		}
	}
	say(s, handle, "EHLO me.example")
	say(s, handle, "MAIL FROM:<a@me.example>", "RCPT TO:<b@mx.example>", "RCPT TO:<postmaster>", "DATA")
	say(s, handle, "Hello.", ".", "QUIT")
	fmt.Println(s.Err())
	// Output:
	// C: EHLO me.example
	// S: 220 mx.example ESMTP
	// S: 250-mx.example
	// S: 250-PIPELINING
	// S: 250 ENHANCEDSTATUSCODES
	// C: MAIL FROM:<a@me.example>
	// C: RCPT TO:<b@mx.example>
	// C: RCPT TO:<postmaster>
	// C: DATA
	// S: 250 2.1.0 ok
	// S: 550 5.7.1 no mail is taken for this recipient
	// S: 250 2.1.5 ok
	// S: 354 end data with <CR><LF>.<CR><LF>
	// C: Hello.
	// C: .
	// C: QUIT
	// content: "Hello.\r\n"
	// S: 250 2.0.0 took 8 octets
	// S: 221 2.0.0 mx.example closes the connection
	// EOF
}

// stdout is a Sink that prints what it gets.
type stdout struct{}

func (stdout) WriteBody(p []byte) (int, error) {
	fmt.Printf("content: %q\n", p)
	return len(p), nil
}

// Requests may be answered late and in any order. The replies leave in the order of
// the commands.
func ExampleRequest() {
	s, err := protocol.NewServer(exampleTime, protocol.ServerConfig{
		Hostname: "mx.example", Requests: protocol.RequestRcpt,
		Disable: protocol.DefaultExtensions &^ (wire.Pipelining | wire.EnhancedStatusCodes),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var waiting []protocol.Request
	wait := func(r protocol.Request) { waiting = append(waiting, r) }
	say(s, wait, "HELO me.example")
	say(s, wait, "MAIL FROM:<a@me.example>", "RCPT TO:<b@mx.example>", "RCPT TO:<c@mx.example>")
	waiting[1].Answer(wire.Reply{Code: wire.CodeMailboxBusy, Text: "greylisted\ncome back in a minute"})
	fmt.Println("c is answered")
	say(s, wait)
	waiting[0].Answer(wire.Reply{Code: wire.CodeOK})
	fmt.Println("b is answered, and again:", waiting[0].Answer(wire.Reply{Code: wire.CodeOK}))
	say(s, wait)
	// Output:
	// C: HELO me.example
	// S: 220 mx.example ESMTP
	// S: 250 mx.example
	// C: MAIL FROM:<a@me.example>
	// C: RCPT TO:<b@mx.example>
	// C: RCPT TO:<c@mx.example>
	// S: 250 2.1.0 ok
	// c is answered
	// b is answered, and again: false
	// S: 250 2.1.5 ok
	// S: 450-4.0.0 greylisted
	// S: 450 4.0.0 come back in a minute
}

// A mechanism of the application's own may take its time: whoever checks the password
// answers later.
func ExampleRequest_AcceptAuthSteps() {
	s, err := protocol.NewServer(exampleTime, protocol.ServerConfig{
		Hostname: "mx.example", Requests: protocol.RequestAuth,
		Disable:    protocol.DefaultExtensions,
		Mechanisms: func(protocol.TLSState) []string { return []string{"XTOKEN"} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var later func(challenge []byte, done bool, err error)
	var login *future.Future[wire.Reply]
	handle := func(r protocol.Request) {
		login = r.AcceptAuthSteps(func(response []byte, answer func([]byte, bool, error)) {
			fmt.Printf("token %q\n", response)
			later = answer
		})
	}
	say(s, handle, "EHLO me.example")
	say(s, handle, "AUTH XTOKEN c2VzYW1l")
	later(nil, true, nil)
	say(s, handle)
	reply, err, _ := login.Result()
	fmt.Println(reply, err)
	// Output:
	// C: EHLO me.example
	// S: 220 mx.example ESMTP
	// S: 250-mx.example
	// S: 250 AUTH XTOKEN
	// C: AUTH XTOKEN c2VzYW1l
	// token "sesame"
	// S: 235 authenticated
	// 235 2.7.0 authenticated <nil>
}
