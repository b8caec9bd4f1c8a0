package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
)

const untilSTARTTLS = `
	S: 220 mx.example
	C: EHLO me.example
	S: 250-mx.example
	S: 250 STARTTLS
	C: STARTTLS
`

// inClear are the media on which a conversation begins in clear.
var inClear = media[:3]

// startTLS runs a client that asks for TLS against a script, and returns its
// future and the error of its Loop.
func startTLS(t *testing.T, m medium, cfg LoopConfig, name, text string) (*future.Future[protocol.TLSState], error) {
	t.Helper()
	a, b := m.connect(t)
	served := script(t, b, text)
	c := client(t, protocol.ClientConfig{ServerName: name})
	l := drive(t, a, c, cfg)
	var secured *future.Future[protocol.TLSState]
	l.Do(func(time.Time) {
		c.Hello("me.example")
		secured = c.StartTLS()
		c.Quit()
	})
	<-l.Done()
	<-served
	return secured, l.Err()
}

func TestLoopSTARTTLS(t *testing.T) {
	for _, m := range inClear {
		t.Run(m.name, func(t *testing.T) {
			secured, err := startTLS(t, m, LoopConfig{TLS: identity().client}, "", untilSTARTTLS+`
				S: 220 go ahead
				TLS
				C: EHLO me.example
				S: 250 mx.example
				C: QUIT
				S: 221 bye
				EOF
			`)
			if err != nil {
				t.Error(err)
			}
			state := await(t, secured)
			if state.Version != tls.VersionTLS13 || !state.Verified || state.ServerName != "mx.example" {
				t.Errorf("got %+v", state)
			}
		})
	}
}

// Octets behind the 220, in the same packet or later, end the connection before a
// ClientHello is sent. // H-T1
func TestLoopSTARTTLSInjection(t *testing.T) {
	for _, m := range inClear {
		for _, injected := range []string{"S: 250 mx.evil", "S> 2"} {
			t.Run(m.name, func(t *testing.T) {
				secured, err := startTLS(t, m, LoopConfig{TLS: identity().client}, "", untilSTARTTLS+"S: 220 go ahead\n"+injected+"\nEOF")
				if !errors.Is(err, protocol.ErrPlaintextAfterSTARTTLS) || !errors.Is(secured.Err(), protocol.ErrPlaintextAfterSTARTTLS) {
					t.Errorf("got %v, %v", err, secured.Err())
				}
			})
		}
	}
}

// What is not a TLS record in answer to the ClientHello ends the connection, and
// nothing more is sent in clear. // H-T9
func TestLoopSTARTTLSNoTLS(t *testing.T) {
	for _, m := range inClear {
		t.Run(m.name, func(t *testing.T) {
			a, b := m.connect(t)
			c := client(t, protocol.ClientConfig{})
			l := drive(t, a, c, LoopConfig{TLS: identity().client})
			l.Do(func(time.Time) { c.Hello("me.example"); c.StartTLS(); c.Quit() })
			served := make(chan []byte)
			go func() {
				defer close(served)
				say := func(s string) { b.Write([]byte(s)); b.Read(make([]byte, 4096)) }
				say("220 mx.example\r\n")
				say("250-mx.example\r\n250 STARTTLS\r\n")
				say("220 go ahead\r\n")
				go b.Write([]byte("500 what?\r\n"))
				rest, _ := io.ReadAll(b)
				served <- rest
				b.Close()
			}()
			<-l.Done()
			if _, ok := errors.AsType[*protocol.TLSError](l.Err()); !ok {
				t.Errorf("got %v", l.Err())
			}
			if rest := <-served; bytes.Contains(rest, []byte("QUIT")) || bytes.Contains(rest, []byte("EHLO")) {
				t.Errorf("sent in clear: %q", rest)
			}
			<-served
		})
	}
}

