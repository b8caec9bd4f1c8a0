package protocol_test

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/cryptotest"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// bindable is a TLS connection with both channel bindings.
var bindable = protocol.TLSState{
	Version: 0x0304, Exporter: []byte("exporter"), ServerEndPoint: []byte("end point"),
}

const bearer = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

// fixed is a mechanism whose nonce is the same in every exchange.
func fixed(t *testing.T, m protocol.Mechanism) protocol.Mechanism {
	make := m.New
	m.New = func(tls protocol.TLSState) (sasl.Client, error) {
		cryptotest.SetGlobalRandom(t, 5802)
		return make(tls)
	}
	return m
}

// george is a server that knows him by every mechanism.
func george(t *testing.T) *auth.Server {
	t.Helper()
	stored := map[crypto.Hash]auth.SCRAMCredentials{}
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		c, err := auth.NewSCRAMCredentials(hash, "abracadabra", []byte("sesame"), 4096)
		if err != nil {
			t.Fatal(err)
		}
		stored[hash] = c
	}
	s := &auth.Server{
		SCRAM:       func(hash crypto.Hash, _ string) (auth.SCRAMCredentials, error) { return stored[hash], nil },
		SCRAMHashes: []crypto.Hash{crypto.SHA1, crypto.SHA256},
		SCRAMKey:    make([]byte, 16),
		Secret:      func(string) (string, error) { return "abracadabra", nil },
		Token: func(_, token string) (string, error) {
			if token != bearer {
				return "", auth.ErrCredentials
			}
			return "george", nil
		},
		External:  func() (string, error) { return "george", nil },
		Anonymous: func(string) error { return nil },
	}
	s.Password = s.SCRAMPassword
	return s
}

// recorded is a login as the two sides hold it, as a conversation.
func recorded(t *testing.T, m protocol.Mechanism, s *auth.Server) string {
	t.Helper()
	c, err := fixed(t, m).New(bindable)
	if err != nil {
		t.Fatal(err)
	}
	exchange, err := s.New(m.Name, bindable)
	if err != nil {
		t.Fatal(err)
	}
	if r, is := c.(protocol.OfferReader); is {
		r.Offered(s.Mechanisms(bindable))
	}
	_, response, err := c.Start()
	line := "AUTH " + m.Name
	switch {
	case response != nil && len(response) == 0:
		line += " ="
	case response != nil:
		line += " " + base64.StdEncoding.EncodeToString(response)
	}
	var b strings.Builder
	for err == nil {
		fmt.Fprintf(&b, "C: %s\n", line)
		challenge, done, failure := exchange.Next(response)
		if failure != nil {
			var reason string
			if e := c.(protocol.Concluder).Conclude(false); e != nil {
				reason = ": " + e.Error()
			}
			fmt.Fprintf(&b, "S: 535 no\n= login: AUTH: 535 no (want 235)%s\n", reason)
			return b.String()
		}
		if done {
			b.WriteString("S: 235 welcome\n= login: 235 welcome\n")
			return b.String()
		}
		fmt.Fprintf(&b, "S: 334 %s\n", base64.StdEncoding.EncodeToString(challenge))
		response, err = c.Next(challenge)
		line = base64.StdEncoding.EncodeToString(response)
	}
	t.Fatal(err)
	return ""
}

// playLogin plays an exchange on a connection in that state of TLS.
func playLogin(t *testing.T, tls protocol.TLSState, m []protocol.Mechanism, offer, text string) {
	t.Helper()
	over := strings.Contains(text, "= closed")
	secure := func(s *session) {
		if tls.Active() {
			s.Upgraded(s.now, tls, nil)
		}
	}
	begin := does(secure, hello, login(m...))
	if !over {
		begin = does(begin, noop)
		text += "\nC: NOOP\nS: 250 ok\n= noop: 250 ok\n"
	}
	play(t, conversation{begin: begin, text: opening(offer) + text})
}

