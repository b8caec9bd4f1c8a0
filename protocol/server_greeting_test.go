package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// Nothing is read as a command before the greeting was answered, and the greeting is
// the first reply.
func TestServerGreeting(t *testing.T) { // C5 P43
	cfg := protocol.ServerConfig{Requests: protocol.RequestConnect | protocol.RequestOther}
	playServer(t, service{cfg: cfg, text: `
? connect -> as it
C: NOOP
C: QUIT
A: it default
? NOOP
S: 220 mx.example ESMTP
S: 250 2.0.0 ok
S: 221 2.0.0 mx.example closes the connection
= closed: EOF
`})
	playServer(t, service{cfg: cfg, text: `
? connect -> 220 mx.example at your service\nall day
S: 220-mx.example at your service
S: 220 all day
` + bye})
	playServer(t, service{cfg: protocol.ServerConfig{LMTP: true}, text: "S: 220 mx.example LMTP\n" + bye})
}

// A client that was refused gets 503 to all but QUIT.
func TestServerRefusesConnection(t *testing.T) { // C6 C7 H-R45
	for _, code := range []string{"554", "521"} {
		playServer(t, service{
			cfg: protocol.ServerConfig{Requests: protocol.AllRequests &^ protocol.RequestQuit &^ protocol.RequestClosed},
			text: `
? connect -> ` + code + ` no mail for you
S: ` + code + ` no mail for you
C: EHLO me.example
S: 503 no service here
C: MAIL FROM:<a@me.example>
S: 503 5.5.1 no service here
C: NOOP
S: 503 5.5.1 no service here
C: FROBNICATE
S: 503 5.5.1 no service here
` + bye})
	}
	playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestConnect}, text: `
? connect -> 421 4.3.2 come back later
S: 421 come back later
= closed: greeting: 421 come back later
`})
}

// A client that speaks ahead of the greeting, or behind EHLO ahead of its reply, can
// be refused; by default it is not.
func TestServerEarlyTalkers(t *testing.T) { // H-R12
	cfg := protocol.ServerConfig{Requests: protocol.RequestConnect}
	strict := cfg
	strict.RefuseEarlyTalkers = true
	playServer(t, service{cfg: strict, ahead: true, text: `
? connect -> as it
C: EHLO me.example
S: 554 octets ahead of the reply
= closed: protocol error: octets ahead of the greeting
`})
	playServer(t, service{cfg: strict, ahead: true, text: `
? connect
S: 220 mx.example ESMTP
C: EHLO me.example
C: MAIL FROM:<a@me.example>
` + strings.SplitAfter(opened, "EHLO me.example\n")[1] + `
S: 554 5.5.0 octets ahead of the reply
= closed: protocol error: octets ahead of the reply to EHLO
`})
	playServer(t, service{cfg: cfg, ahead: true, text: `
? connect
S: 220 mx.example ESMTP
C: HELO me.example
C: MAIL FROM:<a@me.example>
S: 250 mx.example
S: 250 2.1.0 ok
` + bye})
}

// A web browser on the port of SMTP is shown the door, whatever it says then.
func TestServerHTTP(t *testing.T) { // C123 H-T11
	for _, first := range []string{"GET / HTTP/1.1", "POST /x HTTP/1.0", "HEAD / HTTP/1.1", "PUT / HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT mx.example:25 HTTP/1.1", "DELETE / HTTP/1.1", "get / http/1.1", "Host: mx.example"} {
		playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.AllRequests &^ protocol.RequestConnect &^ protocol.RequestClosed}, ahead: true, text: `
S: 220 mx.example ESMTP
C: ` + first + `
C: EHLO me.example
C: MAIL FROM:<a@me.example>
S: 554 5.5.0 this is no HTTP server
= closed: protocol error: HTTP on the SMTP port
`})
	}
}
