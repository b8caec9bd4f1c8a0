package smtptest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

func path(t testing.TB, s string) wire.Path {
	t.Helper()
	p, err := wire.ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// send sends a message by the client of this module.
func send(t testing.TB, srv *smtptest.Server, cfg netasync.Config, env protocol.Envelope, content string) error {
	t.Helper()
	cfg.Hello = "me.example"
	cfg.TLSConfig = &tls.Config{RootCAs: srv.CertPool()}
	c, err := netasync.Dial(t.Context(), srv.URL, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Send(t.Context(), env, protocol.BodyText(content)); err != nil {
		return err
	}
	return c.Quit(t.Context())
}

func envelope(t testing.TB) protocol.Envelope {
	return protocol.Envelope{
		From: path(t, "a@me.example"),
		To:   []wire.Recipient{{Path: path(t, "b@mx.example")}, {Path: path(t, "c@mx.example")}},
	}
}

// What a Message says is what the client said.
func TestMessage(t *testing.T) {
	const content = "Subject: hi\r\n\r\n.dot\r\n..\r\n"
	users := map[string]string{"user": "secret"}
	login, err := netasync.Password("user", "secret")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		cfg    smtptest.Config
		secure bool
		client netasync.Config
		user   string
		tls    bool
	}{
		{"clear", smtptest.Config{}, false, netasync.Config{}, "", false},
		{"starttls", smtptest.Config{STARTTLS: true}, false, netasync.Config{}, "", true},
		{"implicit tls", smtptest.Config{STARTTLS: true}, true, netasync.Config{}, "", true},
		{"login", smtptest.Config{Users: users, STARTTLS: true}, false, netasync.Config{Login: login}, "user", true},
		{"login in clear", smtptest.Config{Users: users}, false, netasync.Config{Login: login, TLS: netasync.TLSOff}, "user", false},
		{"lmtp", smtptest.Config{Protocol: protocol.ServerConfig{LMTP: true}}, false, netasync.Config{}, "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv := newServer(t, test.cfg, test.secure)
			if err := send(t, srv, test.client, envelope(t), content); err != nil {
				t.Fatal(err, srv.Transcript())
			}
			messages, err := srv.Wait(t.Context(), 1)
			if err != nil || len(messages) != 1 {
				t.Fatal(messages, err)
			}
			m := messages[0]
			if string(m.Content) != content || m.Verb != "BDAT" || m.User != test.user || m.Hello != "me.example" || m.Session != 0 {
				t.Errorf("got %+v", m)
			}
			if m.TLS.Active() != test.tls {
				t.Errorf("TLS: %+v", m.TLS)
			}
			if m.Mail.From.String() != "<a@me.example>" || len(m.Recipients) != 2 || m.Recipients[0].Path.String() != "<b@mx.example>" || m.Recipients[1].Path.String() != "<c@mx.example>" {
				t.Errorf("from %s to %v", m.Mail.From, m.Recipients)
			}
		})
	}
}

