//go:build interop

package interop

import (
	"strings"
	"testing"
)

// Credentials that no server knows. The right ones are in the servers' env.
const (
	wrongUser     = "stranger"
	wrongPassword = "tanstaaftanstaaf"
)

// secrets are what no output may show: the passwords, in clear only where no other
// word has them in it, and what PLAIN and LOGIN make of them.
var secrets = []string{
	wrongPassword,
	"AHVzZXIAcGFzcw==", "cGFzcw==",
	"AHN0cmFuZ2VyAHRhbnN0YWFmdGFuc3RhYWY=", "dGFuc3RhYWZ0YW5zdGFhZg==",
}

// access is a server that lets in who logs in, and how it says no.
type access struct {
	*server
	mechanisms []string
	strongest  string // of those, and what is used without --auth
	refusal    reply  // of a wrong password
}

func accesses() []access {
	var (
		five  = []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}
		three = []string{"PLAIN", "LOGIN", "CRAM-MD5"}
		two   = []string{"PLAIN", "LOGIN"}
		ports = func(s *server, name, key string, a access) []access {
			first, second := a, a
			first.server, second.server = s, s.as(name, key, implicitTLS)
			return []access{first, second}
		}
		all []access
	)
	all = append(all, ports(postfix(), "Postfix TLS", "POSTFIX_TLS", access{
		mechanisms: five, strongest: "SCRAM-SHA-256",
		refusal: reply{535, "5.7.8", "Error: authentication failed: (reason unavailable)"},
	})...)
	all = append(all, ports(exim(), "Exim TLS", "EXIM_TLS", access{
		mechanisms: three, strongest: "CRAM-MD5",
		refusal: reply{535, "", "Incorrect authentication data"},
	})...)
	all = append(all, ports(openSMTPD(), "OpenSMTPD TLS", "OPENSMTPD_TLS", access{
		mechanisms: two, strongest: "PLAIN",
		refusal: reply{535, "", "Authentication failed"},
	})...)
	all = append(all, access{
		server: aiosmtpd(), mechanisms: two, strongest: "PLAIN",
		refusal: reply{535, "", "5.7.8 Authentication credentials invalid"},
	}, access{
		server: smtpServer(), mechanisms: three, strongest: "CRAM-MD5",
		refusal: reply{535, "", "5.7.8 Authentication failed"},
	})
	return append(all, ports(submission(), "Dovecot submission TLS", "DOVECOT_SUBMISSION_TLS", access{
		mechanisms: five, strongest: "SCRAM-SHA-256",
		refusal: reply{535, "5.7.8", "Authentication failed."},
	})...)
}

// A login by every mechanism, over STARTTLS and implicit TLS, and then a message.
func TestLogin(t *testing.T) {
	for _, a := range accesses() {
		for _, mechanism := range append(a.mechanisms, "") {
			name := mechanism
			if name == "" {
				name = "strongest"
			}
			t.Run(a.name+"/"+name, func(t *testing.T) {
				m := newMessage(4 << 10)
				args := []string{"--server", a.url(), "--tls-ca", rig.env["CA"], "--user", rig.env["LOGIN_USER"], "--to", "ok@example.test"}
				if mechanism != "" {
					args = append(args, "--auth", mechanism)
				}
				got := send(t, nil, append(args, m.file(t))...)
				want, stored := a.expect("ok@example.test")
				want.TLS = a.expectTLS()
				got.want(t, want)
				wantMechanism(t, got, mechanism, a.strongest)
				file := m.delivered(t, a.server, stored...)[0]
				if a.trace == nil && (file.envelope.Login == nil || *file.envelope.Login != "user") {
					t.Errorf("login %v in the envelope, want user", file.envelope.Login)
				}
			})
		}
	}
}

// wantMechanism looks for the one AUTH of a session.
func wantMechanism(t *testing.T, got sent, mechanism, strongest string) {
	t.Helper()
	if mechanism == "" {
		mechanism = strongest
	}
	var used []string
	for _, entry := range got.trace {
		if rest, is := strings.CutPrefix(entry, "-> AUTH "); is {
			name, _, _ := strings.Cut(rest, " ")
			used = append(used, name)
		}
	}
	if len(used) != 1 || used[0] != mechanism {
		t.Errorf("AUTH %v, want %s", used, mechanism)
	}
}

