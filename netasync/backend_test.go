package netasync_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

func refusal(code wire.Code, s string) error {
	return &protocol.ReplyError{Reply: text(code, s), Command: "upstream"}
}

// What a Backend answers, and what the client is told of errors.
func TestBackendAnswers(t *testing.T) {
	log := &syncBuffer{}
	addr := serve(t, &netasync.Server{
		Logger: slog.New(slog.NewTextHandler(log, nil)),
		Handler: &netasync.Backend{
			Connect: func(_ context.Context, s *netasync.Session) (wire.Reply, error) {
				s.SetValue("letters", 0)
				return text(220, "welcome"), nil
			},
			Sender: func(_ context.Context, t *netasync.Transaction) (wire.Reply, error) {
				switch t.Mail.From.Local() {
				case "":
					return text(550, "no bounces"), nil
				case "error":
					return ok, errors.New("disk on fire at /dev/sda")
				}
				t.Value = "mine"
				return ok, nil
			},
			Recipient: func(_ context.Context, tx *netasync.Transaction, to *wire.Recipient) (wire.Reply, error) {
				if tx.Value != "mine" {
					t.Errorf("value %v", tx.Value)
				}
				switch to.Path.Local() {
				case "refused":
					return ok, fmt.Errorf("upstream: %w", refusal(550, "no such user\nreally"))
				case "odd":
					return ok, refusal(250, "what?")
				case "forward":
					return text(251, "will forward"), nil
				}
				return ok, nil
			},
			Content: func(_ context.Context, t *netasync.Transaction, content io.Reader) (wire.Reply, error) {
				b, err := io.ReadAll(content)
				n := t.Session.Value("letters").(int) + 1
				t.Session.SetValue("letters", n)
				return text(250, fmt.Sprintf("letter %d of %d octets for %d", n, len(b), len(t.Recipients))), err
			},
		},
	})
	say(t, addr, `
		S: 220 mx.example welcome
		C: HELO me.example
		S: 250 mx.example
		C: MAIL FROM:<>
		S: 550 5.0.0 no bounces
		C: MAIL FROM:<error@me.example>
		S: 451 4.3.0 local error, try again later
		C: MAIL FROM:<a@me.example>
		C: RCPT TO:<refused@mx.example>
		C: RCPT TO:<odd@mx.example>
		C: RCPT TO:<forward@mx.example>
		C: RCPT TO:<b@mx.example>
		C: DATA
		S: 250 2.1.0 ok
		S: 550-5.0.0 no such user
		S: 550 5.0.0 really
		S: 451 4.3.0 local error, try again later
		S: 251 2.1.5 will forward
		S: 250 2.1.5 ok
		S: 354 end data with <CR><LF>.<CR><LF>
		C: hi
		C: .
		S: 250 2.0.0 letter 1 of 4 octets for 2
		C: MAIL FROM:<a@me.example>
		C: RCPT TO:<b@mx.example>
		C: DATA
		S: 250 2.1.0 ok
		S: 250 2.1.5 ok
		S: 354 end data with <CR><LF>.<CR><LF>
		C: .
		S: 250 2.0.0 letter 2 of 0 octets for 1
	`)
	if s := log.String(); strings.Count(s, "the backend failed") != 2 || !strings.Contains(s, "disk on fire") {
		t.Errorf("logged %s", s)
	}
}

// LMTP: a verdict for each recipient, in their order; over a Unix socket.
func TestBackendVerdicts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lmtp")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, &netasync.Server{
		Protocol: protocol.ServerConfig{LMTP: true, Hostname: "mx.example"},
		Handler: &netasync.Backend{
			Recipient: everybody,
			Content: func(_ context.Context, tx *netasync.Transaction, content io.Reader) (wire.Reply, error) {
				if _, err := io.Copy(io.Discard, content); err != nil {
					return ok, err
				}
				for i, to := range tx.Recipients {
					switch to.Path.Local() {
					case "full":
						if !tx.Verdict(i, text(452, "mailbox full"), nil) || tx.Verdict(i, ok, nil) {
							t.Error("a verdict counted twice, or not at all")
						}
					case "broken":
						tx.Verdict(i, ok, os.ErrPermission)
					}
				}
				return text(250, "delivered"), nil
			},
		},
	}, ln)
	c := dial(t, "lmtp+unix://"+path, me())
	receipt, err := c.Send(t.Context(), envelope("b@mx.example", "full@mx.example", "broken@mx.example", "b@mx.example"), body())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range receipt.Recipients {
		got = append(got, r.Reply.String())
	}
	if s := strings.Join(got, "|"); s != "250 2.0.0 delivered|452 4.0.0 mailbox full|451 4.3.0 local error, try again later|250 2.0.0 delivered" {
		t.Errorf("got %s", s)
	}
	quit(t, c)
}

// Messages that are unread have no verdict for a single recipient either.
func TestVerdictWithoutLMTP(t *testing.T) {
	addr := serve(t, &netasync.Server{Handler: &netasync.Backend{
		Recipient: everybody,
		Content: func(_ context.Context, tx *netasync.Transaction, content io.Reader) (wire.Reply, error) {
			_, err := io.Copy(io.Discard, content)
			if tx.Verdict(0, text(550, "no"), nil) {
				t.Error("SMTP has one verdict")
			}
			return text(250, "yes"), err
		},
	}})
	say(t, addr, toData+`
		C: .
		S: 250 2.0.0 yes
	`)
}

