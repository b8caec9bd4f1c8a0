//go:build interop

package interop

import (
	"bytes"
	"crypto/sha256"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// client is a well-known client of SMTP, with what it says to a server.
type client struct {
	name string
	// send has the client send a message, to a server at that port of localhost.
	send func(t *testing.T, m message, mode tlsMode, port string, to []string)
	port map[tlsMode]string // where the server has to listen; at any port if nil
	// adds is what the client puts in front of a message.
	adds *regexp.Regexp
	// says are its commands, to the content: without QUIT, for which the server may
	// not wait.
	says map[tlsMode][]string
}

func clients() []client {
	return []client{
		{name: "curl", send: curl, says: map[tlsMode][]string{}},
		{name: "swaks", send: swaks, says: map[tlsMode][]string{}},
		{name: "msmtp", send: msmtp, says: map[tlsMode][]string{}},
		{name: "smtplib", send: smtplib, says: map[tlsMode][]string{}},
		{name: "nodemailer", send: nodemailer, says: map[tlsMode][]string{}},
	}
}

func curl(t *testing.T, m message, mode tlsMode, port string, to []string) {
	args := []string{"--silent", "--show-error", "--max-time", "30", "--mail-from", "sender@client.test", "--upload-file", "-"}
	for _, address := range to {
		args = append(args, "--mail-rcpt", address)
	}
	switch mode {
	case inClear:
		args = append(args, "smtp://localhost:"+port+"/client.test")
	case starttls:
		args = append(args, "--ssl-reqd", "--user", "user:pass", "--login-options", "AUTH=LOGIN", "smtp://localhost:"+port+"/client.test")
	case implicit:
		args = append(args, "--user", "user:pass", "--login-options", "AUTH=PLAIN", "smtps://localhost:"+port+"/client.test")
	}
	inside(t, m.withCRLF().octets, "/usr/bin/curl", args...)
}

func swaks(t *testing.T, m message, mode tlsMode, port string, to []string) {
	args := []string{
		"--silent", "3", "--timeout", "30", "--server", "localhost", "--port", port, "--helo", "client.test",
		"--from", "sender@client.test", "--to", strings.Join(to, ","), "--data", "-",
	}
	login := []string{"--tls-verify", "--auth", "CRAM-MD5", "--auth-user", "user", "--auth-password", "pass"}
	switch mode {
	case starttls:
		args = append(append(args, "--tls"), login...)
	case implicit:
		args = append(append(args, "--tls-on-connect"), login...)
	}
	// It takes a lone dot at the end for the end of data.
	inside(t, append(m.octets, "\n.\n"...), "/usr/bin/swaks", args...)
}

func msmtp(t *testing.T, m message, mode tlsMode, port string, to []string) {
	args := []string{"--timeout=30", "--host=localhost", "--port=" + port, "--domain=client.test", "--from=sender@client.test"}
	login := []string{
		"--tls=on", "--tls-trust-file=/etc/ssl/certs/ca-certificates.crt",
		"--auth=scram-sha-256", "--user=user", "--passwordeval=echo pass",
	}
	switch mode {
	case starttls:
		args = append(append(args, "--tls-starttls=on"), login...)
	case implicit:
		args = append(append(args, "--tls-starttls=off"), login...)
	}
	inside(t, m.octets, "/usr/bin/msmtp", append(append(args, "--"), to...)...)
}

func smtplib(t *testing.T, m message, mode tlsMode, port string, to []string) {
	args := append([]string{"/srv/client_smtplib.py", "localhost", port, string(mode), "sender@client.test"}, to...)
	inside(t, m.withCRLF().octets, "/usr/bin/python3", args...)
}

func nodemailer(t *testing.T, m message, mode tlsMode, port string, to []string) {
	args := append([]string{"/srv/smtp-server/client_nodemailer.js", "localhost", port, string(mode), "sender@client.test"}, to...)
	inside(t, m.octets, "/usr/bin/node", args...)
}

// inside runs a client where servers.sh has put it. It has to succeed, and to have
// nothing to say.
func inside(t *testing.T, stdin []byte, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: rig.env["ROOT"]}
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin", "HOME=/root"}
	cmd.Stdin = bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %v\n%s", cmd, err, out)
	}
}

// Every client delivers to our server, once and octet for octet: in clear, and where
// TLS and a login are demanded, with STARTTLS and without.
func TestClients(t *testing.T) {
	for _, c := range clients() {
		for _, mode := range []tlsMode{inClear, starttls, implicit} {
			for i, name := range []string{"one recipient", "two recipients"} {
				to := []string{"ok@" + string(mode) + ".test", "ok2@" + string(mode) + ".test"}[:i+1]
				t.Run(c.name+"/"+string(mode)+"/"+name, func(t *testing.T) { c.deliver(t, mode, to) })
			}
		}
	}
}

func (c client) deliver(t *testing.T, mode tlsMode, to []string) {
	port := "0"
	if c.port != nil {
		port = c.port[mode]
	}
	server := serve(t, mode, port, 1)
	m := newMessage(256 << 10)
	c.send(t, m, mode, server.port, to)
	contents, trace := server.wait(t)
	if len(contents) != 1 {
		t.Fatalf("%d messages stored, want 1\n%s", len(contents), strings.Join(trace, "\n"))
	}
	got := contents[0]
	if c.adds != nil {
		added := c.adds.Find(got)
		if added == nil {
			t.Errorf("%q does not begin as %v", got[:min(len(got), 500)], c.adds)
		}
		got = got[len(added):]
	}
	if want := m.content(); sha256.Sum256(got) != sha256.Sum256(want) {
		t.Errorf("stored: %s", difference(got, want))
	}
	var want []string
	for _, command := range c.says[mode] {
		if before, after, each := strings.Cut(command, "EACH"); each {
			for _, address := range to {
				want = append(want, before+address+after)
			}
		} else {
			want = append(want, command)
		}
	}
	if said := commands(trace); !slices.Equal(said, want) {
		t.Errorf("the client says\n%s\nwant\n%s\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"), strings.Join(trace, "\n"))
	}
}

// number is one in a command that depends on the size of the message.
var number = regexp.MustCompile(`^(BDAT |MAIL .* SIZE=)\d+`)

// commands are what a server's trace has of the first connection's client, but for
// QUIT.
func commands(trace []string) (said []string) {
	for _, entry := range trace {
		if line, is := strings.CutPrefix(entry, "[1] <- "); is && line != "QUIT" {
			said = append(said, number.ReplaceAllString(line, "${1}N"))
		}
	}
	return said
}