// The name in the certificate is checked. // H-T11
func TestLoopSTARTTLSWrongName(t *testing.T) { // C87, H-T11
	a, b := media[1].connect(t)
	c := client(t, protocol.ClientConfig{ServerName: "other.example"})
	l := drive(t, a, c, LoopConfig{TLS: identity().client})
	l.Do(func(time.Time) { c.Hello("me.example"); c.StartTLS() })
	srv := &switcher{peer: peer{t: t}}
	s := drive(t, b, srv, LoopConfig{TLS: identity().server, Server: true})
	<-l.Done()
	<-s.Done()
	if bad, ok := errors.AsType[x509.HostnameError](l.Err()); !ok || bad.Host != "other.example" {
		t.Errorf("got %v", l.Err())
	}
	if got := string(srv.got); got != "EHLO me.example\r\nSTARTTLS\r\n" {
		t.Errorf("the server read %q", got)
	}
}

// Without a name or roots of one's own the system's rules hold. // H-T11
func TestLoopSTARTTLSNoConfig(t *testing.T) {
	for name, want := range map[string]string{
		"":           "TLS: tls: either ServerName or InsecureSkipVerify must be specified in the tls.Config",
		"mx.example": "TLS: tls: failed to verify certificate: x509: certificate signed by unknown authority",
	} {
		a, b := media[1].connect(t)
		c := client(t, protocol.ClientConfig{ServerName: name})
		l := drive(t, a, c, LoopConfig{})
		l.Do(func(time.Time) { c.Hello("me.example"); c.StartTLS() })
		s := drive(t, b, &switcher{peer: peer{t: t}}, LoopConfig{TLS: identity().server, Server: true})
		<-l.Done()
		<-s.Done()
		if l.Err() == nil || l.Err().Error() != want {
			t.Errorf("got %v, want %s", l.Err(), want)
		}
	}
}

// switcher is a server that knows EHLO and STARTTLS. Asked for it, it decides late.
type switcher struct {
	peer
	late  bool
	asked chan struct{}
}

func (c *switcher) Feed(now time.Time, p []byte) (int, error) {
	n, err := c.peer.Feed(now, p)
	switch {
	case bytes.HasSuffix(c.got, []byte("EHLO me.example\r\n")):
		c.say("250-mx.example\r\n250 STARTTLS\r\n")
	case bytes.HasSuffix(c.got, []byte("STARTTLS\r\n")) && c.late:
		close(c.asked)
	case bytes.HasSuffix(c.got, []byte("STARTTLS\r\n")):
		c.goAhead()
	}
	return n, err
}

func (c *switcher) goAhead() {
	c.say("220 go ahead\r\n")
	// From the decision on: what a Read brings that is under way now may be the
	// ClientHello, and come ahead of the Wrote of the 220.
	c.paused = true
	c.up = &protocol.Upgrade{}
	c.onUpgraded = func(_ time.Time, err error) { c.err, c.paused = err, false }
}

func (c *switcher) Output(now time.Time, dst []protocol.Chunk, limit int) []protocol.Chunk {
	if len(c.got) == 0 && len(c.calls) == 0 {
		c.note(now, "greeted", nil)
		c.say("220 mx.example\r\n")
	}
	return c.peer.Output(now, dst, limit)
}

