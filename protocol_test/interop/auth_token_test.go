//go:build interop

package interop

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bearers are the servers that ask Dovecot about bearer tokens.
func bearers() (all []access) {
	for _, a := range accesses() {
		if a.dovecot {
			all = append(all, a)
		}
	}
	return all
}

// tokenMechanisms are those of the servers, the stronger first, and what the program
// makes of what Dovecot says of a token that it does not take (RFC 7628 §3.2.2).
var tokenMechanisms = []struct{ name, fault string }{
	{"OAUTHBEARER", `token refused: "invalid_token"`},
	{"XOAUTH2", `token refused: "401", scope "mail"`},
}

// A bearer token, by each mechanism and without --auth, and then a message.
func TestToken(t *testing.T) {
	for _, a := range bearers() {
		for _, mechanism := range []string{"OAUTHBEARER", "XOAUTH2", ""} {
			name := mechanism
			if name == "" {
				name = "strongest"
			}
			t.Run(a.name+"/"+name, func(t *testing.T) {
				m := newMessage(4 << 10)
				args := []string{
					"--server", a.url(), "--tls-ca", rig.env["CA"], "--user", rig.env["LOGIN_USER"],
					"--token-file", filepath.Join(rig.folder, "token"), "--to", "ok@example.test",
				}
				if mechanism != "" {
					args = append(args, "--auth", mechanism)
				}
				got := send(t, nil, append(args, m.file(t))...)
				want, stored := a.expect("ok@example.test")
				want.TLS = a.expectTLS()
				got.want(t, want)
				wantMechanism(t, got, mechanism, "OAUTHBEARER")
				got.hides(t, rig.env["LOGIN_TOKEN"])
				m.delivered(t, a.server, stored...)
			})
		}
	}
}

// A token that nobody gave out, and one that is for somebody else: exit code 77, and
// the error has what the server's challenge said of it (H-A5).
func TestTokenRefused(t *testing.T) {
	const wrongToken = "bm9ib2R5.Z2F2ZQ.dGhpcw"
	for _, a := range bearers() {
		for _, mechanism := range tokenMechanisms {
			for _, c := range []struct{ name, user, token string }{
				{"wrong token", rig.env["LOGIN_USER"], wrongToken},
				{"wrong user", wrongUser, rig.env["LOGIN_TOKEN"]},
			} {
				t.Run(a.name+"/"+mechanism.name+"/"+c.name, func(t *testing.T) {
					file := filepath.Join(t.TempDir(), "token")
					if err := os.WriteFile(file, []byte(c.token+"\n"), 0o600); err != nil {
						t.Fatal(err)
					}
					got := send(t, nil, "--server", a.url(), "--tls-ca", rig.env["CA"],
						"--user", c.user, "--token-file", file, "--auth", mechanism.name, "--to", "ok@example.test", newMessage(4<<10).file(t))
					got.want(t, report{
						Outcome: "not delivered", Exit: 77, RetrySafe: true,
						Error: a.address + ": AUTH: " + a.refusal.String() + " (want 235): " + mechanism.fault, Kind: "reply", Step: "AUTH",
						Server: a.address, Reply: &a.refusal, Recipients: notDelivered("ok@example.test"),
					})
					wantMechanism(t, got, mechanism.name, "")
					got.hides(t, c.token)
				})
			}
		}
	}
}

// A bearer token is never shown on a connection in clear (H-A1): exit code 77 and no
// AUTH.
func TestTokenInClear(t *testing.T) {
	for _, a := range bearers() {
		if a.tls != startTLS {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			got := send(t, nil, "--server", a.url(), "--tls", "off", "--user", rig.env["LOGIN_USER"],
				"--token-file", filepath.Join(rig.folder, "token"), "--to", "ok@example.test", newMessage(4<<10).file(t))
			got.want(t, report{
				Outcome: "not delivered", Exit: 77, RetrySafe: true,
				Error: a.address + ": AUTH: TLS is required", Kind: "not offered", Step: "AUTH",
				Server: a.address, Recipients: notDelivered("ok@example.test"),
			})
			wantNoAuth(t, got)
		})
	}
}

// hides wants no trace of a secret in the output, at any alignment of base64 (H-A9).
func (s sent) hides(t *testing.T, secret string) {
	t.Helper()
	text := fmt.Sprintf("%+v", s)
	forms := []string{secret}
	for i := range 3 {
		// What stands before and behind the secret changes the digits at its ends.
		forms = append(forms, base64.StdEncoding.EncodeToString([]byte(secret)[i:])[:len(secret)])
	}
	for _, form := range forms {
		if strings.Contains(text, form) {
			t.Errorf("%q is shown: %s", form, text)
		}
	}
}

// wantNoAuth wants that nothing of a login was sent.
func wantNoAuth(t *testing.T, got sent) {
	t.Helper()
	for _, entry := range got.trace {
		if strings.HasPrefix(entry, "-> AUTH") {
			t.Errorf("sent %q", entry)
		}
	}
}
