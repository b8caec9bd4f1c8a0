package protocol_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

var fine = wire.Reply{Code: wire.CodeOK}

// keep collects requests without an answer.
func keep(waiting *[]protocol.Request) func(protocol.Request) {
	return func(r protocol.Request) { *waiting = append(*waiting, r) }
}

// greetedHost is a host behind EHLO, which keeps its requests.
func greetedHost(t *testing.T, cfg protocol.ServerConfig, handle func(protocol.Request)) *host {
	t.Helper()
	h := newHost(t, cfg, handle)
	h.take()
	h.feed("EHLO me.example\r\n")
	h.take()
	return h
}

// A request that is over answers nothing, though its place in the queue has been taken
// by others many times.
func TestServerStaleRequest(t *testing.T) { // F27 C32
	var waiting []protocol.Request
	h := greetedHost(t, protocol.ServerConfig{Requests: protocol.RequestMail | protocol.RequestOther}, keep(&waiting))
	h.feed("MAIL FROM:<a@me.example> SIZE=7\r\n")
	stale := waiting[0]
	stale.Answer(fine)
	h.wrote("250 2.1.0 ok\r\n")
	for i := range 100 {
		h.feed("NOOP\r\n")
		if stale.Answer(wire.Reply{Code: wire.CodeLocalError}) || stale.AnswerDefault() || stale.AnswerEach(0, fine) || stale.Kind() != 0 {
			t.Fatalf("answered command %d", i)
		}
		waiting[len(waiting)-1].Answer(fine)
		h.wrote("250 2.0.0 ok\r\n")
	}
	if m := stale.Mail(); m.From.String() != "<a@me.example>" || m.Size != 7 {
		t.Errorf("MAIL became %+v", m)
	}
}

// However many commands wait, and from wherever they are answered, the replies leave in
// their order.
func TestServerAnswersFromBehind(t *testing.T) { // C32 C55
	var waiting []protocol.Request
	h := greetedHost(t, protocol.ServerConfig{Requests: protocol.RequestRcpt}, keep(&waiting))
	var in, want strings.Builder
	in.WriteString("MAIL FROM:<a@me.example>\r\n")
	want.WriteString("250 2.1.0 ok\r\n")
	for i := range 600 {
		fmt.Fprintf(&in, "RCPT TO:<r%d@mx.example>\r\n", i)
		fmt.Fprintf(&want, "250 2.1.5 taken %d\r\n", i)
	}
	h.feed(in.String())
	if len(waiting) != 600 {
		t.Fatalf("%d requests", len(waiting))
	}
	for i := len(waiting) - 1; i >= 0; i-- {
		if to := waiting[i].Recipient().Path.Mailbox(); to != fmt.Sprintf("r%d@mx.example", i) {
			t.Fatalf("request %d is for %s", i, to)
		}
		waiting[i].Answer(wire.Reply{Code: wire.CodeOK, Text: fmt.Sprint("taken ", i)})
	}
	h.wrote(want.String())
}

// The replies to a group are lent together, for one write.
func TestServerOneWrite(t *testing.T) { // C55
	var b box
	h := greetedHost(t, protocol.ServerConfig{Requests: protocol.AllRequests}, b.takeAll)
	h.feed("MAIL FROM:<a@me.example>\r\n" + strings.Repeat("RCPT TO:<b@mx.example>\r\n", 50) + "DATA\r\n")
	want := "250 2.1.0 ok\r\n" + strings.Repeat("250 2.1.5 ok\r\n", 50) + "354 end data with <CR><LF>.<CR><LF>\r\n"
	if got := joined(h.Output(h.now, nil, 1<<20)); got != want {
		t.Errorf("lent %q", got)
	}
}

// Reading ahead has a bound, and content is read beyond it.
func TestServerPausesAtMaxPipelined(t *testing.T) { // C48
	var waiting []protocol.Request
	h := greetedHost(t, protocol.ServerConfig{Requests: protocol.RequestOther, MaxPipelined: 3}, keep(&waiting))
	h.feed(strings.Repeat("NOOP\r\n", 5))
	if len(waiting) != 3 || h.WantRead() || len(h.rest) != 12 {
		t.Fatalf("%d requests, wants to read: %v, left %d octets", len(waiting), h.WantRead(), len(h.rest))
	}
	waiting[1].Answer(fine)
	h.resume()
	if len(waiting) != 3 {
		t.Fatal("goes on while the oldest is unanswered")
	}
	waiting[0].Answer(fine)
	h.resume()
	if len(waiting) != 5 || len(h.rest) != 0 {
		t.Fatalf("%d requests, left %d octets", len(waiting), len(h.rest))
	}
}

// slowSink takes a few octets at a time, and panics on what it cannot have.
type slowSink struct {
	content []byte
	max     int
	inside  func()
}

