package fuzz

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// What the bits of a session's kind stand for.
const (
	kindLMTP     = 1 << iota // LMTP
	kindTLS                  // StartTLS is queued, and TLS required
	kindLogin                // Login is queued
	kindNarrow               // CRLF is insisted on, and replies have narrow bounds
	kindMore                 // a second message, a NOOP and a QUIT are queued
	kindTLSFails             // the handshake does; without kindTLS: BDAT may be used
	kindActs                 // callbacks add tasks and cancel the last message
	kindOctets               // output is written octet by octet
)

// FuzzClient gives a client with a few tasks queued what a server says. A NUL in
// stream is not said: there the client writes all that it has to, and TLS starts if
// it was agreed upon. Between those places the stream comes whole, cut by seed, and
// octet by octet, which must all be the same (rule 1 of Core). The seeds are what
// real servers said.
func FuzzClient(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind byte, seed, stream []byte) {
		flights := bytes.Split(stream, []byte{0})
		whole := playClient(t, kind, flights, nil)
		whole.check(t, stream)
		for _, seed := range [][]byte{seed, {1}} {
			if cut := playClient(t, kind, flights, seed); cut.String() != whole.String() {
				t.Fatalf("cut by %v:\n%v\nwhole:\n%v", seed, cut, whole)
			}
		}
	})
}

// clientSession is what became of a client.
type clientSession struct {
	*protocol.Client
	t       *testing.T
	kind    byte
	log     []string // what settled, in order
	open    map[string]bool
	out     []byte
	clear   int // octets of out before TLS; all of them without it
	cancel  func() bool
	results map[string]protocol.Receipt
}

// The contents of the messages, and how they stand on the wire.
var clientContents = map[string][2]string{
	"first":  {"Subject: first\n\n.hidden\r.", "Subject: first\r\n\r\n..hidden\r\n..\r\n.\r\n"},
	"second": {"Subject: second\r\n\r\n", "Subject: second\r\n\r\n.\r\n"},
	"added":  {"", ""},
}

const clientSecret = "correct horse"

