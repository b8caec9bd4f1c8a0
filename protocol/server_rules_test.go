package protocol_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// The rules of Core as the server keeps them, one test for each; rule 9 is in
// server_starttls_test.go, 6 in server_timeout_test.go.

// session1 is a session with something of everything.
const session1 = "EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nXYZZY\r\n\x00\r\nDATA\r\nhi\r\n..\r\n.\r\n" +
	"MAIL FROM:<c@me.example> BODY=BINARYMIME\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<\r\nBDAT 5\r\n\r\n.\r\nBDAT 6 LAST\r\nQUIT\r\n" +
	"BDAT 6\r\nQUIT\r\nRSET\r\nHELO me.example\r\nNOOP\r\nQUIT\r\nNOOP\r\n"

// allOf plays input in pieces, and returns all that came of it.
func allOf(t *testing.T, between bool, max int, pieces ...string) string {
	t.Helper()
	m := servedMachine(t, mailServer)
	m.answerAll()
	var out string
	take := func() {
		for s := m.lend(max); s != ""; s = m.lend(max) {
			m.Wrote(m.now, int64(len(s)))
			m.pump()
			out += s
		}
	}
	for _, p := range pieces {
		for len(p) > 0 && m.Err() == nil {
			n, _ := m.Feed(m.now, []byte(p))
			m.pump()
			p = p[n:]
			if n == 0 && !m.WantRead() {
				break
			}
		}
		if between {
			take()
		}
	}
	take()
	var contents []string
	for _, sink := range m.sinks {
		contents = append(contents, string(sink.content))
	}
	return fmt.Sprintf("%q %q %v", out, contents, m.Err())
}

// Input in any pieces gives the same output, content and end, with and without
// Output between them.
func TestServerRule1CutsDoNotMatter(t *testing.T) { // C54 C56
	want := allOf(t, false, 1<<20, session1)
	if !strings.HasSuffix(want, `host`) && !strings.HasSuffix(want, "EOF") {
		t.Fatalf("it ends in %s", want)
	}
	for _, between := range []bool{false, true} {
		if got := allOf(t, between, 1<<20, strings.Split(session1, "")...); got != want {
			t.Fatalf("octet by octet, output between %v:\n%s\nwant\n%s", between, got, want)
		}
		for i := range len(session1) {
			for j := i; j < len(session1); j += 1 + j%7 {
				if got := allOf(t, between, 1<<20, session1[:i], session1[i:j], session1[j:]); got != want {
					t.Fatalf("cut at %d and %d, output between %v:\n%s\nwant\n%s", i, j, between, got, want)
				}
			}
		}
	}
}

// What is planned does not depend on when, or with what max, Output is called.
func TestServerRule2PlanDoesNotDependOnOutput(t *testing.T) {
	want := allOf(t, false, 1<<20, session1)
	for _, max := range []int{1, 2, 3, 7, 64, 511, 512, 513} {
		for _, between := range []bool{false, true} {
			if got := allOf(t, between, max, session1); got != want {
				t.Errorf("max %d, between %v:\n%s\nwant\n%s", max, between, got, want)
			}
		}
	}
	m := servedMachine(t, protocol.ServerConfig{})
	m.flush()
	m.feed("NOOP\r\nNOOP\r\n")
	if a, b := m.lend(5), m.lend(100); a != "250 2" || b != "250 2.0.0 ok\r\n250 2.0.0 ok\r\n" {
		t.Errorf("Output offers %q, then %q", a, b)
	}
	if s := m.lend(0); s != "" {
		t.Errorf("max 0: %q", s)
	}
}

// No octet that was lent changes before Wrote has covered it.
func TestServerRule3LentOctetsStay(t *testing.T) {
	m := servedMachine(t, mailServer)
	m.answerAll()
	m.flush()
	m.feed("EHLO me.example\r\nNOOP\r\n")
	lent := m.Output(m.now, nil, 1<<20)
	var sums []uint32
	for _, c := range lent {
		sums = append(sums, crc32.ChecksumIEEE(c.Bytes))
	}
	check := func(when string) {
		t.Helper()
		for i, c := range lent {
			if crc32.ChecksumIEEE(c.Bytes) != sums[i] {
				t.Fatalf("%s: lent octets became %q", when, c.Bytes)
			}
		}
	}
	for i := range 400 {
		m.feed("VRFY x\r\n")
		check(fmt.Sprint("behind command ", i))
		if i%3 == 0 {
			m.lend(1 << 20)
			check("behind another Output")
		}
	}
	m.Wrote(m.now, 3)
	if s := m.lend(10); s != "-mx.exampl" {
		t.Errorf("behind a short write: %q", s)
	}
	m.feed("QUIT\r\n")
	check("behind QUIT")
	m.Fail(m.now, io.ErrClosedPipe)
	m.Wrote(m.now, 1<<30) // ignored
}

