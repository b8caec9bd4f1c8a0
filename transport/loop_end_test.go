package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// A client that is still sending reads the server's last reply whole, and then the
// end: no reset takes it away.
func TestLoopClosesWithCare(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		core := &peer{t: t}
		core.onFeed = func(time.Time, []byte) { core.say("421 too much\r\n"); core.err = errTest }
		cfg := m.config(true)
		l := drive(t, b, core, cfg)
		var conn net.Conn = a
		if m.tls {
			conn = secureClient(a)
		}
		if n, err := conn.Write(bytes.Repeat([]byte("x"), 300<<10)); err != nil && m.network != "" {
			t.Errorf("wrote %d: %v", n, err)
		}
		if said, err := io.ReadAll(conn); string(said) != "421 too much\r\n" || err != nil {
			t.Errorf("read %q, %v", said, err)
		}
		conn.Close()
		<-l.Done()
		if l.Err() != errTest {
			t.Errorf("ended with %v", l.Err())
		}
	})
}

// Whoever has to do with a core that is over does not cut that short; Close does.
func TestLoopClosesWithCareWhileAsked(t *testing.T) {
	for _, closed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			a, b := net.Pipe()
			core := &peer{t: t}
			core.onFeed = func(time.Time, []byte) { core.say("421 too much\r\n"); core.err = errTest }
			l := Drive(t.Context(), halfCloser{b}, core, LoopConfig{Server: true})
			a.Write([]byte("x"))
			io.ReadFull(a, make([]byte, len("421 too much\r\n")))
			synctest.Wait()
			if closed {
				go l.Close()
			} else {
				l.Do(func(time.Time) {})
			}
			synctest.Wait()
			select {
			case <-l.Done():
				if !closed {
					t.Error("closed ahead of the peer")
				}
			default:
				if closed {
					t.Error("not closed")
				}
			}
			a.Close()
			<-l.Done()
			if time.Since(begin) != 0 {
				t.Errorf("closed after %v", time.Since(begin))
			}
		})
	}
}

// halfCloser is a conn of which one direction can be closed, to no effect.
type halfCloser struct{ net.Conn }

func (halfCloser) CloseWrite() error { return nil }

// How long a server waits for that has a limit, in time and in octets.
func TestLoopLingerEnds(t *testing.T) {
	for _, floods := range []bool{false, true} {
		a, b := media[1].connect(t)
		core := &peer{t: t, err: errTest}
		linger := time.Millisecond
		if floods {
			linger = time.Hour
			go a.Write(make([]byte, maxDrained+64<<10))
		}
		l := drive(t, b, core, LoopConfig{Server: true, Linger: linger})
		<-l.Done()
		a.Close()
	}
}

// A peer that does not read the last reply is left behind.
func TestLoopLingerWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		a, b := net.Pipe()
		core := &peer{t: t, err: errTest}
		core.say("421 bye\r\n")
		l := Drive(t.Context(), b, core, LoopConfig{Server: true})
		<-l.Done()
		if l.Err() != errTest || time.Since(begin) != defaultLinger {
			t.Errorf("ended with %v after %v", l.Err(), time.Since(begin))
		}
		a.Close()
	})
}

// What is being written when the core gives its output up is given up too, at once.
func TestLoopEndDropsOutput(t *testing.T) {
	test := func(t *testing.T, m medium) {
		begin := time.Now()
		a, b := m.connect(t)
		core := &talker{peer: peer{t: t}, left: 64 << 20}
		core.onFeed = func(now time.Time, _ []byte) { core.left = 0; core.Fail(now, errTest) }
		l := drive(t, b, core, m.config(true))
		conn := net.Conn(a)
		if m.tls {
			conn = secureClient(a)
		}
		if m.network == "" {
			synctest.Wait() // now the writer is stuck; a full socket is at once
		}
		conn.Write([]byte("x"))
		<-l.Done()
		if l.Err() != errTest || m.network == "" && !time.Now().Equal(begin) {
			t.Errorf("ended with %v after %v", l.Err(), time.Since(begin))
		}
	}
	for _, m := range media[:4] {
		t.Run(m.name, func(t *testing.T) {
			if m.network != "" {
				test(t, m)
				return
			}
			m.config(true) // outside, where it takes time
			synctest.Test(t, func(t *testing.T) { test(t, m) })
		})
	}
}

