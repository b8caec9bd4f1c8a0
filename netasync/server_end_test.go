package netasync_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Wherever a client ends, its session ends, and the hook for that is called once. // P43, F27, H-R9
func TestDisconnectOnceWhereverItEnds(t *testing.T) {
	const session = "EHLO me.example\r\nAUTH LOGIN\r\ndQ==\r\ncA==\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\nhi\r\n.\r\n" +
		"MAIL FROM:<>\r\nRCPT TO:<b@mx.example>\r\nBDAT 2\r\nhiBDAT 1 LAST\r\n.STARTTLS\r\n"
	ended := make(chan error, 1)
	backend := &netasync.Backend{
		Recipient:  everybody,
		Disconnect: func(s *netasync.Session) { ended <- s.Err() },
		Content: func(_ context.Context, _ *netasync.Transaction, content io.Reader) (wire.Reply, error) {
			_, err := io.Copy(io.Discard, content)
			return ok, err
		},
	}
	srv := &netasync.Server{
		Handler: backend, TLSConfig: serverTLS("localhost"), MaxPerAddress: -1,
		Auth: &auth.Server{AllowCleartext: true, Password: func(string, string) error { return nil }},
	}
	addr := serve(t, srv)
	for _, reset := range []bool{false, true} {
		for n := range len(session) + 1 {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte(session[:n])); err != nil {
				t.Fatal(err)
			}
			if reset {
				conn.(*net.TCPConn).SetLinger(0)
			}
			conn.Close()
			if err := <-ended; err == nil {
				t.Errorf("cut behind octet %d: no error", n)
			}
		}
	}
	srv.Close()
	if len(ended) > 0 {
		t.Error("a session ended twice")
	}
}

