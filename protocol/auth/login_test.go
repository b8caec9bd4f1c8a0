package auth_test

import (
	"errors"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol/auth"
)

// LOGIN waits for two prompts, whatever they say, and has no third answer.
func TestLogin(t *testing.T) { // P9
	for _, prompts := range [][2]string{{"Username:", "Password:"}, {"User Name\x00", "Password\x00"}, {"", ""}} {
		m := auth.Login("tim", "tanstaaf")
		c, initial := begun(t, m)
		if initial != nil || m.Name != "LOGIN" || !m.Cleartext {
			t.Errorf("begins with %q", initial)
		}
		for i, want := range []string{"tim", "tanstaaf"} {
			if got, err := c.Next([]byte(prompts[i])); string(got) != want || err != nil {
				t.Errorf("answers %q with %q, %v", prompts[i], got, err)
			}
		}
		if got, err := c.Next(nil); got != nil || !errors.Is(err, sasl.ErrUnexpectedServerChallenge) {
			t.Errorf("a third prompt: %q, %v", got, err)
		}
	}
}
