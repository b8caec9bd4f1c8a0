//go:build interop

package interop

import (
	"testing"
)

const (
	expired   = "certificate has expired or is not yet valid: current time NOW is after THEN"
	untrusted = "certificate signed by unknown authority"
)

// certificate is a server whose certificate is bad.
type certificate struct {
	name string
	*server
	fault string
	args  []string // beside --server
}

func badCertificates() []certificate {
	ca := []string{"--tls-ca", rig.env["CA"]}
	return []certificate{
		{"expired", exim().as("Exim", "EXIM_EXPIRED", startTLS), expired, ca},
		{"signed by itself", exim().as("Exim", "EXIM_UNTRUSTED", startTLS), untrusted, ca},
		{"unknown authority", exim(), untrusted, nil},
		{"unknown authority", postfix(), untrusted, nil},
		{"unknown authority", openSMTPD(), untrusted, nil},
		{"unknown authority", aiosmtpd(), untrusted, nil},
		{"unknown authority", smtpServer(), untrusted, nil},
		{"unknown authority", dovecot(), untrusted, nil},
		{"unknown authority", postfix().as("Postfix TLS", "POSTFIX_TLS", implicitTLS), untrusted, nil},
		{"unknown authority", exim().as("Exim TLS", "EXIM_TLS", implicitTLS), untrusted, nil},
		{"unknown authority", openSMTPD().as("OpenSMTPD TLS", "OPENSMTPD_TLS", implicitTLS), untrusted, nil},
	}
}

// A certificate that cannot be trusted, where TLS is demanded: exit code 77.
func TestCertificateRefused(t *testing.T) {
	for _, c := range badCertificates() {
		t.Run(c.server.name+"/"+c.name, func(t *testing.T) {
			args := append(c.args, "--server", c.url(), "--to", "ok@example.test", newMessage(4<<10).file(t))
			if c.tls == startTLS {
				args = append(args, "--tls", "required")
			}
			got := send(t, nil, args...)
			got.want(t, report{
				Outcome: "not delivered", Exit: 77, RetrySafe: true,
				Error: c.address + ": TLS: tls: failed to verify certificate: x509: " + c.fault, Kind: "tls", Step: "TLS",
				Server: c.address, Recipients: notDelivered("ok@example.test"),
			})
		})
	}
}

// The same certificates, where they do not decide: delivered, and the report does not
// call the server verified. One that can be verified is, all the same.
func TestCertificateIgnored(t *testing.T) {
	modes := map[string][]string{
		"opportunistic": {"--tls", "opportunistic"},
		"insecure":      {"--tls", "required", "--tls-insecure"},
		"insecure TLS":  {"--tls-insecure"},
	}
	for _, c := range badCertificates() {
		for mode, flags := range modes {
			if (c.tls == implicitTLS) != (mode == "insecure TLS") {
				continue
			}
			t.Run(c.server.name+"/"+c.name+"/"+mode, func(t *testing.T) {
				deliver(t, c.server, &tlsReport{"TLS 1.3", false, "localhost"}, append(c.args, flags...)...)
			})
		}
	}
	t.Run("good", func(t *testing.T) {
		deliver(t, exim(), &tlsReport{"TLS 1.3", true, "localhost"}, "--tls", "required", "--tls-insecure", "--tls-ca", rig.env["CA"])
	})
}

// deliver sends a message that has to arrive.
func deliver(t *testing.T, s *server, tls *tlsReport, flags ...string) {
	t.Helper()
	m := newMessage(4 << 10)
	got := send(t, nil, append(flags, "--server", s.url(), "--to", "ok@example.test", m.file(t))...)
	want, stored := s.expect("ok@example.test")
	want.TLS = tls
	got.want(t, want)
	m.delivered(t, s, stored...)
}

// Every mode of TLS, where it works.
func TestTLSModes(t *testing.T) {
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			var modes []string
			switch {
			case s.tls == implicitTLS:
				modes = []string{"implicit", "required"}
			case s.tls == noTLS || s.network() == "unix":
				modes = []string{"off", "opportunistic"}
			default:
				modes = []string{"off", "opportunistic", "required"}
			}
			for _, mode := range modes {
				t.Run(mode, func(t *testing.T) {
					tls := s.expectTLS()
					if mode == "off" {
						tls = nil
					}
					deliver(t, s, tls, "--tls", mode, "--tls-ca", rig.env["CA"])
				})
			}
		})
	}
}

// TLS that a server does not have, or not like this: 77, and nothing in clear but
// what finds that out.
func TestTLSImpossible(t *testing.T) {
	plain := smtpServerLMTP()
	got := send(t, nil, "--server", plain.url(), "--tls", "required", "--to", "ok@example.test", newMessage(4<<10).file(t))
	got.want(t, report{
		Outcome: "not delivered", Exit: 77, RetrySafe: true,
		Error: plain.address + ": STARTTLS: not offered by the server", Kind: "not offered", Step: "STARTTLS",
		Server: plain.address, Recipients: notDelivered("ok@example.test"),
	})
	s := postfix()
	got = send(t, nil, "--server", s.url(), "--tls", "implicit", "--to", "ok@example.test", newMessage(4<<10).file(t))
	got.want(t, report{
		Outcome: "not delivered", Exit: 77, RetrySafe: true,
		Error: s.address + ": TLS: tls: first record does not look like a TLS handshake", Kind: "tls", Step: "TLS",
		Server: s.address, Recipients: notDelivered("ok@example.test"),
	})
	if len(got.trace) > 0 {
		t.Errorf("conversation %q before TLS", got.trace)
	}
}
