package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
	"time"
)

// handshake is one between a client that trusts the certificate in PEM and a server.
func handshake(t *testing.T, cert tls.Certificate, pem []byte, host string, version uint16, now time.Time) error {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %q", pem)
	}
	at := func() time.Time { return now }
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version, Time: at}).Handshake()
	}()
	conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: pool, ServerName: host, Time: at})
	if err == nil {
		conn.Close()
	}
	ln.Close()
	<-done
	return err
}

func TestSelfSigned(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	const life = 30 * 24 * time.Hour
	cert, pem, err := selfSigned(now, life, localHosts()...)
	if err != nil {
		t.Fatal(err)
	}
	if key, is := cert.PrivateKey.(*ecdsa.PrivateKey); !is || key.Curve != elliptic.P256() {
		t.Errorf("%T", cert.PrivateKey)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, name := range []string{"localhost", "127.0.0.1", "::1", host} {
			for _, at := range []time.Time{now.Add(-time.Hour), now, now.Add(life)} {
				if err := handshake(t, cert, pem, name, version, at); err != nil {
					t.Errorf("%s at %v: %v", name, at, err)
				}
			}
		}
	}
	for _, name := range []string{"other.example", "127.0.0.2"} {
		if err := handshake(t, cert, pem, name, tls.VersionTLS13, now); err == nil {
			t.Errorf("good for %s", name)
		}
	}
	for _, at := range []time.Time{now.Add(-time.Hour - time.Second), now.Add(life + time.Second)} {
		if err := handshake(t, cert, pem, "localhost", tls.VersionTLS13, at); err == nil {
			t.Errorf("good at %v", at)
		}
	}
	_, other, err := selfSigned(now, life, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	if err := handshake(t, cert, other, "localhost", tls.VersionTLS13, now); err == nil {
		t.Error("good for who trusts another one")
	}
}

func TestSelfSignedRefuses(t *testing.T) {
	if _, _, err := selfSigned(time.Unix(0, 0), time.Hour); err != errNoCertificate {
		t.Errorf("for no host: %v", err)
	}
	if _, _, err := selfSigned(time.Unix(0, 0), 0, "localhost"); err != errNoCertificate {
		t.Errorf("for no time: %v", err)
	}
}
