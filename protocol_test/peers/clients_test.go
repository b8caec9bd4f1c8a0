package peers_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	netsmtp "net/smtp"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/mjl-/mox/dns"
	moxsasl "github.com/mjl-/mox/sasl"
	"github.com/mjl-/mox/smtpclient"
	"github.com/wneessen/go-mail"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

const (
	userName = "george"
	password = "abracadabra"
)

// caller is a client of somebody else's, and how it gets in.
type caller struct {
	name  string
	login string // the mechanism; "": none
	tls   bool   // by STARTTLS
	dial  func(ctx context.Context, conn net.Conn) (sender, error)
}

func callers() []caller {
	var all []caller
	for _, c := range clients() {
		if c.name != "sansmtp" {
			all = append(all, caller{name: c.name, dial: func(ctx context.Context, conn net.Conn) (sender, error) { return c.dial(ctx, conn, nil) }})
		}
	}
	return append(all,
		caller{"net/smtp", "CRAM-MD5", false, func(_ context.Context, conn net.Conn) (sender, error) {
			return loginNetSMTP(conn, false, netsmtp.CRAMMD5Auth(userName, password))
		}},
		caller{"net/smtp", "CRAM-MD5", true, func(_ context.Context, conn net.Conn) (sender, error) {
			return loginNetSMTP(conn, true, netsmtp.CRAMMD5Auth(userName, password))
		}},
		caller{"net/smtp", "PLAIN", true, func(_ context.Context, conn net.Conn) (sender, error) {
			return loginNetSMTP(conn, true, netsmtp.PlainAuth("", userName, password, host))
		}},
		caller{"go-smtp", "PLAIN", true, func(_ context.Context, conn net.Conn) (sender, error) {
			return loginGoSMTP(conn, sasl.NewPlainClient("", userName, password))
		}},
		caller{"go-mail", "SCRAM-SHA-256", true, func(ctx context.Context, conn net.Conn) (sender, error) {
			return loginGoMail(ctx, conn, mail.SMTPAuthSCRAMSHA256)
		}},
		caller{"go-mail", "SCRAM-SHA-256-PLUS", true, func(ctx context.Context, conn net.Conn) (sender, error) {
			return loginGoMail(ctx, conn, mail.SMTPAuthSCRAMSHA256PLUS)
		}},
		caller{"go-mail", "LOGIN", true, func(ctx context.Context, conn net.Conn) (sender, error) {
			return loginGoMail(ctx, conn, mail.SMTPAuthLogin)
		}},
		caller{"mox", "SCRAM-SHA-256-PLUS", true, loginMox},
	)
}

func loginNetSMTP(conn net.Conn, secure bool, login netsmtp.Auth) (sender, error) {
	c, err := netsmtp.NewClient(conn, host)
	if err != nil {
		return nil, err
	}
	if err := c.Hello("me.example"); err != nil {
		return nil, err
	}
	if secure {
		if err := c.StartTLS(clientTLS()); err != nil {
			return nil, err
		}
	}
	return netSMTP{c}, c.Auth(login)
}

func loginGoSMTP(conn net.Conn, login sasl.Client) (sender, error) {
	c, err := smtp.NewClientStartTLS(conn, clientTLS())
	if err != nil {
		return nil, err
	}
	if err := c.Hello("me.example"); err != nil {
		return nil, err
	}
	return goSMTP{c}, c.Auth(login)
}

func loginGoMail(ctx context.Context, conn net.Conn, mechanism mail.SMTPAuthType) (sender, error) {
	c, err := mail.NewClient(host, mail.WithHELO("me.example"), mail.WithTLSPolicy(mail.TLSMandatory), mail.WithTLSConfig(clientTLS()),
		mail.WithSMTPAuth(mechanism), mail.WithUsername(userName), mail.WithPassword(password),
		mail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return conn, nil }))
	if err != nil {
		return nil, err
	}
	return goMail{c}, c.DialWithContext(ctx)
}

func loginMox(ctx context.Context, conn net.Conn) (sender, error) {
	c, err := smtpclient.New(ctx, slog.New(slog.DiscardHandler), conn, smtpclient.TLSRequiredStartTLS, true,
		dns.Domain{ASCII: "me.example"}, dns.Domain{ASCII: host}, smtpclient.Opts{
			RootCAs: clientTLS().RootCAs,
			Auth: func(mechanisms []string, state *tls.ConnectionState) (moxsasl.Client, error) {
				if !slices.Contains(mechanisms, "SCRAM-SHA-256-PLUS") {
					return nil, errors.New("no channel binding is offered")
				}
				return moxsasl.NewClientSCRAMSHA256PLUS(userName, password, *state), nil
			},
		})
	return mox{c}, err
}