// An error in writing ends writing, and reading goes on to the end of input.
func TestLoopWriteFails(t *testing.T) {
	a, b := net.Pipe()
	core := &peer{t: t}
	core.onEOF = func(time.Time) { core.err = io.EOF }
	l := drive(t, &brokenConn{b}, core, LoopConfig{})
	l.Do(func(time.Time) { core.say("xy") })
	a.Write([]byte("552 no\r\n"))
	for failed := false; !failed; runtime.Gosched() {
		l.Do(func(time.Time) { failed = len(core.calls) > 0 })
	}
	a.Close()
	<-l.Done()
	if got := strings.Join(core.calls, "; "); got != "WriteFailed: test; EOF" || string(core.got) != "552 no\r\n" {
		t.Errorf("read %q, calls %s", core.got, got)
	}
}

// A write to a socket fails with what package net would say.
func TestLoopWriteFailsOnSocket(t *testing.T) {
	a, b := media[1].connect(t)
	core := &peer{t: t}
	core.onEOF = func(time.Time) { core.err = io.EOF }
	b.(*net.TCPConn).CloseWrite()
	l := drive(t, b, core, LoopConfig{})
	l.Do(func(time.Time) { core.say("xy") })
	a.Write([]byte("552 no\r\n"))
	a.Close()
	<-l.Done()
	want := "WriteFailed: write tcp " + b.LocalAddr().String() + "->" + b.RemoteAddr().String() + ": write: broken pipe"
	if got := strings.Join(core.calls, "; "); got != want+"; EOF" || string(core.got) != "552 no\r\n" {
		t.Errorf("read %q, calls %s", core.got, got)
	}
}

// A reset is a failure with the system's reason.
func TestLoopReset(t *testing.T) {
	a, b := media[1].connect(t)
	core := &peer{t: t}
	l := drive(t, b, core, LoopConfig{})
	a.(*net.TCPConn).SetLinger(0)
	a.Close()
	<-l.Done()
	if op, ok := errors.AsType[*net.OpError](l.Err()); !ok || op.Op != "read" || !errors.Is(op, syscall.ECONNRESET) {
		t.Errorf("ended with %v", l.Err())
	}
}

// A core that does not want input is not given any until it does.
func TestLoopPaused(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		fed := make(chan string, 10)
		core := &peer{t: t, paused: true, take: 3}
		core.onFeed = func(_ time.Time, p []byte) { core.paused = true; fed <- string(p) }
		core.onEOF = func(time.Time) { core.err = io.EOF }
		l := drive(t, b, core, m.config(true))
		conn := net.Conn(a)
		if m.tls {
			conn = secureClient(a)
		}
		go func() {
			conn.Write([]byte("abcdefg"))
			conn.Close()
		}()
		for _, want := range []string{"abc", "def", "g"} {
			select {
			case p := <-fed:
				t.Errorf("fed %q in its pause", p)
			default:
			}
			l.Do(func(time.Time) { core.paused = false })
			if p := <-fed; p != want {
				t.Errorf("fed %q, want %q", p, want)
			}
		}
		l.Do(func(time.Time) { core.paused = false })
		<-l.Done()
		if l.Err() != nil {
			t.Errorf("ended with %v", l.Err())
		}
	})
}

// A core may pause while a Read is under way; what that brings waits.
func TestLoopPausedInRead(t *testing.T) {
	everywhere(t, func(t *testing.T, m medium) {
		a, b := m.connect(t)
		fed := make(chan string, 1)
		core := &peer{t: t}
		core.onFeed = func(_ time.Time, p []byte) { core.err = io.EOF; fed <- string(p) }
		l := drive(t, b, core, m.config(true))
		conn := net.Conn(a)
		if m.tls {
			conn = secureClient(a)
		}
		untilReading(l)
		l.Do(func(time.Time) { core.paused = true })
		conn.Write([]byte("x"))
		untilParked(l)
		l.Do(func(time.Time) { core.paused = false })
		if p := <-fed; p != "x" {
			t.Errorf("fed %q", p)
		}
		a.Close()
		<-l.Done()
	})
}

// A conn without deadlines can still be driven, and be left at its end.
func TestLoopNoDeadlines(t *testing.T) {
	for _, tls := range []bool{false, true} {
		a, b := net.Pipe()
		l := drive(t, &noDeadlines{a}, client(t, protocol.ClientConfig{}), medium{tls: tls}.config(false))
		untilBlocked(l)
		l.Close()
		if !errors.Is(l.Err(), net.ErrClosed) {
			t.Errorf("ended with %v", l.Err())
		}
		b.Close()
	}
}

type noDeadlines struct{ net.Conn }

func (noDeadlines) SetDeadline(time.Time) error      { return errTest }
func (noDeadlines) SetReadDeadline(time.Time) error  { return errTest }
func (noDeadlines) SetWriteDeadline(time.Time) error { return errTest }

// brokenConn is a connection that can only be read.
type brokenConn struct{ net.Conn }

func (brokenConn) Write([]byte) (int, error) { return 0, errTest }
