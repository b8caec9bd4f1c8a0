package protocol_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// No secret of a login is in a trace, in an error, in a reply, or in what printing
// any value shows, whether the login succeeds, fails, or makes no sense.
func TestServerSecretsAreNowhere(t *testing.T) { // H-A9
	const secret = "abracadabra-hocuspocus"
	response := base64.StdEncoding.EncodeToString([]byte("\x00george\x00" + secret))
	forms := []string{secret, response, response[8:24]}
	for shift := range 3 {
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		forms = append(forms, text[(shift*8+5)/6:len(text)-1])
	}
	long := strings.Repeat(response, 500)
	for name, lines := range map[string][]string{
		"taken":                {"AUTH PLAIN " + response},
		"lower case":           {"auth plain " + response},
		"two steps":            {"AUTH PLAIN", response},
		"refused":              {"AUTH PLAIN " + response + "AAAA"},
		"broken":               {"AUTH PLAIN " + response + "!"},
		"broken in two steps":  {"AUTH PLAIN", response + "!"},
		"two responses":        {"AUTH PLAIN " + response + " " + response},
		"unknown mechanism":    {"AUTH XYZZY " + response},
		"no blank":             {"AUTH PLAIN=" + response},
		"control octet":        {"AUTH PLAIN " + response + "\x00"},
		"in clear":             {"AUTH PLAIN " + response, "AUTH LOGIN " + response},
		"LOGIN":                {"AUTH LOGIN", "Z2Vvcmdl", base64.StdEncoding.EncodeToString([]byte(secret))},
		"LOGIN, name at once":  {"AUTH LOGIN Z2Vvcmdl", base64.StdEncoding.EncodeToString([]byte(secret))},
		"too long":             {"AUTH PLAIN " + long},
		"too long in response": {"AUTH PLAIN", long},
		"before EHLO":          {"AUTH PLAIN " + response},
		"in a transaction":     {"MAIL FROM:<a@me.example>", "AUTH PLAIN " + response},
		"as a password":        {"AUTH PLAIN", "*", "AUTH PLAIN " + response},
	} {
		for _, cut := range []int{1, 13, 1 << 20} {
			t.Run(fmt.Sprintf("%s in pieces of %d", name, cut), func(t *testing.T) {
				users := &auth.Server{Password: func(username, password string) error {
					if username != "george" || password != secret {
						return fmt.Errorf("%s: %w", username, auth.ErrCredentials)
					}
					return nil
				}}
				var seen strings.Builder
				see := func(values ...any) {
					for _, v := range values {
						for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
							fmt.Fprintf(&seen, verb+"\n", v)
						}
					}
				}
				traced := 0
				cfg := protocol.ServerConfig{
					TLS: true, ImplicitTLS: name != "in clear", Mechanisms: users.Mechanisms, Requests: protocol.AllRequests,
					Trace: func(e protocol.TraceEvent) { see(e); traced++ },
				}
				m := servedMachine(t, cfg)
				if cfg.ImplicitTLS {
					m.Upgraded(m.now, clientTLS, nil)
				}
				answer := func() {
					for r, ok := m.Next(); ok; r, ok = m.Next() {
						see(r.Verb(), r.Args(), r.Default())
						if r.Kind() != protocol.RequestAuth {
							r.AnswerDefault()
							continue
						}
						exchange, err := users.New(r.Args(), m.TLS())
						if see(err); err != nil {
							t.Fatal(err)
						}
						f := r.AcceptAuth(exchange)
						f.OnReady(func(v wire.Reply, err error) { see(v, err) })
					}
				}
				answer()
				input := strings.Join(lines, "\r\n") + "\r\n"
				if name != "before EHLO" {
					input = "EHLO me.example\r\n" + input
				}
				for len(input) > 0 && m.Err() == nil {
					n, err := m.Feed(m.now, []byte(input[:min(cut, len(input))]))
					see(err)
					answer()
					input = input[n:]
					see(m.flush())
				}
				m.FeedEOF(m.now)
				answer()
				see(m.flush(), m.Err())
				if traced < 3 || !strings.Contains(seen.String(), "***") && !strings.Contains(seen.String(), "line too long") {
					t.Errorf("the trace has %d lines, and no login", traced)
				}
				for _, form := range forms {
					if at := strings.Index(seen.String(), form); at >= 0 {
						t.Fatalf("%q is seen: %.300s", form, seen.String()[max(0, at-100):])
					}
				}
			})
		}
	}
}
