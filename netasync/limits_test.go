package netasync_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

const tooMany = `
	S: 421 4.7.0 mx.example too many connections
	EOF
`

// F28, H-R30
func TestMaxConnections(t *testing.T) {
	for name, srv := range map[string]*netasync.Server{
		"in all":      {MaxConnections: 2},
		"per address": {MaxPerAddress: 2},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			srv.Handler = &netasync.Backend{Disconnect: func(*netasync.Session) { ended <- struct{}{} }}
			addr := serve(t, srv)
			first := say(t, addr, serverHello)
			second := say(t, addr, serverHello)
			say(t, addr, tooMany)
			first.Close()
			<-ended
			// Its place is free once the hook has returned.
			for {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				greeting := make([]byte, 4)
				if _, err := io.ReadFull(conn, greeting); err != nil {
					t.Fatal(err)
				}
				conn.Close()
				if string(greeting) == "220 " {
					<-ended
					break
				}
			}
			second.Close()
			<-ended
		})
	}
}

// From a /64 of IPv6 all is one address, and next to it is another.
func TestMaxPerAddressOfIPv6(t *testing.T) {
	ln := newMemory()
	serveOn(t, &netasync.Server{MaxPerAddress: 1}, ln)
	from := func(ip, script string) {
		conn := ln.dialFrom(ip)
		t.Cleanup(func() { conn.Close() })
		sayOn(t, conn, script)
	}
	from("2001:db8::1", serverHello)
	from("2001:db8::ffff:2", tooMany)
	from("2001:db8:0:1::1", serverHello)
	from("192.0.2.1", serverHello)
	from("::ffff:192.0.2.1", tooMany)
	from("192.0.2.2", serverHello)
}

func TestMaxRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newMemory()
		serveOn(t, &netasync.Server{MaxRate: 3}, ln)
		from := func(ip, script string) {
			t.Helper()
			conn := ln.dialFrom(ip)
			sayOn(t, conn, script)
			conn.Close()
		}
		const greeting = `S: 220 mx.example ESMTP`
		for range 3 {
			from("192.0.2.1", greeting)
		}
		from("192.0.2.1", tooMany)
		from("192.0.2.2", greeting)
		time.Sleep(20 * time.Second) // of the bubble's time
		from("192.0.2.1", greeting)
		from("192.0.2.1", tooMany)
		time.Sleep(time.Minute)
		for range 3 {
			from("192.0.2.1", greeting)
		}
		from("192.0.2.1", tooMany)
	})
}

// dialFrom connects from an address.
func (m *memory) dialFrom(ip string) net.Conn {
	client, server := net.Pipe()
	m.conns <- addressed{server, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 1234))}
	return client
}

type addressed struct {
	net.Conn
	remote net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.remote }

// whereServer tells its clients where they come from.
func whereServer(t *testing.T, srv *netasync.Server) string {
	mux := &netasync.Mux{}
	mux.HandleFunc("XWHERE", func(w netasync.ReplyWriter, r *netasync.Request) {
		l := r.Session.Login()
		w.Answer(text(250, fmt.Sprintf("%v %v <%s>", r.Session.RemoteAddr(), r.Session.LocalAddr(), l.Username)))
	})
	srv.Handler = mux
	return serve(t, srv)
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func proxyHeader(t *testing.T, version byte, from, to string) string {
	source, destination := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from)), net.TCPAddrFromAddrPort(netip.MustParseAddrPort(to))
	header := proxyproto.HeaderProxyFromAddrs(version, source, destination)
	if version == 2 {
		if err := header.SetTLVs([]proxyproto.TLV{{Type: proxyproto.PP2_TYPE_ALPN, Value: []byte("smtp")}}); err != nil {
			t.Fatal(err)
		}
	}
	b, err := header.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestProxy(t *testing.T) {
	addr := whereServer(t, &netasync.Server{ProxyFrom: loopback})
	for _, version := range []byte{1, 2} {
		for _, ends := range [][2]string{{"192.0.2.1:1234", "198.51.100.2:25"}, {"[2001:db8::1]:1234", "[2001:db8::2]:25"}} {
			say(t, addr, fmt.Sprintf(`
				C= %q
				S: 220 mx.example ESMTP
				C: XWHERE
				S: 250 2.0.0 %s %s <>
			`, proxyHeader(t, version, ends[0], ends[1]), ends[0], ends[1]))
			// Octets behind the header, which nobody may lose, and cuts inside of it.
			header := proxyHeader(t, version, ends[0], ends[1]) + "XWHERE\r\nQUIT\r\n"
			for cut := 1; cut < len(header); cut += 7 {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				conn.(*net.TCPConn).SetNoDelay(true)
				for _, part := range []string{header[:cut], header[cut:]} {
					if _, err := conn.Write([]byte(part)); err != nil {
						t.Fatal(err)
					}
				}
				got, err := io.ReadAll(conn)
				conn.Close()
				want := "220 mx.example ESMTP\r\n250 2.0.0 " + ends[0] + " " + ends[1] + " <>\r\n221 2.0.0 mx.example closes the connection\r\n"
				if string(got) != want || err != nil {
					t.Errorf("cut at %d: got %q, %v", cut, got, err)
				}
			}
		}
	}
}

