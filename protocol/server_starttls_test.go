package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

var tlsServer = protocol.ServerConfig{TLS: true, Requests: forMail}

const startTLSAccepted = `
C: STARTTLS
S: 220 2.0.0 ready to start TLS
TLS
`

// Behind STARTTLS the session begins anew, and TLS is not offered again.
func TestServerSTARTTLS(t *testing.T) { // C81 C82 C85 H-T5 H-T6 H-T7 H-T8
	cfg := tlsServer
	cfg.Requests |= protocol.RequestStartTLS
	playServer(t, service{cfg: cfg, text: offering(plus("STARTTLS")...) + addressed + `
C: STARTTLS now
S: 501 5.5.4 no arguments are allowed
C: STARTTLS
? STARTTLS
S: 220 2.0.0 ready to start TLS
A: do clear
TLS
A: do secure
C: RCPT TO:<c@mx.example>
S: 503 5.5.1 say EHLO first
C: MAIL FROM:<a@me.example>
S: 503 5.5.1 say EHLO first
C: STARTTLS
S: 503 5.5.1 TLS is active already
` + helloed("EHLO", byDefault...) + `
C: RCPT TO:<c@mx.example>
S: 503 5.5.1 MAIL first
C: STARTTLS
S: 503 5.5.1 TLS is active already
` + contentFollows + inContentEnd + bye, acts: map[string]func(*serving, protocol.Request){
		"clear": func(s *serving, _ protocol.Request) {
			if s.TLS().Active() || s.Upgrade() == nil {
				t.Errorf("%v: ahead of the handshake: %+v, upgrade %v", s.mode, s.TLS(), s.Upgrade())
			}
		},
		"secure": func(s *serving, _ protocol.Request) {
			verb, name := s.Hello()
			if !s.TLS().Active() || s.Upgrade() != nil || verb != "" || name != "" || s.Extensions() != 0 {
				t.Errorf("%v: behind the handshake: %+v, upgrade %v, %s %s, %v", s.mode, s.TLS(), s.Upgrade(), verb, name, s.Extensions())
			}
		},
	}})
	// Ahead of EHLO, and behind HELO, it is as good.
	for _, hello := range []string{"", "C: HELO me.example\nS: 250 mx.example\n"} {
		playServer(t, service{cfg: tlsServer, text: "S: 220 mx.example ESMTP\n" + hello + startTLSAccepted + helloed("EHLO", byDefault...) + bye})
	}
}

// The application can refuse TLS; the session goes on in clear.
func TestServerRefusesSTARTTLS(t *testing.T) { // C81
	cfg := tlsServer
	cfg.Requests |= protocol.RequestStartTLS
	playServer(t, service{cfg: cfg, text: offering(plus("STARTTLS")...) + addressed + `
C: STARTTLS
? STARTTLS -> 454 4.7.0 no certificate today
S: 454 4.7.0 no certificate today
C: RCPT TO:<c@mx.example>
? RCPT TO:<c@mx.example>
S: 250 2.1.5 ok
` + bye})
	playServer(t, service{cfg: tlsServer, text: offering(plus("STARTTLS")...) + `
C: STARTTLS
S: 220 2.0.0 ready to start TLS
TLS FAILS
= closed: TLS: no shared cipher
`})
}

// A message that had begun is dropped by STARTTLS.
func TestServerSTARTTLSInTransaction(t *testing.T) { // H-T8
	playServer(t, service{cfg: tlsServer, text: offering(plus("STARTTLS")...) + addressed + `
C: BDAT 2
C: hi\
? BDAT 2
S: 250 2.0.0 2 octets
C: STARTTLS
S: 220 2.0.0 ready to start TLS
TLS
= content: message content: the transaction was reset
` + helloed("EHLO", byDefault...) + `
C: BDAT 2 LAST
C: hi\
S: 503 5.5.1 MAIL first
` + bye})
}

