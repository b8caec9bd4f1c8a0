package netasync_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestCheckURL(t *testing.T) {
	for _, row := range []struct{ url, want string }{
		{"smtp://mx.example", ""},
		{"SMTP://mx.example:2525/", ""},
		{"smtps://[2001:db8::1]:465", ""},
		{"submission://mx.example", ""},
		{"lmtp://mx.example", ""},
		{"lmtp+unix:///run/lmtp", ""},
		{"mx.example", "URL: the scheme must be smtp, smtps, submission, lmtp or lmtp+unix"},
		{"http://mx.example", "URL: the scheme must be smtp, smtps, submission, lmtp or lmtp+unix"},
		{"smtp://", "URL: no host"},
		{"smtp://:25", "URL: no host"},
		{"smtp://mx.example:", "URL: the port is not one from 1 to 65535"},
		{"smtp://mx.example:0", "URL: the port is not one from 1 to 65535"},
		{"smtp://mx.example:65536", "URL: the port is not one from 1 to 65535"},
		{"smtp://mx.example:x", "URL: cannot be parsed"},
		{"smtp://mx%20.example", "URL: cannot be parsed"},
		{"smtp://[fe80::1%25a%20b]", "URL: the host holds a blank or a control octet"},
		{"smtp://mx.example/inbox", "URL: only a scheme, a host and a port are allowed"},
		{"smtp://mx.example?x", "URL: only a scheme, a host and a port are allowed"},
		{"smtp://mx.example#x", "URL: only a scheme, a host and a port are allowed"},
		{"smtp:mx.example", "URL: only a scheme, a host and a port are allowed"},
		{"smtp://george:abracadabra@mx.example", "URL: credentials have no place in it"}, // H-A9
		{"smtp://george:abra%zz@mx.example", "URL: cannot be parsed"},
		{"lmtp+unix://host/run/lmtp", "URL: a socket is lmtp+unix:///path"},
		{"lmtp+unix:run", "URL: only a scheme, a host and a port are allowed"},
	} {
		got := ""
		if err := netasync.CheckURL(row.url); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: got %q, want %q", row.url, got, row.want)
		}
	}
}

