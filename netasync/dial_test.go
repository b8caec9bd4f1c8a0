package netasync_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

const startTLS = `
	S: 220 mx.example
	C: EHLO me.example
	S: 250-mx.example
	S: 250-SIZE 1
	S: 250 STARTTLS
	C: STARTTLS
	S: 220 go
`

// F15, P19: TLS off, opportunistic, required, implicit; which name is asked for, and
// what is checked.
func TestTLSModes(t *testing.T) {
	trusting := &tls.Config{RootCAs: identity().roots}
	secured := "\nC: EHLO me.example\nS: 250 mx.example\n"
	offered := "S: 220 mx.example\nC: EHLO me.example\nS: 250-mx.example\nS: 250 STARTTLS\n"
	const off, opportunistic, required, implicit = netasync.TLSOff, netasync.TLSOpportunistic, netasync.TLSRequired, netasync.TLSImplicit
	for _, row := range []struct {
		name     string
		mode     netasync.TLSMode
		config   *tls.Config
		script   string
		active   bool
		verified bool
		err      string
	}{
		{name: "off", mode: off, script: offered + bye},
		{name: "opportunistic, not offered", mode: opportunistic, script: hello + bye},
		{name: "opportunistic, verified", mode: opportunistic, config: trusting, script: startTLS + "TLS localhost" + secured + bye, active: true, verified: true},
		{name: "opportunistic, untrusted", mode: opportunistic, script: startTLS + "TLS localhost" + secured + bye, active: true},
		{name: "opportunistic, wrong name", mode: opportunistic, config: trusting, script: startTLS + "TLS other.example" + secured + bye, active: true},
		{name: "opportunistic, handshake fails", mode: opportunistic, script: startTLS + "READ\nS: no TLS\nHANG", err: "TLS: tls: first record does not look like a TLS handshake"}, // H-T9
		{name: "required", mode: required, config: trusting, script: startTLS + "TLS localhost" + secured + bye, active: true, verified: true},
		{name: "required, not offered", mode: required, script: hello + bye, err: "STARTTLS: not offered by the server"}, // H-T3
		{name: "required, untrusted", mode: required, script: startTLS + "TLS localhost", err: "TLS: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{name: "required, wrong name", mode: required, config: trusting, script: startTLS + "TLS other.example", err: "TLS: tls: failed to verify certificate: x509: certificate is valid for other.example, not localhost"},
		{
			name: "required, insecure", mode: required, config: &tls.Config{RootCAs: identity().roots, InsecureSkipVerify: true},
			script: startTLS + "TLS localhost" + secured + bye, active: true, verified: true,
		},
		{
			name: "required, another name", mode: required, config: &tls.Config{RootCAs: identity().roots, ServerName: "other.example"},
			script: startTLS + "TLS other.example" + secured + bye, active: true, verified: true,
		},
		{name: "implicit", mode: implicit, config: trusting, script: "TLS localhost\n" + hello + bye, active: true, verified: true},
		{name: "implicit, untrusted", mode: implicit, script: "TLS localhost", err: "TLS: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := listen(t, nil, row.script)
			cfg := me()
			cfg.TLS, cfg.TLSConfig = row.mode, row.config
			c, err := netasync.Dial(t.Context(), p.named(), cfg)
			host := strings.TrimPrefix(p.named(), "smtp://")
			if row.err != "" {
				if err == nil || err.Error() != host+": "+row.err {
					t.Errorf("got %v, want %s", err, row.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			state := c.TLS()
			if state.Active() != row.active || state.Verified != row.verified {
				t.Errorf("got %+v", state)
			}
			if row.active && c.Extensions().Has("SIZE") {
				t.Error("what was said in clear is remembered") // F14
			}
			quit(t, c)
			p.wait()
			want := "localhost"
			if row.config != nil && row.config.ServerName != "" {
				want = row.config.ServerName
			}
			if row.active && (len(p.names) != 1 || p.names[0] != want) {
				t.Errorf("asked for %q, want %q", p.names, want)
			}
		})
	}
}

// Whether a certificate is verified goes by the caller's clock, and a socket without
// a name has none that could be.
func TestNotVerified(t *testing.T) {
	secured := "TLS localhost\nC: EHLO me.example\nS: 250 mx.example\n" + bye
	late := &tls.Config{RootCAs: identity().roots, Time: func() time.Time { return time.Unix(1<<33, 0) }}
	p := listen(t, nil, startTLS+secured)
	cfg := me()
	cfg.TLSConfig = late
	c := dial(t, p.named(), cfg)
	if state := c.TLS(); !state.Active() || state.Verified {
		t.Errorf("late: got %+v", state)
	}
	quit(t, c)

	cfg.TLSConfig = &tls.Config{RootCAs: identity().roots}
	cfg.DialContext = inMemory(func(conn net.Conn) {
		p := &peer{t: t}
		p.play(conn, strings.Replace(startTLS+secured, "EHLO", "LHLO", 2))
	})
	c = dial(t, "lmtp+unix:///run/lmtp", cfg)
	if state := c.TLS(); !state.Active() || state.Verified {
		t.Errorf("unix: got %+v", state)
	}
	quit(t, c)
}

// The caller's own check of the certificate is asked too.
func TestVerifyConnectionIsKept(t *testing.T) {
	p := listen(t, nil, startTLS+"TLS localhost")
	cfg := me()
	cfg.TLSConfig = &tls.Config{VerifyConnection: func(tls.ConnectionState) error { return errors.New("not today") }}
	_, err := netasync.Dial(t.Context(), p.named(), cfg)
	if _, ok := errors.AsType[*protocol.TLSError](err); !ok {
		t.Fatalf("got %v", err)
	}
}

// The way back to clear is taken where the caller allows it, on a new connection.
func TestAllowClear(t *testing.T) {
	clear := "S: 220 mx.example\nC: EHLO me.example\nS: 250-mx.example\nS: 250 STARTTLS\n" + bye
	for _, first := range []string{
		startTLS + "READ\nS: no TLS\nHANG",
		"S: 220 mx.example\nC: EHLO me.example\nS: 250-mx.example\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 no\n" + bye,
	} {
		p := listen(t, nil, first, clear)
		cfg := me()
		cfg.AllowClear = true
		c := dial(t, p.url(), cfg)
		if c.TLS().Active() {
			t.Error("TLS is active")
		}
		quit(t, c)
	}
	// A refusal elsewhere has nothing to do with TLS.
	refusing := listen(t, nil, "S: 554 no\n"+bye)
	cfg := me()
	cfg.AllowClear = true
	if _, err := netasync.Dial(t.Context(), refusing.url(), cfg); netasync.KindOf(err) != netasync.KindReply {
		t.Errorf("got %v", err)
	}
	// Somebody who injects octets does not get his way. H-T1
	p := listen(t, nil, startTLS+"S: 250 mx.example\nEOF")
	if _, err := netasync.Dial(t.Context(), p.url(), cfg); !errors.Is(err, protocol.ErrPlaintextAfterSTARTTLS) {
		t.Errorf("got %v", err)
	}
}

// Scenario 4: nothing listens.
func TestDialNothingListens(t *testing.T) {
	p := listen(t, nil)
	p.wait()
	_, err := netasync.Dial(t.Context(), p.url(), me())
	host, ok := errors.AsType[*netasync.HostError](err)
	if !ok || host.Step != netasync.StepConnect || netasync.KindOf(err) != netasync.KindConnect || !host.Temporary() {
		t.Fatalf("got %#v", err)
	}
	if got, want := err.Error(), p.ln.Addr().String()+": connect: connection refused"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Scenario 5: a server that accepts and never speaks. P31.
func TestDialSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := me()
		cfg.Timeouts.Greeting = 3 * time.Second
		wrote := make(chan int, 1)
		cfg.DialContext = inMemory(func(conn net.Conn) {
			n, _ := conn.Read(make([]byte, 1))
			wrote <- n
		})
		begin := time.Now()
		_, err := netasync.Dial(t.Context(), "smtp://mx.example", cfg)
		timeout, ok := errors.AsType[*protocol.TimeoutError](err)
		if !ok || timeout.Limit != 3*time.Second || netasync.KindOf(err) != netasync.KindTimeout {
			t.Fatalf("got %v", err)
		}
		if got, want := err.Error(), "mx.example:25: timeout: no greeting within 3s"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if d := time.Since(begin); d != 3*time.Second {
			t.Errorf("took %v", d)
		}
		if n := <-wrote; n != 0 {
			t.Error("the client wrote")
		}
	})
}

func TestConnectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := me()
		cfg.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if network != "tcp" || address != "mx.example:465" {
				t.Errorf("got %s %s", network, address)
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		_, err := netasync.Dial(t.Context(), "smtps://mx.example", cfg)
		if got, want := err.Error(), "mx.example:465: connect: timeout: no connection within 30s"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if host := err.(*netasync.HostError); !host.Timeout() || !host.Temporary() || host.Stats.Connect != 30*time.Second {
			t.Errorf("got %+v", host)
		}
	})
}

