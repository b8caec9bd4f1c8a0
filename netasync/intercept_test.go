package netasync_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// faulty lets sessions do what a script says.
func faulty(t testing.TB, script string) func(*netasync.Session, func()) netasync.Interceptor {
	return func(_ *netasync.Session, reset func()) netasync.Interceptor {
		i, err := fault.NewInjector(fault.InjectorConfig{Script: fault.MustParse(script), Reset: reset})
		if err != nil {
			t.Error(err)
		}
		return i
	}
}

// asked is a Backend that takes everything, and notes what it was asked for.
type asked struct {
	mu  sync.Mutex
	all []string
}

func (a *asked) note(s string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, s)
}

func (a *asked) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.all, " ")
}

func (a *asked) backend() *netasync.Backend {
	return &netasync.Backend{
		Connect: func(context.Context, *netasync.Session) (wire.Reply, error) {
			a.note("connect")
			return ok, nil
		},
		Sender: func(context.Context, *netasync.Transaction) (wire.Reply, error) {
			a.note("mail")
			return ok, nil
		},
		Recipient: func(context.Context, *netasync.Transaction, *wire.Recipient) (wire.Reply, error) {
			a.note("rcpt")
			return ok, nil
		},
		Content: func(_ context.Context, _ *netasync.Transaction, content io.Reader) (wire.Reply, error) {
			b, err := io.ReadAll(content)
			if err != nil {
				a.note("broken:" + string(b))
			} else {
				a.note("content:" + string(b))
			}
			return ok, err
		},
	}
}

// What an Interceptor answers or keeps back is not for the Handler; everything else
// is, whatever it does on the wire.
func TestIntercept(t *testing.T) {
	const begin = "EHLO me.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\n"
	const hello = "220 mx.example ESMTP\r\n250-mx.example\r\n250 CHUNKING\r\n"
	const accepted = "250 ok\r\n250 ok\r\n250 ok\r\n"
	const start = "354 end data with <CR><LF>.<CR><LF>\r\n"
	const bye = "221 mx.example closes the connection\r\n"
	tests := []struct{ script, say, want, asked string }{
		{"", begin + "DATA\r\nhi\r\n.\r\nQUIT\r\n", hello + accepted + start + "250 ok\r\n" + bye, "connect mail rcpt rcpt content:hi\r\n"},
		{"banner=554 no", "QUIT\r\n", "554 no\r\n" + bye, ""},
		{"rcpt:2=450 later", begin + "DATA\r\nhi\r\n.\r\nQUIT\r\n", hello + "250 ok\r\n250 ok\r\n450 later\r\n" + start + "250 ok\r\n" + bye, "connect mail rcpt content:hi\r\n"},
		{"mail=bare-lf; ehlo=split", begin + "QUIT\r\n", hello + "250 ok\n250 ok\r\n250 ok\r\n" + bye, "connect mail rcpt rcpt"},
		{"content=554 no", begin + "DATA\r\nhi\r\n.\r\nQUIT\r\n", hello + accepted + start + "554 no\r\n" + bye, "connect mail rcpt rcpt"},
		{"content=drop", begin + "DATA\r\nhi\r\n.\r\nQUIT\r\n", hello + accepted + start, "connect mail rcpt rcpt content:hi\r\n"},
		{"bdat:2=552 full", begin + "BDAT 2\r\nhiBDAT 2\r\nhoBDAT 0 LAST\r\nQUIT\r\n", hello + accepted + "250 2 octets\r\n552 full\r\n503 MAIL first\r\n" + bye, "connect mail rcpt rcpt broken:hi"},
		{"data=drop after 3", begin + "DATA\r\nhi\r\n.\r\nQUIT\r\n", hello + accepted + start, "connect mail rcpt rcpt broken:hi\r"},
		{"quit=delay 1ms", "QUIT\r\n", "220 mx.example ESMTP\r\n" + bye, "connect"},
	}
	for _, test := range tests {
		t.Run(test.script, func(t *testing.T) {
			var a asked
			srv := &netasync.Server{
				Handler: a.backend(), Intercept: faulty(t, test.script),
				Protocol: protocol.ServerConfig{Disable: protocol.DefaultExtensions &^ wire.Chunking},
			}
			conn := say(t, serve(t, srv), "")
			if _, err := io.WriteString(conn, test.say); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(conn); string(got) != test.want || err != nil {
				t.Errorf("got  %q, %v\nwant %q", got, err, test.want)
			}
			srv.Close()
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if a.String() != test.asked {
				t.Errorf("the handler was asked for %q", a.String())
			}
		})
	}
}

func TestInterceptReset(t *testing.T) {
	for _, secure := range []bool{false, true} {
		srv := &netasync.Server{Intercept: faulty(t, "noop=reset")}
		if secure {
			srv.Protocol.ImplicitTLS = true
			srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{identity().certs["localhost"]}}
		}
		conn, err := net.Dial("tcp", serve(t, srv))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if secure {
			conn = tls.Client(conn, &tls.Config{RootCAs: identity().roots, ServerName: "localhost"})
		}
		sayOn(t, conn, `
			S: 220 mx.example ESMTP
			C: NOOP
		`)
		if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %d octets, %v", n, err)
		}
	}
}

// A session without an Interceptor is as ever.
func TestInterceptNone(t *testing.T) {
	srv := &netasync.Server{Intercept: func(*netasync.Session, func()) netasync.Interceptor { return nil }}
	say(t, serve(t, srv), `
		S: 220 mx.example ESMTP
		C: NOOP
		S: 250 2.0.0 ok
	`)
}
