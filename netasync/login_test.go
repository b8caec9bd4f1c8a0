package netasync_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// names are those of a list, or what is wrong with it.
func names(list auth.List, err error) string {
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, m := range list {
		names = append(names, m.Name)
	}
	return strings.Join(names, " ")
}

// The strongest first, or what is named; faults before the network is used, the
// mechanism first: scenario 6.
func TestPassword(t *testing.T) {
	for _, row := range []struct {
		user, password string
		only           []string
		want           string
	}{
		{"george", "abracadabra", nil, // H-A2
			"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN"},
		{"george", "abracadabra", []string{"login", "Plain"}, "PLAIN LOGIN"},
		{"george", "abracadabra", []string{"SCRAM-SHA-256-PLUS"}, "SCRAM-SHA-256-PLUS"},
		{"george", "abra\tcadabra", nil, "CRAM-MD5 PLAIN LOGIN"}, // RFC 8265 §4.2.2
		{"george", "abra\tcadabra", []string{"scram-sha-1", "scram-sha-1-plus"}, "password: not as RFC 8265 allows"},
		{"", "", []string{"NTLM"}, "AUTH: unknown mechanism"},
		{"", "", []string{"XOAUTH2"}, "AUTH: unknown mechanism"},
		{"", "", nil, "user name: empty"},
		{"george", "", nil, "password: empty"},
		{"george", "a\x00b", nil, "password: NUL in it"}, // H-A12
	} {
		list, err := netasync.Password(row.user, row.password, row.only...)
		if got := names(list, err); got != row.want {
			t.Errorf("%q %q: got %q, want %q", row.user, row.only, got, row.want)
		}
		wantConfigError(t, err)
	}
}

// A token has mechanisms of its own.
func TestToken(t *testing.T) {
	for _, row := range []struct {
		user, token string
		only        []string
		want        string
	}{
		{"george", "vF9dft4qmT", nil, "OAUTHBEARER XOAUTH2"}, // H-A2
		{"george", "vF9dft4qmT", []string{"xoauth2"}, "XOAUTH2"},
		{"", "", []string{"PLAIN"}, "AUTH: unknown mechanism"},
		{"", "vF9dft4qmT", nil, "OAUTHBEARER"}, // RFC 7628 §3.1
		{"", "vF9dft4qmT", []string{"XOAUTH2"}, "user name: empty"},
		{"", "", nil, "token: empty"},
		{"george", "", nil, "token: empty"},
		{"george", "a b", nil, "token: not printable US-ASCII"}, // H-A12
	} {
		list, err := netasync.Token(row.user, row.token, row.only...)
		if got := names(list, err); got != row.want {
			t.Errorf("%q %q: got %q, want %q", row.user, row.only, got, row.want)
		}
		wantConfigError(t, err)
	}
}

func wantConfigError(t *testing.T, err error) {
	t.Helper()
	if _, is := errors.AsType[*protocol.ConfigError](err); err != nil && !is {
		t.Errorf("%T: %v", err, err)
	}
}

// Names are known in any case, to the kind of secret that they take.
func TestIsMechanism(t *testing.T) {
	for _, row := range []struct {
		name            string
		password, token bool
	}{
		{"PLAIN", true, false},
		{"scram-sha-256-plus", true, false},
		{"OAuthBearer", false, true},
		{"XOAUTH2", false, true},
		{"NTLM", false, false},
		{"", false, false},
	} {
		if got := netasync.IsPasswordMechanism(row.name); got != row.password {
			t.Errorf("%q for a password: %t", row.name, got)
		}
		if got := netasync.IsTokenMechanism(row.name); got != row.token {
			t.Errorf("%q for a token: %t", row.name, got)
		}
	}
}

// Below the floor nothing is used, whatever the server offers. H-A2
func TestFloor(t *testing.T) {
	list, err := netasync.Password("george", "abracadabra")
	if err != nil {
		t.Fatal(err)
	}
	list, err = list.AtLeast("cram-md5")
	if got, want := names(list, err), "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p := listen(t, nil, `
		S: 220 mx.example
		C: EHLO me.example
		S: 250-mx.example
		S: 250 AUTH PLAIN LOGIN
	`+bye)
	cfg := me()
	cfg.TLS, cfg.AllowCleartextAuth, cfg.Login = netasync.TLSOff, true, list
	_, err = netasync.Dial(t.Context(), p.url(), cfg)
	if !errors.Is(err, protocol.ErrNoMechanism) || netasync.KindOf(err) != netasync.KindNotOffered {
		t.Errorf("got %v", err)
	}
}
