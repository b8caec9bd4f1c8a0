package smtptest_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// plain is a server whose replies to EHLO are short.
func plain(script string) smtptest.Config {
	return smtptest.Config{
		Faults: fault.MustParse(script),
		Protocol: protocol.ServerConfig{
			Hostname: "mx.example", Disable: protocol.DefaultExtensions &^ (wire.Chunking | wire.EnhancedStatusCodes),
		},
	}
}

const (
	banner = "220 mx.example ESMTP\r\n"
	ehlo   = "250-mx.example\r\n250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n"
)

// newServer starts a server that is closed with the test.
func newServer(t testing.TB, cfg smtptest.Config, secure bool) *smtptest.Server {
	t.Helper()
	srv := smtptest.NewUnstartedServer(cfg)
	t.Cleanup(srv.Close)
	if secure {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	return srv
}

// client is a connection to a server.
type client struct {
	t testing.TB
	net.Conn
}

func connect(t testing.TB, srv *smtptest.Server) (*client, error) {
	conn, err := net.Dial("tcp", srv.Addr)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	return &client{t, conn}, nil
}

func dial(t testing.TB, srv *smtptest.Server, secure bool) *client {
	t.Helper()
	c, err := connect(t, srv)
	if err != nil {
		t.Fatal(err)
	}
	if secure {
		c.secure(srv)
	}
	return c
}

// secure makes the handshake.
func (c *client) secure(srv *smtptest.Server) {
	c.t.Helper()
	conn := tls.Client(c.Conn, &tls.Config{RootCAs: srv.CertPool(), ServerName: "localhost"})
	if err := conn.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.Conn = conn
}

func (c *client) say(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// want reads so many octets, and wants them to be these.
func (c *client) want(s string) {
	c.t.Helper()
	b := make([]byte, len(s))
	if n, err := io.ReadFull(c, b); string(b) != s {
		c.t.Fatalf("got %q, %v, want %q", b[:n], err, s)
	}
}

// ends wants the end of input, and nothing ahead of it.
func (c *client) ends() {
	c.t.Helper()
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
		c.t.Fatalf("got %q, %v, want the end", b, err)
	}
}

// closeWrite sends no more.
func (c *client) closeWrite() {
	c.t.Helper()
	if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// both runs a test in clear and under TLS.
func both(t *testing.T, test func(t *testing.T, secure bool)) {
	t.Run("clear", func(t *testing.T) { test(t, false) })
	t.Run("tls", func(t *testing.T) { test(t, true) })
}