var clientStart = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func playClient(t *testing.T, kind byte, flights [][]byte, seed []byte) *clientSession {
	cfg := protocol.ClientConfig{LMTP: kind&kindLMTP != 0, RequireTLS: kind&kindTLS != 0, ServerName: "mx.example"}
	if kind&kindNarrow != 0 {
		cfg.StrictCRLF, cfg.MaxReplyLine, cfg.MaxReplyLines, cfg.MaxReplySize = true, 100, 8, 400
	}
	if kind&(kindTLS|kindTLSFails) != kindTLSFails {
		cfg.Disable = wire.Chunking
	}
	c, err := protocol.NewClient(clientStart, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &clientSession{Client: c, t: t, kind: kind, open: map[string]bool{}, results: map[string]protocol.Receipt{}}
	s.queue()
	for _, flight := range flights {
		for _, p := range cuts(flight, seed) {
			n, err := c.Feed(clientStart, p)
			if err != c.Err() || err == nil && n != len(p) {
				t.Fatalf("took %d of %q, %v, closed %v", n, p, err, c.Err())
			}
			clear(p)
		}
		s.write()
		if c.Upgrade() != nil {
			var failed error
			if kind&kindTLSFails != 0 {
				failed = errors.New("bad certificate")
			}
			s.clear = len(s.out)
			c.Upgraded(clientStart, protocol.TLSState{Version: 0x0304, Verified: true}, failed)
			s.write()
		}
	}
	if !c.TLS().Active() {
		s.clear = len(s.out)
	}
	before := len(s.out)
	c.FeedEOF(clientStart)
	s.write()
	if len(s.out) != before || c.Err() == nil || c.WantRead() || c.Upgrade() != nil || c.Busy() || c.Queued() != 0 || !c.Deadline().IsZero() {
		t.Fatalf("goes on behind the end: wrote %q, %v", s.out[before:], c.Err())
	}
	return s
}

func (s *clientSession) queue() {
	observe(s, "greeting", s.Greeting())
	observe(s, "hello", s.Hello("me.example"))
	if s.kind&kindTLS != 0 {
		observe(s, "starttls", s.StartTLS())
	}
	if s.kind&kindLogin != 0 {
		observe(s, "login", s.Login(auth.CRAMMD5("tim", clientSecret), auth.Plain("", "tim", clientSecret)))
	}
	s.send("first", "b@mx.example", "\"c d\"@mx.example")
	if s.kind&kindMore != 0 {
		last := s.send("second", "b@mx.example")
		s.cancel = last.Cancel
		observe(s, "noop", s.Do(protocol.Command{Verb: "NOOP"}))
		observe(s, "quit", s.Quit())
	}
}

func (s *clientSession) send(name string, to ...string) *protocol.Delivery {
	env := protocol.Envelope{From: mustPath(s.t, "a@me.example")}
	for _, to := range to {
		env.To = append(env.To, wire.Recipient{Path: mustPath(s.t, to)})
	}
	content := clientContents[name][0]
	body := protocol.BodyText(content)
	if name == "second" {
		body = protocol.BodyFrom(strings.NewReader(content), -1)
	}
	d := s.Send(env, body)
	observe(s, name+" mail", d.Mail())
	for i := range to {
		observe(s, fmt.Sprint(name, " rcpt ", i), d.Rcpt(i))
	}
	d.Result().OnReady(func(r protocol.Receipt, err error) {
		if failed := (*protocol.DeliveryError)(nil); errors.As(err, &failed) {
			r = failed.Receipt
		} else if err != nil {
			s.t.Fatalf("%s: %T", name, err)
		}
		s.results[name] = r
	})
	observe(s, name, d.Result())
	return d
}

func mustPath(t *testing.T, s string) wire.Path {
	p, err := wire.ParsePath(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// observe notes how a future settles, and that it does so once.
func observe[T any](s *clientSession, name string, f *future.Future[T]) {
	s.open[name] = true
	f.OnReady(func(v T, err error) {
		if !s.open[name] {
			s.t.Fatalf("%s settles twice", name)
		}
		delete(s.open, name)
		s.log = append(s.log, fmt.Sprintf("%s: %v, %v", name, v, err))
		if s.kind&kindActs != 0 {
			s.act(name)
		}
	})
}

// act is what a callback does.
func (s *clientSession) act(name string) {
	switch name {
	case "first mail":
		observe(s, "added noop", s.Do(protocol.Command{Verb: "VRFY", Args: "b"}))
	case "first rcpt 1":
		if s.cancel != nil {
			s.log = append(s.log, fmt.Sprint("cancel: ", s.cancel()))
		}
	case "first":
		observe(s, "added hello", s.Hello("me.example"))
	case "added hello":
		observe(s, "added quit", s.Quit())
	}
}

// write writes all that the client has to.
func (s *clientSession) write() {
	max := 1 << 16
	if s.kind&kindOctets != 0 {
		max = 1
	}
	for {
		n := int64(0)
		for _, chunk := range s.Output(clientStart, nil, max) {
			s.out = append(s.out, chunk.Bytes...)
			n += int64(len(chunk.Bytes))
		}
		if n == 0 {
			return
		}
		s.Wrote(clientStart, n)
	}
}

func (s *clientSession) String() string {
	return fmt.Sprintf("wrote %q\nsettled %q\nreceipts %v\nclosed: %v", s.out, s.log, s.results, s.Err())
}

// check checks what holds for every server.
func (s *clientSession) check(t *testing.T, stream []byte) {
	if len(s.open) > 0 {
		t.Fatalf("never settled: %v\n%v", s.open, s)
	}
	out := string(s.out)
	if n := strings.Count(out, "\r\n"); strings.Count(out, "\r") != n || strings.Count(out, "\n") != n || out != "" && !strings.HasSuffix(out, "\r\n") && s.Err() == nil {
		t.Fatalf("bare CR or LF: %q", out)
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00tim\x00" + clientSecret))
	if strings.Contains(out, clientSecret) || strings.Contains(out[:s.clear], plain) {
		t.Fatalf("the secret in clear: %q", out)
	}
	for line := range strings.Lines(out[:s.clear]) {
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if s.kind&kindTLS != 0 && !slices.Contains([]string{"EHLO", "LHLO", "STARTTLS", "QUIT"}, verb) {
			t.Fatalf("in clear, where TLS is required: %q", line)
		}
	}
	for name, r := range s.results {
		sent := strings.Contains(out, "\r\n"+clientContents[name][1])
		whole := strings.ReplaceAll(strings.TrimSuffix(clientContents[name][1], ".\r\n"), "\r\n..", "\r\n.")
		inChunk := strings.Contains(out, fmt.Sprintf("\r\nBDAT %d LAST\r\n%s", len(whole), whole))
		if inChunk {
			sent = true
		} else if sent && !bytes.Contains(stream, []byte("354")) {
			t.Fatalf("%s: content without a 354: %q", name, out)
		}
		if (r.Outcome == protocol.Accepted || r.Outcome == protocol.Unknown) && !sent || r.Outcome == protocol.NotDelivered && sent {
			t.Fatalf("%s: %v, end of data sent: %v\n%v", name, r.Outcome, sent, s)
		}
		for i, to := range r.Recipients {
			good := false
			switch to.Outcome {
			case protocol.Accepted:
				good = to.Reply.Positive() && to.Rcpt.Positive() && sent && bytes.Contains(stream, []byte(to.Reply.Code.String()))
			case protocol.Refused:
				good = to.Reply.Temporary() || to.Reply.Permanent()
			case protocol.NotDelivered:
				good = to.Reply == wire.Reply{} && !sent
			case protocol.Unknown:
				good = (to.Reply == wire.Reply{} || to.Reply.Code == wire.CodeNotAvailable) && sent
			}
			if !good {
				t.Fatalf("%s: recipient %d: %+v, end of data sent: %v\n%v", name, i, to, sent, s)
			}
		}
	}
}
