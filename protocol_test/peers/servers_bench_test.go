package peers_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/mhale/smtpd"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// BenchmarkServers has a client by hand send to servers over loopback, on one
// connection, each message in lock-step: the group of its commands, then its content. All
// servers read the content and drop it. raw is the sink, which validates nothing.
func BenchmarkServers(b *testing.B) {
	servers := []struct {
		name  string
		serve func(net.Listener) error
	}{
		{"go-smtp", serveGoSMTP},
		{"smtpd", serveSMTPD},
		{"sansmtp", serveOurs},
		{"raw", serveRaw},
	}
	for _, load := range []struct {
		name       string
		recipients int
		content    string
	}{
		{"1KiB", 1, string(small)},
		{"1KiB_50_recipients", 50, string(small)},
		{"1MiB", 1, strings.Repeat(strings.Repeat("x", 62)+"\r\n", 1<<14)},
	} {
		for _, s := range servers {
			b.Run(load.name+"/"+s.name, func(b *testing.B) {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				served := make(chan error, 1)
				go func() { served <- s.serve(ln) }()
				defer func() {
					ln.Close()
					<-served
				}()
				sendTo(b, ln.Addr().String(), load.recipients, load.content)
			})
		}
	}
}

// sendTo sends b.N messages and checks the code of every reply.
func sendTo(b *testing.B, address string, recipients int, content string) {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	expect := func(code string, n int) {
		b.Helper()
		for n > 0 {
			line, err := in.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			if string(line[:3]) != code {
				b.Fatalf("%s, want %s", line, code)
			}
			if line[3] != '-' {
				n--
			}
		}
	}
	say := func(s string) {
		b.Helper()
		if _, err := io.WriteString(conn, s); err != nil {
			b.Fatal(err)
		}
	}
	expect("220", 1)
	say("EHLO me.example\r\n")
	expect("250", 1)
	group := "MAIL FROM:<" + from + ">\r\n"
	for i := range recipients {
		group += fmt.Sprintf("RCPT TO:<r%d@example.org>\r\n", i)
	}
	group += "DATA\r\n"
	content += ".\r\n"
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		say(group)
		expect("250", 1+recipients)
		expect("354", 1)
		say(content)
		expect("250", 1)
	}
	b.StopTimer()
	say("QUIT\r\n")
	expect("221", 1)
}

func serveRaw(ln net.Listener) error {
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	return (&sink{extensions: everything}).serve(conn)
}

type goSMTPSession struct{}

func (goSMTPSession) Reset()                               {}
func (goSMTPSession) Logout() error                        { return nil }
func (goSMTPSession) Mail(string, *smtp.MailOptions) error { return nil }
func (goSMTPSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (goSMTPSession) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func serveGoSMTP(ln net.Listener) error {
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return goSMTPSession{}, nil }))
	s.Domain = host
	return s.Serve(ln)
}

func serveSMTPD(ln net.Listener) error {
	s := &smtpd.Server{
		Appname: "smtpd", Hostname: host,
		Handler: func(net.Addr, string, []string, []byte) error { return nil },
	}
	return s.Serve(ln)
}

func serveOurs(ln net.Listener) error {
	s := &netasync.Server{
		Protocol: protocol.ServerConfig{Hostname: host},
		Logger:   slog.New(slog.DiscardHandler),
		Handler: &netasync.Backend{
			Recipient: func(context.Context, *netasync.Transaction, *wire.Recipient) (wire.Reply, error) {
				return wire.Reply{}, nil
			},
			Content: func(_ context.Context, _ *netasync.Transaction, content io.Reader) (wire.Reply, error) {
				_, err := io.Copy(io.Discard, content)
				return wire.Reply{}, err
			},
		},
	}
	err := s.Serve(context.Background(), ln)
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
