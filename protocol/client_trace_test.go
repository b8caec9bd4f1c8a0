package protocol_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// traced returns a configuration that keeps the transcript of its session.
func traced(cfg protocol.ClientConfig) (protocol.ClientConfig, *[]string) {
	log := new([]string)
	cfg.Trace = func(e protocol.TraceEvent) { *log = append(*log, e.String()) }
	return cfg, log
}

// wantLog compares a transcript.
func wantLog(t *testing.T, got []string, want string) {
	t.Helper()
	lines := strings.Split(strings.ReplaceAll(strings.TrimSpace(want), "\t", ""), "\n")
	if !slices.Equal(got, lines) {
		t.Errorf("transcript:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

// The transcript has every line of both sides in order, of replies of many lines
// too; content is a count of octets.
func TestTrace(t *testing.T) { // P20, P34
	cfg, log := traced(protocol.ClientConfig{})
	c := newClient(t, cfg)
	c.Hello("me.example")
	c.Send(envelope("a@me.example", "b@mx.example", "c@mx.example"), protocol.BodyText("Subject: hi\r\n\r\n.\r\n"))
	c.Quit()
	feed(c, "220-mx.example\r\n220 ESMTP\r\n")
	feed(c, "250-mx.example\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n")
	feed(c, "250 2.1.0 ok\r\n250\r\n550-5.1.1 who\r\n550 5.1.1 is that\r\n354 go\r\n")
	feed(c, "250 2.0.0 queued\x1b[2J \u009b2J\xff\r\n")
	feed(c, "221 bye\r\n")
	wantLog(t, *log, `
		<- 220-mx.example
		<- 220 ESMTP
		-> EHLO me.example
		<- 250-mx.example
		<- 250-PIPELINING
		<- 250 ENHANCEDSTATUSCODES
		-> MAIL FROM:<a@me.example>
		-> RCPT TO:<b@mx.example>
		-> RCPT TO:<c@mx.example>
		-> DATA
		<- 250 2.1.0 ok
		<- 250
		<- 550-5.1.1 who
		<- 550 5.1.1 is that
		<- 354 go
		-> (22 octets of content)
		<- 250 2.0.0 queued\x1b[2J \u009b2J\xff
		-> QUIT
		<- 221 bye`)
}

// It goes on where the session does not: scenario 7's failed session, and one that
// is cut off.
func TestTraceOfFailure(t *testing.T) { // P34, P35
	for input, want := range map[string]string{
		"220 mx.example\r\n|500 EHLO?\r\n|500 HELO?\r\n": `
			<- 220 mx.example
			-> EHLO me.example
			<- 500 EHLO?
			-> HELO me.example
			<- 500 HELO?`,
		"554-no\r\n554 way\r\n|221 bye\r\n": `
			<- 554-no
			<- 554 way
			-> QUIT
			<- 221 bye`,
		"220 mx.example\r\n|421 closing\r\n": `
			<- 220 mx.example
			-> EHLO me.example
			<- 421 closing`,
		"220 mx.example\r\n|250 ok\r\n|250 unasked\r\n": `
			<- 220 mx.example
			-> EHLO me.example
			<- 250 ok
			<- 250 unasked`,
	} {
		cfg, log := traced(protocol.ClientConfig{})
		c := newClient(t, cfg)
		c.Hello("me.example")
		for flight := range strings.SplitSeq(input, "|") {
			feed(c, flight)
		}
		wantLog(t, *log, want)
	}
}

// Secrets never get into it, whatever the mechanism, and neither do the arguments
// of a command that is marked so.
func TestTraceHidesSecrets(t *testing.T) { // P34, F5, H-A9
	cfg, log := traced(inClear)
	c := newClient(t, cfg)
	c.Hello("me.example")
	c.Login(plain)
	c.Login(login2)
	c.Login(login2)
	c.Do(protocol.Command{Verb: "X-TOKEN", Args: "abracadabra", Secret: true})
	c.Do(protocol.Command{Verb: "X-TOKEN", Secret: true})
	c.Do(protocol.Command{Verb: "X-OPEN", Args: "word"})
	for _, flight := range []string{
		"220 mx.example\r\n", "250-mx.example\r\n250 AUTH PLAIN LOGIN\r\n", "535 no\r\n",
		"334 ?\r\n", "501 cancelled\r\n",
		"334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "235 welcome\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n",
	} {
		feed(c, flight)
	}
	wantLog(t, *log, `
		<- 220 mx.example
		-> EHLO me.example
		<- 250-mx.example
		<- 250 AUTH PLAIN LOGIN
		-> AUTH PLAIN ***
		<- 535 no
		-> AUTH LOGIN
		<- 334 ?
		-> *
		<- 501 cancelled
		-> AUTH LOGIN
		<- 334 VXNlcm5hbWU6
		-> ***
		<- 334 UGFzc3dvcmQ6
		-> ***
		<- 235 welcome
		-> X-TOKEN ***
		<- 250 ok
		-> X-TOKEN
		<- 250 ok
		-> X-OPEN word
		<- 250 ok`)
}

// Only what was lent to the end is in the transcript, when it was, and what was
// taken back never is.
func TestTraceTellsWhatWasSent(t *testing.T) { // P20, F23
	var events []protocol.TraceEvent
	c := newClient(t, protocol.ClientConfig{ServerName: "mx.example", Trace: func(e protocol.TraceEvent) { events = append(events, e) }})
	c.Hello("me.example")
	tls := c.StartTLS()
	now := start
	tick := func() time.Time { now = now.Add(time.Second); return now }
	write := func() {
		n := int64(len(joined(c.Output(tick(), nil, 100))))
		c.Wrote(tick(), n)
	}
	c.Feed(tick(), []byte("220 mx.example\r\n"))
	c.Output(tick(), nil, 16)
	c.Output(tick(), nil, 17)
	write()
	c.Feed(tick(), []byte("250-mx.example\r\n250 STARTTLS\r\n"))
	write()
	c.Feed(tick(), []byte("220 go\r\n"))
	c.Upgraded(tick(), verified, nil)
	write()
	c.Feed(tick(), []byte("250 mx.example\r\n"))
	if _, err, ok := tls.Result(); err != nil || !ok {
		t.Fatal(err, ok)
	}
	c.Do(protocol.Command{Verb: "NOOP"}).Cancel()
	d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("0123456789"))
	for _, flight := range []string{"", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"} {
		c.Feed(tick(), []byte(flight))
		write()
	}
	if _, _, ok := d.Result().Result(); ok {
		t.Error("settled")
	}
	want := []string{
		"1s <- 220 mx.example", "3s -> EHLO me.example", "6s <- 250-mx.example", "6s <- 250 STARTTLS", "7s -> STARTTLS",
		"9s <- 220 go", "10s -- TLS 1.3", "11s -> EHLO me.example", "13s <- 250 mx.example",
		"15s -> MAIL FROM:<a@me.example>", "17s <- 250 ok", "18s -> RCPT TO:<b@mx.example>", "20s <- 250 ok", "21s -> DATA", "23s <- 354 go",
		"24s -> (15 octets of content)",
	}
	var got []string
	for _, e := range events {
		got = append(got, e.Time.Sub(start).String()+" "+e.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if last := events[len(events)-1]; last.Kind != protocol.TraceContent || last.Octets != 15 {
		t.Errorf("%+v", last)
	}
}

// A lone dot is content too.
func TestTraceLoneDot(t *testing.T) { // P34, C52
	cfg, log := traced(protocol.ClientConfig{})
	c := newClient(t, cfg)
	c.Hello("me.example")
	c.Send(envelope("", "b@mx.example"), protocol.BodyText("hi"))
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 PIPELINING\r\n")
	feed(c, "250 ok\r\n550 who\r\n354 go\r\n")
	wantLog(t, *log, `
		<- 220 mx.example
		-> EHLO me.example
		<- 250-mx.example
		<- 250 PIPELINING
		-> MAIL FROM:<>
		-> RCPT TO:<b@mx.example>
		-> DATA
		<- 250 ok
		<- 550 who
		<- 354 go
		-> (3 octets of content)`)
}
