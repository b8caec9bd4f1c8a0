package netasync_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// peer is a server that plays one script for each connection, in order. "S: "
// lines are sent, consecutive ones with one write, and "C: " lines must come. TLS
// makes the handshake with the certificate of a name, READ
// takes an octet, EOF wants the end of input, HANG takes what comes until the client
// is gone, CALL calls the test's function.
type peer struct {
	t       testing.TB
	ln      net.Listener
	scripts []string
	call    func()
	names   []string // that TLS handshakes asked for
	remote  []net.Addr
	done    chan struct{}
}

// listen starts a peer. The test ends when all its scripts are played.
func listen(t testing.TB, call func(), scripts ...string) *peer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, ln: ln, scripts: scripts, call: call, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		for _, script := range p.scripts {
			conn, err := ln.Accept()
			if err != nil {
				t.Errorf("nobody connected: %v", err)
				return
			}
			p.remote = append(p.remote, conn.RemoteAddr())
			p.play(conn, script)
		}
	}()
	t.Cleanup(p.wait)
	return p
}

func (p *peer) wait() {
	p.ln.Close()
	<-p.done
}

func (p *peer) url() string { return "smtp://" + p.ln.Addr().String() }

// named is the URL by a name that certificates can have.
func (p *peer) named() string {
	_, port, _ := net.SplitHostPort(p.ln.Addr().String())
	return "smtp://localhost:" + port
}

func (p *peer) play(conn net.Conn, script string) {
	defer func() { conn.Close() }()
	r := bufio.NewReader(conn)
	var out []byte
	for line := range strings.Lines(script) {
		line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), "\t ")
		verb, arg, _ := strings.Cut(line, " ")
		switch verb {
		case "":
			continue
		case "S:":
			out = append(out, arg+"\r\n"...)
			continue
		}
		if _, err := conn.Write(out); err != nil {
			p.t.Errorf("before %q: %v", line, err)
			return
		}
		out = nil
		switch verb {
		case "C:":
			if got, err := r.ReadString('\n'); got != arg+"\r\n" {
				p.t.Errorf("got %q, %v, want %q", got, err, arg)
				return
			}
		case "TLS":
			secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{identity().certs[arg]}})
			if secure.Handshake() != nil {
				return // the client's error is what tests look at
			}
			p.names = append(p.names, secure.ConnectionState().ServerName)
			conn = secure
			r.Reset(conn)
		case "READ":
			_, _ = r.ReadByte()
		case "EOF":
			if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
				p.t.Errorf("got %q, %v, want the end", rest, err)
			}
		case "HANG":
			_, _ = io.Copy(io.Discard, r)
		case "CALL":
			p.call()
		default:
			p.t.Errorf("script: %q", line)
		}
	}
	_, _ = conn.Write(out)
}

// hello is how most conversations begin.
const hello = `
	S: 220 mx.example
	C: EHLO me.example
	S: 250 mx.example
`

// bye is how they end.
const bye = `
	C: QUIT
	S: 221 bye
	EOF
`

// sending is the transaction of envelope() and body().
const sending = `
	C: MAIL FROM:<a@me.example>
	S: 250 ok
	C: RCPT TO:<b@mx.example>
	S: 250 ok
	C: DATA
	S: 354 go
	C: hi
	C: .
	S: 250 queued
`

// me is a configuration whose conversations can be written down.
func me() netasync.Config { return netasync.Config{Hello: "me.example"} }

func body() protocol.Body { return protocol.BodyText("hi\r\n") }

func envelope(to ...string) protocol.Envelope {
	from, err := wire.ParsePath("a@me.example")
	if err != nil {
		panic(err)
	}
	env := protocol.Envelope{From: from}
	if to == nil {
		to = []string{"b@mx.example"}
	}
	for _, s := range to {
		path, err := wire.ParsePath(s)
		if err != nil {
			panic(err)
		}
		env.To = append(env.To, wire.Recipient{Path: path})
	}
	return env
}

// dial connects, and closes with the test.
func dial(t testing.TB, url string, cfg netasync.Config) *netasync.Client {
	t.Helper()
	c, err := netasync.Dial(t.Context(), url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func quit(t testing.TB, c *netasync.Client) {
	t.Helper()
	if err := c.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}

// inMemory is a DialContext whose servers run serve.
func inMemory(serve func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go serve(server)
		return client, nil
	}
}

type certificates struct {
	roots *x509.CertPool
	certs map[string]tls.Certificate
}

// identity has certificates of one root for localhost, which is 127.0.0.1 too, and
// for other.example.
var identity = sync.OnceValue(func() certificates {
	rootKey, root := certificate(&x509.Certificate{
		Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	middleKey, middle := certificate(&x509.Certificate{
		Subject: pkix.Name{CommonName: "middle"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, root, rootKey)
	id := certificates{roots: x509.NewCertPool(), certs: map[string]tls.Certificate{}}
	id.roots.AddCert(root)
	for _, name := range []string{"localhost", "other.example"} {
		template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}
		if name == "localhost" {
			template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		key, cert := certificate(template, middle, middleKey)
		id.certs[name] = tls.Certificate{Certificate: [][]byte{cert.Raw, middle.Raw}, PrivateKey: key}
	}
	return id
})

func certificate(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Unix(0, 0), time.Unix(1<<32, 0)
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return key, cert
}