func (k *slowSink) WriteBody(p []byte) (int, error) {
	if k.inside != nil {
		k.inside()
	}
	n := min(len(p), k.max)
	k.content = append(k.content, p[:n]...)
	return n, nil
}

// A sink that is full stops the client, and nothing is lost, given twice or read ahead.
func TestServerBackPressure(t *testing.T) {
	for _, how := range []string{"DATA", "BDAT"} {
		k := &slowSink{max: 5}
		var octets int64 = -1
		h := greetedHost(t, protocol.ServerConfig{Requests: protocol.RequestRcpt | protocol.RequestData}, func(r protocol.Request) {
			if r.Kind() == protocol.RequestRcpt {
				r.Answer(fine)
				return
			}
			r.AcceptContent(k).OnReady(func(n int64, _ error) { octets = n })
			r.Answer(fine)
		})
		content := "0123456789\r\n0123456789\r\n"
		in := "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n" + content + ".\r\n"
		replies := "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 end data with <CR><LF>.<CR><LF>\r\n"
		if how == "BDAT" {
			in = "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 24 LAST\r\n" + content
			replies = "250 2.1.0 ok\r\n250 2.1.5 ok\r\n"
		}
		h.feed(in + "NOOP\r\n")
		h.wrote(replies)
		for i := 1; i < 5; i++ {
			if h.WantRead() || octets >= 0 || string(k.content) != content[:5*i] || !h.Deadline().IsZero() {
				t.Fatalf("%s, round %d: wants to read: %v, %d octets, %q, %v", how, i, h.WantRead(), octets, k.content, h.Deadline())
			}
			h.now = h.now.Add(time.Hour)
			h.Resume()
			h.resume()
		}
		h.wrote("250 2.0.0 ok\r\n250 2.0.0 ok\r\n")
		if octets != 24 || string(k.content) != content {
			t.Errorf("%s: %d octets, %q", how, octets, k.content)
		}
	}
}

// Resume from inside the sink counts.
func TestServerResumeInsideSink(t *testing.T) {
	k := &slowSink{max: 3}
	h := greetedHost(t, protocol.ServerConfig{Requests: protocol.RequestRcpt | protocol.RequestData}, func(r protocol.Request) {
		if r.Kind() == protocol.RequestRcpt {
			r.Answer(fine)
			return
		}
		r.AcceptContent(k)
		r.Answer(fine)
	})
	k.inside = h.Resume
	h.says("MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 10 LAST\r\n0123456789", "250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.0.0 ok\r\n")
	if string(k.content) != "0123456789" {
		t.Errorf("%q", k.content)
	}
}

// The application may take as long as it likes: the client's time begins when it is
// its turn.
func TestServerWaitsForTheApplication(t *testing.T) { // C44
	var waiting []protocol.Request
	h := greetedHost(t, protocol.ServerConfig{Requests: protocol.RequestMail | protocol.RequestRcpt | protocol.RequestData}, keep(&waiting))
	answer := func(name string, do func(protocol.Request)) {
		t.Helper()
		if !h.Deadline().IsZero() {
			t.Fatalf("%s: deadline %v while the application thinks", name, h.Deadline())
		}
		h.now = h.now.Add(24 * time.Hour)
		do(waiting[len(waiting)-1])
		h.take()
		h.Tick(h.now)
		if h.Err() != nil {
			t.Fatalf("%s: %v", name, h.Err())
		}
	}
	well := func(r protocol.Request) { r.Answer(fine) }
	h.feed("MAIL FROM:<a@me.example>\r\n")
	answer("MAIL", well)
	if want := h.now.Add(5 * time.Minute); !h.Deadline().Equal(want) {
		t.Errorf("deadline %v, want %v", h.Deadline(), want)
	}
	h.feed("RCPT TO:<b@mx.example>\r\n")
	answer("RCPT", well)
	h.feed("DATA\r\n")
	answer("DATA", func(r protocol.Request) { r.AcceptContent(nil) })
	if want := h.now.Add(3 * time.Minute); !h.Deadline().Equal(want) {
		t.Errorf("deadline %v, want %v", h.Deadline(), want)
	}
	h.feed("x\r\n.\r\n")
	answer("verdict", well)
}

