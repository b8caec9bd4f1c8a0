package smtptest_test

import (
	"crypto/tls"
	"errors"
	"net/smtp"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest"
)

func TestLogin(t *testing.T) {
	srv := newServer(t, smtptest.Config{
		Users: map[string]string{"user": "secret", "other": "thing"}, STARTTLS: true, Protocol: protocol.ServerConfig{RequireAuth: true},
	}, false)
	sent := 0
	for _, mechanism := range []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"} {
		for _, mode := range []netasync.TLSMode{netasync.TLSOff, netasync.TLSRequired} {
			if mechanism == "SCRAM-SHA-256-PLUS" && mode == netasync.TLSOff {
				continue // it has nothing to bind to
			}
			for _, password := range []string{"secret", "thing"} {
				list, err := netasync.Password("user", password, mechanism)
				if err != nil {
					t.Fatal(err)
				}
				err = send(t, srv, netasync.Config{TLS: mode, Login: list, AllowCleartextAuth: true}, envelope(t), "")
				if password == "thing" {
					if refused, is := errors.AsType[*protocol.ReplyError](err); !is || refused.Reply.Code != 535 {
						t.Errorf("%s with a wrong password: %v", mechanism, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: %v", mechanism, err)
					continue
				}
				sent++
				if m := srv.Messages()[sent-1]; m.User != "user" || m.TLS.Active() != (mode == netasync.TLSRequired) {
					t.Errorf("%s: %q, %v", mechanism, m.User, m.TLS.Active())
				}
			}
		}
	}
	if err := send(t, srv, netasync.Config{}, envelope(t), ""); err == nil {
		t.Error("RequireAuth requires nothing")
	}
}

// Nobody acts for somebody else.
func TestLoginForSomebodyElse(t *testing.T) {
	cfg := plain("")
	cfg.Users = map[string]string{"user": "secret", "other": "thing"}
	srv := newServer(t, cfg, false)
	c := dial(t, srv, false)
	c.say("EHLO me.example\r\nAUTH PLAIN b3RoZXIAdXNlcgBzZWNyZXQ=\r\nAUTH PLAIN dXNlcgB1c2VyAHNlY3JldA==\r\n")
	c.want(banner + "250-mx.example\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN\r\n" +
		"535 5.7.8 authentication failed\r\n235 2.7.0 authenticated\r\n")
}

// STARTTLS forgets a login in clear, and the message is nobody's.
func TestLoginAheadOfTLS(t *testing.T) { // C82
	cfg := plain("")
	cfg.Users, cfg.STARTTLS = map[string]string{"user": "secret"}, true
	srv := newServer(t, cfg, false)
	c := dial(t, srv, false)
	c.want(banner)
	c.say("EHLO me.example\r\nAUTH PLAIN AHVzZXIAc2VjcmV0\r\nSTARTTLS\r\n")
	c.want("250-mx.example\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250-STARTTLS\r\n250 AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN\r\n" +
		"235 2.7.0 authenticated\r\n220 2.0.0 ready to start TLS\r\n")
	c.secure(srv)
	c.say("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 2 LAST\r\nhi")
	messages, err := srv.Wait(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if m := messages[0]; m.User != "" || !m.TLS.Active() {
		t.Errorf("the user is %q, TLS %v", m.User, m.TLS.Active())
	}
}

// The client of the standard library gets all that it can do.
func TestNetSMTP(t *testing.T) {
	srv := newServer(t, smtptest.Config{Users: map[string]string{"user": "secret"}, STARTTLS: true}, false)
	c, err := smtp.Dial(srv.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	steps := []func() error{
		func() error { return c.Hello("me.example") },
		func() error { return c.StartTLS(&tls.Config{RootCAs: srv.CertPool(), ServerName: "127.0.0.1"}) },
		func() error { return c.Auth(smtp.PlainAuth("", "user", "secret", "127.0.0.1")) },
		func() error { return c.Mail("a@me.example") },
		func() error { return c.Rcpt("b@mx.example") },
		func() error {
			w, err := c.Data()
			if err != nil {
				return err
			}
			if _, err := w.Write([]byte("Subject: hi\n\n.\nhi")); err != nil {
				return err
			}
			return w.Close()
		},
		c.Reset, c.Noop, c.Quit,
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v\n%s", i, err, srv.Transcript())
		}
	}
	m := srv.Messages()[0]
	if string(m.Content) != "Subject: hi\r\n\r\n.\r\nhi\r\n" || m.User != "user" || !m.TLS.Active() || m.Hello != "me.example" {
		t.Errorf("got %+v", m)
	}
}