// Every mechanism against the server's side of it, accepted and refused, at every
// cut.
func TestLoginByEveryMechanism(t *testing.T) { // P9, F5
	s := george(t)
	offer := "AUTH " + strings.Join(s.Mechanisms(bindable), " ")
	for _, password := range []string{"abracadabra", "hocus-pocus"} {
		token := bearer
		if password != "abracadabra" {
			token = "expired"
		}
		list := append(auth.Password("", "george", password), auth.Token("george", "mx.example", 587, token)...)
		if token == bearer {
			list = append(list, auth.External(""), auth.Anonymous("george@me.example"))
		}
		for _, m := range list {
			t.Run(m.Name+" "+password, func(t *testing.T) {
				text := recorded(t, m, s)
				if accepted := strings.Contains(text, "235 welcome"); accepted != (token == bearer) {
					t.Fatal(text)
				}
				playLogin(t, bindable, []protocol.Mechanism{fixed(t, m)}, offer, text)
			})
		}
	}
}

// The list for a password takes the first that the server has too.
func TestLoginTakesTheStrongest(t *testing.T) { // P7, H-A2
	s := george(t)
	list := auth.Password("", "george", "abracadabra")
	for i, m := range list {
		var offered []string
		for _, weaker := range list[i:] {
			offered = append([]string{weaker.Name}, offered...)
		}
		var fixedList []protocol.Mechanism
		for _, m := range list {
			fixedList = append(fixedList, fixed(t, m))
		}
		if strings.HasPrefix(m.Name, "SCRAM") && !m.Binds {
			continue // TestLoginSaysThatItCouldBind
		}
		playLogin(t, bindable, fixedList, "AUTH "+strings.Join(offered, " "), recorded(t, m, s))
	}
}

// RFC 5802 §6: "eSws" is "y,,", "biws" is "n,,". What needs a channel binding is
// passed over where there is none.
func TestLoginSaysThatItCouldBind(t *testing.T) {
	plus, scram := fixed(t, auth.SCRAMSHA256Plus("", "george", "abracadabra")), fixed(t, auth.SCRAMSHA256("", "george", "abracadabra"))
	for _, test := range []struct {
		tls   protocol.TLSState
		offer string
		first string
	}{
		{bindable, "AUTH SCRAM-SHA-256", "y,,n=george,r="},
		{verified, "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256", "n,,n=george,r="},
		{protocol.TLSState{}, "AUTH SCRAM-SHA-256 PLAIN", "n,,n=george,r="},
	} {
		c, err := scram.New(test.tls)
		if err != nil {
			t.Fatal(err)
		}
		_, initial, _ := c.Start()
		_, nonce, _ := strings.Cut(string(initial), "r=")
		text := `
			C: AUTH SCRAM-SHA-256 ` + base64.StdEncoding.EncodeToString([]byte(test.first+nonce)) + `
			S: 535 no
			= login: AUTH: 535 no (want 235)`
		playLogin(t, test.tls, []protocol.Mechanism{plus, scram}, test.offer, text)
	}
	playLogin(t, verified, []protocol.Mechanism{plus}, "AUTH SCRAM-SHA-256-PLUS", `
		= login: AUTH: no common mechanism that may be used here`)
}

// Octets of RFC 7628 §4.3 and of Google's description of XOAUTH2. The reason comes
// with the refusal.
func TestLoginByToken(t *testing.T) { // H-A5
	playLogin(t, verified, []protocol.Mechanism{auth.OAuthBearer("user@example.com", "server.example.com", 143, bearer)}, "AUTH OAUTHBEARER", `
		C: AUTH OAUTHBEARER bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB
		S: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0=
		C: AQ==
		S: 535 no
		= login: AUTH: 535 no (want 235): token refused: "invalid_token", scope "example_scope"`)
	xoauth2 := auth.XOAuth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
	const command = "C: AUTH XOAUTH2 dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
	playLogin(t, verified, []protocol.Mechanism{xoauth2}, "AUTH XOAUTH2", command+`
		S: 235 welcome
		= login: 235 welcome`)
	// {"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}
	const refused = `
		S: 334 eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==
		C:
		`
	playLogin(t, verified, []protocol.Mechanism{xoauth2}, "AUTH XOAUTH2", command+refused+`
		S: 535 no
		= login: AUTH: 535 no (want 235): token refused: "401", scope "https://mail.google.com/"`)
	playLogin(t, verified, []protocol.Mechanism{xoauth2}, "AUTH XOAUTH2", command+refused+`
		S: 235 welcome
		= login: AUTH XOAUTH2: accepted behind an error: token refused: "401", scope "https://mail.google.com/"
		= closed: AUTH XOAUTH2: accepted behind an error: token refused: "401", scope "https://mail.google.com/"`)
	playLogin(t, protocol.TLSState{}, []protocol.Mechanism{xoauth2}, "AUTH XOAUTH2", `
		= login: AUTH: TLS is required`) // H-A1
}

