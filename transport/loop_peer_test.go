package transport

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// medium is a way to connect two ends.
type medium struct {
	name    string
	network string // "": net.Pipe
	tls     bool   // implicit TLS over it
}

var media = []medium{
	{name: "pipe"},
	{name: "tcp", network: "tcp"},
	{name: "unix", network: "unix"},
	{name: "tls over pipe", tls: true},
	{name: "tls over tcp", network: "tcp", tls: true},
}

// everywhere runs a test over every medium.
func everywhere(t *testing.T, test func(t *testing.T, m medium)) {
	for _, m := range media {
		t.Run(m.name, func(t *testing.T) { test(t, m) })
	}
}

// connect returns two ends, in clear, that are closed with the test.
func (m medium) connect(t testing.TB) (a, b net.Conn) {
	t.Helper()
	if m.network == "" {
		a, b = net.Pipe()
	} else {
		address := "127.0.0.1:0"
		if m.network == "unix" {
			address = filepath.Join(t.TempDir(), "s")
		}
		ln, err := net.Listen(m.network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if a, err = net.Dial(m.network, ln.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if b, err = ln.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// config returns a Loop's configuration for one side of the medium.
func (m medium) config(server bool) LoopConfig {
	if server {
		return LoopConfig{TLS: identity().server, ImplicitTLS: m.tls, Server: true}
	}
	return LoopConfig{TLS: identity().client, ImplicitTLS: m.tls}
}

// peerOf returns what a scripted server talks to.
func (m medium) peerOf(b net.Conn) net.Conn {
	if m.tls {
		return tls.Server(b, identity().server)
	}
	return b
}

type tlsIdentity struct {
	leaf           *x509.Certificate
	cert           tls.Certificate
	server, client *tls.Config
}

// identity is mx.example and a client that trusts it.
var identity = sync.OnceValue(func() tlsIdentity {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.example"}, DNSNames: []string{"mx.example"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tlsIdentity{
		leaf: leaf, cert: cert,
		server: ServerTLS(&tls.Config{Certificates: []tls.Certificate{cert}}),
		client: &tls.Config{RootCAs: roots, ServerName: "mx.example"},
	}
})

// script is a server played from a text. "S: " lines are sent, consecutive ones
// with one write, and "C: " lines must come. TLS makes the server's handshake, EOF
// wants the end of input, GONE whatever comes up to any end, and a line "S> " sends what is on it without a CRLF. The
// connection is closed behind the last line.
func script(t *testing.T, conn net.Conn, text string) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		defer func() { conn.Close() }()
		r := bufio.NewReader(conn)
		var out []byte
		for line := range strings.Lines(text) {
			line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), "\t ")
			if line == "" {
				continue
			}
			verb, arg, _ := strings.Cut(line, " ")
			if verb == "S:" {
				out = append(out, arg+"\r\n"...)
				continue
			}
			if verb == "S>" {
				out = append(out, arg...)
				continue
			}
			if len(out) > 0 {
				if _, err := conn.Write(out); err != nil {
					if err != errCut {
						t.Errorf("before %q: %v", line, err)
					}
					return
				}
				out = out[:0]
			}
			switch verb {
			case "C:":
				if got, err := r.ReadString('\n'); got != arg+"\r\n" {
					t.Errorf("got %q, %v, want %q", got, err, arg)
					return
				}
			case "EOF":
				if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
					t.Errorf("got %q, %v, want the end", rest, err)
				}
			case "WAIT":
				<-conn.(*waitConn).until
			case "GONE":
				io.Copy(io.Discard, r)
			case "TLS":
				if r.Buffered() > 0 {
					t.Error("octets before the ClientHello")
				}
				secure := tls.Server(conn, identity().server)
				if err := secure.Handshake(); err != nil {
					t.Errorf("handshake: %v", err)
					return
				}
				conn = secure
				r.Reset(conn)
			default:
				t.Errorf("script: %q", line)
			}
		}
		if len(out) > 0 {
			conn.Write(out)
		}
	}()
	return done
}

// cutConn ends once left octets were written.
type cutConn struct {
	net.Conn
	left int
}

var errCut = errors.New("cut")

func (c *cutConn) Write(p []byte) (int, error) {
	n := min(c.left, len(p))
	c.left -= n
	if _, err := c.Conn.Write(p[:n]); err != nil {
		return 0, err
	}
	if c.left == 0 {
		return n, errCut
	}
	return n, nil
}

// waitConn is a connection whose script waits at WAIT.
type waitConn struct {
	net.Conn
	until chan struct{}
}

// sink is a server that takes any message in lock-step, and says how many they were.
func sink(t *testing.T, conn net.Conn) (messages chan int) {
	messages = make(chan int, 1)
	go func() {
		defer conn.Close()
		n, content := 0, false
		r := bufio.NewReader(conn)
		for say := "220 mx.example"; say != ""; {
			if _, err := conn.Write([]byte(say + "\r\n")); err != nil {
				t.Error(err)
				break
			}
			line, err := r.ReadString('\n')
			for content && err == nil && line != ".\r\n" {
				line, err = r.ReadString('\n')
			}
			verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch {
			case content:
				n++
				content, say = false, "250 queued"
			case verb == "DATA":
				content, say = true, "354 go"
			case verb == "QUIT":
				say = "221 bye"
			case verb == "EHLO" || verb == "MAIL" || verb == "RCPT":
				say = "250 ok"
			default:
				say = ""
			}
		}
		messages <- n
	}()
	return messages
}

// client returns a client that waits for the greeting from now on.
func client(t testing.TB, cfg protocol.ClientConfig) *protocol.Client {
	t.Helper()
	c, err := protocol.NewClient(time.Now(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func envelope(t testing.TB) protocol.Envelope {
	t.Helper()
	from, err := wire.ParsePath("a@me.example")
	if err != nil {
		t.Fatal(err)
	}
	to, err := wire.ParsePath("b@mx.example")
	if err != nil {
		t.Fatal(err)
	}
	return protocol.Envelope{From: from, To: []wire.Recipient{{Path: to}}}
}

// await waits for f on behalf of a test.
func await[T any](t testing.TB, f *future.Future[T]) T {
	t.Helper()
	v, err := f.Await(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// drive starts a Loop that ends with the test at the latest.
func drive(t testing.TB, conn net.Conn, core protocol.Core, cfg LoopConfig) *Loop {
	l := Drive(context.Background(), conn, core, cfg)
	t.Cleanup(l.Close)
	return l
}

// secureClient makes the client's handshake.
func secureClient(conn net.Conn) net.Conn {
	secure := tls.Client(conn, identity().client)
	if err := secure.Handshake(); err != nil {
		panic(err)
	}
	return secure
}

// until returns once whoever drives l waits for one of the given.
func until(l *Loop, states ...driverState) {
	for waits := false; !waits; runtime.Gosched() {
		l.mu.Lock()
		waits = slices.Contains(states, l.driver)
		l.mu.Unlock()
	}
}

func untilBlocked(l *Loop) { until(l, driverReading, driverParked) }
func untilReading(l *Loop) { until(l, driverReading) }
func untilParked(l *Loop)  { until(l, driverParked) }
