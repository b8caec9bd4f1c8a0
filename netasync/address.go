package netasync

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/sansmtp/sansmtp/protocol"
)

// scheme is what the first part of a server's URL stands for.
type scheme struct {
	port     string // the default
	lmtp     bool
	implicit bool
	unix     bool
}

var schemes = map[string]scheme{
	"smtp":       {port: "25"},
	"smtps":      {port: "465", implicit: true}, // RFC 8314 §7.3
	"submission": {port: "587"},                 // RFC 6409 §3.1
	"lmtp":       {port: "24", lmtp: true},
	"lmtp+unix":  {lmtp: true, unix: true},
}

// address is a server, as its URL names it.
type address struct {
	scheme
	host string // to look up, and to verify; "" for a Unix socket
	dial string // what net.Dial takes, and what errors show
}

// CheckURL reports whether Dial takes a URL; the error is a *protocol.ConfigError.
// It looks at the text alone.
func CheckURL(server string) error {
	_, err := parseURL(server)
	return err
}

// parseURL reads the URL of a server. Errors do not repeat it: people write
// passwords into URLs.
func parseURL(server string) (address, error) {
	fault := func(reason string) (address, error) {
		return address{}, &protocol.ConfigError{Field: "URL", Reason: reason}
	}
	u, err := url.Parse(server)
	if err != nil {
		return fault("cannot be parsed")
	}
	s, known := schemes[u.Scheme]
	switch {
	case !known:
		return fault("the scheme must be smtp, smtps, submission, lmtp or lmtp+unix")
	case u.User != nil:
		return fault("credentials have no place in it")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		return fault("only a scheme, a host and a port are allowed")
	}
	if s.unix {
		if u.Host != "" || !strings.HasPrefix(u.Path, "/") {
			return fault("a socket is lmtp+unix:///path")
		}
		return address{scheme: s, dial: u.Path}, nil
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = s.port
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case u.Path != "" && u.Path != "/":
		return fault("only a scheme, a host and a port are allowed")
	case host == "":
		return fault("no host")
	case err != nil || n == 0 || strings.HasSuffix(u.Host, ":"):
		return fault("the port is not one from 1 to 65535")
	case strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fault("the host holds a blank or a control octet")
	}
	return address{scheme: s, host: host, dial: net.JoinHostPort(host, port)}, nil
}

func (a address) network() string {
	if a.unix {
		return "unix"
	}
	return "tcp"
}
