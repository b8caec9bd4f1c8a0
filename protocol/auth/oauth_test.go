package auth_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// The first vector is that of RFC 7628 §4.1, the last that of Google's description.
func TestOAuthInitialResponse(t *testing.T) {
	for _, test := range []struct {
		mechanism protocol.Mechanism
		want      string
	}{
		{
			auth.OAuthBearer("user@example.com", "server.example.com", 143, token),
			"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01",
		},
		{auth.OAuthBearer("", "", 0, token), "n,,\x01auth=Bearer " + token + "\x01\x01"},
		{auth.OAuthBearer("a,b=c", "", 587, token), "n,a=a=2Cb=3Dc,\x01port=587\x01auth=Bearer " + token + "\x01\x01"},
		{
			auth.XOAuth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"),
			"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01",
		},
	} {
		if _, got := begun(t, test.mechanism); string(got) != test.want || !test.mechanism.Cleartext {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	_, got := begun(t, auth.OAuthBearer("user@example.com", "server.example.com", 143, token))
	const want = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
	if got := base64.StdEncoding.EncodeToString(got); got != want {
		t.Error(got)
	}
}

// The server explains itself in a challenge and waits for the answer that each of
// the mechanisms has for it. The challenge of the first is that of RFC 7628 §4.3.
func TestOAuthError(t *testing.T) { // H-A5
	const explained = `{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-configuration"}`
	for _, test := range []struct {
		mechanism               protocol.Mechanism
		challenge, answer, want string
	}{
		{auth.OAuthBearer("", "", 0, token), explained, "\x01", `token refused: "invalid_token", scope "example_scope"`},
		{auth.XOAuth2(user, token), `{"status":"401","schemes":"bearer mac"}`, "", `token refused: "401"`},
		{auth.XOAuth2(user, token), "{\"status\":\"\x7f\\u001b[2J\"}", "", `token refused: "\x7f\x1b[2J"`},
		{auth.XOAuth2(user, token), "no", "", "token refused, and the reason is not JSON"},
		{auth.OAuthBearer("", "", 0, token), "", "\x01", "token refused, and the reason is not JSON"},
	} {
		c, _ := begun(t, test.mechanism)
		if answer, err := c.Next([]byte(test.challenge)); string(answer) != test.answer || answer == nil || err != nil {
			t.Errorf("answers %q, %v, want %q", answer, err, test.answer)
		}
		end := c.(protocol.Concluder)
		if err := end.Conclude(false); err == nil || err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
		if err := end.Conclude(true); err == nil || err.Error() != "accepted behind an error: "+test.want {
			t.Errorf("accepted: %v", err)
		}
		if again, err := c.Next([]byte(test.challenge)); again != nil || !errors.Is(err, sasl.ErrUnexpectedServerChallenge) {
			t.Errorf("a second challenge: %q, %v", again, err)
		}
	}
	c, _ := begun(t, auth.OAuthBearer("", "", 0, token))
	if _, err := c.Next([]byte(explained)); err != nil {
		t.Fatal(err)
	}
	var e *auth.OAuthError
	if !errors.As(c.(protocol.Concluder).Conclude(false), &e) || e.OpenIDConfiguration != "https://example.com/.well-known/openid-configuration" {
		t.Error(e)
	}
}

func TestOAuthRefused(t *testing.T) { // F9, H-A12
	for _, test := range []struct {
		mechanism protocol.Mechanism
		want      string
	}{
		{auth.OAuthBearer("", "", 0, ""), "token: empty"},
		{auth.OAuthBearer("", "", 0, "a b"), "token: not printable US-ASCII"},
		{auth.OAuthBearer("", "", 0, "a\x01b"), "token: not printable US-ASCII"},
		{auth.OAuthBearer("", "", 0, "ä"), "token: not printable US-ASCII"},
		{auth.OAuthBearer("a\x01", "", 0, token), "authorization identity: control character in it"},
		{auth.OAuthBearer("", "a\xff", 0, token), "host: not UTF-8"},
		{auth.XOAuth2("", token), "user name: empty"},
		{auth.XOAuth2("tim\x01", token), "user name: control character in it"},
		{auth.XOAuth2("tim\x00", token), "user name: NUL in it"},
		{auth.XOAuth2("tim", "\r\n"), "token: not printable US-ASCII"},
	} {
		_, err := test.mechanism.New(protocol.TLSState{})
		if config := (*protocol.ConfigError)(nil); !errors.As(err, &config) || err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}

// RFC 4422 appendix A.4 and RFC 4505 §4.
func TestSingleMessage(t *testing.T) {
	for _, test := range []struct {
		mechanism  protocol.Mechanism
		name, want string
	}{
		{auth.External(""), "EXTERNAL", ""},
		{auth.External("fred@example.com"), "EXTERNAL", "fred@example.com"},
		{auth.Anonymous("sirhc"), "ANONYMOUS", "sirhc"},
		{auth.Anonymous(""), "ANONYMOUS", ""},
		{auth.Anonymous(strings.Repeat("é", 255)), "ANONYMOUS", strings.Repeat("é", 255)},
	} {
		c, got := begun(t, test.mechanism)
		if got == nil || string(got) != test.want || test.mechanism.Name != test.name || test.mechanism.Cleartext {
			t.Errorf("%q, want %q", got, test.want)
		}
		if again, err := c.Next(nil); again != nil || !errors.Is(err, sasl.ErrUnexpectedServerChallenge) {
			t.Errorf("a challenge: %q, %v", again, err)
		}
	}
	_, got := begun(t, auth.Anonymous("sirhc"))
	if got := base64.StdEncoding.EncodeToString(got); got != "c2lyaGM=" {
		t.Error(got)
	}
	for want, m := range map[string]protocol.Mechanism{
		"authorization identity: NUL in it": auth.External("a\x00b"),
		"trace: not UTF-8":                  auth.Anonymous("\xff"),
		"trace: control character in it":    auth.Anonymous("a\u0085"),
		"trace: over 255 characters":        auth.Anonymous(strings.Repeat("é", 256)),
	} {
		if _, err := m.New(protocol.TLSState{}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
