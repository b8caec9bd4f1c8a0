package protocol_test

import (
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

const openedByProxy = "S: 220 mx.example ESMTP\n"

// Behind XCLIENT of a peer that is trusted the session begins anew.
func TestServerXClient(t *testing.T) { // P49
	cfg := protocol.ServerConfig{Trusted: true, Requests: protocol.RequestXClient | protocol.RequestRcpt | protocol.RequestData}
	hello := helloed("EHLO", plus("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT")...)
	playServer(t, service{cfg: cfg, text: openedByProxy + hello + `
C: XCLIENT
S: 501 5.5.4 an argument is missing
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: XCLIENT NAME=spike ADDR=192.0.2.1
S: 503 5.5.1 a transaction is open
C: RSET
S: 250 2.0.0 ok
C: xclient NAME=spike.example ADDR=IPv6:2001:db8::1
? XCLIENT NAME=spike.example ADDR=IPv6:2001:db8::1 -> 550 5.7.0 not you
S: 550 5.7.0 not you
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: RSET
S: 250 2.0.0 ok
C: XCLIENT NAME=spike.example ADDR=IPv6:2001:db8::1
? XCLIENT NAME=spike.example ADDR=IPv6:2001:db8::1
S: 220 mx.example ESMTP
C: MAIL FROM:<a@me.example>
S: 503 5.5.1 say EHLO first
` + hello + contentFollows + inContentEnd + bye})
	// It waits for what is unanswered, as its answer changes what all that follows means.
	cfg.Requests |= protocol.RequestMail
	playServer(t, service{cfg: cfg, text: openedByProxy + hello + `
C: MAIL FROM:<a@me.example>
C: XCLIENT NAME=x
C: NOOP
? MAIL FROM:<a@me.example> -> as mail
A: mail 451 4.3.0 later
? XCLIENT NAME=x
S: 451 4.3.0 later
S: 220 mx.example ESMTP
S: 250 2.0.0 ok
`})
}
