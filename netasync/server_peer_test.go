package netasync_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// serve runs a server for the length of a test, and returns where it listens.
func serve(t testing.TB, srv *netasync.Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, srv, ln)
	return ln.Addr().String()
}

func serveOn(t testing.TB, srv *netasync.Server, ln net.Listener) {
	t.Helper()
	if srv.Protocol.Hostname == "" {
		srv.Protocol.Hostname = "mx.example"
	}
	if srv.Logger == nil {
		srv.Logger = slog.New(slog.DiscardHandler)
	}
	served := make(chan error)
	go func() { served <- srv.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		srv.Close()
		if err := <-served; !errors.Is(err, netasync.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
}

// say plays a client's side of a conversation with a server: "C: " lines are
// sent, those of "C= " as the octets that are quoted, consecutive ones with one write, and
// "S: " lines must come. EOF wants the end of input.
// The connection stays open, and is returned, unless the last line is EOF.
func say(t testing.TB, addr, script string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	sayOn(t, conn, script)
	return conn
}

func sayOn(t testing.TB, conn net.Conn, script string) {
	t.Helper()
	r := bufio.NewReader(conn)
	var out []byte
	send := func() {
		if len(out) == 0 {
			return
		}
		if _, err := conn.Write(out); err != nil {
			t.Fatal(err)
		}
		out = out[:0]
	}
	for line := range strings.Lines(script) {
		line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), "\t ")
		verb, arg, _ := strings.Cut(line, " ")
		switch verb {
		case "":
		case "C:":
			out = append(out, arg+"\r\n"...)
		case "C=":
			octets, err := strconv.Unquote(arg)
			if err != nil {
				t.Fatalf("script: %q", line)
			}
			out = append(out, octets...)
		case "S:":
			send()
			if got, err := r.ReadString('\n'); got != arg+"\r\n" {
				t.Fatalf("got %q, %v, want %q", got, err, arg)
			}
		case "EOF":
			send()
			if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
				t.Fatalf("got %q, %v, want the end", rest, err)
			}
		default:
			t.Fatalf("script: %q", line)
		}
	}
	send()
	if r.Buffered() > 0 {
		rest, _ := r.Peek(r.Buffered())
		t.Fatalf("left over: %q", rest)
	}
}

// ok is the reply of a handler that has nothing to say.
var ok = wire.Reply{}

// everybody takes mail for everybody.
func everybody(context.Context, *netasync.Transaction, *wire.Recipient) (wire.Reply, error) {
	return ok, nil
}

// letter is a message as a Backend got it.
type letter struct {
	from    string
	to      []string
	content string
	err     error
}

// box is a Backend that takes everything, and tells of it.
func box() (*netasync.Backend, chan letter) {
	letters := make(chan letter, 100)
	return &netasync.Backend{
		Recipient: everybody,
		Content: func(_ context.Context, t *netasync.Transaction, content io.Reader) (wire.Reply, error) {
			b, err := io.ReadAll(content)
			l := letter{from: t.Mail.From.String(), content: string(b), err: err}
			for _, to := range t.Recipients {
				l.to = append(l.to, to.Path.String())
			}
			letters <- l
			return ok, err
		},
	}, letters
}

const serverHello = `
	S: 220 mx.example ESMTP
	C: EHLO me.example
	S: 250-mx.example
	S: 250-PIPELINING
	S: 250-SIZE 67108864
	S: 250-8BITMIME
	S: 250-BINARYMIME
	S: 250-CHUNKING
	S: 250-SMTPUTF8
	S: 250 ENHANCEDSTATUSCODES
`

func text(code wire.Code, text string) wire.Reply { return wire.Reply{Code: code, Text: text} }

// memory is a listener whose connections are pipes.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (m *memory) dial() net.Conn {
	client, server := net.Pipe()
	m.conns <- server
	return client
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

func (m *memory) Addr() net.Addr { return &net.UnixAddr{Net: "unix", Name: "memory"} }

// serverTLS is a configuration with the certificate of a name.
func serverTLS(name string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{identity().certs[name]}}
}