// Whatever waits at the end of input is settled, and answered as far as it can be.
func TestServerSettlesAtEndOfInput(t *testing.T) { // H-R11 C18
	for _, tt := range []struct {
		name, in, out string
		err           string
		content       string
	}{
		{"idle", "", "", "EOF", ""},
		{"half a command", "NOOP\r\nNO", "250 2.0.0 ok\r\n", "connection lost before the end of the command: unexpected EOF", ""},
		{"transaction", "MAIL FROM:<>\r\n", "250 2.1.0 ok\r\n", "connection lost before the end of the transaction: unexpected EOF", ""},
		{"no content", "MAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA\r\n", "250 2.1.0 ok\r\n250 2.1.5 ok\r\n", "connection lost before the end of data: unexpected EOF", "connection lost before the end of data: unexpected EOF"},
		{"half a chunk", "MAIL FROM:<>\r\nRCPT TO:<b@x>\r\nBDAT 5 LAST\r\nabc", "250 2.1.0 ok\r\n250 2.1.5 ok\r\n", "connection lost before the end of data: unexpected EOF", "connection lost before the end of data: unexpected EOF"},
		{"between chunks", "MAIL FROM:<>\r\nRCPT TO:<b@x>\r\nBDAT 3\r\nabc", "250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.0.0 3 octets\r\n", "connection lost before the end of the transaction: unexpected EOF", "connection lost before the end of the transaction: unexpected EOF"},
		{"empty last chunk", "MAIL FROM:<>\r\nRCPT TO:<b@x>\r\nBDAT 0 LAST\r\n", "250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.0.0 ok\r\n", "EOF", "0"},
		{"half a refused chunk", "BDAT 5 LAST\r\nabc", "503 5.5.1 MAIL first\r\n", "connection lost before the end of data: unexpected EOF", ""},
	} {
		for _, late := range []bool{false, true} {
			var waiting []protocol.Request
			content := ""
			handle := func(r protocol.Request) {
				if r.Kind() != protocol.RequestData {
					r.Answer(fine)
					return
				}
				r.AcceptContent(nil).OnReady(func(n int64, err error) {
					content += fmt.Sprint(n)
					if err != nil {
						content = err.Error()
					}
					r.Answer(fine)
				})
			}
			first := handle
			if late {
				first = keep(&waiting)
			}
			h := greetedHost(t, protocol.ServerConfig{Requests: protocol.RequestRcpt | protocol.RequestData}, first)
			h.feed(tt.in)
			settle := func() {
				for len(waiting) > 0 {
					r := waiting[0]
					waiting = waiting[1:]
					handle(r)
					h.resume()
				}
			}
			// The rest of a message is fed once it is taken; the end of input comes behind it.
			if len(h.rest) > 0 {
				settle()
			}
			h.FeedEOF(h.now)
			h.pump()
			settle()
			got := h.take()
			if !late || !strings.Contains(tt.in, "DATA") {
				got = strings.TrimSuffix(got, "354 end data with <CR><LF>.<CR><LF>\r\n")
			}
			if got != tt.out || h.Err() == nil || h.Err().Error() != tt.err || content != tt.content {
				t.Errorf("%s, late %v: wrote %q, closed: %v, content %q", tt.name, late, got, h.Err(), content)
			}
		}
	}
}

// Nobody reads the replies any more, but what is complete is decided.
func TestServerWriteFailed(t *testing.T) {
	var b box
	h := greetedHost(t, protocol.ServerConfig{Requests: protocol.AllRequests}, b.takeAll)
	h.feed("MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 3 LAST\r\nabcMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n")
	broken := errors.New("broken pipe")
	h.WriteFailed(h.now, broken)
	h.feed("BDAT 3 LAST\r\ndefMAIL FROM:<a@me.example>\r\n")
	if out := h.take(); out != "" {
		t.Errorf("wrote %q", out)
	}
	if !slices.Equal(b.got, []string{"abc", "def"}) || h.Err() != nil {
		t.Errorf("got %q, %v", b.got, h.Err())
	}
	if want := h.now.Add(10 * time.Second); !h.Deadline().Equal(want) {
		t.Errorf("deadline %v, want %v", h.Deadline(), want)
	}
	h.FeedEOF(h.now)
	if !errors.Is(h.Err(), broken) {
		t.Errorf("closed: %v", h.Err())
	}
}

// The session ends under a request: it answers nothing, and RequestClosed comes last,
// once.
func TestServerClosedComesLast(t *testing.T) { // P43
	var waiting []protocol.Request
	h := greetedHost(t, protocol.ServerConfig{Requests: protocol.AllRequests &^ (protocol.RequestConnect | protocol.RequestHello)}, keep(&waiting))
	h.feed("MAIL FROM:<a@me.example>\r\nNOOP\r\n")
	h.Fail(h.now, io.ErrClosedPipe)
	h.pump()
	kinds := []protocol.RequestSet{}
	for _, r := range waiting {
		if r.Answer(fine) {
			t.Errorf("answered %v", r.Verb())
		}
		kinds = append(kinds, r.Kind())
	}
	if !slices.Equal(kinds, []protocol.RequestSet{0, 0, protocol.RequestClosed}) {
		t.Errorf("requests of kinds %v", kinds)
	}
	if _, again := h.Next(); again {
		t.Error("closed twice")
	}
}