// Both sides of a handshake tell their cores the same. A server whose application
// decides late has a Read under way in which the ClientHello may arrive. // H-T2
func TestLoopSTARTTLSBothSides(t *testing.T) {
	for _, m := range inClear {
		for _, late := range []bool{false, true} {
			t.Run(m.name, func(t *testing.T) {
				a, b := m.connect(t)
				c := client(t, protocol.ClientConfig{})
				l := drive(t, a, c, LoopConfig{TLS: identity().client})
				srv := &switcher{peer: peer{t: t}, late: late, asked: make(chan struct{})}
				s := drive(t, b, srv, LoopConfig{TLS: identity().server, Server: true})
				var secured *future.Future[protocol.TLSState]
				l.Do(func(time.Time) { c.Hello("me.example"); secured = c.StartTLS() })
				if late {
					<-srv.asked
					untilBlocked(s)
					s.Do(func(time.Time) { srv.goAhead() })
				}
				state, err := secured.Await(t.Context())
				l.Close()
				<-s.Done()
				if err != nil {
					t.Fatalf("%v; the server: %v", err, s.Err())
				}
				other := srv.tls
				if other.Version != state.Version || other.ServerName != "mx.example" || other.Verified {
					t.Errorf("got %+v, client %+v", other, state)
				}
				if len(state.Exporter) != 32 || !bytes.Equal(state.Exporter, other.Exporter) {
					t.Errorf("exporters %x, %x", state.Exporter, other.Exporter)
				}
				if len(state.ServerEndPoint) != 32 || !bytes.Equal(state.ServerEndPoint, other.ServerEndPoint) {
					t.Errorf("end points %x, %x", state.ServerEndPoint, other.ServerEndPoint)
				}
			})
		}
	}
}

// A server without a configuration refuses, and says nothing more.
func TestLoopServerWithoutTLS(t *testing.T) {
	a, b := media[1].connect(t)
	srv := &switcher{peer: peer{t: t}}
	s := drive(t, b, srv, LoopConfig{Server: true})
	served := make(chan []byte)
	go func() {
		a.Write([]byte("STARTTLS\r\n"))
		said, _ := io.ReadAll(a)
		served <- said
	}()
	<-s.Done()
	if _, ok := errors.AsType[*protocol.ConfigError](s.Err()); !ok {
		t.Errorf("got %v", s.Err())
	}
	if said := string(<-served); said != "220 mx.example\r\n220 go ahead\r\n" {
		t.Errorf("said %q", said)
	}
}

// A connection under TLS that ends without a close_notify was cut by somebody.
func TestLoopTLSTruncated(t *testing.T) {
	for _, careful := range []bool{true, false} {
		a, b := media[1].connect(t)
		core := &peer{t: t}
		core.onEOF = func(time.Time) { core.err = io.EOF }
		l := drive(t, a, core, media[4].config(false))
		go func() {
			conn := media[4].peerOf(b)
			conn.Write([]byte("x"))
			if careful {
				conn.Close()
			}
			b.Close()
		}()
		<-l.Done()
		want := "Upgraded Fail: unexpected EOF"
		if careful {
			want = "Upgraded EOF"
		}
		if got := strings.Join(core.calls, " "); got != want {
			t.Errorf("calls %s, want %s", got, want)
		}
	}
}

// Nobody gets below TLS 1.2. // H-T11
func TestLoopTLSVersion(t *testing.T) { // C104
	old := identity().client.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	a, b := media[1].connect(t)
	srv := &peer{t: t}
	srv.onUpgraded = func(_ time.Time, err error) { srv.err = err }
	cfg := identity().server.Clone()
	cfg.MinVersion = tls.VersionTLS10
	l := drive(t, b, srv, LoopConfig{TLS: cfg, ImplicitTLS: true, Server: true})
	go tls.Client(a, old).Handshake()
	<-l.Done()
	if l.Err() == nil || l.Err().Error() != "tls: client offered only unsupported versions: [302 301]" {
		t.Errorf("got %v", l.Err())
	}
	// A configuration that slips through is caught behind the handshake.
	a, b = media[1].connect(t)
	done := make(chan struct{})
	go func() { defer close(done); tls.Client(a, old).Handshake() }()
	p := &peerConn{Conn: b}
	conn := tls.Server(p, cfg)
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	<-done
	if _, err := tlsState(conn, p, protocol.Upgrade{}); !errors.Is(err, ErrTLSVersion) {
		t.Errorf("got %v", err)
	}
}