// It waits for all answers before it.
func TestServerSTARTTLSWaits(t *testing.T) { // C32
	cfg := tlsServer
	cfg.Requests |= protocol.RequestStartTLS
	playServer(t, service{cfg: cfg, text: offering(plus("STARTTLS")...) + `
C: MAIL FROM:<a@me.example>
C: RCPT TO:<b@mx.example>
C: STARTTLS
? RCPT TO:<b@mx.example> -> as it
S: 250 2.1.0 ok
A: it 250
? STARTTLS
S: 250 2.1.5 ok
S: 220 2.0.0 ready to start TLS
TLS
` + helloed("EHLO", byDefault...) + bye})
}

// Octets behind STARTTLS, in the same piece, end the session; in the next they do as
// well. Nothing of them is executed, whatever the cut.
func TestServerPlaintextBehindSTARTTLS(t *testing.T) { // C83 H-T2 C54
	const command = "STARTTLS\r\n"
	for _, behind := range []string{"N", "NOOP\r\n", "EHLO me.example\r\nMAIL FROM:<evil@me.example>\r\n", "\r\n", "\x16\x03\x01", "QUIT\r\n"} {
		flight := command + behind
		for cut := 0; cut <= len(flight); cut++ {
			for _, lend := range []bool{false, true} {
				cfg := tlsServer
				cfg.Requests = protocol.AllRequests &^ protocol.RequestConnect &^ protocol.RequestHello &^ protocol.RequestStartTLS
				m := servedMachine(t, cfg)
				m.send("EHLO me.example\r\n")
				at := 0
				var out string
				for _, piece := range []string{flight[:cut], flight[cut:]} {
					if piece == "" {
						continue
					}
					n, _ := m.Feed(m.now, []byte(piece))
					at += n
					m.pump()
					if lend && m.Err() == nil {
						out += m.lend(1 << 20) // lent, and not written yet
					}
				}
				m.pump()
				var closed *protocol.ProtocolError
				if m.Err() == nil {
					t.Fatalf("%q behind, cut at %d, lent %v: the session goes on", behind, cut, lend)
				}
				closed = asError[*protocol.ProtocolError](t, m.Err())
				for _, r := range m.asked {
					if r.Kind() != protocol.RequestClosed {
						t.Errorf("%q behind, cut at %d, lent %v: %s runs, %v", behind, cut, lend, r.Verb(), closed)
					}
				}
				if len(m.asked) != 1 {
					t.Errorf("%q behind, cut at %d, lent %v: %d requests", behind, cut, lend, len(m.asked))
				}
				want := "554 5.5.0 octets behind STARTTLS\r\n"
				if cut == len(command) {
					want = "220 2.0.0 ready to start TLS\r\n" // it was promised before they came
				}
				if out = m.flush(); out != want && !(cut == len(command) && out == "") {
					t.Errorf("%q behind, cut at %d, lent %v: wrote %q", behind, cut, lend, out)
				}
				if m.Upgrade() != nil {
					t.Errorf("%q behind, cut at %d, lent %v: TLS is to start", behind, cut, lend)
				}
			}
		}
	}
}

// The server asks for TLS once the 220 is written, wants nothing to read until the
// handshake is over, and what comes in meanwhile is fatal.
func TestServerWaitsForHandshake(t *testing.T) { // C83 H-T2
	for _, written := range []bool{false, true} {
		m := servedMachine(t, tlsServer)
		m.send("EHLO me.example\r\n")
		m.feed("STARTTLS\r\n")
		if m.WantRead() || m.Upgrade() != nil {
			t.Errorf("ahead of the 220: WantRead %v, Upgrade %v", m.WantRead(), m.Upgrade())
		}
		if s := m.lend(100); s != "220 2.0.0 ready to start TLS\r\n" {
			t.Fatalf("it says %q", s)
		}
		if m.Upgrade() != nil {
			t.Error("TLS starts while the 220 is not written")
		}
		if written {
			m.Wrote(m.now, int64(len("220 2.0.0 ready to start TLS\r\n")))
			if u := m.Upgrade(); u == nil || u.Client || m.WantRead() {
				t.Errorf("behind the 220: WantRead %v, Upgrade %+v", m.WantRead(), u)
			}
		}
		if _, err := m.Feed(m.now, []byte("N")); err == nil || m.Err() == nil || m.Upgrade() != nil {
			t.Errorf("written %v: octets in clear: %v, Upgrade %v", written, err, m.Upgrade())
		} else {
			asError[*protocol.ProtocolError](t, err)
		}
	}
}