// A wrong password: exit code 77, and no mail.
func TestLoginRefused(t *testing.T) {
	for _, a := range accesses() {
		for _, mechanism := range a.mechanisms {
			t.Run(a.name+"/"+mechanism, func(t *testing.T) {
				got := send(t, nil, "--server", a.url(), "--tls-ca", rig.env["CA"],
					"--user", wrongUser, "--auth", mechanism, "--to", "ok@example.test", newMessage(4<<10).file(t))
				got.want(t, report{
					Outcome: "not delivered", Exit: 77, RetrySafe: true,
					Error: a.address + ": AUTH: " + a.refusal.String() + " (want 235)", Kind: "reply", Step: "AUTH",
					Server: a.address, Reply: &a.refusal, Recipients: notDelivered("ok@example.test"),
				})
				wantMechanism(t, got, mechanism, "")
			})
		}
	}
}

// notDelivered is what the report says of recipients where it did not come to MAIL.
func notDelivered(to ...string) (r []recipient) {
	for _, address := range to {
		r = append(r, recipient{Address: address, Outcome: "not delivered"})
	}
	return r
}

// Where a login would show its secret, or cannot be had: exit code 77 and no AUTH.
func TestLoginImpossible(t *testing.T) {
	for _, c := range []struct {
		name string
		*server
		args   []string
		reason string
	}{
		{"PLAIN in clear", postfix(), []string{"--tls", "off", "--auth", "PLAIN"}, "TLS is required"},
		{"LOGIN in clear", exim(), []string{"--tls", "off", "--auth", "LOGIN"}, "TLS is required"},
		{"offered under TLS only", openSMTPD(), []string{"--tls", "off"}, "not offered by the server"},
		{"offered under TLS only", aiosmtpd(), []string{"--tls", "off"}, "not offered by the server"},
		{"CRAM-MD5", openSMTPD(), []string{"--auth", "CRAM-MD5"}, "no common mechanism that may be used here"},
		{"CRAM-MD5", aiosmtpd(), []string{"--auth", "CRAM-MD5"}, "no common mechanism that may be used here"},
		{"LMTP", dovecot(), nil, "not offered by the server"},
	} {
		t.Run(c.server.name+"/"+c.name, func(t *testing.T) {
			args := append(c.args, "--server", c.url(), "--tls-ca", rig.env["CA"], "--user", rig.env["LOGIN_USER"],
				"--to", "ok@example.test", newMessage(4<<10).file(t))
			got := send(t, nil, args...)
			got.want(t, report{
				Outcome: "not delivered", Exit: 77, RetrySafe: true,
				Error: c.address + ": AUTH: " + c.reason, Kind: "not offered", Step: "AUTH",
				Server: c.address, Recipients: notDelivered("ok@example.test"),
			})
			for _, entry := range got.trace {
				if strings.HasPrefix(entry, "-> AUTH") {
					t.Errorf("sent %q", entry)
				}
			}
		})
	}
}

// In clear, where the caller says so: CRAM-MD5 shows no secret, PLAIN only by a flag
// of its own.
func TestLoginInClear(t *testing.T) {
	for _, s := range []*server{postfix(), exim(), smtpServer(), submission()} {
		for _, c := range []struct {
			mechanism string
			args      []string
		}{
			{"CRAM-MD5", []string{"--auth", "CRAM-MD5"}},
			{"PLAIN", []string{"--allow-cleartext-auth", "--auth", "PLAIN"}},
			{"LOGIN", []string{"--allow-cleartext-auth", "--auth", "LOGIN"}},
		} {
			t.Run(s.name+"/"+c.mechanism, func(t *testing.T) {
				m := newMessage(4 << 10)
				args := append(c.args, "--server", s.url(), "--tls", "off", "--user", rig.env["LOGIN_USER"],
					"--to", "ok@example.test", m.file(t))
				got := send(t, nil, args...)
				want, stored := s.expect("ok@example.test")
				got.want(t, want)
				wantMechanism(t, got, c.mechanism, "")
				m.delivered(t, s, stored...)
			})
		}
	}
}

// Dovecot's submission wants a login before MAIL, and says so.
func TestLoginMissing(t *testing.T) {
	s := submission()
	got := send(t, nil, "--server", s.url(), "--tls-ca", rig.env["CA"], "--to", "ok@example.test", newMessage(4<<10).file(t))
	refusal := &reply{530, "5.7.0", "Authentication required."}
	got.want(t, report{
		Outcome: "refused", Exit: 69, RetrySafe: true,
		Error: s.address + ": refused: MAIL: " + refusal.String(), Kind: "reply", Step: "send",
		Server: s.address, TLS: s.expectTLS(), Reply: refusal,
		Recipients: []recipient{{"ok@example.test", "refused", refusal, refusal}},
	})
}
