package netasync_test

import (
	"crypto/tls"
	"log/slog"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

func trusting() *tls.Config { return &tls.Config{RootCAs: identity().roots, ServerName: "localhost"} }

// By STARTTLS and under implicit TLS, and handlers see it. // P49, F28
func TestServerTLS(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		mux := &netasync.Mux{}
		seen := make(chan protocol.TLSState, 1)
		mux.HandleFunc("MAIL", func(_ netasync.ReplyWriter, r *netasync.Request) {
			seen <- r.Session.TLS()
			if verb, name := r.Session.Hello(); verb != "EHLO" || name != "me.example" {
				t.Errorf("hello %s %s", verb, name)
			}
		})
		mux.Handle("RCPT", answers(250, ""))
		mux.HandleFunc("DATA", func(w netasync.ReplyWriter, r *netasync.Request) {
			r.Content.Read(make([]byte, 1))
			w.Answer(text(250, "taken"))
		})
		srv := &netasync.Server{Handler: mux, TLSConfig: serverTLS("localhost"), Protocol: protocol.ServerConfig{ImplicitTLS: implicit, RequireTLS: true}}
		url := "smtp://" + serve(t, srv)
		cfg := me()
		cfg.TLS, cfg.TLSConfig = netasync.TLSRequired, trusting()
		if implicit {
			url = strings.Replace(url, "smtp:", "smtps:", 1)
			cfg.TLS = netasync.TLSImplicit
		}
		c := dial(t, url, cfg)
		receipt, err := c.Send(t.Context(), envelope(), body())
		if err != nil || receipt.Reply.Text != "taken" {
			t.Errorf("%+v, %v", receipt, err)
		}
		if state := <-seen; state.Version != tls.VersionTLS13 || state.ServerName != "localhost" || state.Exporter == nil || state.ServerEndPoint == nil {
			t.Errorf("got %+v", state)
		}
		quit(t, c)
	}
}

// T2, T9
func TestServerTLSFails(t *testing.T) {
	ended := make(chan error, 1)
	srv := &netasync.Server{
		TLSConfig: serverTLS("localhost"), Logger: slog.New(slog.DiscardHandler),
		Handler: &netasync.Backend{Disconnect: func(s *netasync.Session) { ended <- s.Err() }},
	}
	addr := serve(t, srv)
	say(t, addr, `
		S: 220 mx.example ESMTP
		C: STARTTLS
		C: NOOP
		S: 554 5.5.0 octets behind STARTTLS
		EOF
	`)
	<-ended
	conn := say(t, addr, `
		S: 220 mx.example ESMTP
		C: STARTTLS
		S: 220 2.0.0 ready to start TLS
		C: NOOP
		C: NOOP
		C: NOOP
	`)
	rest := make([]byte, 100)
	if n, _ := conn.Read(rest); n > 0 && rest[0] != 21 { // an alert, if anything
		t.Errorf("got %q", rest[:n])
	}
	conn.Close()
	if err := <-ended; err == nil || netasync.KindOf(err) != netasync.KindTLS {
		t.Errorf("got %v", err)
	}
}
