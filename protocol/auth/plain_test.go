package auth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// begun starts a mechanism, and wants it to announce itself by its name.
func begun(t *testing.T, m protocol.Mechanism) (c sasl.Client, initial []byte) {
	t.Helper()
	c, err := m.New(protocol.TLSState{})
	if err != nil {
		t.Fatal(err)
	}
	name, initial, err := c.Start()
	if err != nil || name != m.Name {
		t.Fatalf("started as %q, %v", name, err)
	}
	return c, initial
}

// The first two vectors are those of RFC 4616 §4.
func TestPlain(t *testing.T) { // P9, P32, F17, C99
	for _, test := range []struct{ identity, username, password, want string }{
		{"", "tim", "tanstaaftanstaaf", "\x00tim\x00tanstaaftanstaaf"},
		{"Ursel", "Kurt", "xipj3plmq", "Ursel\x00Kurt\x00xipj3plmq"},
		{"", "tïm", "päss wörd", "\x00tïm\x00päss wörd"},
	} {
		m := auth.Plain(test.identity, test.username, test.password)
		c, got := begun(t, m)
		if string(got) != test.want || m.Name != "PLAIN" || !m.Cleartext {
			t.Errorf("%q, want %q", got, test.want)
		}
		if _, err := c.Next(nil); err == nil {
			t.Error("answers a challenge that PLAIN does not have")
		}
	}
	_, got := begun(t, auth.Plain("", "george", "abracadabra"))
	if got := base64.StdEncoding.EncodeToString(got); got != "AGdlb3JnZQBhYnJhY2FkYWJyYQ==" {
		t.Error(got)
	}
}

// Each exchange has a client of its own: a mechanism can be used again.
func TestMechanismIsUsedAgain(t *testing.T) {
	for _, m := range []protocol.Mechanism{auth.CRAMMD5("tim", "tanstaaf"), auth.Login("tim", "tanstaaf")} {
		first, _ := begun(t, m)
		again, _ := begun(t, m)
		a, err1 := first.Next([]byte("x"))
		b, err2 := again.Next([]byte("x"))
		if string(a) != string(b) || err1 != nil || err2 != nil {
			t.Errorf("%s: %q, %v and %q, %v", m.Name, a, err1, b, err2)
		}
	}
}

// Credentials that cannot be right are refused before the exchange, the user name
// first, and the error does not repeat them.
func TestCredentialsRefused(t *testing.T) { // P33, F9, H-A12, H-A9
	mechanisms := map[string]func(username, password string) protocol.Mechanism{
		"PLAIN":    func(u, p string) protocol.Mechanism { return auth.Plain("", u, p) },
		"LOGIN":    auth.Login,
		"CRAM-MD5": auth.CRAMMD5,
	}
	for _, test := range []struct{ username, password, want string }{
		{"", "", "user name: empty"},
		{"", "secret", "user name: empty"},
		{"tim", "", "password: empty"},
		{"ti\x00m", "secret", "user name: NUL in it"},
		{"tim", "sec\x00ret", "password: NUL in it"},
		{"ti\xffm", "secret", "user name: not UTF-8"},
		{"tim", "sec\xffret", "password: not UTF-8"},
	} {
		for name, mechanism := range mechanisms {
			_, err := mechanism(test.username, test.password).New(protocol.TLSState{})
			if config := (*protocol.ConfigError)(nil); !errors.As(err, &config) || err.Error() != test.want {
				t.Errorf("%s: %v, want %s", name, err, test.want)
			}
		}
	}
	for identity, want := range map[string]string{"a\x00b": "authorization identity: NUL in it", "\xff": "authorization identity: not UTF-8"} {
		if _, err := auth.Plain(identity, "tim", "secret").New(protocol.TLSState{}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// No way of printing a mechanism or what it makes shows a secret.
func TestSecretsAreNotPrinted(t *testing.T) { // F5, H-A9
	const user, secret = "tim", "tanstaaftanstaaf"
	for _, m := range []protocol.Mechanism{auth.Plain("", user, secret), auth.Login(user, secret), auth.CRAMMD5(user, secret)} {
		c, _ := begun(t, m)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for _, v := range []any{m, c, &c, []any{m, c}} {
				text := fmt.Sprintf(verb, v)
				for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprint([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
					if strings.Contains(text, strings.Trim(form, "[]")) {
						t.Errorf("%s of %s shows the secret: %s", verb, m.Name, text)
					}
				}
			}
		}
	}
}
