package main

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
)

// hint is the command that sends a message to the server, to be pasted into a shell.
func (s *serveCommand) hint(address net.Addr, cert *serverCertificate) string {
	words := []string{"sansmtp", "send", "--server", s.url(address)}
	if cert.file != "" {
		words = append(words, "--tls-ca", cert.file)
	}
	if s.TLS == tlsOff {
		words = append(words, "--tls", "off")
	} else if s.TLS != tlsImplicit {
		words = append(words, "--tls", "required")
	}
	password := ""
	if s.Auth != "" && (s.TLS != tlsOff || s.AllowCleartextAuth) {
		words = append(words, "--user", "NAME")
		password = passwordVariable + "=PASSWORD "
		if s.TLS == tlsOff {
			words = append(words, "--allow-cleartext-auth")
		}
	}
	words = append(words, "--from", "alice@example.com", "--to", "bob@example.org")
	for i, w := range words {
		words[i] = quote(w)
	}
	return `printf 'Subject: hello\n\nHello, Bob.\n' | ` + password + strings.Join(words, " ")
}

// url is the server as "sansmtp send" takes it.
func (s *serveCommand) url(address net.Addr) string {
	if address.Network() == "unix" {
		path, err := filepath.Abs(address.String())
		if err != nil {
			path = address.String() // the folder is gone, and so is the socket
		}
		return "lmtp+unix://" + path
	}
	scheme := "smtp://"
	switch {
	case s.LMTP:
		scheme = "lmtp://"
	case s.TLS == tlsImplicit:
		scheme = "smtps://"
	}
	host := address.String()
	if ap, err := netip.ParseAddrPort(host); err == nil && ap.Addr().IsUnspecified() {
		_, port, _ := net.SplitHostPort(host)
		host = net.JoinHostPort("localhost", port)
	}
	return scheme + host
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
