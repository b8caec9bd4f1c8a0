package transport

import (
	"io"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// starttls sets up the conversation of RFC 3207: A asks, B agrees, both switch.
// TLS succeeds, naming the side.
func starttls(t testing.TB, opts PipeOptions) *link {
	if opts.TLS == nil {
		opts.TLS = func(s Side, u *protocol.Upgrade) (protocol.TLSState, error) {
			if u.Client != (s == SideA) {
				t.Errorf("%v asked as client %v", s, u.Client)
			}
			return protocol.TLSState{Version: 0x0304, ServerName: s.String()}, nil
		}
	}
	l := newLink(t, opts)
	l.a.say("STARTTLS")
	l.b.onFeed = func(time.Time, []byte) {
		l.b.onFeed = nil
		l.b.say("220")
		l.b.up, l.b.paused = &protocol.Upgrade{}, true
	}
	l.a.onFeed = func(time.Time, []byte) {
		l.a.onFeed = nil
		l.a.up, l.a.paused = &protocol.Upgrade{Client: true, ServerName: "mx"}, true
	}
	resume := func(c *peer) func(time.Time, error) {
		return func(_ time.Time, err error) {
			c.paused = false
			if c.err = err; err == nil && c == l.a {
				c.say("EHLO")
			}
		}
	}
	l.a.onUpgraded, l.b.onUpgraded = resume(l.a), resume(l.b)
	return l
}

func TestHandshakeTakesARoundTrip(t *testing.T) {
	l := starttls(t, PipeOptions{Latency: 10 * ms})
	l.run(t)
	// The server is told with the client's second flight, which the EHLO follows.
	l.wantLog(t, `
		00:00:00.000 A write 0 "STARTTLS"
		00:00:00.010 B feed 0 "STARTTLS"
		00:00:00.010 B write 0 "220"
		00:00:00.020 A feed 0 "220"
		00:00:00.020 A handshake
		00:00:00.030 B handshake
		00:00:00.040 A upgrade
		00:00:00.040 A write 8 "EHLO"
		00:00:00.050 B upgrade
		00:00:00.050 B feed 8 "EHLO"`)
	if l.a.tls.ServerName != "A" || l.b.tls.ServerName != "B" {
		t.Errorf("TLS of A %+v, of B %+v", l.a.tls, l.b.tls)
	}
}

func TestImplicitTLS(t *testing.T) {
	l := starttls(t, PipeOptions{Latency: 10 * ms})
	l.a.out = nil
	l.a.up, l.b.up = &protocol.Upgrade{Client: true}, &protocol.Upgrade{}
	l.a.onFeed, l.b.onFeed = nil, nil
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A handshake
		00:00:00.010 B handshake
		00:00:00.020 A upgrade
		00:00:00.020 A write 0 "EHLO"
		00:00:00.030 B upgrade
		00:00:00.030 B feed 0 "EHLO"`)
}

// A server that is slow to agree keeps the client's first flight waiting.
func TestHandshakeWaitsForTheServer(t *testing.T) {
	l := starttls(t, PipeOptions{})
	l.a.out = nil
	l.a.up = &protocol.Upgrade{Client: true}
	l.AfterFunc(time.Second, func(time.Time) { l.b.up = &protocol.Upgrade{} })
	l.a.onFeed, l.b.onFeed = nil, nil
	l.Step()
	if got, want := l.String(), "after 0s: A reads, waits for TLS; B reads"; got != want {
		t.Errorf("state %q, want %q", got, want)
	}
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A handshake
		00:00:01.000 B handshake
		00:00:01.000 A upgrade
		00:00:01.000 A write 0 "EHLO"
		00:00:01.000 B upgrade
		00:00:01.000 B feed 0 "EHLO"`)
}