// Parameters of MAIL and RCPT are there, and each message has its own.
func TestMessageParameters(t *testing.T) {
	cfg := plain("rcpt:2=550 no")
	cfg.Protocol.Enable = wire.DSN
	srv := newServer(t, cfg, false)
	c := dial(t, srv, false)
	c.say("EHLO me.example\r\nMAIL FROM:<> RET=HDRS ENVID=x\r\nRCPT TO:<b@mx.example> NOTIFY=NEVER\r\nRCPT TO:<c@mx.example>\r\n" +
		"RCPT TO:<d@mx.example>\r\nBDAT 0\r\nBDAT 3 LAST\r\n\x00\r\nMAIL FROM:<e@me.example>\r\nRCPT TO:<f@mx.example>\r\nDATA\r\n.\r\nQUIT\r\n")
	messages, err := srv.Wait(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	first, second := messages[0], messages[1]
	if !first.Mail.From.IsNull() || first.Mail.Ret != wire.RetHeaders || first.Mail.EnvID != "x" || first.Verb != "BDAT" || string(first.Content) != "\x00\r\n" {
		t.Errorf("the first is %+v", first)
	}
	if len(first.Recipients) != 2 || first.Recipients[0].Notify != wire.NotifyNever || first.Recipients[1].Path.String() != "<d@mx.example>" {
		t.Errorf("the first is to %+v", first.Recipients)
	}
	if second.Mail.From.String() != "<e@me.example>" || len(second.Recipients) != 1 || second.Content == nil || len(second.Content) > 0 {
		t.Errorf("the second is %+v", second)
	}
	c.want(banner)
}

// The client hears of a message no sooner than Messages has it; one that is not
// accepted is not there.
func TestMessages(t *testing.T) {
	srv := newServer(t, plain("content:2=554 no; content:3=drop"), false)
	c := dial(t, srv, false)
	c.say(hello.say)
	c.want(banner + ehlo)
	for n := 1; n <= 2; n++ {
		c.say(mail.say + rcpt.say + "DATA\r\n.\r\n")
		c.want(mail.reply + rcpt.reply + data.reply + []string{"250 2.0.0 ok\r\n", "554 no\r\n"}[n-1])
		if got := len(srv.Messages()); got != 1 {
			t.Errorf("%d messages after %d", got, n)
		}
	}
	c.say(mail.say + rcpt.say + "DATA\r\n.\r\n")
	c.want(mail.reply + rcpt.reply + data.reply)
	c.ends()
	if got := len(srv.Messages()); got != 2 {
		t.Errorf("%d messages in the end", got)
	}
}

func TestWait(t *testing.T) {
	srv := newServer(t, plain(""), false)
	if messages, err := srv.Wait(t.Context(), 0); len(messages) > 0 || err != nil {
		t.Errorf("for none: %v, %v", messages, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if messages, err := srv.Wait(ctx, 1); len(messages) > 0 || err != cause {
		t.Errorf("with a context that ended: %v, %v", messages, err)
	}
	waited := make(chan error)
	for range 3 {
		go func() {
			messages, err := srv.Wait(context.Background(), 2)
			if err == nil && len(messages) != 2 {
				err = errors.New("not two messages")
			}
			waited <- err
		}()
	}
	for range 2 {
		if err := send(t, srv, netasync.Config{}, envelope(t), ""); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := <-waited; err != nil {
			t.Error(err)
		}
	}
	go func() {
		_, err := srv.Wait(context.Background(), 3)
		waited <- err
	}()
	srv.Close()
	if err := <-waited; err != smtptest.ErrClosed {
		t.Errorf("of a closed server: %v", err)
	}
	if messages, err := srv.Wait(t.Context(), 2); len(messages) != 2 || err != nil {
		t.Errorf("what a closed server has: %v, %v", messages, err)
	}
}

func TestTranscript(t *testing.T) {
	srv := newServer(t, plain("rcpt:1=450 4.2.1 later"), false)
	c := dial(t, srv, false)
	c.say("EHLO me.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n")
	c.want(banner + ehlo + mail.reply + "450 4.2.1 later\r\n" + rcpt.reply + data.reply + "250 2.0.0 ok\r\n221 2.0.0 mx.example closes the connection\r\n")
	c.ends()
	dial(t, srv, false).want(banner)
	want := []string{
		`S: 220 mx.example ESMTP
C: EHLO me.example
S: 250-mx.example
S: 250-CHUNKING
S: 250 ENHANCEDSTATUSCODES
C: MAIL FROM:<>
S: 250 2.1.0 ok
C: RCPT TO:<b@mx.example>
S: 450 4.2.1 later
C: RCPT TO:<b@mx.example>
S: 250 2.1.5 ok
C: DATA
S: 354 end data with <CR><LF>.<CR><LF>
C: (7 octets of content)
S: 250 2.0.0 ok
C: QUIT
S: 221 2.0.0 mx.example closes the connection
`, "S: 220 mx.example ESMTP\n",
	}
	if got := srv.Transcript(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestURL(t *testing.T) {
	lmtp := smtptest.Config{Protocol: protocol.ServerConfig{LMTP: true}}
	for _, test := range []struct {
		cfg    smtptest.Config
		secure bool
		scheme string
	}{{smtptest.Config{}, false, "smtp://"}, {smtptest.Config{}, true, "smtps://"}, {lmtp, false, "lmtp://"}} {
		srv := newServer(t, test.cfg, test.secure)
		if host, _, err := net.SplitHostPort(srv.Addr); host != "127.0.0.1" || err != nil || srv.URL != test.scheme+srv.Addr {
			t.Errorf("%s, %s", srv.Addr, srv.URL)
		}
	}
}

// LMTP is mostly spoken over a socket of this machine.
func TestListener(t *testing.T) {
	srv := smtptest.NewUnstartedServer(smtptest.Config{Protocol: protocol.ServerConfig{LMTP: true}, Faults: fault.MustParse("content:2=450 4.2.2 full")})
	defer srv.Close()
	srv.Listener.Close()
	socket := filepath.Join(t.TempDir(), "lmtp")
	var err error
	if srv.Listener, err = net.Listen("unix", socket); err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if srv.Addr != socket || srv.URL != "lmtp+unix://"+socket {
		t.Errorf("%s, %s", srv.Addr, srv.URL)
	}
	c, err := netasync.Dial(t.Context(), srv.URL, netasync.Config{Hello: "me.example"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	receipt, err := c.Send(t.Context(), envelope(t), protocol.BodyText("hi"))
	if to := receipt.Recipients; err != nil || to[0].Outcome != protocol.Accepted || to[1].Reply.String() != "450 4.2.2 full" {
		t.Errorf("got %+v, %v", receipt, err)
	}
	if got := len(srv.Messages()); got != 1 {
		t.Errorf("%d messages", got)
	}
}

// The certificate is the configuration's own if it has one.
func TestCertificate(t *testing.T) {
	if srv := newServer(t, smtptest.Config{}, false); srv.Certificate() != nil {
		t.Error("a server without TLS has a certificate")
	}
	first := newServer(t, smtptest.Config{}, true)
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := first.Certificate().VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	var own tls.Certificate
	cfg := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &own, nil }}
	if srv := newServer(t, smtptest.Config{TLS: cfg}, true); srv.Certificate() != nil {
		t.Error("the certificate of a configuration that chooses is not known")
	}
	own = tls.Certificate{Certificate: [][]byte{first.Certificate().Raw}}
	second := newServer(t, smtptest.Config{TLS: &tls.Config{Certificates: []tls.Certificate{own}}}, true)
	if !second.Certificate().Equal(first.Certificate()) || !second.CertPool().Equal(first.CertPool()) {
		t.Error("the configuration's certificate is not used")
	}
	if conn := dial(t, first, true).Conn.(*tls.Conn); !conn.ConnectionState().PeerCertificates[0].Equal(first.Certificate()) {
		t.Error("another certificate is shown")
	}
}

// A client may have to show a certificate.
func TestClientCertificate(t *testing.T) {
	srv := newServer(t, smtptest.Config{TLS: &tls.Config{ClientAuth: tls.RequireAnyClientCert}}, true)
	c := dial(t, srv, false)
	conn := tls.Client(c.Conn, &tls.Config{RootCAs: srv.CertPool(), ServerName: "localhost"})
	if _, err := conn.Read(make([]byte, 1)); err == nil || err.Error() != "remote error: tls: certificate required" {
		t.Errorf("the error is %v", err)
	}
}

func TestStartPanics(t *testing.T) {
	tests := map[string]struct {
		cfg  smtptest.Config
		want string
	}{
		"script":   {smtptest.Config{Faults: fault.Script{{Step: "rctp"}}}, "smtptest: fault script: no such step"},
		"protocol": {smtptest.Config{Protocol: protocol.ServerConfig{TLS: true}}, "smtptest: Protocol: Requests, TLS, ImplicitTLS, Mechanisms and Trace are not to be set"},
		"hostname": {smtptest.Config{Protocol: protocol.ServerConfig{Hostname: "a b"}}, "smtptest: Hostname: domain: octet 0x20 does not fit into a host name at offset 1"},
		"password": {smtptest.Config{Users: map[string]string{"user": ""}}, "smtptest: password: not as RFC 8265 allows"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := recover(); got != test.want {
					t.Errorf("panic: %v", got)
				}
			}()
			smtptest.NewServer(test.cfg).Close()
		})
	}
	t.Run("twice", func(t *testing.T) {
		srv := newServer(t, smtptest.Config{}, false)
		defer func() {
			if got := recover(); got != "smtptest: the server was started already" {
				t.Errorf("panic: %v", got)
			}
		}()
		srv.Start()
	})
	t.Run("closed", func(t *testing.T) {
		srv := smtptest.NewUnstartedServer(smtptest.Config{})
		srv.Close()
		defer func() {
			if got := recover(); got != "smtptest: the test server is closed" {
				t.Errorf("panic: %v", got)
			}
		}()
		srv.StartTLS()
	})
}