func TestServerRule3Wrote(t *testing.T) {
	const text = "protocol: rule 3: Wrote past what was lent"
	m := servedMachine(t, protocol.ServerConfig{})
	panics(t, text, func() { m.Wrote(m.now, 1) })
	m = servedMachine(t, protocol.ServerConfig{})
	m.lend(5)
	m.lend(3) // the watermark stays
	m.Wrote(m.now, 5)
	if s := m.lend(100); s != "x.example ESMTP\r\n" {
		t.Errorf("behind a short write: %q", s)
	}
	m = servedMachine(t, protocol.ServerConfig{})
	panics(t, text, func() { m.Wrote(m.now, -1) })
}

// recursive is a Sink that makes the driver's calls.
type recursive struct{ call func() }

func (r recursive) WriteBody(p []byte) (int, error) { r.call(); return len(p), nil }

// The calls of a driver panic in a callback: in a future's, in a Sink's, in a trace.
func TestServerRule5NoDrivingFromCallbacks(t *testing.T) {
	calls := map[string]func(*serverMachine){
		"Feed":        func(m *serverMachine) { m.Feed(m.now, []byte("NOOP\r\n")) },
		"FeedEOF":     func(m *serverMachine) { m.FeedEOF(m.now) },
		"WriteFailed": func(m *serverMachine) { m.WriteFailed(m.now, nil) },
		"Output":      func(m *serverMachine) { m.Output(m.now, nil, 10) },
		"Wrote":       func(m *serverMachine) { m.Wrote(m.now, 0) },
		"Tick":        func(m *serverMachine) { m.Tick(m.now) },
		"Upgraded":    func(m *serverMachine) { m.Upgraded(m.now, clientTLS, nil) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			m := servedMachine(t, mailServer)
			m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n")
			m.asked[0].Answer(reply(250, ""))
			m.send("DATA\r\n")
			ran := 0
			try := func() {
				ran++
				panics(t, "protocol: rule 5: "+name+" called from a callback", func() { call(m) })
			}
			m.asked[1].AcceptContent(recursive{try}).OnReady(func(int64, error) {
				try()
				m.asked[1].Answer(reply(250, ""))
			})
			if got := m.send("hi\r\n.\r\nNOOP\r\n"); ran < 2 || !strings.HasSuffix(got, "250 2.0.0 ok\r\n250 2.0.0 ok\r\n") {
				t.Errorf("%d callbacks ran, it says %q", ran, got)
			}
		})
	}
}

// A callback may answer, accept, end and fail; that takes effect behind what is under
// way.
func TestServerRule5CallbacksMayAct(t *testing.T) {
	for name, tt := range map[string]struct {
		act  func(*serverMachine)
		want string
		err  string
	}{
		"Fail":     {func(m *serverMachine) { m.Fail(m.now, errors.New("enough")) }, "", "connection lost: enough"},
		"End":      {func(m *serverMachine) { m.End(wire.Reply{Code: 421, Text: "enough"}) }, "250 2.0.0 ok\r\n421 4.0.0 enough\r\n", "connection: 421 4.0.0 enough"},
		"Shutdown": {func(m *serverMachine) { m.Shutdown() }, "250 2.0.0 ok\r\n421 4.3.2 mx.example is shutting down\r\n", "connection: 421 4.3.2 mx.example is shutting down"},
		"Answer":   {func(m *serverMachine) {}, "250 2.0.0 ok\r\n250 2.0.0 ok\r\n", "<nil>"},
	} {
		m := servedMachine(t, mailServer)
		m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n")
		m.asked[0].Answer(reply(250, ""))
		m.send("DATA\r\n")
		r := m.asked[1]
		r.AcceptContent(nil).OnReady(func(n int64, err error) {
			if n != 4 || err != nil {
				t.Errorf("%s: content %d, %v", name, n, err)
			}
			tt.act(m)
			r.Answer(reply(250, ""))
		})
		m.flush()
		m.Feed(m.now, []byte("hi\r\n.\r\nNOOP\r\n"))
		m.pump()
		if got := m.flush(); got != tt.want || fmt.Sprint(m.Err()) != tt.err {
			t.Errorf("%s: it says %q, want %q; Err %v, want %s", name, got, tt.want, m.Err(), tt.err)
		}
	}
}

