package main

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// hint is the command that sends a message to the server, to be pasted into a shell.
func (s *serveCommand) hint(address net.Addr, cert *serverCertificate) (string, error) {
	words := []string{"sansmtp", "send", "--server", s.url(address)}
	words = append(words, s.trust(address, cert)...)
	switch s.TLS {
	case tlsOff:
		words = append(words, "--tls", "off")
	case tlsStart, tlsRequired:
		words = append(words, "--tls", "required")
	}
	login, environment, err := s.loginHint()
	if err != nil {
		return "", err
	}
	words = append(words, login...)
	words = append(words, "--from", "alice@example.com", "--to", "bob@example.org")
	for i, w := range words {
		words[i] = quote(w)
	}
	return `printf 'Subject: hello\n\nHello, Bob.\n' | ` + environment + strings.Join(words, " "), nil
}

// trust are the flags by which a client trusts the certificate: the certificate itself,
// where it is for the name that the client calls the server by.
func (s *serveCommand) trust(address net.Addr, cert *serverCertificate) []string {
	switch {
	case cert.config == nil:
		return nil
	case cert.file != "":
		return []string{"--tls-ca", cert.file}
	}
	host, _, err := net.SplitHostPort(clientAddress(address))
	if err == nil && cert.config.Certificates[0].Leaf.VerifyHostname(host) == nil {
		return []string{"--tls-ca", absolute(s.TLSCert)}
	}
	return []string{"--tls-insecure"}
}

// loginHint are the flags by which a client logs in, and what of the environment it
// needs for that. A password is not repeated: the command looks it up in the file of
// users.
func (s *serveCommand) loginHint() (flags []string, environment string, err error) {
	if s.Auth == "" || s.TLS == tlsOff && !s.AllowCleartextAuth {
		return nil, "", nil
	}
	if s.TLS == tlsOff {
		flags = append(flags, "--allow-cleartext-auth")
	}
	if s.Auth == anyUser {
		return append(flags, "--user", "anybody"), passwordVariable + "=anything ", nil
	}
	name, known, err := firstUser(s.Auth)
	flags = append(flags, "--user", name)
	if !known {
		return flags, passwordVariable + "=PASSWORD ", err
	}
	prefix := strings.NewReplacer(`\`, `\\`, "/", `\/`, ".", `\.`, "*", `\*`, "[", `\[`, "^", `\^`, "$", `\$`).Replace(name)
	return append(flags, "--password-cmd", "sed -n 's/^"+prefix+":\\({PLAIN}\\)\\{0,1\\}//p' "+quote(absolute(s.Auth))), "", err
}

// url is the server as "sansmtp send" takes it.
func (s *serveCommand) url(address net.Addr) string {
	if address.Network() == "unix" {
		return "lmtp+unix://" + absolute(address.String())
	}
	scheme := "smtp://"
	switch {
	case s.LMTP:
		scheme = "lmtp://"
	case s.TLS == tlsImplicit:
		scheme = "smtps://"
	}
	return scheme + clientAddress(address)
}

// absolute names a file from any folder.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path // this folder is gone
}

// clientAddress is the address that a client on this machine connects to.
func clientAddress(address net.Addr) string {
	if ap, err := netip.ParseAddrPort(address.String()); err == nil && ap.Addr().IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(int(ap.Port())))
	}
	return address.String()
}

// quote makes one word of a shell's out of s.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