// A handshake that fails ends the session without a word.
func TestServerHandshakeFails(t *testing.T) { // C84 H-T9 H-T10
	m := servedMachine(t, tlsServer)
	m.send("EHLO me.example\r\nSTARTTLS\r\n")
	failure := fmt.Errorf("no shared cipher")
	m.Upgraded(m.now, protocol.TLSState{}, failure)
	if m.Err() == nil || !strings.Contains(m.Err().Error(), failure.Error()) || m.WantRead() {
		t.Errorf("Err is %v, WantRead %v", m.Err(), m.WantRead())
	}
	if s := m.flush(); s != "" {
		t.Errorf("it says %q in clear", s)
	}
	if n, _ := m.Feed(m.now, []byte("NOOP\r\n")); n != 0 {
		t.Errorf("it takes %d octets", n)
	}
}

// In clear a server can refuse all but what leads to TLS.
func TestServerRequiresTLS(t *testing.T) { // C86 C105
	cfg := tlsServer
	cfg.RequireTLS = true
	cfg.Requests = protocol.AllRequests &^ protocol.RequestConnect &^ protocol.RequestClosed &^ protocol.RequestStartTLS &^ protocol.RequestHello &^ protocol.RequestQuit
	playServer(t, service{cfg: cfg, text: "S: 220 mx.example ESMTP\n" + helloed("EHLO", plus("STARTTLS")...) + `
C: MAIL FROM:<a@me.example>
S: 530 5.7.0 must issue a STARTTLS command first
C: RCPT TO:<b@me.example>
S: 530 5.7.0 must issue a STARTTLS command first
C: DATA
S: 530 5.7.0 must issue a STARTTLS command first
C: BDAT 6 LAST
C: QUIT
S: 530 5.7.0 must issue a STARTTLS command first
C: VRFY x
S: 530 5.7.0 must issue a STARTTLS command first
C: AUTH PLAIN
S: 530 5.7.0 must issue a STARTTLS command first
C: RSET
S: 530 5.7.0 must issue a STARTTLS command first
C: XYZZY
S: 530 5.7.0 must issue a STARTTLS command first
C: NOOP
? NOOP
S: 250 2.0.0 ok
` + startTLSAccepted + helloed("EHLO", byDefault...) + `
C: MAIL FROM:<a@me.example>
? MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
` + bye})
}

// With implicit TLS the greeting waits for the handshake, and STARTTLS is not offered.
func TestServerImplicitTLS(t *testing.T) { // C103 C85 H-T6
	cfg := protocol.ServerConfig{ImplicitTLS: true, RequireTLS: true, Enable: wire.RequireTLS, Requests: protocol.RequestConnect}
	playServer(t, service{cfg: cfg, text: `
TLS
? connect
S: 220 mx.example ESMTP
` + helloed("EHLO", plus("REQUIRETLS")...) + `
C: STARTTLS
S: 503 5.5.1 TLS is active already
C: MAIL FROM:<a@me.example> REQUIRETLS
S: 250 2.1.0 ok
` + bye})
	cfg.Requests = protocol.RequestClosed
	playServer(t, service{cfg: cfg, text: `
TLS FAILS
= closed: TLS: no shared cipher
? closed
`})
	m := servedMachine(t, cfg)
	if m.WantRead() || m.lend(100) != "" {
		t.Error("it speaks or listens ahead of the handshake")
	}
}

// REQUIRETLS is offered under TLS only.
func TestServerRequireTLSExtension(t *testing.T) { // C110
	cfg := tlsServer
	cfg.Enable = wire.RequireTLS
	playServer(t, service{cfg: cfg, text: offering(plus("STARTTLS")...) + `
C: MAIL FROM:<a@me.example> REQUIRETLS
S: 555 5.5.4 parameter: not recognized or not on offer at offset 20
` + startTLSAccepted + helloed("EHLO", plus("REQUIRETLS")...) + `
C: MAIL FROM:<a@me.example> REQUIRETLS
S: 250 2.1.0 ok
` + bye})
}
