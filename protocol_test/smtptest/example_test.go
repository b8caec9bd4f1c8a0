package smtptest_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net/smtp"
	"strings"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// A message, as it was sent.
func ExampleServer() {
	srv := smtptest.NewServer(smtptest.Config{})
	defer srv.Close()

	err := smtp.SendMail(srv.Addr, nil, "alice@example.com", []string{"bob@example.org"}, []byte("Subject: hi\r\n\r\nHello, Bob.\r\n"))
	if err != nil {
		log.Fatal(err)
	}
	messages, err := srv.Wait(context.Background(), 1)
	if err != nil {
		log.Fatal(err)
	}
	m := messages[0]
	fmt.Printf("from %s to %s by %s\n%q\n", m.Mail.From, m.Recipients[0].Path, m.Verb, m.Content)
	// Output:
	// from <alice@example.com> to <bob@example.org> by DATA
	// "Subject: hi\r\n\r\nHello, Bob.\r\n"
}

// The second recipient is refused, and the conversation shows what the client makes
// of it.
func ExampleConfig_faults() {
	srv := smtptest.NewServer(smtptest.Config{
		Faults:   fault.MustParse("rcpt:2=450 4.2.1 later"),
		Protocol: protocol.ServerConfig{Hostname: "mx.example", Disable: protocol.DefaultExtensions},
	})
	defer srv.Close()

	to := []string{"bob@example.org", "carol@example.org"}
	fmt.Println(smtp.SendMail(srv.Addr, nil, "alice@example.com", to, nil))
	fmt.Print(srv.Transcript()[0])
	// Output:
	// 450 "4.2.1 later"
	// S: 220 mx.example ESMTP
	// C: EHLO localhost
	// S: 250 mx.example
	// C: MAIL FROM:<alice@example.com>
	// S: 250 ok
	// C: RCPT TO:<bob@example.org>
	// S: 250 ok
	// C: RCPT TO:<carol@example.org>
	// S: 450 4.2.1 later
}

// A function decides what goes wrong.
func ExampleConfig_onStep() {
	srv := smtptest.NewServer(smtptest.Config{
		OnStep: func(e fault.Event) fault.Action {
			if e.Step == fault.Rcpt && strings.Contains(e.Line, "@example.org") {
				return fault.Action{Reply: wire.Reply{Code: 550, Text: "no such domain"}}
			}
			return fault.Action{}
		},
	})
	defer srv.Close()

	fmt.Println(smtp.SendMail(srv.Addr, nil, "alice@example.com", []string{"bob@example.org"}, nil))
	// Output:
	// 550 "no such domain"
}

// The connection breaks in the middle of the content, under TLS.
func ExampleNewTLSServer() {
	srv := smtptest.NewTLSServer(smtptest.Config{Faults: fault.MustParse("data=drop after 1KiB")})
	defer srv.Close()

	conn, err := tls.Dial("tcp", srv.Addr, &tls.Config{RootCAs: srv.CertPool()})
	if err != nil {
		log.Fatal(err)
	}
	client, err := smtp.NewClient(conn, "127.0.0.1")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_ = client.Mail("alice@example.com")
	_ = client.Rcpt("bob@example.org")
	w, err := client.Data()
	if err != nil {
		log.Fatal(err)
	}
	_, _ = w.Write(make([]byte, 2<<10))
	fmt.Println(w.Close())
	fmt.Println(len(srv.Messages()), "messages")
	// Output:
	// EOF
	// 0 messages
}
