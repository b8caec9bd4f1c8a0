package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol/auth"
)

// The first vector is that of RFC 2195 §2. The others have a key of one block of
// MD5 and of more, which HMAC digests first (RFC 2104 §2).
func TestCRAMMD5(t *testing.T) { // P9, C99
	for _, test := range []struct{ username, password, challenge, want string }{
		{"tim", "tanstaaftanstaaf", "<1896.697170952@postoffice.reston.mci.net>", "tim b913a602c7eda7a495b4e6e7334d3890"},
		{"tim", strings.Repeat("k", 64), "<1@mx.example>", "tim c0255e0ffe4b3c8f2abb25b3deeb3874"},
		{"tim", strings.Repeat("k", 65), "<1@mx.example>", "tim 5dd3ff3af7caee5a2304d752abafdf64"},
		{"a b", "k", "", "a b cd32bedd46aa63cffa3023f050fc78e3"},
	} {
		m := auth.CRAMMD5(test.username, test.password)
		c, initial := begun(t, m)
		if initial != nil || m.Name != "CRAM-MD5" || m.Cleartext {
			t.Errorf("begins with %q", initial)
		}
		got, err := c.Next([]byte(test.challenge))
		if string(got) != test.want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, test.want)
		}
		if again, err := c.Next([]byte(test.challenge)); again != nil || !errors.Is(err, sasl.ErrUnexpectedServerChallenge) {
			t.Errorf("a second challenge: %q, %v", again, err)
		}
	}
}
