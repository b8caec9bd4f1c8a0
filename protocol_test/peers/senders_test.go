package peers_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	netsmtp "net/smtp"
	"slices"

	"github.com/emersion/go-smtp"
	"github.com/mjl-/mox/dns"
	"github.com/mjl-/mox/smtpclient"
	"github.com/wneessen/go-mail"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

const from = "alice@example.com"

// sender is a client that has connected.
type sender interface {
	// send sends the same message n times, as fast as the client can on one connection.
	send(n int, to []string, content []byte) error
	// close says goodbye.
	close() error
}

// client is one of those that are compared.
type client struct {
	name string
	// dial introduces the client on conn. cfg, where it is not nil, is for TLS that
	// starts before the first octet.
	dial func(ctx context.Context, conn net.Conn, cfg *tls.Config) (sender, error)
}

func clients() []client {
	return []client{
		{"net/smtp", dialNetSMTP},
		{"go-smtp", dialGoSMTP},
		{"go-mail", dialGoMail},
		{"mox", dialMox},
		{"sansmtp", ours{}.dial},
	}
}

func secured(conn net.Conn, cfg *tls.Config) net.Conn {
	if cfg == nil {
		return conn
	}
	return tls.Client(conn, cfg)
}

type netSMTP struct{ c *netsmtp.Client }

func dialNetSMTP(_ context.Context, conn net.Conn, cfg *tls.Config) (sender, error) {
	c, err := netsmtp.NewClient(secured(conn, cfg), host)
	if err != nil {
		return nil, err
	}
	return netSMTP{c}, c.Hello("me.example")
}

func (s netSMTP) send(n int, to []string, content []byte) error {
	for range n {
		if err := s.c.Mail(from); err != nil {
			return err
		}
		for _, r := range to {
			if err := s.c.Rcpt(r); err != nil {
				return err
			}
		}
		w, err := s.c.Data()
		if err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (s netSMTP) close() error { return s.c.Quit() }

type goSMTP struct{ c *smtp.Client }

func dialGoSMTP(_ context.Context, conn net.Conn, cfg *tls.Config) (sender, error) {
	c := smtp.NewClient(secured(conn, cfg))
	return goSMTP{c}, c.Hello("me.example")
}

func (s goSMTP) send(n int, to []string, content []byte) error {
	for range n {
		if err := s.c.SendMail(from, to, bytes.NewReader(content)); err != nil {
			return err
		}
	}
	return nil
}

func (s goSMTP) close() error { return s.c.Quit() }

type goMail struct{ c *mail.Client }

func dialGoMail(ctx context.Context, conn net.Conn, cfg *tls.Config) (sender, error) {
	c, err := mail.NewClient(host, mail.WithHELO("me.example"), mail.WithTLSPolicy(mail.NoTLS),
		mail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return secured(conn, cfg), nil }))
	if err != nil {
		return nil, err
	}
	return goMail{c}, c.DialWithContext(ctx)
}

// send builds messages of about the same size: go-mail sends none that it has not
// built.
func (s goMail) send(n int, to []string, content []byte) error {
	for range n {
		m := mail.NewMsg()
		if err := m.From(from); err != nil {
			return err
		}
		if err := m.To(to...); err != nil {
			return err
		}
		m.SetBodyString(mail.TypeTextPlain, string(content), mail.WithPartEncoding(mail.NoEncoding))
		if err := s.c.Send(m); err != nil {
			return err
		}
	}
	return nil
}

func (s goMail) close() error { return s.c.Close() }

type mox struct{ c *smtpclient.Client }

func dialMox(ctx context.Context, conn net.Conn, cfg *tls.Config) (sender, error) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	c, err := smtpclient.New(ctx, quiet, secured(conn, cfg), smtpclient.TLSSkip, false,
		dns.Domain{ASCII: "me.example"}, dns.Domain{ASCII: host}, smtpclient.Opts{})
	return mox{c}, err
}

func (s mox) send(n int, to []string, content []byte) error {
	for range n {
		_, err := s.c.DeliverMultiple(context.Background(), from, to, int64(len(content)), bytes.NewReader(content), true, false, false)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s mox) close() error { return s.c.Close() }

// ours is this project's own client.
type ours struct {
	window protocol.Window
	c      *netasync.Client
}

func (o ours) dial(ctx context.Context, conn net.Conn, cfg *tls.Config) (sender, error) {
	url, mode := "smtp://"+host, netasync.TLSOff
	if cfg != nil {
		url, mode = "smtps://"+host, netasync.TLSImplicit
	}
	c, err := netasync.Dial(ctx, url, netasync.Config{
		Hello: "me.example", TLS: mode, TLSConfig: cfg, Window: o.window,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	})
	o.c = c
	return o, err
}

func (o ours) send(n int, to []string, content []byte) error {
	env := protocol.Envelope{}
	var err error
	if env.From, err = wire.ParsePath(from); err != nil {
		return err
	}
	for _, r := range to {
		path, err := wire.ParsePath(r)
		if err != nil {
			return err
		}
		env.To = append(env.To, wire.Recipient{Path: path})
	}
	body := protocol.BodyBytes(content)
	deliveries := make([]*protocol.Delivery, n)
	for i := range deliveries {
		deliveries[i] = o.c.SendAsync(env, body)
	}
	// They settle in order: who waits for the last first is woken once.
	for _, d := range slices.Backward(deliveries) {
		if _, err := d.Result().Await(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

func (o ours) close() error { return o.c.Quit(context.Background()) }