// The link hides no octets in clear, neither from a client that waits for TLS nor
// from a server.
func TestInjectedOctetsAreFed(t *testing.T) {
	l := starttls(t, PipeOptions{Latency: 10 * ms, BtoA: Way{Cuts: []int64{3}}})
	l.b.onFeed = func(time.Time, []byte) {
		l.b.onFeed = nil
		l.b.say("220injected")
		l.b.up, l.b.paused = &protocol.Upgrade{}, true
	}
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A write 0 "STARTTLS"
		00:00:00.010 B feed 0 "STARTTLS"
		00:00:00.010 B write 0 "220injected"
		00:00:00.020 A feed 0 "220"
		00:00:00.020 A handshake
		00:00:00.020 A feed 3 "injected"
		00:00:00.030 B handshake
		00:00:00.040 A upgrade
		00:00:00.040 A write 8 "EHLO"
		00:00:00.050 B upgrade
		00:00:00.050 B feed 8 "EHLO"`)

	l = starttls(t, PipeOptions{Latency: 10 * ms, AtoB: Way{Cuts: []int64{8}}})
	l.a.say("injected")
	l.run(t)
	if got := string(l.b.got); got != "STARTTLSinjectedEHLO" {
		t.Errorf("server got %q", got)
	}
}

func TestNoTLS(t *testing.T) {
	l := newLink(t, PipeOptions{})
	l.a.up = &protocol.Upgrade{Client: true}
	l.a.onUpgraded = func(_ time.Time, err error) { l.a.err = err }
	l.run(t)
	l.wantLog(t, `
		00:00:00.000 A upgrade: the link has no TLS
		00:00:00.000 A close: the link has no TLS
		00:00:00.000 B end of input`)
}

func TestHandshakeRefusedByTheClient(t *testing.T) {
	l := starttls(t, PipeOptions{TLS: func(Side, *protocol.Upgrade) (protocol.TLSState, error) {
		return protocol.TLSState{}, errTest
	}})
	l.run(t)
	wantCalls(t, "A", l.a, "Upgraded: test")
	wantCalls(t, "B", l.b, "Upgraded: unexpected EOF")
	if l.a.err != errTest || l.b.err != io.ErrUnexpectedEOF {
		t.Errorf("A %v, B %v", l.a.err, l.b.err)
	}
}

// As in RFC 8446 a client is content before its server may refuse.
func TestHandshakeRefusedByTheServer(t *testing.T) {
	l := starttls(t, PipeOptions{TLS: func(s Side, _ *protocol.Upgrade) (protocol.TLSState, error) {
		if s == SideB {
			return protocol.TLSState{}, errTest
		}
		return protocol.TLSState{Version: 0x0304}, nil
	}})
	l.run(t)
	wantCalls(t, "A", l.a, "Upgraded", "EOF")
	wantCalls(t, "B", l.b, "Upgraded: test")
}

func TestTwoTLSClients(t *testing.T) {
	l := starttls(t, PipeOptions{})
	l.a.out = nil
	l.a.up, l.b.up = &protocol.Upgrade{Client: true}, &protocol.Upgrade{Client: true}
	l.run(t)
	wantCalls(t, "A", l.a, "Upgraded: both ends are TLS clients")
	wantCalls(t, "B", l.b, "Upgraded: both ends are TLS clients")
}

// A handshake is subject to the same faults as octets are.
func TestFaultsInTheHandshake(t *testing.T) {
	for _, c := range []struct {
		fault        Fault
		wantA, wantB []string
	}{
		{Fault{At: 3, Kind: FaultEOF}, []string{"Upgraded: unexpected EOF"}, []string{"Upgraded: unexpected EOF"}},
		{Fault{At: 3, Kind: FaultReset}, []string{"Fail: " + ErrReset.Error()}, []string{"Fail: " + ErrReset.Error()}},
		{Fault{At: 3, Kind: FaultStall}, nil, nil},
	} {
		t.Run(c.fault.Kind.String(), func(t *testing.T) {
			l := starttls(t, PipeOptions{Latency: ms, BtoA: Way{Fault: c.fault}})
			l.run(t)
			wantCalls(t, "A", l.a, c.wantA...)
			wantCalls(t, "B", l.b, c.wantB...)
		})
	}
}
