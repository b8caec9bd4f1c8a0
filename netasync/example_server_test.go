package netasync_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// converse sends a server what a client says, and prints what it answers. A client in
// earnest waits for the greeting, and for the reply to EHLO.
func converse(addr, says string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, strings.ReplaceAll(says, "\n", "\r\n"))
	replies, err := io.ReadAll(conn)
	fmt.Print(strings.ReplaceAll(string(replies), "\r\n", "\n"))
	if err != nil {
		fmt.Println(err)
	}
}

// A server that takes mail for one user, and prints it.
func ExampleServer() {
	srv := &netasync.Server{
		Protocol: protocol.ServerConfig{Hostname: "mx.example"},
		Handler: &netasync.Backend{
			Recipient: func(_ context.Context, _ *netasync.Transaction, to *wire.Recipient) (wire.Reply, error) {
				if to.Path.Mailbox() != "bob@mx.example" {
					return wire.Reply{Code: wire.CodeMailboxUnavailable, Text: "no such user"}, nil
				}
				return wire.Reply{}, nil
			},
			Content: func(_ context.Context, t *netasync.Transaction, content io.Reader) (wire.Reply, error) {
				text, err := io.ReadAll(content)
				if err != nil {
					return wire.Reply{}, err
				}
				fmt.Printf("from %s to %s: %q\n", t.Mail.From, t.Recipients[0].Path, text)
				return wire.Reply{Code: wire.CodeOK, Text: "queued as 1"}, nil
			},
		},
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- srv.Serve(context.Background(), ln) }()

	converse(ln.Addr().String(), `HELO me.example
MAIL FROM:<alice@me.example>
RCPT TO:<carol@mx.example>
RCPT TO:<bob@mx.example>
DATA
hello
.
QUIT
`)
	fmt.Println(srv.Shutdown(context.Background()))
	fmt.Println(<-served)
	// Output:
	// from <alice@me.example> to <bob@mx.example>: "hello\r\n"
	// 220 mx.example ESMTP
	// 250 mx.example
	// 250 2.1.0 ok
	// 550 5.0.0 no such user
	// 250 2.1.5 ok
	// 354 end data with <CR><LF>.<CR><LF>
	// 250 2.0.0 queued as 1
	// 221 2.0.0 mx.example closes the connection
	// <nil>
	// the server is closed
}

// A verb of one's own, and another greeting.
func ExampleMux() {
	var mux netasync.Mux
	mux.HandleConnect(netasync.HandlerFunc(func(w netasync.ReplyWriter, r *netasync.Request) {
		w.Answer(wire.Reply{Code: wire.CodeServiceReady, Text: r.Session.Hostname() + " at your service"})
	}))
	mux.HandleFunc("XCOUNT", func(w netasync.ReplyWriter, r *netasync.Request) {
		n, _ := r.Session.Value("count").(int)
		r.Session.SetValue("count", n+1)
		w.Answer(wire.Reply{Code: wire.CodeOK, Text: fmt.Sprintf("you asked\n%d times before", n)})
	})
	srv := &netasync.Server{Handler: &mux, Protocol: protocol.ServerConfig{Hostname: "mx.example"}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go srv.Serve(context.Background(), ln)
	defer srv.Close()

	converse(ln.Addr().String(), "xcount\nXCount now\nXYZZY\nQUIT\n")
	// Output:
	// 220 mx.example at your service
	// 250-2.0.0 you asked
	// 250 2.0.0 0 times before
	// 250-2.0.0 you asked
	// 250 2.0.0 1 times before
	// 502 5.5.1 command not implemented
	// 221 2.0.0 mx.example closes the connection
}

// Several handlers for one verb: the first that answers ends the matter.
func ExampleChain() {
	greylist := netasync.HandlerFunc(func(w netasync.ReplyWriter, r *netasync.Request) {
		if r.Transaction.Mail.From.IsNull() {
			w.Answer(wire.Reply{Code: wire.CodeMailboxBusy, Text: "try again later"})
		}
	})
	local := netasync.HandlerFunc(func(w netasync.ReplyWriter, r *netasync.Request) {
		if r.Recipient.Path.Domain() == "mx.example" {
			w.Answer(wire.Reply{Code: wire.CodeOK})
		}
	})
	var mux netasync.Mux
	mux.Handle("RCPT", greylist, local)
	srv := &netasync.Server{Handler: &mux, Protocol: protocol.ServerConfig{Hostname: "mx.example"}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go srv.Serve(context.Background(), ln)
	defer srv.Close()

	converse(ln.Addr().String(), `HELO me.example
MAIL FROM:<>
RCPT TO:<bob@mx.example>
RSET
MAIL FROM:<alice@me.example>
RCPT TO:<bob@mx.example>
RCPT TO:<bob@elsewhere.example>
QUIT
`)
	// Output:
	// 220 mx.example ESMTP
	// 250 mx.example
	// 250 2.1.0 ok
	// 450 4.0.0 try again later
	// 250 2.0.0 ok
	// 250 2.1.0 ok
	// 250 2.1.5 ok
	// 550 5.7.1 no mail is taken for this recipient
	// 221 2.0.0 mx.example closes the connection
}