// P43, P44: the reply to QUIT is there before the end, and a clean end is known as one.
func TestSessionErr(t *testing.T) {
	ended := make(chan error, 1)
	addr := serve(t, &netasync.Server{Handler: &netasync.Backend{Disconnect: func(s *netasync.Session) { ended <- s.Err() }}})
	say(t, addr, `
		S: 220 mx.example ESMTP
		C: QUIT
		C: NOOP
		S: 221 2.0.0 mx.example closes the connection
		EOF
	`)
	if err := <-ended; err != io.EOF {
		t.Errorf("got %v", err)
	}
	say(t, addr, serverHello+`
		C: MAIL FROM:<>
		S: 250 2.1.0 ok
	`).Close()
	err := <-ended
	if _, is := errors.AsType[*protocol.ConnectionError](err); !is {
		t.Errorf("got %v", err)
	}
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// A handler that panics ends its own session only. // F27
func TestHandlerPanics(t *testing.T) {
	for name, row := range map[string]struct {
		fail func()
		logs string
	}{
		"panic":  {func() { panic("all is lost") }, "all is lost"},
		"Goexit": {runtime.Goexit, "panicked"},
		"answer": {nil, "protocol: no command can be answered with 354"},
	} {
		t.Run(name, func(t *testing.T) {
			log := &syncBuffer{}
			ended := make(chan error, 1)
			mux := &netasync.Mux{}
			mux.HandleFunc("XFAIL", func(w netasync.ReplyWriter, _ *netasync.Request) {
				if row.fail == nil {
					w.Answer(text(354, ""))
				}
				row.fail()
			})
			mux.HandleDisconnect(netasync.HandlerFunc(func(_ netasync.ReplyWriter, r *netasync.Request) { ended <- r.Session.Err() }))
			addr := serve(t, &netasync.Server{Handler: mux, Logger: slog.New(slog.NewTextHandler(log, nil))})
			other := say(t, addr, serverHello)
			say(t, addr, serverHello+`
				C: NOOP
				C: XFAIL
				C: NOOP
				S: 250 2.0.0 ok
				S: 421 4.3.0 mx.example local error
				EOF
			`)
			if err := <-ended; err == nil || err == io.EOF {
				t.Errorf("ended with %v", err)
			}
			if s := log.String(); !strings.Contains(s, row.logs) || !strings.Contains(s, "level=ERROR") {
				t.Errorf("logged %s", s)
			}
			sayOn(t, other, `
				C: NOOP
				S: 250 2.0.0 ok
			`)
		})
	}
}

// The context of a request ends with its session, and not before.
func TestRequestContext(t *testing.T) { // P49
	began, cause := make(chan struct{}), make(chan error, 1)
	mux := &netasync.Mux{}
	mux.HandleFunc("XWAIT", func(w netasync.ReplyWriter, r *netasync.Request) {
		if err := r.Context().Err(); err != nil {
			t.Error(err)
		}
		close(began)
		<-r.Context().Done()
		cause <- context.Cause(r.Context())
	})
	addr := serve(t, &netasync.Server{Handler: mux})
	conn := say(t, addr, serverHello+`
		C: XWAIT
	`)
	<-began
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	if _, is := errors.AsType[*protocol.ConnectionError](<-cause); !is {
		t.Errorf("got %v", cause)
	}
}

// A client that sends no more still gets the answers. // H-R11
func TestHalfClose(t *testing.T) {
	mux := &netasync.Mux{}
	release := make(chan struct{})
	mux.HandleFunc("XWAIT", func(w netasync.ReplyWriter, r *netasync.Request) {
		<-release
		if err := r.Context().Err(); err != nil {
			t.Error(err)
		}
		w.Answer(text(250, "done"))
	})
	addr := serve(t, &netasync.Server{Handler: mux})
	conn := say(t, addr, serverHello+`
		C: XWAIT
	`)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	close(release)
	sayOn(t, conn, `
		S: 250 2.0.0 done
		EOF
	`)
}

func TestShutdown(t *testing.T) { // F28
	busy, verdict := make(chan struct{}), make(chan struct{})
	srv := &netasync.Server{Handler: &netasync.Backend{
		Recipient: everybody,
		Content: func(_ context.Context, _ *netasync.Transaction, content io.Reader) (wire.Reply, error) {
			_, err := io.Copy(io.Discard, content)
			close(busy)
			<-verdict
			return ok, err
		},
	}}
	addr := serve(t, srv)
	idle := say(t, addr, serverHello)
	working := say(t, addr, toData+`
		C: hi
		C: .
	`)
	<-busy
	open := say(t, addr, serverHello+`
		C: MAIL FROM:<a@me.example>
		S: 250 2.1.0 ok
	`)
	done := make(chan error)
	go func() { done <- srv.Shutdown(t.Context()) }()
	sayOn(t, idle, `
		S: 421 4.3.2 mx.example is shutting down
		EOF
	`)
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("connections are still accepted")
	}
	sayOn(t, open, `
		C: RSET
		S: 250 2.0.0 ok
		S: 421 4.3.2 mx.example is shutting down
		EOF
	`)
	select {
	case err := <-done:
		t.Fatalf("Shutdown did not wait: %v", err)
	default:
	}
	close(verdict)
	sayOn(t, working, `
		S: 250 2.0.0 ok
		S: 421 4.3.2 mx.example is shutting down
		EOF
	`)
	for _, conn := range []net.Conn{idle, open, working} {
		conn.Close()
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := srv.Serve(t.Context(), newMemory()); err != netasync.ErrServerClosed {
		t.Errorf("a closed server serves: %v", err)
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Errorf("the second Shutdown: %v", err)
	}
}

// What is not done by the deadline is closed.
func TestShutdownDeadline(t *testing.T) { // F28
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		ln := newMemory()
		srv := &netasync.Server{Handler: &netasync.Backend{
			Recipient: everybody, Content: func(context.Context, *netasync.Transaction, io.Reader) (wire.Reply, error) { return ok, nil },
			Disconnect: func(s *netasync.Session) { ended <- s.Err() },
		}}
		serveOn(t, srv, ln)
		conn := ln.dial()
		defer conn.Close()
		sayOn(t, conn, serverHello+`
			C: MAIL FROM:<a@me.example>
			S: 250 2.1.0 ok
		`)
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("it took %v", d)
		}
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
	})
}