// The end of the context ends Dial at whatever step, with its cause.
func TestDialCanceled(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	p := listen(t, func() { cancel(cause) }, "S: 220 mx.example\nC: EHLO me.example\nCALL\nHANG")
	_, err := netasync.Dial(ctx, p.url(), me())
	host, ok := errors.AsType[*netasync.HostError](err)
	if !ok || host.Step != netasync.StepHello || !errors.Is(err, cause) || netasync.KindOf(err) != netasync.KindCanceled {
		t.Fatalf("got %v", err)
	}
}

// But not the Client that it has made.
func TestDialContextEndsWithDial(t *testing.T) {
	p := listen(t, nil, hello+sending+bye)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := netasync.Dial(ctx, p.url(), me())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	if _, err := c.Send(t.Context(), envelope(), body()); err != nil {
		t.Error(err)
	}
	quit(t, c)
}

// A server that does not answer QUIT does not hold up the error for long.
func TestPartIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := me()
		cfg.TLS = netasync.TLSRequired
		cfg.DialContext = inMemory(func(conn net.Conn) {
			p := &peer{t: t}
			p.play(conn, "S: 220 mx.example\nC: EHLO me.example\nS: 250 mx.example\nC: QUIT\nHANG")
		})
		begin := time.Now()
		_, err := netasync.Dial(t.Context(), "smtp://mx.example", cfg)
		if !errors.Is(err, protocol.ErrNotOffered) || time.Since(begin) != 2*time.Second {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
	})
}