// A Fail in a callback that Resume calls takes effect before that returns, though nothing
// is left to do.
func TestServerRule5FailInResume(t *testing.T) { // F2
	m := servedMachine(t, mailServer)
	m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n")
	m.asked[0].Answer(reply(250, ""))
	m.send("DATA\r\n")
	k := &mailSink{short: 1}
	m.asked[1].AcceptContent(k).OnReady(func(int64, error) { m.Fail(m.now, errors.New("enough")) })
	m.send("hi\r\n.\r\n")
	k.short = 0
	m.Resume()
	if err := m.Err(); fmt.Sprint(err) != "connection lost: enough" {
		t.Errorf("Err %v", err)
	}
}

// Next may be called from a callback too: of what a command aborts, before the command
// is there to be taken, if it is to be.
func TestServerRule5NextInCallback(t *testing.T) { // F27
	begun := func(kinds protocol.RequestSet) *serverMachine {
		cfg := mailServer
		cfg.Requests |= kinds
		m := servedMachine(t, cfg)
		m.answerAll()
		m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n")
		m.all = false
		m.send("BDAT 2\r\n")
		m.asked[0].AcceptContent(nil).OnReady(func(int64, error) { m.pump() })
		m.send("hi")
		return m
	}
	for verb, kind := range map[string]protocol.RequestSet{"RSET": protocol.RequestReset, "EHLO me.example": protocol.RequestHello} {
		m := begun(kind)
		if m.feed(verb + "\r\n"); len(m.asked) != 2 || !m.asked[1].AnswerDefault() || !strings.HasPrefix(m.flush(), "250") {
			t.Errorf("%s: %d requests", verb, len(m.asked))
		}
		m = begun(0)
		if m.feed(verb + "\r\n"); len(m.asked) != 1 || !strings.HasPrefix(m.flush(), "250") {
			t.Errorf("%s, not asked for: %d requests", verb, len(m.asked))
		}
	}
}

// A spurious Tick does nothing, and the deadline is never in the past behind one.
func TestServerRule6SpuriousTick(t *testing.T) {
	m := servedMachine(t, mailServer)
	m.answerAll()
	for i, piece := range []string{"EHLO me", ".example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n", "hi\r\n", ".\r\nBD", "AT 5\r\n", "NOOP\r\n"} {
		m.now = m.now.Add(time.Second)
		m.feed(piece)
		for range 2 {
			before := m.Deadline()
			m.Tick(m.now)
			if after := m.Deadline(); !after.Equal(before) || m.Err() != nil || !after.IsZero() && !after.After(m.now) {
				t.Errorf("piece %d: the deadline was %v and is %v, Err %v", i, before, after, m.Err())
			}
			m.flush()
		}
	}
}

// At the end the last reply is still there to be written, and then nothing.
func TestServerRule7LastReply(t *testing.T) { // P44 C22
	m := servedMachine(t, protocol.ServerConfig{})
	m.send("EHLO me.example\r\n")
	m.feed("NOOP\r\nQUIT\r\n")
	if m.Err() != io.EOF {
		t.Errorf("Err is %v", m.Err())
	}
	const want = "250 2.0.0 ok\r\n221 2.0.0 mx.example closes the connection\r\n"
	if got := m.lend(1000); got != want {
		t.Errorf("it says %q", got)
	}
	m.Wrote(m.now, 10)
	if got := m.lend(1000); got != want[10:] {
		t.Errorf("behind a short write it says %q", got)
	}
	if n, err := m.Feed(m.now, []byte("NOOP\r\n")); n != 0 || err != io.EOF {
		t.Errorf("Feed: %d, %v", n, err)
	}
	m.Wrote(m.now, int64(len(want)-10))
	if got := m.lend(1000); got != "" {
		t.Errorf("in the end it says %q", got)
	}
}

