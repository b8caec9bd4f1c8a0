package auth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

func names(list auth.List) string {
	var names []string
	for _, m := range list {
		names = append(names, m.Name)
	}
	return strings.Join(names, " ")
}

func TestLists(t *testing.T) { // P7, H-A2
	const scram = "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1"
	password := auth.Password("", user, secret)
	shuffled := append(auth.Token(user, "", 0, token), password...)
	shuffled = append(shuffled, auth.Anonymous(""), protocol.Mechanism{Name: "GSSAPI"}, auth.External(""), protocol.Mechanism{Name: "X-OWN"})
	slices.Reverse(shuffled)
	for _, test := range []struct{ got, want string }{
		{names(password), scram + " CRAM-MD5 PLAIN LOGIN"},
		{names(auth.Password("boss", user, secret)), scram + " PLAIN"},
		{names(auth.Token(user, "", 0, token)), "OAUTHBEARER XOAUTH2"},
		{names(auth.Strongest(shuffled...)), "X-OWN GSSAPI EXTERNAL " + scram + " OAUTHBEARER XOAUTH2 CRAM-MD5 PLAIN LOGIN ANONYMOUS"},
		{names(auth.Strongest()), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s, want %s", test.got, test.want)
		}
	}
	for _, test := range []struct {
		list func() (auth.List, error)
		want string
	}{
		{func() (auth.List, error) { return password.AtLeast("cram-md5") }, scram + " CRAM-MD5"},
		{func() (auth.List, error) { return password.AtLeast(auth.MechanismSCRAMSHA256Plus) }, "SCRAM-SHA-256-PLUS"},
		{func() (auth.List, error) { return password.AtLeast(auth.MechanismExternal) }, "AUTH: no mechanism is left"},
		{func() (auth.List, error) { return password.AtLeast("DIGEST-MD5") }, "AUTH: unknown mechanism"},
		{func() (auth.List, error) { return password.Only("login", "scram-sha-1") }, "SCRAM-SHA-1 LOGIN"},
		{func() (auth.List, error) { return password.Only("PLAIN") }, "PLAIN"},
		{func() (auth.List, error) { return password.Only("PLAIN", "XOAUTH2") }, "AUTH: unknown mechanism"}, // P33
		{func() (auth.List, error) { return password.Only() }, "AUTH: no mechanism is left"},
	} {
		list, err := test.list()
		got := names(list)
		if config := (*protocol.ConfigError)(nil); errors.As(err, &config) {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
	if len(password) != 7 {
		t.Errorf("the list itself has changed: %s", names(password))
	}
}
