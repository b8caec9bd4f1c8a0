package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// handshake makes a TLS connection of a version and returns what either side knows
// of it.
func handshake(t *testing.T, version uint16) (client, server protocol.TLSState) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"mx.example"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	dialled := tls.Client(a, &tls.Config{RootCAs: roots, ServerName: "mx.example", MinVersion: version, MaxVersion: version})
	accepted := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, SessionTicketsDisabled: true})
	failed := make(chan error, 1)
	go func() { failed <- accepted.HandshakeContext(context.Background()) }()
	if err := errors.Join(dialled.Handshake(), <-failed); err != nil {
		t.Fatal(err)
	}
	state := func(c *tls.Conn) protocol.TLSState {
		cs := c.ConnectionState()
		exporter, err := cs.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
		if err != nil {
			t.Fatal(err)
		}
		endPoint := sha256.Sum256(der)
		return protocol.TLSState{Version: cs.Version, Exporter: exporter, ServerEndPoint: endPoint[:]}
	}
	return state(dialled), state(accepted)
}

// The two sides of a TLS connection agree on what it is bound to; the sides of two
// connections do not.
func TestSCRAMPlus(t *testing.T) {
	s := users(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		ours, theirs := handshake(t, version)
		other, _ := handshake(t, version)
		for _, test := range []struct {
			bindings     []auth.Binding
			ours, theirs protocol.TLSState
			header       string
			want         error
		}{
			{nil, ours, theirs, "p=tls-exporter,,", nil},
			{nil, without(ours, auth.BindingTLSExporter), theirs, "p=tls-server-end-point,,", nil},
			{[]auth.Binding{auth.BindingTLSServerEndPoint}, ours, theirs, "p=tls-server-end-point,,", nil},
			{[]auth.Binding{"tls-unique", auth.BindingTLSExporter}, ours, theirs, "p=tls-exporter,,", nil},
			{nil, other, theirs, "p=tls-exporter,,", auth.ErrChannelBinding},
			{[]auth.Binding{auth.BindingTLSServerEndPoint}, other, theirs, "p=tls-server-end-point,,", auth.ErrChannelBinding},
			{nil, ours, without(theirs, auth.BindingTLSExporter), "p=tls-exporter,,", auth.ErrChannelBinding},
		} {
			for _, m := range []protocol.Mechanism{
				auth.SCRAMSHA256Plus("", user, secret, test.bindings...), auth.SCRAMSHA1Plus("", user, secret, test.bindings...),
			} {
				got := converse(t, client(t, m, test.ours), serving(t, s, m.Name, test.theirs))
				if !m.Binds || !strings.HasPrefix(got.messages[0], "C: "+test.header+"n=tim,r=") || got.accepted != (test.want == nil) || !errors.Is(got.server, test.want) {
					t.Errorf("%s, %x: %q, %v, %v", m.Name, version, got.messages, got.client, got.server)
				}
			}
		}
		if c, err := auth.SCRAMSHA256Plus("", user, secret, "tls-unique").New(ours); c != nil || !errors.Is(err, auth.ErrNoBinding) {
			t.Error(err)
		}
	}
}

func without(tls protocol.TLSState, b auth.Binding) protocol.TLSState {
	if b == auth.BindingTLSExporter {
		tls.Exporter = nil
	} else {
		tls.ServerEndPoint = nil
	}
	return tls
}

// RFC 5802 §6: the flag says whether the client could bind, and a server that offers
// binding takes "y" for an attack.
func TestSCRAMFlag(t *testing.T) {
	s := users(t)
	for _, test := range []struct {
		offered      []string
		ours, theirs protocol.TLSState
		flag         string
		want         error
	}{
		{[]string{"PLAIN", "SCRAM-SHA-256"}, protocol.TLSState{}, protocol.TLSState{}, "n", nil},
		{[]string{"PLAIN", "SCRAM-SHA-256"}, underTLS, protocol.TLSState{Version: 0x0304}, "y", nil},
		{[]string{"PLAIN", "SCRAM-SHA-256"}, underTLS, underTLS, "y", auth.ErrChannelBinding},
		{[]string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}, underTLS, underTLS, "n", nil},
		{[]string{"scram-sha-1-plus", "SCRAM-SHA-256"}, underTLS, underTLS, "n", nil},
	} {
		c := client(t, auth.SCRAMSHA256("", user, secret), test.ours)
		c.(protocol.OfferReader).Offered(test.offered)
		got := converse(t, c, serving(t, s, auth.MechanismSCRAMSHA256, test.theirs))
		if !strings.HasPrefix(got.messages[0], "C: "+test.flag+",,") || got.server != test.want || got.accepted != (test.want == nil) {
			t.Errorf("%q: %q, %v", test.offered, got.messages, got.server)
		}
	}
}
