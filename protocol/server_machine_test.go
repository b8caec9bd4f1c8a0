package protocol_test

import (
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// host is a server without a driver, and the application on top of it: handle is called
// with each request after every call.
type host struct {
	*protocol.Server
	t      *testing.T
	now    time.Time
	handle func(protocol.Request)
	rest   []byte // input that was not taken
}

func newHost(t *testing.T, cfg protocol.ServerConfig, handle func(protocol.Request)) *host {
	t.Helper()
	if cfg.Hostname == "" {
		cfg.Hostname = "mx.example"
	}
	s, err := protocol.NewServer(epoch, cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Server: s, t: t, now: epoch, handle: handle}
	h.pump()
	return h
}

// pump hands every request to the application.
func (h *host) pump() {
	for r, ok := h.Next(); ok; r, ok = h.Next() {
		if h.handle == nil {
			r.AnswerDefault()
			continue
		}
		h.handle(r)
	}
}

// feed gives the server input, as far as it takes it, and keeps the rest.
func (h *host) feed(input string) {
	h.rest = append(h.rest, input...)
	h.resume()
}

// resume offers what was not taken.
func (h *host) resume() {
	for {
		n, _ := h.Feed(h.now, h.rest)
		h.rest = h.rest[n:]
		h.pump()
		if n == 0 || len(h.rest) == 0 {
			return
		}
	}
}

// take writes everything that is offered.
func (h *host) take() string {
	var all []byte
	for {
		n := int64(0)
		for _, chunk := range h.Output(h.now, nil, 1<<20) {
			all = append(all, chunk.Bytes...)
			n += int64(len(chunk.Bytes))
		}
		if n == 0 {
			h.pump()
			return string(all)
		}
		h.Wrote(h.now, n)
		h.pump()
	}
}

// wrote wants the server to have written want.
func (h *host) wrote(want string) {
	h.t.Helper()
	if got := h.take(); got != want {
		h.t.Fatalf("wrote\n%q, want\n%q", got, want)
	}
}

// says feeds input and wants replies.
func (h *host) says(input, want string) {
	h.t.Helper()
	h.feed(input)
	h.wrote(want)
}

// box is a Sink that keeps what it gets, and an application that takes every message.
type box struct {
	content []byte
	got     []string
}

func (b *box) WriteBody(p []byte) (int, error) {
	b.content = append(b.content, p...)
	return len(p), nil
}

// takeAll answers every request well.
func (b *box) takeAll(r protocol.Request) {
	switch r.Kind() {
	case protocol.RequestRcpt:
		r.Answer(wire.Reply{Code: wire.CodeOK})
	case protocol.RequestData:
		r.AcceptContent(b).OnReady(func(_ int64, err error) {
			if err == nil {
				b.got = append(b.got, string(b.content))
				r.Answer(wire.Reply{Code: wire.CodeOK})
			}
			b.content = b.content[:0]
		})
	default:
		r.AnswerDefault()
	}
}

const (
	serverGreeting = "220 mx.example ESMTP\r\n"
	serverOffers   = "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 67108864\r\n250-8BITMIME\r\n250-BINARYMIME\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
)

func TestServerTakesMail(t *testing.T) { // P45
	var b box
	h := newHost(t, protocol.ServerConfig{Requests: protocol.AllRequests}, b.takeAll)
	h.wrote(serverGreeting)
	h.says("EHLO me.example\r\n", serverOffers)
	h.says("MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n",
		"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 end data with <CR><LF>.<CR><LF>\r\n")
	h.says("hi\r\n..dot\r\n.\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 3\r\nabcBDAT 2 LAST\r\ndeRSET\r\nNOOP\r\nQUIT\r\n",
		"250 2.0.0 ok\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.0.0 3 octets\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n221 2.0.0 mx.example closes the connection\r\n")
	if len(b.got) != 2 || b.got[0] != "hi\r\n.dot\r\n" || b.got[1] != "abcde" {
		t.Errorf("got %q", b.got)
	}
}

func TestServerStartsTLS(t *testing.T) { // C82
	h := newHost(t, protocol.ServerConfig{TLS: true}, nil)
	h.wrote(serverGreeting)
	h.says("STARTTLS\r\n", "220 2.0.0 ready to start TLS\r\n")
	if h.Upgrade() == nil || h.WantRead() {
		t.Fatal("no TLS wanted")
	}
	h.Upgraded(h.now, protocol.TLSState{Version: 0x0304}, nil)
	h.says("MAIL FROM:<a@me.example>\r\n", "503 5.5.1 say EHLO first\r\n")
	h.says("EHLO me.example\r\n", serverOffers)
	h.says("STARTTLS\r\n", "503 5.5.1 TLS is active already\r\n")
}