// A proxy that speaks for itself.
func TestProxyLocal(t *testing.T) {
	addr := whereServer(t, &netasync.Server{ProxyFrom: loopback})
	for _, header := range []string{
		"PROXY UNKNOWN\r\n",
		"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
		"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00",
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		sayOn(t, conn, fmt.Sprintf(`
			C= %q
			S: 220 mx.example ESMTP
			C: XWHERE
			S: 250 2.0.0 %s %s <>
		`, header, conn.LocalAddr(), conn.RemoteAddr()))
		conn.Close()
	}
}

func TestProxyHeaderIsBad(t *testing.T) {
	log := &syncBuffer{}
	addr := whereServer(t, &netasync.Server{ProxyFrom: loopback, Logger: slog.New(slog.NewTextHandler(log, nil))})
	for _, header := range []string{
		"EHLO me.example\r\nMAIL FROM:<>\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\n",
		"PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n",
		"PROXY " + strings.Repeat("x", 200) + "\r\n",
		"PROXY TCP4\r\nPROXY TCP4\r\n",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x04abcd",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff" + strings.Repeat("x", 100),
		"\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x00",
		"PROXY TC", // and the end
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(header)); err != nil {
			t.Fatal(err)
		}
		_ = conn.(*net.TCPConn).CloseWrite() // the server may have closed already
		got, err := io.ReadAll(conn)
		conn.Close()
		if len(got) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%q: got %q, %v", header, got, err)
		}
	}
	if n := strings.Count(log.String(), "bad header"); n == 0 {
		t.Error("nothing was logged")
	}
}

// From elsewhere it is a command that does not exist.
func TestProxyHeaderOfNobody(t *testing.T) {
	addr := whereServer(t, &netasync.Server{ProxyFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sayOn(t, conn, `
		S: 220 mx.example ESMTP
		C: PROXY TCP4 192.0.2.1 198.51.100.2 1234 25
		S: 502 5.5.1 command not implemented
		C: XWHERE
		S: 250 2.0.0 `+conn.LocalAddr().String()+` `+conn.RemoteAddr().String()+` <>
	`)
}

// A proxy that says nothing does not hold its connection for ever.
func TestProxySilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newMemory()
		serveOn(t, &netasync.Server{ProxyFrom: loopback}, ln)
		conn := ln.dialFrom("127.0.0.1")
		begin := time.Now()
		if b, err := io.ReadAll(conn); len(b) > 0 || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

// What the proxy says counts for the limits.
func TestProxyLimits(t *testing.T) {
	addr := whereServer(t, &netasync.Server{ProxyFrom: loopback, MaxPerAddress: 1})
	from := func(ip, script string) {
		say(t, addr, fmt.Sprintf("C= %q\n", proxyHeader(t, 1, ip+":1234", "198.51.100.2:25"))+script)
	}
	from("192.0.2.1", serverHello)
	from("192.0.2.1", tooMany)
	from("192.0.2.2", serverHello)
}

func TestXClient(t *testing.T) {
	addr := whereServer(t, &netasync.Server{XClientFrom: loopback})
	hello := strings.Replace(serverHello, "S: 250 ENHANCEDSTATUSCODES", "S: 250-ENHANCEDSTATUSCODES\n	S: 250 XCLIENT", 1)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sayOn(t, conn, hello+`
		C: XCLIENT ADDR=192.0.2.1 PORT=4321 LOGIN=geor+67e NAME=[UNAVAILABLE]
		S: 220 mx.example ESMTP
		C: XWHERE
		S: 250 2.0.0 192.0.2.1:4321 `+conn.RemoteAddr().String()+` <george>
		C: XCLIENT ADDR=IPV6:2001:db8::1
		S: 220 mx.example ESMTP
		C: XWHERE
		S: 250 2.0.0 [2001:db8::1]:4321 `+conn.RemoteAddr().String()+` <george>
		C: XCLIENT ADDR=nonsense PORT=99999 LOGIN=+
		S: 220 mx.example ESMTP
		C: XWHERE
		S: 250 2.0.0 [2001:db8::1]:4321 `+conn.RemoteAddr().String()+` <george>
	`)
	say(t, whereServer(t, &netasync.Server{}), serverHello+`
		C: XCLIENT ADDR=192.0.2.1
		S: 502 5.5.1 command not implemented
	`)
}

func TestServerConfig(t *testing.T) {
	for field, srv := range map[string]*netasync.Server{
		"TLSConfig":                              {Protocol: protocol.ServerConfig{ImplicitTLS: true}},
		"Protocol":                               {Protocol: protocol.ServerConfig{Trusted: true}},
		"MaxConnections, MaxPerAddress, MaxRate": {MaxRate: -1},
	} {
		err := srv.ListenAndServe(t.Context())
		if fault, is := errors.AsType[*protocol.ConfigError](err); !is || fault.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
