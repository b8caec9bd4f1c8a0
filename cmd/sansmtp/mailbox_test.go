package main

import (
	"bufio"
	"crypto/tls"
	"log/slog"
	"net"
	"testing"

	"github.com/sansmtp/sansmtp/cmd/sansmtp/internal/store"
	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// A client that breaks off the TLS handshake never entered, and so does not leave: else
// the mailbox would be deserted while somebody is there, or never.
func TestMailboxCountsSessions(t *testing.T) {
	cert, _, err := makeCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := store.Spec{}.Open(store.Config{Host: "mx.example"})
	if err != nil {
		t.Fatal(err)
	}
	m := newMailbox(kept, 0)
	left := make(chan struct{}, 2)
	backend := m.backend()
	backend.Disconnect = func(s *netasync.Session) {
		m.leave(s)
		left <- struct{}{}
	}
	server := &netasync.Server{
		Handler: backend, TLSConfig: cert.config, Protocol: protocol.ServerConfig{Hostname: "mx.example", ImplicitTLS: true},
		Logger: slog.New(slog.DiscardHandler),
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(t.Context(), ln) }()
	defer func() {
		server.Close()
		<-served
	}()
	scan, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	scan.Close()
	<-left
	client, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: cert.roots})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if line, err := bufio.NewReader(client).ReadString('\n'); line != "220 mx.example ESMTP\r\n" {
		t.Fatal(line, err)
	}
	count := func() int {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.sessions
	}
	if n := count(); n != 1 {
		t.Errorf("%d sessions are there, want 1", n)
	}
	client.Close()
	<-left
	if n := count(); n != 0 {
		t.Errorf("%d sessions are there, want 0", n)
	}
}
