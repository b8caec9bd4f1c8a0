//go:build interop

package interop

import (
	"slices"
	"strings"
	"testing"
)

// SCRAM shows no secret, so that it needs neither TLS nor a flag; --tls off has been
// said.
func TestSCRAMInClear(t *testing.T) {
	for _, a := range bearers() {
		if a.tls != startTLS {
			continue
		}
		for _, mechanism := range []string{"SCRAM-SHA-1", "SCRAM-SHA-256"} {
			t.Run(a.name+"/"+mechanism, func(t *testing.T) {
				m := newMessage(4 << 10)
				got := send(t, nil, "--server", a.url(), "--tls", "off", "--user", rig.env["LOGIN_USER"], "--auth", mechanism,
					"--to", "ok@example.test", m.file(t))
				want, stored := a.expect("ok@example.test")
				got.want(t, want)
				wantMechanism(t, got, mechanism, "")
				m.delivered(t, a.server, stored...)
			})
		}
	}
}

// None of these servers binds SCRAM to the channel, Dovecot 2.3 under TLS included:
// the mechanisms that do are exit code 77, and nothing is sent of a login. Whoever
// finds one here that does has a mechanism to add to accesses.
func TestSCRAMPlusNotOffered(t *testing.T) {
	for _, a := range accesses() {
		for _, mechanism := range []string{"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"} {
			t.Run(a.name+"/"+mechanism, func(t *testing.T) {
				got := send(t, nil, "--server", a.url(), "--tls-ca", rig.env["CA"], "--user", rig.env["LOGIN_USER"], "--auth", mechanism,
					"--to", "ok@example.test", newMessage(4<<10).file(t))
				got.want(t, report{
					Outcome: "not delivered", Exit: 77, RetrySafe: true,
					Error: a.address + ": AUTH: no common mechanism that may be used here", Kind: "not offered", Step: "AUTH",
					Server: a.address, Recipients: notDelivered("ok@example.test"),
				})
				wantNoAuth(t, got)
				if slices.ContainsFunc(got.trace, func(entry string) bool { return strings.Contains(entry, "-PLUS") }) {
					t.Error(got.trace)
				}
			})
		}
	}
}