// What cannot be right is found before the network is used. P33.
func TestDialConfigError(t *testing.T) {
	login := []protocol.Mechanism{{Name: "X"}}
	for _, row := range []struct {
		url  string
		cfg  netasync.Config
		want string
	}{
		{"smtp://", netasync.Config{}, "URL: no host"},
		{"smtps://mx.example", netasync.Config{TLS: netasync.TLSOff}, "TLS: off contradicts smtps"},
		{"smtps://mx.example", netasync.Config{TLS: netasync.TLSOpportunistic}, "TLS: opportunistic contradicts smtps"},
		{"smtp://mx.example", netasync.Config{TLS: 9}, "TLS: no such mode"},
		{"smtp://mx.example", netasync.Config{Login: login[:0]}, "Login: no mechanism"},
		{"lmtp+unix:///s", netasync.Config{Login: login}, "TLSConfig.ServerName: needed to verify the certificate of a Unix socket"},
		{"smtp://mx.example", netasync.Config{Hello: "me example"}, "HELO name: domain: octet 0x20 does not fit into a domain at offset 2"},
		{"smtp://mx.example", netasync.Config{ConnectTimeout: -1}, "ConnectTimeout: negative"},
		{"smtp://mx.example", netasync.Config{Timeouts: protocol.Timeouts{Mail: -1}}, "Timeouts.Mail: negative"},
		{"smtp://mx.example", netasync.Config{Window: protocol.Window{Octets: -1}}, "Window.Octets: negative"},
		{"smtp://mx.example", netasync.Config{EOL: wire.EOLVerbatim}, "EOL: DATA cannot carry bare CR or LF"},
	} {
		_, err := netasync.Dial(t.Context(), row.url, row.cfg)
		config, ok := errors.AsType[*protocol.ConfigError](err)
		if !ok || netasync.KindOf(err) != netasync.KindConfig {
			t.Errorf("%q: got %v", row.want, err)
			continue
		}
		if got := config.Error(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}

func TestTLSModeText(t *testing.T) {
	for _, name := range []string{"default", "off", "opportunistic", "required", "implicit"} {
		var m netasync.TLSMode
		if err := m.UnmarshalText([]byte(name)); err != nil || m.String() != name {
			t.Errorf("%s: got %v, %v", name, m, err)
		}
	}
	m := netasync.TLSRequired
	if err := m.UnmarshalText([]byte("maybe")); err == nil || m != netasync.TLSRequired {
		t.Errorf("got %v, %v", m, err)
	}
	if got := netasync.TLSMode(9).String(); got != "TLSMode(9)" {
		t.Errorf("got %q", got)
	}
}

// No printing of a configuration or of a client shows a secret. H-A9.
func TestSecretsAreNotPrinted(t *testing.T) {
	p := listen(t, nil, `
		S: 220 mx.example
		C: EHLO me.example
		S: 250-mx.example
		S: 250 AUTH PLAIN
		C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
		S: 235 welcome
	`+bye)
	cfg := me()
	var err error
	if cfg.Login, err = netasync.Password("george", "abracadabra"); err != nil {
		t.Fatal(err)
	}
	cfg.TLS, cfg.AllowCleartextAuth = netasync.TLSOff, true
	var trace strings.Builder
	cfg.Trace = func(e protocol.TraceEvent) { fmt.Fprintln(&trace, e) }
	c := dial(t, p.url(), cfg)
	printed := ""
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		printed += fmt.Sprintf(verb, cfg)
		c.Do(func(machine *protocol.Client) { printed += fmt.Sprintf(verb, machine) })
	}
	quit(t, c)
	printed += trace.String()
	for _, secret := range []string{"abracadabra", "AGdlb3JnZQBhYnJhY2FkYWJyYQ", "YWJyYWNhZGFicmE"} {
		if strings.Contains(printed, secret) {
			t.Errorf("%q was printed", secret)
		}
	}
}

// The configuration belongs to the caller.
func TestConfigIsNotChanged(t *testing.T) {
	p := listen(t, nil, hello+bye)
	cfg := me()
	cfg.TLSConfig = &tls.Config{}
	quit(t, dial(t, p.url(), cfg))
	if cfg.TLSConfig.ServerName != "" || cfg.TLSConfig.InsecureSkipVerify || cfg.TLSConfig.VerifyConnection != nil {
		t.Error("TLSConfig was changed")
	}
	if cfg.TLS != netasync.TLSDefault || cfg.ConnectTimeout != time.Duration(0) {
		t.Error("Config was changed")
	}
}

// Without SMTPUTF8 a domain goes in its form in US-ASCII. What has none, and content
// with octets outside US-ASCII, is refused before anything is sent, and content goes
// all the same where that is allowed. C4, C62, C72, C73
func TestEightBit(t *testing.T) {
	content := protocol.BodyText("Subject: Gr\u00fc\u00dfe\r\n")
	for _, allowed := range []bool{false, true} {
		script := hello + strings.Replace(sending, "RCPT TO:<b@mx.example>", "RCPT TO:<b@xn--bcher-kva.example>", 1)
		if allowed {
			script += strings.Replace(sending, "C: hi", "C: Subject: Gr\u00fc\u00dfe", 1)
		}
		p := listen(t, nil, script+bye)
		cfg := me()
		cfg.Allow8Bit = allowed
		c := dial(t, p.url(), cfg)
		if _, err := c.Send(t.Context(), envelope("b@b\u00fccher.example"), body()); err != nil {
			t.Error(err)
		}
		_, err := c.Send(t.Context(), envelope("j\u00f6rg@mx.example"), body())
		if want := c.Host() + ": not delivered: SMTPUTF8: not offered by the server"; err == nil || err.Error() != want || netasync.KindOf(err) != netasync.KindNotOffered {
			t.Errorf("got %v", err)
		}
		_, err = c.Send(t.Context(), envelope(), content)
		if allowed && err != nil || !allowed && (err == nil || netasync.KindOf(err) != netasync.KindNotOffered) {
			t.Errorf("allowed %v: %v", allowed, err)
		}
		quit(t, c)
	}
}