// A server that says 235 and has not proven that it knows the password is not the
// server.
func TestLoginWantsProof(t *testing.T) {
	s := george(t)
	m := auth.SCRAMSHA256("", "george", "abracadabra")
	lines := strings.Split(strings.TrimSpace(recorded(t, m, s)), "\n")
	// AUTH, server-first, client-final, server-final, empty line, 235, settled.
	if len(lines) != 7 {
		t.Fatalf("%q", lines)
	}
	const early = `
		S: 235 welcome
		= login: AUTH SCRAM-SHA-256: the server did not prove that it knows the password
		= closed: AUTH SCRAM-SHA-256: the server did not prove that it knows the password`
	offer := "AUTH SCRAM-SHA-256 SCRAM-SHA-256-PLUS"
	for _, text := range []string{
		lines[0] + early,
		strings.Join(lines[:3], "\n") + early,
		// e=invalid-proof, and then success
		strings.Join(lines[:3], "\n") + "\nS: 334 ZT1pbnZhbGlkLXByb29m\nC:" + early,
		strings.Join(lines[:3], "\n") + `
			S: 334 ZT1pbnZhbGlkLXByb29m
			C:
			S: 535 no
			= login: AUTH: 535 no (want 235): server error "invalid-proof"`,
		// v= with the signature of somebody else
		strings.Join(lines[:3], "\n") + `
			S: 334 dj1BQUFB
			C: *
			S: 501 cancelled
			= login: AUTH SCRAM-SHA-256: the server did not prove that it knows the password`,
		// i=1
		lines[0] + `
			S: 334 cj14LHM9eCxpPTE=
			C: *
			S: 501 cancelled
			= login: AUTH SCRAM-SHA-256: the server's nonce does not extend the client's`,
	} {
		playLogin(t, bindable, []protocol.Mechanism{fixed(t, m)}, offer, text)
	}
}

// Missing credentials and unknown mechanisms are found before the network, the
// mechanism first.
func TestLoginConfiguration(t *testing.T) { // P33
	if _, err := auth.Password("", "", "").Only("DIGEST-MD5"); err == nil || err.Error() != "AUTH: unknown mechanism" {
		t.Error(err)
	}
	for want, list := range map[string]auth.List{
		"AUTH SCRAM-SHA-256: user name: empty": auth.Password("", "", "abracadabra")[2:3],
		"AUTH SCRAM-SHA-256: password: empty":  auth.Password("", "george", "")[2:3],
	} {
		playLogin(t, bindable, list, "AUTH SCRAM-SHA-256", "= login: "+want)
	}
}

// Printing a Client shows the session and none of its buffers.
func TestClientPrints(t *testing.T) { // H-A9
	c := newClient(t, inClear)
	c.Hello("me.example")
	c.Login(plain)
	feed(c, "220 mx.example\r\n")
	c.Feed(start, []byte("250-mx.example\r\n250 AUTH PLAIN\r\n"))
	want := `protocol.Client{hello: "me.example", TLS: false, authenticated: false, busy: true, queued: 0, err: <nil>}`
	if got := printed(c); got != want+" "+want+" "+want {
		t.Error(got)
	}
}