// P25: the address and port to connect from; a bad one is a bind error.
func TestLocalAddr(t *testing.T) {
	p := listen(t, nil, hello+bye)
	cfg := me()
	cfg.LocalAddr = netip.MustParseAddrPort("127.0.0.2:0")
	quit(t, dial(t, p.url(), cfg))
	p.wait()
	if got := p.remote[0].(*net.TCPAddr).IP.String(); got != "127.0.0.2" {
		t.Errorf("came from %s", got)
	}
	cfg.LocalAddr = netip.MustParseAddrPort("192.0.2.1:0") // TEST-NET-1, RFC 5737: nobody has it
	_, err := netasync.Dial(t.Context(), p.url(), cfg)
	host, ok := errors.AsType[*netasync.HostError](err)
	if !ok || host.Step != netasync.StepBind || netasync.KindOf(err) != netasync.KindConnect || host.Temporary() {
		t.Fatalf("got %v", err)
	}
}

func TestLookupFails(t *testing.T) {
	cfg := me()
	cfg.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dns := &net.DNSError{Err: "no such host", Name: "mx.invalid", IsNotFound: true}
		return nil, &net.OpError{Op: "dial", Net: network, Err: dns}
	}
	_, err := netasync.Dial(t.Context(), "smtp://mx.invalid", cfg)
	if got, want := err.Error(), "mx.invalid:25: look-up: no such host"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if host := err.(*netasync.HostError); host.Temporary() || host.Step != netasync.StepLookup {
		t.Errorf("got %+v", host)
	}
}

// A name of this machine's that no server would take gives way to an address.
func TestHelloName(t *testing.T) {
	for _, row := range []struct {
		conn net.Conn
		want string
	}{
		{local{addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}}, "[192.0.2.7]"},
		{local{addr: &net.TCPAddr{IP: net.ParseIP("2001:db8::7")}}, "[IPv6:2001:db8::7]"},
		{local{addr: &net.TCPAddr{IP: net.ParseIP("fe80::7"), Zone: "eth0"}}, "[IPv6:fe80::7]"},
		{local{addr: &net.UnixAddr{Name: "/s"}}, "localhost"},
	} {
		if got := netasync.HelloFor("web1", row.conn); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
		if got := netasync.HelloFor("not_a.domain!", row.conn); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
		if got := netasync.HelloFor("me.example", row.conn); got != "me.example" {
			t.Errorf("got %q", got)
		}
	}
}

// Without a name in the configuration there is one all the same.
func TestHelloDefault(t *testing.T) {
	cfg := netasync.Config{DialContext: inMemory(func(conn net.Conn) {
		defer conn.Close()
		echo(conn)
	})}
	quit(t, dial(t, "smtp://mx.example", cfg))
}

// A login that fails says so, and the session is ended politely. F5
func TestLoginRefused(t *testing.T) {
	p := listen(t, nil, `
		S: 220 mx.example
		C: EHLO me.example
		S: 250-mx.example
		S: 250 AUTH PLAIN
		C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
		S: 535 no
	`+bye)
	cfg := me()
	cfg.TLS, cfg.AllowCleartextAuth = netasync.TLSOff, true
	cfg.Login, _ = netasync.Password("george", "abracadabra")
	_, err := netasync.Dial(t.Context(), p.url(), cfg)
	host, ok := errors.AsType[*netasync.HostError](err)
	if !ok || host.Step != netasync.StepAuth || host.Temporary() || host.Stats.RoundTrips != 4 {
		t.Errorf("got %+v", err)
	}
}

type local struct {
	net.Conn
	addr net.Addr
}

func (l local) LocalAddr() net.Addr { return l.addr }

// LMTP says LHLO, over a socket of any kind.
func TestDialLMTP(t *testing.T) {
	cfg := me()
	cfg.DialContext = inMemory(func(conn net.Conn) {
		p := &peer{t: t}
		p.play(conn, "S: 220 mx.example\nC: LHLO me.example\nS: 250 mx.example\n"+bye)
	})
	c := dial(t, "lmtp+unix:///run/lmtp", cfg)
	if c.Host() != "/run/lmtp" {
		t.Errorf("got %q", c.Host())
	}
	quit(t, c)
}