func TestServerTLS(t *testing.T) {
	id := identity()
	twoCerts := []tls.Certificate{{Certificate: id.cert.Certificate, PrivateKey: id.cert.PrivateKey}, id.cert}
	get := func(cert *tls.Certificate, err error) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, err }
	}
	for name, row := range map[string]struct {
		cfg  *tls.Config
		name string
		want error
	}{
		"one":                    {cfg: &tls.Config{Certificates: []tls.Certificate{id.cert}}, name: "mx.example"},
		"none suits":             {cfg: &tls.Config{Certificates: []tls.Certificate{id.cert}}, name: "other.example"},
		"two":                    {cfg: &tls.Config{Certificates: twoCerts}, name: "mx.example"},
		"function":               {cfg: &tls.Config{GetCertificate: get(&id.cert, nil)}},
		"function gives nothing": {cfg: &tls.Config{Certificates: twoCerts, GetCertificate: get(nil, nil)}, name: "mx.example"},
		"function fails":         {cfg: &tls.Config{Certificates: twoCerts, GetCertificate: get(nil, errTest)}, name: "mx.example", want: errTest},
		"nothing":                {cfg: &tls.Config{}, want: ErrNoCertificate},
		"nothing from function":  {cfg: &tls.Config{GetCertificate: get(nil, nil)}, want: ErrNoCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := net.Pipe()
			defer a.Close()
			defer b.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				// TLS 1.2: its handshake ends with a read, which net.Pipe waits for.
				tls.Client(a, &tls.Config{InsecureSkipVerify: true, ServerName: row.name, MaxVersion: tls.VersionTLS12}).Handshake()
			}()
			p := &peerConn{Conn: b}
			err := tls.Server(p, ServerTLS(row.cfg)).Handshake()
			<-done
			if !errors.Is(err, row.want) {
				t.Fatalf("got %v", err)
			}
			if err == nil && !p.certificate.Equal(id.leaf) {
				t.Errorf("noted %v", p.certificate)
			}
		})
	}
	if leaf(&tls.Certificate{Certificate: [][]byte{{1}}}) != nil {
		t.Error("a certificate that cannot be parsed has a leaf")
	}
}

func TestServerEndPoint(t *testing.T) {
	for algorithm, size := range map[x509.SignatureAlgorithm]int{
		x509.SHA1WithRSA: 32, x509.ECDSAWithSHA256: 32, x509.SHA384WithRSA: 48, x509.SHA512WithRSAPSS: 64, x509.PureEd25519: 0,
	} {
		if n := len(serverEndPoint(&x509.Certificate{SignatureAlgorithm: algorithm})); n != size {
			t.Errorf("%v: %d octets, want %d", algorithm, n, size)
		}
	}
	if serverEndPoint(nil) != nil {
		t.Error("no certificate has a binding")
	}
}

// A Read that no deadline can interrupt brings octets when the core has already
// decided for TLS. On the server they belong to the handshake, and on the client
// they are fatal. // H-T1 H-T2
func TestLoopReadBeforeTLS(t *testing.T) {
	for _, atClient := range []bool{false, true} {
		a, b := net.Pipe()
		core := &peer{t: t}
		core.onFeed = func(time.Time, []byte) { core.err = errTest }
		core.onUpgraded = func(_ time.Time, err error) {
			if err == nil {
				err = io.EOF
			}
			core.err = err
		}
		l := drive(t, &noDeadlines{b}, core, LoopConfig{TLS: identity().server})
		untilReading(l)
		l.Do(func(time.Time) { core.paused, core.up = true, &protocol.Upgrade{Client: atClient} })
		if atClient {
			a.Write([]byte("2"))
			<-l.Done()
			if l.Err() != errTest || string(core.got) != "2" {
				t.Errorf("ended with %v, fed %q", l.Err(), core.got)
			}
			continue
		}
		cfg := identity().client.Clone()
		cfg.MaxVersion = tls.VersionTLS12 // whose server speaks last, to a client that still reads
		if err := tls.Client(a, cfg).Handshake(); err != nil {
			t.Error(err)
		}
		a.Close()
		<-l.Done()
		if l.Err() != nil || len(core.got) > 0 || core.tls.Version != tls.VersionTLS12 {
			t.Errorf("ended with %v, fed %q", l.Err(), core.got)
		}
	}
}
