//go:build interop

package interop

import (
	"maps"
	"slices"
	"testing"
)

// A real message of 1 MiB to three recipients, one of whom is refused, through every
// server: as a file with LF, and from standard input with CRLF.
func TestSend(t *testing.T) {
	to := []string{"ok@example.test", "bad@example.test", "ok2@example.test"}
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			args := []string{"--server", s.url(), "--tls-ca", rig.env["CA"]}
			for _, address := range to {
				args = append(args, "--to", address)
			}
			want, stored := s.expect(to...)
			want.TLS = s.expectTLS()
			var steps []string
			steps, want.RoundTrips = s.expectSteps(len(to))
			slices.Sort(steps)
			check := func(t *testing.T, m message, got sent) {
				var content int
				want.Octets, content = got.count(t)
				if n := m.wire(s); content != n {
					t.Errorf("%d octets of content, want %d", content, n)
				}
				got.want(t, want)
				if spent := slices.Sorted(maps.Keys(got.Durations)); !slices.Equal(spent, steps) {
					t.Errorf("durations of %v, want %v", spent, steps)
				}
				for step, ms := range got.Durations {
					if ms < 0 {
						t.Errorf("%s: %v ms", step, ms)
					}
				}
				m.delivered(t, s, stored...)
				t.Logf("%.0f ms for the content", got.Durations["content"])
			}
			t.Run("file", func(t *testing.T) {
				m := newMessage(1 << 20)
				check(t, m, send(t, nil, append(args, m.file(t))...))
			})
			t.Run("standard input", func(t *testing.T) {
				m := newMessage(1 << 20).withCRLF()
				check(t, m, send(t, m.octets, args...))
			})
		})
	}
}
