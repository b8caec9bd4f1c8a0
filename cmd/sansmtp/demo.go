package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"github.com/sansmtp/sansmtp/cmd/sansmtp/internal/store"
	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// demoCommand is "sansmtp demo".
type demoCommand struct{}

const demoUser = "alice"

// demoMessage has what SMTP makes work of: octets outside ASCII, and lines that begin
// with a dot.
const demoMessage = "From: Alice <alice@example.com>\r\n" +
	"To: Bob <bob@example.org>, Carol <carol@example.org>\r\n" +
	"Subject: A message that came through\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n" +
	"Content-Transfer-Encoding: 8bit\r\n" +
	"\r\n" +
	"Grüße!\r\n" +
	".A line may begin with a dot,\r\n" +
	".\r\n" +
	"and another be nothing else.\r\n"

// Run sends one message to a server of its own, over loopback, and shows both sides.
func (demoCommand) Run(ctx context.Context, sys system) error {
	dir, err := os.MkdirTemp("", "sansmtp-demo-")
	if err != nil {
		return &failure{exitIO, err}
	}
	defer os.RemoveAll(dir)
	if err := demonstrate(ctx, sys.stdout, dir); err != nil {
		return &failure{exitIO, fmt.Errorf("demo: %w", err)}
	}
	return nil
}

func demonstrate(ctx context.Context, out io.Writer, dir string) error {
	cert, _, err := makeCertificate("127.0.0.1")
	if err != nil {
		return err
	}
	spec, err := store.ParseSpec("maildir:" + dir)
	if err != nil {
		return err
	}
	kept, err := spec.Open(store.Config{Host: "localhost"})
	if err != nil {
		return err
	}
	password := rand.Text()
	known, err := parseUsers("", demoUser+":"+password)
	if err != nil {
		return err
	}
	users, err := known.server()
	if err != nil {
		return err
	}
	talk := newTranscript()
	server := &netasync.Server{
		Handler:   newMailbox(kept, 0).backend(),
		TLSConfig: cert.config,
		Auth:      users,
		Protocol:  protocol.ServerConfig{Hostname: "localhost", RequireTLS: true, RequireAuth: true},
		Logger:    slog.New(slog.DiscardHandler),
		Trace:     func(*netasync.Session) func(protocol.TraceEvent) { return talk.server },
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, ln) }()
	receipt, stats, err := demoSend(ctx, "smtp://"+ln.Addr().String(), &tls.Config{RootCAs: cert.roots}, password, talk.client)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if stopErr := server.Shutdown(stopping); err == nil {
		err = stopErr
	}
	<-served
	if err != nil {
		return err
	}
	return talk.show(out, ln.Addr(), receipt, stats, dir)
}

// demoSend is all that an application does to send.
func demoSend(ctx context.Context, url string, cfg *tls.Config, password string, trace func(protocol.TraceEvent)) (receipt protocol.Receipt, stats netasync.Stats, err error) {
	login, err := netasync.Password(demoUser, password)
	if err == nil {
		login, err = login.AtLeast("SCRAM-SHA-256")
	}
	if err != nil {
		return receipt, stats, err
	}
	client, err := netasync.Dial(ctx, url, netasync.Config{
		Hello: "client.example", TLSConfig: cfg, Login: login, Trace: trace,
	})
	if err != nil {
		return receipt, stats, err
	}
	defer client.Close()
	env := protocol.Envelope{}
	if env.From, err = wire.ParsePath("alice@example.com"); err != nil {
		return receipt, stats, err
	}
	for _, to := range []string{"bob@example.org", "carol@example.org"} {
		path, err := wire.ParsePath(to)
		if err != nil {
			return receipt, stats, err
		}
		env.To = append(env.To, wire.Recipient{Path: path})
	}
	if receipt, err = client.Send(ctx, env, protocol.BodyText(demoMessage)); err != nil {
		return receipt, stats, err
	}
	err = client.Quit(ctx)
	return receipt, client.Stats(), err
}