// What is passed on carries a Received field where the application adds it, and nothing unasked. // C35, C124
func TestTransactionReceived(t *testing.T) {
	got := make(chan string, 1)
	addr := serve(t, &netasync.Server{Handler: &netasync.Backend{
		Recipient: everybody,
		Content: func(_ context.Context, tx *netasync.Transaction, content io.Reader) (wire.Reply, error) {
			b, err := io.ReadAll(content)
			got <- tx.Received("1", time.Unix(0, 0).UTC()) + string(b)
			return ok, err
		},
	}})
	say(t, addr, toData+`
		C: Return-Path: <x>
		C: .
		S: 250 2.0.0 ok
	`)
	want := "Received: from me.example ([127.0.0.1])\r\n\tby mx.example with ESMTP id 1\r\n\tfor <b@mx.example>;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\nReturn-Path: <x>\r\n"
	if s := <-got; s != want {
		t.Errorf("got %q", s)
	}
}

// P39, P49
func TestSessionSettings(t *testing.T) {
	log := &syncBuffer{}
	srv := &netasync.Server{Label: "inbound", Logger: slog.New(slog.NewTextHandler(log, nil)), Protocol: protocol.ServerConfig{MaxContent: 5000}}
	done := make(chan struct{})
	var conn net.Conn
	mux := &netasync.Mux{}
	mux.HandleFunc("MAIL", func(w netasync.ReplyWriter, r *netasync.Request) {
		defer close(done)
		s := r.Session
		if s.Server() != srv || s.Server().Label != "inbound" || s.Server().Protocol.MaxContent != 5000 {
			t.Error("another server")
		}
		if s.Hostname() != "mx.example" {
			t.Errorf("host %s", s.Hostname())
		}
		if s.RemoteAddr().String() != conn.LocalAddr().String() || s.LocalAddr().String() != conn.RemoteAddr().String() {
			t.Errorf("addresses %v, %v", s.RemoteAddr(), s.LocalAddr())
		}
		if !s.Extensions().Has(wire.SMTPUTF8) || s.Extensions().Has(wire.StartTLS) || s.TLS().Active() || s.Login() != (netasync.Login{}) || s.Err() != nil {
			t.Errorf("%v, %v, %v, %v", s.Extensions(), s.TLS(), s.Login(), s.Err())
		}
		if s.Value("x") != nil {
			t.Error("a value out of nowhere")
		}
		panic("to have something logged")
	})
	srv.Handler = mux
	addr := serve(t, srv)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sayOn(t, conn, strings.Replace(serverHello, "67108864", "5000", 1)+`
		C: MAIL FROM:<>
		S: 421 4.3.0 mx.example local error
		EOF
	`)
	<-done
	if s := log.String(); !strings.Contains(s, "server=inbound") || !strings.Contains(s, "remote="+conn.LocalAddr().String()) {
		t.Errorf("logged %s", s)
	}
}

// hostname is what a server is called without a name of its own.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || wire.CheckDomain(name) != nil {
		return "localhost"
	}
	return name
}

func TestDefaultHostname(t *testing.T) { // P39
	name := hostname()
	srv := &netasync.Server{}
	got := make(chan string, 1)
	srv.Handler = &netasync.Backend{Connect: func(_ context.Context, s *netasync.Session) (wire.Reply, error) {
		got <- s.Hostname()
		return ok, nil
	}}
	ln := newMemory()
	served := make(chan error)
	go func() { served <- srv.Serve(t.Context(), ln) }()
	conn := ln.dial()
	defer conn.Close()
	sayOn(t, conn, "S: 220 "+name+" ESMTP")
	if s := <-got; s != name {
		t.Errorf("got %s, want %s", s, name)
	}
	srv.Close()
	<-served
}

// Both directions of a session, as they were, and nobody else's.
func TestServerTrace(t *testing.T) {
	var mu sync.Mutex
	traces := map[string][]string{}
	addr := serve(t, &netasync.Server{Trace: func(s *netasync.Session) func(protocol.TraceEvent) {
		remote := s.RemoteAddr().String()
		return func(e protocol.TraceEvent) {
			mu.Lock()
			defer mu.Unlock()
			traces[remote] = append(traces[remote], e.String())
		}
	}})
	other := say(t, addr, serverHello)
	defer other.Close()
	conn := say(t, addr, `
		S: 220 mx.example ESMTP
		C: HELO me.example
		S: 250 mx.example
		C: QUIT
		S: 221 2.0.0 mx.example closes the connection
		EOF
	`)
	mu.Lock()
	defer mu.Unlock()
	want := "-> 220 mx.example ESMTP|<- HELO me.example|-> 250 mx.example|<- QUIT|-> 221 2.0.0 mx.example closes the connection"
	if got := strings.Join(traces[conn.LocalAddr().String()], "|"); got != want {
		t.Errorf("got %s", got)
	}
	if len(traces) != 2 {
		t.Errorf("%d sessions", len(traces))
	}
}

// A backend that cannot say who is welcome turns the client away for now.
func TestBackendCannotConnect(t *testing.T) { // P43
	addr := serve(t, &netasync.Server{Logger: slog.New(slog.DiscardHandler), Handler: &netasync.Backend{
		Connect: func(context.Context, *netasync.Session) (wire.Reply, error) {
			return wire.Reply{}, errors.New("the database is down")
		},
	}})
	say(t, addr, `
		S: 421 local error, try again later
		EOF
	`)
}