// Every future settles once, whatever ends the session at whatever time.
func TestServerRule8FuturesSettle(t *testing.T) { // H-R9 F27
	ends := map[string]func(*serverMachine){
		"EOF":          func(m *serverMachine) { m.FeedEOF(m.now) },
		"Fail":         func(m *serverMachine) { m.Fail(m.now, io.ErrClosedPipe) },
		"End":          func(m *serverMachine) { m.End(reply(421, "bye")) },
		"deadline":     func(m *serverMachine) { m.SetDeadline(m.now); m.Tick(m.now) },
		"write failed": func(m *serverMachine) { m.WriteFailed(m.now, io.ErrClosedPipe); m.FeedEOF(m.now) },
	}
	const input = "EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\nhi\r\n.\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 5\r\n01234BDAT 3 LAST\r\n567"
	for name, end := range ends {
		for cut := range len(input) + 1 {
			for _, lmtp := range []bool{false, true} {
				cfg := mailServer
				cfg.LMTP = lmtp
				m := servedMachine(t, cfg)
				begun, settled := 0, 0
				var requests []protocol.Request
				take := func() {
					for r, ok := m.Next(); ok; r, ok = m.Next() {
						if r.Kind() == protocol.RequestRcpt {
							r.Answer(reply(250, ""))
							continue
						}
						begun++
						requests = append(requests, r)
						once := false
						r.AcceptContent(nil).OnReady(func(_ int64, err error) {
							if once {
								t.Errorf("%s at %d: settles twice", name, cut)
							}
							once = true
							settled++
							if len(requests)%2 == 0 && err == nil {
								r.Answer(reply(250, ""))
							}
						})
					}
				}
				text := input[:cut]
				if lmtp {
					text = strings.Replace(text, "EHLO", "LHLO", 1)
				}
				for len(text) > 0 && m.WantRead() {
					n, _ := m.Feed(m.now, []byte(text))
					take()
					if text = text[n:]; n == 0 {
						break
					}
				}
				end(m)
				take()
				for _, r := range requests {
					r.Answer(reply(250, "")) // what is due at the end of input
				}
				take()
				if settled != begun || m.Err() == nil {
					t.Fatalf("%s behind %d octets, LMTP %v: %d of %d futures settled, Err %v", name, cut, lmtp, settled, begun, m.Err())
				}
			}
		}
	}
}

// Content that is not whole never gets a future that says so, nor a 250.
func TestServerRule10ContentIsWhole(t *testing.T) { // C18 C31
	const input = "EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\nhi\r\n..\r\n"
	const end = ".\r\n"
	for cut := range len(end) {
		m := servedMachine(t, mailServer)
		m.answerAll()
		got := m.send(input + end[:cut])
		m.FeedEOF(m.now)
		m.pump()
		if got += m.flush(); !strings.HasSuffix(got, "354 end data with <CR><LF>.<CR><LF>\r\n") {
			t.Errorf("%d octets of the end: it says %q", cut, got)
		}
		if m.Err() == nil || errors.Is(m.Err(), io.EOF) {
			t.Errorf("%d octets of the end: Err %v", cut, m.Err())
		}
	}
}

// A trace may not change what happens, and lines are told once, in order.
func TestServerTrace(t *testing.T) { // P20
	var lines []string
	cfg := mailServer
	cfg.Trace = func(e protocol.TraceEvent) { lines = append(lines, e.String()) }
	m := servedMachine(t, cfg)
	m.answerAll()
	m.send("HELO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n")
	m.send("hi\r\n.\r\nBDAT 3\r\nabcXYZZY \x1b[2J\r\nQUIT\r\n")
	want := []string{
		"-> 220 mx.example ESMTP", "<- HELO me.example", "<- MAIL FROM:<a@me.example>", "<- RCPT TO:<b@mx.example>", "<- DATA",
		"-> 250 mx.example", "-> 250 2.1.0 ok", "-> 250 2.1.5 ok", "-> 354 end data with <CR><LF>.<CR><LF>",
		"<- (4 octets of content)", "<- BDAT 3", `<- XYZZY \x1b[2J`, "<- QUIT",
		"-> 250 2.0.0 ok", "-> 502 5.5.1 command not implemented", "-> 501 5.5.2 command: control octet 0x1B at offset 6", "-> 221 2.0.0 mx.example closes the connection",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("trace\n\t%s\nwant\n\t%s", strings.Join(lines, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// A trace counts all octets of a message, whatever becomes of them and however they came.
func TestServerTraceCountsRefusedContent(t *testing.T) { // C56
	content := "0123456789\r\n0123456789\r\n"
	for name, sink := range map[string]*mailSink{"too large": {}, "sink": {fails: 5, err: io.ErrClosedPipe}} {
		for _, step := range []int{1, 7, len(content)} {
			var lines []string
			cfg := protocol.ServerConfig{Requests: forMail, Trace: func(e protocol.TraceEvent) { lines = append(lines, e.Line) }}
			if name == "too large" {
				cfg.MaxContent = 10
			}
			m := servedMachine(t, cfg)
			m.send("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n")
			m.asked[0].Answer(reply(250, ""))
			m.send("DATA\r\n")
			k := *sink
			m.asked[1].AcceptContent(&k)
			m.flush()
			for rest := content; rest != ""; rest = rest[min(step, len(rest)):] {
				m.send(rest[:min(step, len(rest))])
			}
			if m.send(".\r\n"); !slices.Contains(lines, "(24 octets of content)") {
				t.Errorf("%s by %d: %q", name, step, lines)
			}
		}
	}
}
