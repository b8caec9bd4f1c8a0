package protocol_test

import (
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// No name is refused for what it says, only for octets that no name can have.
func TestServerHelloName(t *testing.T) { // C9 F25 H-R22
	for _, name := range []string{"me.example", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "192.0.2.1", "not_a.name", "x", "[]"} {
		for _, verb := range []string{"EHLO", "HELO"} {
			playServer(t, service{
				cfg: protocol.ServerConfig{Disable: protocol.DefaultExtensions, Requests: protocol.RequestHello},
				text: `
S: 220 mx.example ESMTP
C: ` + verb + " " + name + `
? ` + verb + " " + name + ` -> do look
S: 250 mx.example
`,
				acts: map[string]func(*serving, protocol.Request){"look": func(s *serving, r protocol.Request) {
					if verb, _ := s.Hello(); verb != "" {
						t.Errorf("Hello is %q before the answer", verb)
					}
					s.take(r)
					if v, n := s.Hello(); v != verb || n != name {
						t.Errorf("Hello is %q, %q; want %q, %q", v, n, verb, name)
					}
				}},
			})
		}
	}
	playServer(t, service{text: `
S: 220 mx.example ESMTP
C: EHLO
S: 501 domain: a host name ends too early at offset 0
C: HELO
S: 501 domain: a host name ends too early at offset 0
C: EHLO two names
S: 501 domain: octet 0x20 does not fit into a host name at offset 3
C: EHLO m\xc3\xbcller.example
S: 501 domain: octet 0xC3 does not fit into a host name at offset 1
C: EHLO me\x00.example
S: 501 5.5.2 command: control octet 0x00 at offset 7
C: MAIL FROM:<a@me.example>
S: 503 5.5.1 say EHLO first
`})
}

// Only what works is offered; HELO offers nothing, and nothing of EHLO works then.
func TestServerOffers(t *testing.T) { // C10 C49 C57 C119
	tests := []struct {
		name  string
		cfg   protocol.ServerConfig
		offer []string
	}{
		{"default", protocol.ServerConfig{}, byDefault},
		{"next to nothing", protocol.ServerConfig{Disable: allButCodes}, []string{"ENHANCEDSTATUSCODES"}},
		{"a limit", protocol.ServerConfig{MaxContent: 1000, Disable: allButCodes &^ wire.Size}, []string{"SIZE 1000", "ENHANCEDSTATUSCODES"}},
		{"no limit", protocol.ServerConfig{MaxContent: -1, Disable: allButCodes &^ wire.Size}, []string{"SIZE", "ENHANCEDSTATUSCODES"}},
		{"TLS", protocol.ServerConfig{TLS: true}, plus("STARTTLS")},
		{"TLS disabled", protocol.ServerConfig{TLS: true, Disable: wire.StartTLS}, byDefault},
		{"DSN", protocol.ServerConfig{Enable: wire.DSN, Disable: allButCodes}, []string{"DSN", "ENHANCEDSTATUSCODES"}},
		{"RRVS", protocol.ServerConfig{Enable: wire.RRVS, Disable: allButCodes}, []string{"ENHANCEDSTATUSCODES", "RRVS"}},
		{"REQUIRETLS in clear", protocol.ServerConfig{Enable: wire.RequireTLS}, byDefault},
		{"LIMITS", protocol.ServerConfig{Limits: wire.SessionLimits{MailMax: 3, RcptMax: 2, RcptDomainMax: 1}}, plus("LIMITS MAILMAX=3 RCPTMAX=2 RCPTDOMAINMAX=1")},
		{"DELIVERBY", protocol.ServerConfig{Enable: wire.DeliverBy, DeliverByMin: 60}, plus("DELIVERBY 60")},
		{"MT-PRIORITY", protocol.ServerConfig{Enable: wire.MTPriority, PriorityProfile: "MIXER"}, plus("MT-PRIORITY MIXER")},
		{"AUTH", protocol.ServerConfig{Mechanisms: func(protocol.TLSState) []string { return []string{"SCRAM-SHA-256", "CRAM-MD5"} }}, plus("AUTH SCRAM-SHA-256 CRAM-MD5")},
		{"AUTH without a mechanism", protocol.ServerConfig{Mechanisms: func(protocol.TLSState) []string { return nil }}, byDefault},
		{"AUTH disabled", protocol.ServerConfig{Disable: wire.Auth, Mechanisms: func(protocol.TLSState) []string { return []string{"CRAM-MD5"} }}, byDefault},
		{"XCLIENT", protocol.ServerConfig{Trusted: true, Requests: protocol.RequestXClient}, plus("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT")},
		{"extra", protocol.ServerConfig{Extra: []wire.Param{{Keyword: "XFANCY", Value: "a b"}, {Keyword: "XPLAIN"}}}, plus("XFANCY a b", "XPLAIN")},
		{"BINARYMIME needs CHUNKING", protocol.ServerConfig{Disable: allButCodes &^ wire.BinaryMIME}, []string{"ENHANCEDSTATUSCODES"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			playServer(t, service{cfg: tt.cfg, text: offering(tt.offer...) + `
C: HELO me.example
S: 250 mx.example
C: MAIL FROM:<a@me.example> SIZE=1
S: 555 5.5.4 parameter: not recognized or not on offer at offset 20
`})
		})
	}
}

// A command of an extension that is not on offer is not known; but the octets that go
// with it come all the same.
func TestServerWithoutChunking(t *testing.T) { // C10
	playServer(t, service{cfg: protocol.ServerConfig{Disable: wire.Chunking, Requests: forMail}, text: offering("PIPELINING", "SIZE 67108864", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES") + addressed + `
C: BDAT 6 LAST
C: QUIT
S: 502 5.5.1 command not implemented
` + bye})
}

func TestServerHelloAnswers(t *testing.T) { // P42 C8
	cfg := protocol.ServerConfig{Requests: protocol.RequestHello, Disable: allButCodes}
	playServer(t, service{cfg: cfg, text: `
S: 220 mx.example ESMTP
C: EHLO me.example
? EHLO me.example -> 550 5.7.1 not you
S: 550 not you
C: MAIL FROM:<a@me.example>
S: 503 5.5.1 say EHLO first
C: EHLO me.example
? EHLO me.example -> 250 at your service, me.example
S: 250-mx.example at your service, me.example
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: EHLO me.example
? EHLO me.example -> 451 4.3.0 not now
S: 451 not now
`})
}

// Without ENHANCEDSTATUSCODES no reply has one.
func TestServerWithoutEnhancedCodes(t *testing.T) { // C100
	playServer(t, service{cfg: protocol.ServerConfig{Disable: protocol.DefaultExtensions, Requests: protocol.RequestRcpt}, text: offering() + `
C: MAIL FROM:<a@me.example>
S: 250 ok
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example> -> 550 5.1.1 no such user
S: 550 no such user
C: DATA
S: 503 no valid recipients
C: XYZZY
S: 502 command not implemented
`})
}

// Extensions and Hello tell what the last EHLO said.
func TestServerExtensions(t *testing.T) { // C10 P49
	look := func(want wire.ExtensionSet, verb string) func(*serving, protocol.Request) {
		return func(s *serving, r protocol.Request) {
			if got, _ := s.Hello(); s.Extensions() != want || got != verb {
				t.Errorf("%s: extensions %v, want %v", got, s.Extensions(), want)
			}
		}
	}
	playServer(t, service{
		text: "S: 220 mx.example ESMTP\nA: do none\n" + helloed("EHLO", byDefault...) + "A: do all\nC: HELO me.example\nS: 250 mx.example\nA: do helo\n",
		acts: map[string]func(*serving, protocol.Request){
			"none": look(0, ""), "all": look(protocol.DefaultExtensions, "EHLO"), "helo": look(0, "HELO"),
		},
	})
}

func TestServerConfigErrors(t *testing.T) { // F25
	tests := []struct {
		name string
		cfg  protocol.ServerConfig
	}{
		{"control octet in the host name", protocol.ServerConfig{Hostname: "mx\r\n220 x"}},
		{"blank in the host name", protocol.ServerConfig{Hostname: "m x"}},
		{"negative limit", protocol.ServerConfig{Limits: wire.SessionLimits{MailMax: -1}}},
		{"malformed keyword", protocol.ServerConfig{Extra: []wire.Param{{Keyword: "A B"}}}},
		{"keyword that is known", protocol.ServerConfig{Extra: []wire.Param{{Keyword: "SIZE"}}}},
		{"negative MaxRecipients", protocol.ServerConfig{MaxRecipients: -1}},
		{"negative MaxLine", protocol.ServerConfig{MaxLine: -1}},
		{"negative MaxPipelined", protocol.ServerConfig{MaxPipelined: -1}},
		{"negative timeout", protocol.ServerConfig{Timeouts: protocol.ServerTimeouts{Command: -1}}},
		{"blank in the profile", protocol.ServerConfig{PriorityProfile: "a b", Enable: wire.MTPriority}},
	}
	for _, tt := range tests {
		_, err := protocol.NewServer(epoch, tt.cfg)
		if err == nil {
			t.Errorf("%s is taken", tt.name)
			continue
		}
		asError[*protocol.ConfigError](t, err)
	}
}
