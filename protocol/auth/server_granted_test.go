package auth_test

import (
	"errors"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// Granted hears of logins whose checks have passed, and of no others.
func TestServerGranted(t *testing.T) {
	refused := errors.New("refused")
	var got []string
	s := auth.Server{
		AllowCleartext: true,
		Password: func(_, password string) error {
			if password != "right" {
				return auth.ErrCredentials
			}
			return nil
		},
		Authorize: func(identity, _ string) error {
			if identity == "root" {
				return auth.ErrNotAuthorized
			}
			return nil
		},
		External: func() (string, error) { return "cert", nil },
		Anonymous: func(trace string) error {
			if trace == "bad" {
				return refused
			}
			return nil
		},
		Granted: func(identity, username string) { got = append(got, identity+"|"+username) },
	}
	for _, row := range []struct{ mechanism, response, want string }{
		{auth.MechanismPlain, "\x00user\x00right", "|user"},
		{auth.MechanismPlain, "other\x00user\x00right", "other|user"},
		{auth.MechanismPlain, "root\x00user\x00right", ""},
		{auth.MechanismPlain, "\x00user\x00wrong", ""},
		{auth.MechanismExternal, "", "|cert"},
		{auth.MechanismAnonymous, "me", "|"},
		{auth.MechanismAnonymous, "bad", ""},
	} {
		got = nil
		exchange, err := s.New(row.mechanism, protocol.TLSState{})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = exchange.Next([]byte(row.response))
		switch {
		case row.want == "" && (err == nil || got != nil):
			t.Errorf("%s %q: %v, granted %q", row.mechanism, row.response, err, got)
		case row.want != "" && (err != nil || len(got) != 1 || got[0] != row.want):
			t.Errorf("%s %q: %v, granted %q", row.mechanism, row.response, err, got)
		}
	}
}