// users has one user, for every kind of credentials.
func users(t *testing.T) *auth.Server {
	t.Helper()
	credentials, err := auth.NewSCRAMCredentials(crypto.SHA256, password, nil, auth.MinSCRAMIterations)
	if err != nil {
		t.Fatal(err)
	}
	return &auth.Server{
		Name: host,
		Password: func(user, given string) error {
			if user != userName || given != password {
				return auth.ErrCredentials
			}
			return nil
		},
		Secret: func(user string) (string, error) {
			if user != userName {
				return "", auth.ErrUnknownUser
			}
			return password, nil
		},
		SCRAM: func(_ crypto.Hash, user string) (auth.SCRAMCredentials, error) {
			if user != userName {
				return auth.SCRAMCredentials{}, auth.ErrUnknownUser
			}
			return credentials, nil
		},
		SCRAMKey: []byte("0123456789abcdef"), SCRAMIterations: auth.MinSCRAMIterations,
	}
}

// contents are what clients and servers may get wrong.
func contents() []string {
	const head = "Subject: a message\r\n\r\n"
	return []string{
		head,
		head + "text\r\n",
		".\r\n",
		head + ".a leading dot\r\n..and two\r\n",
		head + ".\r\n",
		head + ".\r\n.\r\n..\r\n.\r\n",
		head + "\r\n.\r\nQUIT\r\n",
		head + "no line end",
		head + "no line end behind a dot\r\n.",
		head + "\r\n\r\n",
		head + "Grüße, 世界, 🐧\r\n",
		head + strings.Repeat("x", 998) + "\r\n",
		head + strings.Repeat("."+strings.Repeat("x", 61)+"\r\n", 1<<14), // 1 MiB
		head + "the one behind it\r\n",
	}
}

// Other people's clients send to our server, in clear and in by whatever door they
// have: it has the octets that were sent, and knows by whom. // P9, P45, F26
func TestClientsOfOthers(t *testing.T) {
	for _, c := range callers() {
		name := c.name
		if c.login != "" {
			name += "/" + c.login
		}
		if c.tls {
			name += "/TLS"
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, c.call)
		})
	}
}

func (c caller) call(t *testing.T) {
	near, far := link(latency)
	store := &store{}
	srv := &netasync.Server{
		Protocol:  protocol.ServerConfig{Hostname: host, RequireTLS: c.tls, RequireAuth: c.login != ""},
		TLSConfig: serverTLS(t),
		Auth:      users(t),
		Logger:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Handler: &netasync.Backend{
			Recipient: func(context.Context, *netasync.Transaction, *wire.Recipient) (wire.Reply, error) {
				return wire.Reply{}, nil
			},
			Content: func(_ context.Context, tx *netasync.Transaction, content io.Reader) (wire.Reply, error) {
				l := letter{from: tx.Mail.From.Mailbox()}
				for _, to := range tx.Recipients {
					l.to = append(l.to, to.Path.Mailbox())
				}
				var err error
				if l.content, err = io.ReadAll(content); err != nil {
					return wire.Reply{}, err
				}
				want := netasync.Login{}
				if c.login != "" {
					want = netasync.Login{Mechanism: c.login, Username: userName, Identity: userName}
				}
				if got := tx.Session.Login(); got != want {
					t.Errorf("login %+v, want %+v", got, want)
				}
				if state := tx.Session.TLS(); (state.Version != 0) != c.tls {
					t.Errorf("TLS version %#x", state.Version)
				}
				store.add(l)
				return wire.Reply{}, nil
			},
		},
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(context.Background(), listen(far)) }()
	defer func() {
		near.Close()
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != netasync.ErrServerClosed {
			t.Error(err)
		}
	}()

	client, err := c.dial(t.Context(), near)
	if err != nil {
		t.Fatal(err)
	}
	to := []string{"bob@example.org", "carol@example.org"}
	var want []letter
	for _, content := range contents() {
		stored := content
		if !strings.HasSuffix(content, "\r\n") {
			stored += "\r\n"
			if c.name == "mox" { // it sends none that does not end in one
				content = stored
			}
		}
		if err := client.send(1, to, []byte(content)); err != nil {
			t.Fatalf("%.40q: %v", content, err)
		}
		want = append(want, letter{from, to, []byte(stored)})
	}
	if err := client.close(); err != nil {
		t.Error(err)
	}
	if c.name == "go-mail" {
		store.behead(t)
	}
	store.compare(t, want)
}

// goMailHead is the header section that go-mail puts in front of what it is given.
var goMailHead = regexp.MustCompile("^Date: [^\r]+\r\nMIME-Version: 1\\.0\r\nMessage-ID: <[^\r]+>\r\nUser-Agent: go-mail [^\r]+\r\nX-Mailer: go-mail [^\r]+\r\n" +
	"From: <alice@example\\.com>\r\nTo: <bob@example\\.org>, <carol@example\\.org>\r\n" +
	"Content-Transfer-Encoding: 8bit\r\nContent-Type: text/plain; charset=UTF-8$")

// behead takes go-mail's header sections off.
func (s *store) behead(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range s.letters {
		head, body, _ := bytes.Cut(l.content, []byte("\r\n\r\n"))
		if !goMailHead.Match(head) {
			t.Errorf("letter %d has the header section %q", i, head)
		}
		s.letters[i].content = body
	}
}
