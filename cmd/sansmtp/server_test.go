package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// server plays one connection by a script. Each line is one of
//
//	S: LINE       sends LINE; consecutive ones with one write
//	C: LINE       must be what the client sends next
//	LINE          takes a line, whatever it is
//	READ N        takes N octets, whatever they are
//	TLS NAME      makes the server's handshake with NAME's certificate
//	NO-TLS NAME   the same, and wants the client to break it off
//	SNI NAME      must be the name that the handshake asked for; none: no name
//	SCRAM NAME    is the server's side of SCRAM-NAME for tim, tanstaaftanstaaf
//	EOF           wants the client to close now
//	PART          takes content until the client closes, and wants no end of data
//	HANG          takes whatever comes until the client closes
//	RESET         closes so that the client sees a reset
//	INTERRUPT     interrupts the command
//
// A script whose first line is UNIX is played at a Unix socket. Behind the last
// line the connection is closed.
type server struct {
	name, address string
	listener      net.Listener
	fault         chan error
}

func serve(name, script, socket string, interrupt func()) (*server, error) {
	network, address := "tcp", "127.0.0.1:0"
	if rest, unix := strings.CutPrefix(script, "UNIX\n"); unix {
		network, address, script = "unix", socket, rest
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	s := &server{name: name, address: ln.Addr().String(), listener: ln, fault: make(chan error, 1)}
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			s.fault <- fmt.Errorf("nobody connected")
			return
		}
		defer conn.Close()
		p := &player{base: conn, conn: conn, in: bufio.NewReader(conn), interrupt: interrupt}
		s.fault <- p.play(script)
	}()
	return s, nil
}

// wait waits for the end of the script. Whoever was to connect has done so.
func (s *server) wait() error {
	s.listener.Close()
	if err := <-s.fault; err != nil {
		return fmt.Errorf("server %s: %w", s.name, err)
	}
	return nil
}

type player struct {
	base, conn net.Conn
	in         *bufio.Reader
	out        []byte
	interrupt  func()
}

func (p *player) play(script string) error {
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		verb, arg, _ := strings.Cut(line, " ")
		if verb == "S:" {
			p.out = append(p.out, arg+"\r\n"...)
			continue
		}
		if _, err := p.conn.Write(p.out); err != nil {
			return fmt.Errorf("before %q: %w", line, err)
		}
		p.out = nil
		if err := p.step(verb, arg); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
	}
	_, _ = p.conn.Write(p.out) // the client may be gone by now
	return nil
}

func (p *player) step(verb, arg string) error {
	switch verb {
	case "C:":
		if got, err := p.in.ReadString('\n'); got != arg+"\r\n" {
			return fmt.Errorf("got %q, %v", got, err)
		}
	case "LINE":
		_, err := p.in.ReadString('\n')
		return err
	case "READ":
		n, err := strconv.ParseInt(arg, 10, 64)
		if err == nil {
			_, err = io.CopyN(io.Discard, p.in, n)
		}
		return err
	case "TLS":
		return p.secure(arg)
	case "NO-TLS":
		if p.secure(arg) == nil {
			// With TLS 1.3 the client's verdict on the certificate comes behind.
			if _, err := p.in.ReadByte(); err == nil || err == io.EOF {
				return fmt.Errorf("the client took it")
			}
		}
	case "SNI":
		if got := p.conn.(*tls.Conn).ConnectionState().ServerName; got != arg {
			return fmt.Errorf("got %q", got)
		}
	case "SCRAM":
		return p.scram("SCRAM-" + arg)
	case "EOF":
		if rest, err := io.ReadAll(p.in); len(rest) > 0 || err != nil {
			return fmt.Errorf("got %q, %v", rest, err)
		}
	case "PART":
		content, err := io.ReadAll(p.in)
		if err != nil || strings.Contains("\r\n"+string(content), "\r\n.\r\n") {
			return fmt.Errorf("got %q, %v", content, err)
		}
	case "HANG":
		_, _ = io.Copy(io.Discard, p.in)
	case "RESET":
		return p.base.(*net.TCPConn).SetLinger(0)
	case "INTERRUPT":
		p.interrupt()
	default:
		return fmt.Errorf("no such step")
	}
	return nil
}

func (p *player) secure(name string) error {
	if p.in.Buffered() > 0 {
		return fmt.Errorf("octets before the ClientHello")
	}
	cert, ok := identity().certs[name]
	if !ok {
		return fmt.Errorf("no such certificate")
	}
	conn := tls.Server(p.base, &tls.Config{Certificates: []tls.Certificate{cert}})
	p.conn = conn
	p.in.Reset(conn)
	return conn.Handshake()
}

type testIdentity struct {
	root  []byte // in PEM
	certs map[string]tls.Certificate
}

// identity has certificates of one root for "localhost", which is 127.0.0.1 too,
// and for "other.example".
var identity = sync.OnceValue(func() testIdentity {
	rootKey, root := certificate(&x509.Certificate{
		Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	id := testIdentity{
		root:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}),
		certs: map[string]tls.Certificate{},
	}
	for _, name := range []string{"localhost", "other.example"} {
		template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}
		if name == "localhost" {
			template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		key, cert := certificate(template, root, rootKey)
		id.certs[name] = tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
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

// freePort returns a port that nobody listens at.
func freePort() string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}
