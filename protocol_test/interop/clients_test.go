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
	// relay is where env has the address of a relay, which has a message before the
	// server has it.
	relay string
	// adds is the pattern of what a relay puts in front of a message.
	adds      func(to []string) string
	pipelines bool // PIPELINING (RFC 2920), from MAIL to DATA or BDAT
	// hello, login and transaction are its commands, one with EACH for each recipient.
	// A relay's QUIT is not among them: the server ends with the last message, and may
	// be quicker.
	hello       string
	login       []string
	transaction []string
	// small is the transaction of a message that fits into a few buffers, where that is
	// another one.
	small []string
}

func clients() []client {
	const hello = "EHLO client.test"
	transaction := []string{
		"MAIL FROM:<sender@client.test>", "RCPT TO:<EACH>", "DATA", "(N octets of content)", "QUIT",
	}
	return []client{
		{name: "curl", send: curl, hello: hello, login: []string{"AUTH LOGIN", "***", "***"}, transaction: transaction},
		{name: "swaks", send: swaks, hello: hello, login: []string{"AUTH CRAM-MD5", "***"}, transaction: transaction},
		{name: "msmtp", send: msmtp, hello: hello, login: []string{"AUTH SCRAM-SHA-256", "***", "***", "***"}, transaction: transaction},
		{
			name: "smtplib", send: smtplib, hello: "ehlo client.test", login: []string{"AUTH CRAM-MD5", "***"},
			transaction: []string{
				"mail FROM:<sender@client.test> size=N BODY=8BITMIME", "rcpt TO:<EACH>", "data", "(N octets of content)", "QUIT",
			},
		},
		// It goes without QUIT.
		{name: "nodemailer", send: nodemailer, hello: hello, login: []string{"AUTH PLAIN ***"}, transaction: transaction[:4]},
	}
}

// says are the client's commands in all.
func (c client) says(mode tlsMode, size int, to []string) []string {
	said := []string{c.hello}
	if mode == starttls {
		said = append(said, "STARTTLS", c.hello)
	}
	if mode != inClear {
		said = append(said, c.login...)
	}
	transaction := c.transaction
	if size == smallMessage && c.small != nil {
		transaction = c.small
	}
	for _, command := range transaction {
		before, after, each := strings.Cut(command, "EACH")
		if !each {
			said = append(said, command)
			continue
		}
		for _, address := range to {
			said = append(said, before+address+after)
		}
	}
	return said
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
		args = append(args, "--user", "user:pass", "--login-options", "AUTH=LOGIN", "smtps://localhost:"+port+"/client.test")
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
	args := append([]string{"/srv/smtp-server/client_nodemailer.js", "127.0.0.1", port, string(mode), "sender@client.test"}, to...)
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

const (
	smallMessage = 4 << 10
	largeMessage = 1 << 20
)

// Every client delivers to our server, once and octet for octet: in clear, and where
// TLS and a login are demanded, with STARTTLS and without.
func TestClients(t *testing.T) {
	for _, c := range append(clients(), relays()...) {
		for _, mode := range []tlsMode{inClear, starttls, implicit} {
			first, second := "first@"+string(mode)+".test", "second@"+string(mode)+".test"
			t.Run(c.name+"/"+string(mode)+"/small", func(t *testing.T) { c.deliver(t, mode, smallMessage, first) })
			t.Run(c.name+"/"+string(mode)+"/large", func(t *testing.T) { c.deliver(t, mode, largeMessage, first, second) })
		}
	}
}

func (c client) deliver(t *testing.T, mode tlsMode, size int, to ...string) {
	port, count := "0", 0
	if c.relay != "" {
		port, count = relaysTo(mode), 1
	}
	server := serve(t, mode, port, count)
	m := newMessage(size)
	c.send(t, m, mode, server.port, to)
	if count == 0 {
		server.interrupt(t)
	}
	contents, trace := server.wait(t)
	if len(contents) != 1 {
		t.Fatalf("%d messages stored, want 1\n%s", len(contents), strings.Join(trace, "\n"))
	}
	got := c.original(t, contents[0], to)
	if want := m.content(); sha256.Sum256(got) != sha256.Sum256(want) {
		t.Errorf("stored: %s", difference(got, want))
	}
	if c.pipelines && !pipelined(trace, len(to)) {
		t.Errorf("the client waits for replies between MAIL and content:\n%s", strings.Join(trace, "\n"))
	}
	said := commands(trace)
	if c.relay != "" {
		said = slices.DeleteFunc(said, func(command string) bool { return command == "QUIT" })
	}
	if want := c.says(mode, size, to); !slices.Equal(said, want) {
		t.Errorf("the client says\n%s\nwant\n%s\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"), strings.Join(trace, "\n"))
	}
}

// original takes off what the client has put in front of a message.
func (c client) original(t *testing.T, content []byte, to []string) []byte {
	t.Helper()
	if c.adds == nil {
		return content
	}
	pattern := regexp.MustCompile("^" + c.adds(to))
	added := pattern.Find(content)
	if added == nil {
		t.Errorf("%q does not begin as %q", content[:min(len(content), 500)], pattern)
	}
	return content[len(added):]
}

// number is one in a command that depends on the size of the message.
var number = regexp.MustCompile(`(?i)^(BDAT |MAIL .* SIZE=|\()\d+`)

// commands are what a server's trace has of the first connection's client.
func commands(trace []string) (said []string) {
	for _, entry := range trace {
		if line, is := strings.CutPrefix(entry, "[1] <- "); is {
			said = append(said, number.ReplaceAllString(line, "${1}N"))
		}
	}
	return said
}

// pipelined reports whether the server saw MAIL, each RCPT, and DATA or BDAT before it
// answered the first of them.
func pipelined(trace []string, recipients int) bool {
	mail := slices.IndexFunc(trace, func(entry string) bool { return strings.HasPrefix(entry, "[1] <- MAIL ") })
	reply := slices.Index(trace, "[1] -> 250 2.1.0 ok")
	return mail >= 0 && reply >= mail+1+recipients+1
}
