package netasync_test

import (
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

func TestServerTakesMailFromItsClient(t *testing.T) { // P45
	backend, letters := box()
	addr := serve(t, &netasync.Server{Handler: backend})
	c := dial(t, "smtp://"+addr, me())
	for range 3 {
		receipt, err := c.Send(t.Context(), envelope("b@mx.example", "c@mx.example"), protocol.BodyText("hi\r\n.\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if receipt.Outcome != protocol.Accepted || receipt.Reply.String() != "250 2.0.0 ok" {
			t.Errorf("got %+v", receipt)
		}
		l := <-letters
		if l.from != "<a@me.example>" || len(l.to) != 2 || l.to[0] != "<b@mx.example>" || l.to[1] != "<c@mx.example>" ||
			l.content != "hi\r\n.\r\n" || l.err != nil {
			t.Errorf("got %+v", l)
		}
	}
	quit(t, c)
}

func TestServerOfNothing(t *testing.T) { // F25, P41
	addr := serve(t, &netasync.Server{})
	say(t, addr, serverHello+`
		C: NOOP
		S: 250 2.0.0 ok
		C: XYZZY now
		S: 502 5.5.1 command not implemented
		C: 123,
		S: 500 5.5.2 command not recognized
		C: MAIL FROM:<a@me.example>
		S: 250 2.1.0 ok
		C: RCPT TO:<b@mx.example>
		S: 550 5.7.1 no mail is taken for this recipient
		C: QUIT
		S: 221 2.0.0 mx.example closes the connection
		EOF
	`)
}

func TestServerKeepsOrder(t *testing.T) { // F26, F29
	backend, letters := box()
	addr := serve(t, &netasync.Server{Handler: backend})
	say(t, addr, `
		S: 220 mx.example ESMTP
		C: MAIL FROM:<a@me.example>
		S: 503 5.5.1 say EHLO first
		C: HELP
		S: 214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP QUIT HELP VRFY
		C: HELO [192.0.2.1]
		S: 250 mx.example
		C: RCPT TO:<b@mx.example>
		S: 503 5.5.1 MAIL first
		C: DATA
		S: 503 5.5.1 MAIL first
		C: MAIL FROM:<a@me.example>
		C: MAIL FROM:<a@me.example>
		C: DATA
		S: 250 2.1.0 ok
		S: 503 5.5.1 a transaction is open
		S: 503 5.5.1 no valid recipients
		C: RCPT TO:<b@mx.example>
		C: RSET
		C: DATA
		S: 250 2.1.5 ok
		S: 250 2.0.0 ok
		S: 503 5.5.1 MAIL first
		C: EHLO [IPv6:2001:db8::1]
		S: 250-mx.example
		S: 250-PIPELINING
		S: 250-SIZE 67108864
		S: 250-8BITMIME
		S: 250-BINARYMIME
		S: 250-CHUNKING
		S: 250-SMTPUTF8
		S: 250 ENHANCEDSTATUSCODES
	`)
	if len(letters) > 0 {
		t.Errorf("%d messages came of it", len(letters))
	}
}
