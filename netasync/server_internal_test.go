package netasync

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// Addresses that are not connected are forgotten once there are too many, or once their
// rate does not matter any more.
func TestLimitsAreBounded(t *testing.T) { // H-R30
	var l limits
	now := time.Unix(0, 0)
	address := netip.MustParseAddr("10.0.0.0")
	for range 3 * maxAddresses {
		if !l.enter(address, now, 1, 10) {
			t.Fatal("no room")
		}
		l.leave(address, now)
		if len(l.addresses) > maxAddresses {
			t.Fatalf("%d addresses", len(l.addresses))
		}
		address = address.Next()
	}
	l = limits{}
	for range 100 { // the same one comes and goes
		if !l.enter(address, now, 1, 1000) {
			t.Fatal("no room")
		}
		if l.idle != 0 {
			t.Fatalf("%d are idle while the only one is connected", l.idle)
		}
		l.leave(address, now)
		if l.idle != 1 || len(l.addresses) != 1 {
			t.Fatalf("%d idle of %d", l.idle, len(l.addresses))
		}
	}
	if !l.enter(address, now, 1, 1000) {
		t.Fatal("no room")
	}
	if l.leave(address, now.Add(time.Hour)); len(l.addresses) != 0 || l.idle != 0 {
		t.Errorf("%d addresses, %d idle", len(l.addresses), l.idle)
	}
}

// A connection that was accepted just before the end is closed.
func TestConnectionAtTheEnd(t *testing.T) {
	srv := &Server{Logger: slog.New(slog.DiscardHandler)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := srv.listener(context.Background(), ln)
	if err := srv.add(l); err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	late := &Session{listener: l, conn: server}
	if err := srv.enter(late); err != nil {
		t.Fatal(err)
	}
	srv.Close()
	if srv.drive(late) {
		t.Error("a session began behind the end")
	}
	late.giveUp()
	l.open.Wait()
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v", err)
	}
	client, server = net.Pipe()
	srv.admit(l, server)
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v", err)
	}
	if len(srv.sessions) != 0 {
		t.Errorf("%d sessions", len(srv.sessions))
	}
}

func TestDefaultAddr(t *testing.T) { // P39
	for want, srv := range map[string]*Server{
		":25":        {},
		":465":       {Protocol: protocol.ServerConfig{ImplicitTLS: true}},
		":24":        {Protocol: protocol.ServerConfig{LMTP: true}},
		"mx.example": {Addr: "mx.example"},
	} {
		if got := srv.addr(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
