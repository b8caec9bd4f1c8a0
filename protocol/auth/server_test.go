package auth_test

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// What is offered depends on what the server can check, and on the connection.
func TestServerMechanisms(t *testing.T) { // H-A1
	inClear := protocol.TLSState{}
	const bound = "EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 CRAM-MD5 PLAIN LOGIN ANONYMOUS"
	for _, test := range []struct {
		change func(*auth.Server)
		tls    protocol.TLSState
		want   string
	}{
		{nil, underTLS, bound},
		{nil, inClear, "EXTERNAL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 ANONYMOUS"},
		{func(s *auth.Server) { s.AllowCleartext = true }, inClear, "EXTERNAL SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 CRAM-MD5 PLAIN LOGIN ANONYMOUS"},
		{func(s *auth.Server) { s.SCRAMHashes = nil }, inClear, "EXTERNAL SCRAM-SHA-256 CRAM-MD5 ANONYMOUS"},
		{func(s *auth.Server) { s.SCRAM, s.External, s.Token = nil, nil, nil }, underTLS, "CRAM-MD5 PLAIN LOGIN ANONYMOUS"},
		{func(s *auth.Server) { *s = auth.Server{} }, underTLS, ""},
	} {
		s := users(t)
		if test.change != nil {
			test.change(s)
		}
		offered := s.Mechanisms(test.tls)
		if got := strings.Join(offered, " "); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
		for _, name := range append(strings.Fields(bound), "GSSAPI") {
			exchange, err := s.New(strings.ToLower(name), test.tls)
			if (err == nil) != slices.Contains(offered, name) || err == nil != (exchange != nil) || err != nil && !errors.Is(err, protocol.ErrNoMechanism) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for want, change := range map[string]func(*auth.Server){
		"SCRAMKey: under 16 octets":     func(s *auth.Server) { s.SCRAMKey = make([]byte, 15) },
		"SCRAMIterations: out of range": func(s *auth.Server) { s.SCRAMIterations = 4095 },
	} {
		s := users(t)
		change(s)
		if _, err := s.New("SCRAM-SHA-256", underTLS); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if err := s.SCRAMPassword(user, secret); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Each row is what a client says, response by response; "-" is none. The last
// challenge or error is compared.
func TestServerExchanges(t *testing.T) {
	long := strings.Repeat("x", 9217)
	for _, test := range []struct {
		name      string
		responses []string
		want      string // "ok", a challenge, or an error
	}{
		{"PLAIN", []string{"\x00tim\x00tanstaaftanstaaf"}, "ok"}, // RFC 4616 §4
		{"PLAIN", []string{"tim\x00tim\x00tanstaaftanstaaf"}, "ok"},
		{"PLAIN", []string{"-"}, `""`},
		{"PLAIN", []string{"-", "\x00tim\x00tanstaaftanstaaf"}, "ok"},
		{"PLAIN", []string{"Ursel\x00tim\x00tanstaaftanstaaf"}, "not authorized to act as that identity"},
		{"PLAIN", []string{"ｔｉｍ\x00ｔｉｍ\x00tanstaaftanstaaf"}, "ok"}, // RFC 4616 §2: prepared
		{"PLAIN", []string{"t m\t\x00tim\x00tanstaaftanstaaf"}, "not authorized to act as that identity"},
		{"PLAIN", []string{"\x00tim\x00xipj3plmq"}, "authentication credentials invalid"},
		{"PLAIN", []string{"\x00Kurt\x00xipj3plmq"}, "authentication credentials invalid"},
		{"PLAIN", []string{"\x00a\tb\x00xipj3plmq"}, "authentication credentials invalid"},
		{"PLAIN", []string{"\x00tim\x00a\tb"}, "authentication credentials invalid"},
		{"PLAIN", []string{""}, "PLAIN: malformed message"},
		{"PLAIN", []string{"tim\x00tanstaaf"}, "PLAIN: malformed message"},
		{"PLAIN", []string{"\x00tim\x00a\x00b"}, "PLAIN: malformed message"},
		{"PLAIN", []string{"\x00\x00tanstaaf"}, "PLAIN: malformed message"},
		{"PLAIN", []string{"\x00tim\x00"}, "PLAIN: malformed message"},
		{"PLAIN", []string{"\x00tim\x00\xff"}, "PLAIN: malformed message"},
		{"PLAIN", []string{"\x00tim\x00" + long}, "PLAIN: response too long"},

		{"LOGIN", []string{"-"}, `"Username:"`},
		{"LOGIN", []string{"-", "tim"}, `"Password:"`},
		{"LOGIN", []string{"-", "tim", "tanstaaftanstaaf"}, "ok"},
		{"LOGIN", []string{"tim", "tanstaaftanstaaf"}, "ok"},
		{"LOGIN", []string{"tim", "no"}, "authentication credentials invalid"},
		{"LOGIN", []string{"", "tanstaaf"}, "LOGIN: malformed message"},
		{"LOGIN", []string{"tim", ""}, "LOGIN: malformed message"},
		{"LOGIN", []string{"tim", "a\x00b"}, "LOGIN: malformed message"},

		{"CRAM-MD5", []string{"tim"}, "CRAM-MD5: initial response"},
		{"CRAM-MD5", []string{"-", "tim"}, "CRAM-MD5: malformed response"},
		{"CRAM-MD5", []string{"-", " 00000000000000000000000000000000"}, "CRAM-MD5: malformed response"},
		{"CRAM-MD5", []string{"-", "tim 0000000000000000000000000000000"}, "CRAM-MD5: malformed response"},
		{"CRAM-MD5", []string{"-", "\xff 00000000000000000000000000000000"}, "CRAM-MD5: malformed response"},
		{"CRAM-MD5", []string{"-", "tim 00000000000000000000000000000000"}, "authentication credentials invalid"},
		{"CRAM-MD5", []string{"-", "t\tm 00000000000000000000000000000000"}, "authentication credentials invalid"},
		{"CRAM-MD5", []string{"-", "tom 00000000000000000000000000000000"}, "authentication credentials invalid"},

		{"EXTERNAL", []string{"-"}, `""`},
		{"EXTERNAL", []string{"-", ""}, "ok"},
		{"EXTERNAL", []string{"tim"}, "ok"},
		{"EXTERNAL", []string{"fred@example.com"}, "not authorized to act as that identity"},
		{"EXTERNAL", []string{"a\x00b"}, "EXTERNAL: malformed message"},

		{"ANONYMOUS", []string{"sirhc"}, "ok"}, // RFC 4505 §4
		{"ANONYMOUS", []string{"-", ""}, "ok"},
		{"ANONYMOUS", []string{"a\r\nb"}, "ANONYMOUS: malformed message"},

		{"OAUTHBEARER", []string{"-"}, `""`},
		{"OAUTHBEARER", []string{"n,a=tim,\x01host=mx.example\x01port=587\x01auth=Bearer " + token + "\x01\x01"}, "ok"},
		{"OAUTHBEARER", []string{"y,,\x01auth=bearer  " + token + "\x01\x01"}, "ok"},
		{"OAUTHBEARER", []string{"n,a=fred,\x01auth=Bearer " + token + "\x01\x01"}, "not authorized to act as that identity"},
		{"OAUTHBEARER", []string{"n,,\x01auth=Bearer no\x01\x01"}, `"{\"status\":\"invalid_token\",\"scope\":\"mail\"}"`},
		{"OAUTHBEARER", []string{"n,,\x01auth=Bearer no\x01\x01", "\x01"}, `authentication credentials invalid: token refused: "invalid_token", scope "mail"`},
		{"OAUTHBEARER", []string{"p=tls-exporter,,\x01auth=Bearer x\x01\x01"}, "OAUTHBEARER: malformed message"},
		{"OAUTHBEARER", []string{"n,tim,\x01auth=Bearer x\x01\x01"}, "OAUTHBEARER: malformed message"},
		{"OAUTHBEARER", []string{"n,a=t=m,\x01auth=Bearer x\x01\x01"}, "OAUTHBEARER: malformed message"},
		{"OAUTHBEARER", []string{"n,,\x01auth=Bearer x\x01"}, "OAUTHBEARER: malformed message"},
		{"OAUTHBEARER", []string{"n,,\x01auth=Basic x\x01\x01"}, "OAUTHBEARER: malformed message"},
		{"OAUTHBEARER", []string{"n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01"}, "OAUTHBEARER: malformed message"},
		{"OAUTHBEARER", []string{"n,,\x01\x01"}, "OAUTHBEARER: malformed message"},
		{"OAUTHBEARER", []string{"n,,\x01auth=Bearer \x01\x01"}, "OAUTHBEARER: malformed message"},

		{"XOAUTH2", []string{"user=tim\x01auth=Bearer " + token + "\x01\x01"}, "ok"},
		{"XOAUTH2", []string{"user=tim\x01auth=Bearer no\x01\x01", ""}, `authentication credentials invalid: token refused: "invalid_token", scope "mail"`},
		{"XOAUTH2", []string{"user=\x01auth=Bearer x\x01\x01"}, "XOAUTH2: malformed message"},
		{"XOAUTH2", []string{"tim\x01auth=Bearer x\x01\x01"}, "XOAUTH2: malformed message"},

		{"SCRAM-SHA-256", []string{"-"}, `""`},
		{"SCRAM-SHA-256", []string{"n,,n=tim,r=x"}, `"r=xNONCE,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096"`},
		{"SCRAM-SHA-256", []string{"n,,n=tom,r=x"}, `"r=xNONCE,s=7xetz7a1HFu5t7DbW+enIQ==,i=4096"`},
		{"SCRAM-SHA-256", []string{"n,,n=t\tm,r=x"}, `"r=xNONCE,s=K9wdLxwY0FK1iKy63g8Bnw==,i=4096"`},
		{"SCRAM-SHA-256", []string{""}, "SCRAM-SHA-256: malformed client-first-message"},
		{"SCRAM-SHA-256", []string{"n,,n=tim"}, "SCRAM-SHA-256: malformed client-first-message"},
		{"SCRAM-SHA-256", []string{"n,,m=x,n=tim,r=x"}, "SCRAM-SHA-256: malformed client-first-message"},
		{"SCRAM-SHA-256", []string{"n,,n=t=m,r=x"}, "SCRAM-SHA-256: malformed client-first-message"},
		{"SCRAM-SHA-256", []string{"n,,n=tim\xff,r=x"}, "SCRAM-SHA-256: malformed client-first-message"},
		{"SCRAM-SHA-256", []string{"q,,n=tim,r=x"}, "SCRAM-SHA-256: malformed client-first-message"},
		{"SCRAM-SHA-256", []string{"p=tls-exporter,,n=tim,r=x"}, "SCRAM-SHA-256: malformed client-first-message"},
		{"SCRAM-SHA-256-PLUS", []string{"n,,n=tim,r=x"}, "SCRAM-SHA-256-PLUS: malformed client-first-message"},
		{"SCRAM-SHA-256-PLUS", []string{"p=tls-unique,,n=tim,r=x"}, "channel binding does not match"},
		{"SCRAM-SHA-256", []string{"n,,n=tim,r=x", ""}, "SCRAM-SHA-256: malformed client-final-message"},
		{"SCRAM-SHA-256", []string{"n,,n=tim,r=x", "c=biws,r=xNONCE,p=?"}, "SCRAM-SHA-256: malformed client-final-message"},
		{"SCRAM-SHA-256", []string{"n,,n=tim,r=x", "c=biws,r=xNONCE,p=AAAA"}, "authentication credentials invalid"},
		{"SCRAM-SHA-256", []string{"n,,n=tim,r=x", "c=biws,r=other,p=AAAA"}, "authentication credentials invalid"},
		{"SCRAM-SHA-256", []string{"n,,n=tim,r=x", "c=eSws,r=xNONCE,p=AAAA"}, "channel binding does not match"},
	} {
		s := users(t)
		exchange := serving(t, s, test.name, underTLS)
		if strings.HasPrefix(test.name, "SCRAM") {
			exchange = s.SCRAMServer(test.name, "NONCE", underTLS)
		}
		var got string
		for _, response := range test.responses {
			got = next(exchange, response)
		}
		if got != test.want {
			t.Errorf("%s, %.60q: %s, want %s", test.name, test.responses, got, test.want)
		}
		// Nothing brings an exchange back to life.
		if !strings.HasPrefix(got, `"`) {
			if _, done, err := exchange.Next(nil); done || !errors.Is(err, sasl.ErrUnexpectedClientResponse) {
				t.Errorf("%s, %.60q: and then %v, %v", test.name, test.responses, done, err)
			}
		}
	}
}

func next(exchange sasl.Server, response string) string {
	message := []byte(response)
	if response == "-" {
		message = nil
	}
	challenge, done, err := exchange.Next(message)
	switch {
	case err != nil:
		return err.Error()
	case done:
		return "ok"
	}
	return fmt.Sprintf("%q", challenge)
}

// RFC 2195 §2.
func TestServerCRAMMD5(t *testing.T) {
	s := users(t)
	s.Name = "postoffice.reston.mci.net"
	for _, test := range []struct{ response, want string }{
		{"tim b913a602c7eda7a495b4e6e7334d3890", "ok"},
		{"tim b913a602c7eda7a495b4e6e7334d3891", "authentication credentials invalid"},
		{"tom b913a602c7eda7a495b4e6e7334d3890", "authentication credentials invalid"},
	} {
		exchange := s.CRAMMD5Server("1896.697170952")
		if got := next(exchange, "-"); got != `"<1896.697170952@postoffice.reston.mci.net>"` {
			t.Error(got)
		}
		if got := next(exchange, test.response); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
	// A user without a password cannot log in with none.
	s.Secret = func(string) (string, error) { return "", nil }
	exchange := s.CRAMMD5Server("1896.697170952")
	next(exchange, "-")
	answer, _ := begun(t, auth.CRAMMD5("tim", "x"))
	response, _ := answer.Next([]byte("<1896.697170952@postoffice.reston.mci.net>"))
	if got := next(exchange, string(response)); got != "authentication credentials invalid" {
		t.Error(got)
	}
}

// The answer to the server-final-message is empty, and the login is authorized
// behind it.
func TestServerSCRAMEnds(t *testing.T) {
	for _, test := range []struct{ answer, want string }{
		{"", "refused"}, {"x", "SCRAM-SHA-256: response to the server-final-message"},
	} {
		s := users(t)
		s.Authorize = func(string, string) error { return errors.New("refused") }
		c, err := auth.SCRAMClient(auth.MechanismSCRAMSHA256, "", user, secret, "x", protocol.TLSState{})
		if err != nil {
			t.Fatal(err)
		}
		exchange := serving(t, s, auth.MechanismSCRAMSHA256, protocol.TLSState{})
		_, message, _ := c.Start()
		for range 2 {
			challenge, _, err := exchange.Next(message)
			if err != nil {
				t.Fatal(err)
			}
			if message, err = c.Next(challenge); err != nil {
				t.Fatal(err)
			}
		}
		if got := next(exchange, test.answer); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

// A store that fails is not a wrong password.
func TestServerStoreFails(t *testing.T) {
	down := errors.New("store is down")
	s := users(t)
	s.SCRAM = func(crypto.Hash, string) (auth.SCRAMCredentials, error) { return auth.SCRAMCredentials{}, down }
	s.Secret = func(string) (string, error) { return "", down }
	s.Token = func(string, string) (string, error) { return "", down }
	s.External = func() (string, error) { return "", down }
	s.Anonymous = func(string) error { return down }
	for name, m := range all(user, secret, token) {
		if got := converse(t, client(t, m, underTLS), serving(t, s, name, underTLS)); got.server != down {
			t.Errorf("%s: %v", name, got.server)
		}
	}
	// So too for credentials that cannot be right.
	good, err := auth.NewSCRAMCredentials(crypto.SHA256, secret, nil, 4096)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*auth.SCRAMCredentials){
		"SCRAM credentials: of another hash":                             func(c *auth.SCRAMCredentials) { c.Hash = crypto.SHA1 },
		"SCRAM credentials: keys are not of the size of the hash":        func(c *auth.SCRAMCredentials) { c.StoredKey = c.StoredKey[1:] },
		"SCRAM credentials: iteration count 1 is not in 4096 to 1000000": func(c *auth.SCRAMCredentials) { c.Iterations = 1 },
		"SCRAM credentials: salt of 0 octets is not of 1 to 1024":        func(c *auth.SCRAMCredentials) { c.Salt = nil },
		"SCRAM credentials: salt of 1025 octets is not of 1 to 1024":     func(c *auth.SCRAMCredentials) { c.Salt = make([]byte, 1025) },
	} {
		c := good
		change(&c)
		s.SCRAM = func(crypto.Hash, string) (auth.SCRAMCredentials, error) { return c, nil }
		if got := next(serving(t, s, "SCRAM-SHA-256", underTLS), "n,,n=tim,r=x"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if c.Hash == crypto.SHA256 && c.Verify(secret) {
			t.Errorf("verifies: %s", want)
		}
	}
	// ErrUnknownUser and ErrCredentials are the client's fault everywhere.
	s.Token = func(string, string) (string, error) { return "", auth.ErrUnknownUser }
	exchange := serving(t, s, "XOAUTH2", underTLS)
	if got := next(exchange, "user=tim\x01auth=Bearer x\x01\x01"); got != `"{\"status\":\"invalid_token\",\"schemes\":\"bearer\"}"` {
		t.Error(got)
	}
	if got := next(exchange, ""); got != `authentication credentials invalid: token refused: "invalid_token"` {
		t.Error(got)
	}
}

func TestSCRAMCredentials(t *testing.T) {
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		c, err := auth.NewSCRAMCredentials(hash, secret, nil, 0)
		if err != nil || len(c.Salt) != 16 || c.Iterations != auth.DefaultSCRAMIterations || len(c.StoredKey) != hash.Size() || len(c.ServerKey) != hash.Size() {
			t.Errorf("%d octets of salt, %d iterations, %v", len(c.Salt), c.Iterations, err)
		}
		if !c.Verify(secret) || c.Verify("other") || c.Verify("") || (auth.SCRAMCredentials{}).Verify(secret) {
			t.Error("verifies what it should not, or not what it should")
		}
	}
	salt := []byte("salt")
	c, err := auth.NewSCRAMCredentials(crypto.SHA256, secret, salt, 4096)
	salt[0] = 'x'
	if err != nil || string(c.Salt) != "salt" {
		t.Errorf("keeps the caller's salt: %q, %v", c.Salt, err)
	}
	for _, test := range []struct {
		hash       crypto.Hash
		password   string
		iterations int
		want       string
	}{
		{crypto.SHA512, secret, 0, "SCRAM credentials: no such hash"},
		{crypto.SHA256, secret, 4095, "SCRAM credentials: iteration count 4095 is not in 4096 to 1000000"},
		{crypto.SHA256, secret, 1_000_001, "SCRAM credentials: iteration count 1000001 is not in 4096 to 1000000"},
		{crypto.SHA256, "", 0, "password: not as RFC 8265 allows"},
	} {
		_, err := auth.NewSCRAMCredentials(test.hash, test.password, nil, test.iterations)
		if config := (*protocol.ConfigError)(nil); !errors.As(err, &config) || err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}