// The end of Serve's context is the end of its connections, and of nobody else's.
func TestServeContext(t *testing.T) {
	gone := errors.New("gone")
	srv := &netasync.Server{}
	other := say(t, serve(t, srv), serverHello)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	served := make(chan error)
	go func() { served <- srv.Serve(ctx, ln) }()
	conn := say(t, ln.Addr().String(), serverHello)
	cancel(gone)
	if err := <-served; err != gone {
		t.Errorf("Serve: %v", err)
	}
	if _, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
	sayOn(t, other, `
		C: NOOP
		S: 250 2.0.0 ok
	`)
}

// Serve returns only when the handlers have.
func TestServeWaitsForHandlers(t *testing.T) {
	began, release, returned := make(chan struct{}), make(chan struct{}), make(chan struct{})
	mux := &netasync.Mux{}
	mux.HandleFunc("XSLOW", func(netasync.ReplyWriter, *netasync.Request) {
		close(began)
		<-release
		close(returned)
	})
	srv := &netasync.Server{Handler: mux, Protocol: protocol.ServerConfig{Hostname: "mx.example"}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- srv.Serve(t.Context(), ln) }()
	say(t, ln.Addr().String(), serverHello+`
		C: XSLOW
	`)
	<-began
	srv.Close()
	select {
	case <-served:
		t.Error("Serve did not wait")
	default:
	}
	close(release)
	if err := <-served; err != netasync.ErrServerClosed {
		t.Errorf("Serve: %v", err)
	}
	<-returned
}

// flaky is a listener that fails for a while.
type flaky struct {
	*memory
	errs  []error
	times []time.Time
}

type temporaryError struct{}

func (temporaryError) Error() string   { return "too many open files" }
func (temporaryError) Temporary() bool { return true }

func (f *flaky) Accept() (net.Conn, error) {
	f.times = append(f.times, time.Now())
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, err
	}
	return f.memory.Accept()
}

func TestAcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{memory: newMemory()}
		for range 10 {
			f.errs = append(f.errs, temporaryError{})
		}
		serveOn(t, &netasync.Server{}, f)
		conn := f.dial()
		defer conn.Close()
		sayOn(t, conn, `S: 220 mx.example ESMTP`)
		synctest.Wait()
		want := []time.Duration{5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000}
		for i, ms := range want {
			if d := f.times[i+1].Sub(f.times[i]); d != ms*time.Millisecond {
				t.Errorf("pause %d: %v", i, d)
			}
		}
	})
}

// Where the listener fails for good the sessions end in order, and Serve says why.
func TestAcceptFails(t *testing.T) {
	broken := errors.New("broken")
	f := &flaky{memory: newMemory()}
	client, server := net.Pipe()
	served := make(chan error)
	go func() {
		srv := &netasync.Server{Logger: slog.New(slog.DiscardHandler), Protocol: protocol.ServerConfig{Hostname: "mx.example"}}
		served <- srv.Serve(t.Context(), &oneConn{f, server, broken})
	}()
	sayOn(t, client, `
		S: 220 mx.example ESMTP
		S: 421 4.3.2 mx.example is shutting down
		EOF
	`)
	client.Close()
	if err := <-served; err != broken {
		t.Errorf("Serve: %v", err)
	}
}

// oneConn accepts one connection, and then fails.
type oneConn struct {
	*flaky
	conn net.Conn
	err  error
}

func (l *oneConn) Accept() (net.Conn, error) {
	conn := l.conn
	if l.conn = nil; conn == nil {
		return nil, l.err
	}
	return conn, nil
}
