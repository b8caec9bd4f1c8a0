package protocol_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// The rules of Core, one test for each; that of the timers is in
// client_timers_test.go, those of the ends in client_rules_end_test.go.

// Input in any pieces gives the same octets, futures, order and error. The flight
// ends in a reply to nothing, so that the error is one of them.
func TestRule1CutsDoNotMatter(t *testing.T) {
	const flight = "250 sender ok\r\n250-recipient\r\n250 ok\r\n354 go\r\n250 out of turn\r\n"
	run := func(pieces ...string) string {
		m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
		m.send("one", protocol.BodyText("hi"), "b@mx.example")
		note(m, "noop", m.Do(protocol.Command{Verb: "NOOP"}))
		out := m.take(1 << 20)
		for _, p := range pieces {
			m.Feed(m.now, []byte(p))
		}
		return fmt.Sprintf("%q %q %v", out+m.take(1<<20), m.log, m.Err())
	}
	want := run(flight)
	if again := run(strings.Split(flight, "")...); again != want {
		t.Errorf("octet by octet\n%s\nwant\n%s", again, want)
	}
	for i := range len(flight) {
		for j := i; j < len(flight); j++ {
			if got := run(flight[:i], flight[i:j], flight[j:]); got != want {
				t.Fatalf("cut at %d and %d:\n%s\nwant\n%s", i, j, got, want)
			}
		}
	}
}

// A future settles with the last octet of its reply: not before it, not later.
func TestRule1FuturesSettleBetweenReplies(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	m.send("one", protocol.BodyText("hi"), "b@mx.example")
	m.wrote(mailGroup)
	for i, b := range []byte("250-a\r\n250 b\r\n") {
		m.feed(string(b))
		if settled := i == len("250-a\r\n250 b\r\n")-1; (len(m.log) == 1) != settled {
			t.Fatalf("behind octet %d: %q", i, m.log)
		}
	}
}

// What is planned does not depend on when, or with what max, Output is called, nor
// on how much of it is acknowledged at a time.
func TestRule2PlanDoesNotDependOnOutput(t *testing.T) {
	content := strings.Repeat("a line\n.a dot\r\n", 50) + strings.Repeat("long ", 300) + "\n."
	run := func(max, ack int) string {
		m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
		m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyFrom(strings.NewReader(content), -1))
		m.Do(protocol.Command{Verb: "NOOP"})
		var all string
		write := func() {
			for {
				s := m.lend(max)
				if s == "" {
					return
				}
				if again := m.lend(max); again != s {
					t.Fatalf("max %d: Output offers %q, then %q", max, s, again)
				}
				n := min(ack, len(s))
				m.Wrote(m.now, int64(n))
				all += s[:n]
			}
		}
		for _, flight := range []string{"", "250 ok\r\n250 ok\r\n354 go\r\n", "250 queued\r\n"} {
			m.feed(flight)
			write()
		}
		return all
	}
	want := run(1<<20, 1<<20)
	if end := want[len(want)-len("..\r\n.\r\nNOOP\r\n"):]; end != "..\r\n.\r\nNOOP\r\n" {
		t.Fatalf("ends in %q", end)
	}
	for _, max := range []int{1, 2, 3, 7, 64, 511, 512, 513, 4096} {
		for _, ack := range []int{1, 5, max} {
			if got := run(max, ack); got != want {
				t.Errorf("max %d, %d acknowledged at a time:\n%q\nwant\n%q", max, ack, got, want)
			}
		}
	}
}

// No octet that was lent changes before Wrote has covered it, whatever is planned,
// read or cancelled meanwhile.
func TestRule3LentOctetsStay(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	var lent []protocol.Chunk
	var sums []uint32
	lend := func() {
		lent, sums = m.Output(m.now, nil, 1<<20), nil
		for _, c := range lent {
			sums = append(sums, crc32.ChecksumIEEE(c.Bytes))
		}
	}
	check := func(when string) {
		t.Helper()
		for i, c := range lent {
			if crc32.ChecksumIEEE(c.Bytes) != sums[i] {
				t.Errorf("%s: lent octets became %q", when, c.Bytes)
			}
		}
	}
	body := &spoiled{content: strings.Repeat("text ", 300)}
	m.Send(envelope("a@me.example", "b@mx.example"), body)
	lend()
	queued := make([]*protocol.Delivery, 100)
	for i := range queued {
		queued[i] = m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
	}
	check("behind more tasks")
	m.feed("250 ok\r\n550 no\r\n554 no recipients\r\n") // all answered ahead of Wrote
	check("behind the replies")
	queued[0].Cancel()
	check("behind a cancellation")
	m.Wrote(m.now, int64(len(mailGroup)))
	m.wrote("RSET\r\n" + mailGroup)
	m.feed("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")
	m.wrote("hi\r\n.\r\n" + mailGroup)
	m.feed("250 ok\r\n")

	body = &spoiled{content: strings.Repeat("text ", 300)}
	m = greeted(t, protocol.ClientConfig{}, "PIPELINING")
	m.Send(envelope("a@me.example", "b@mx.example"), body)
	m.wrote(mailGroup)
	m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
	lend()
	m.feed("250 queued ahead of Wrote\r\n")
	check("behind the verdict")
	if body.released != 0 {
		t.Error("the source was released while its octets were lent")
	}
	m.Wrote(m.now, int64(len(body.content)+len("\r\n.\r\n")))
	if body.released != 1 {
		t.Errorf("released %d times behind Wrote", body.released)
	}
}

// The conversation can end while a write is under way: content stays until the
// driver asks for output again, or says that the connection is gone.
func TestRule3LentOctetsStayAtTheEnd(t *testing.T) {
	ends := []struct {
		name string
		end  func(*machine, *protocol.Delivery)
	}{
		{"early refusal", func(m *machine, _ *protocol.Delivery) { m.Feed(m.now, []byte("552 too much\r\n")) }},
		{"broken reply", func(m *machine, _ *protocol.Delivery) { m.Feed(m.now, []byte("2\r\n")) }},
		{"end of input", func(m *machine, _ *protocol.Delivery) { m.FeedEOF(m.now) }},
		{"timeout", func(m *machine, _ *protocol.Delivery) { m.now = m.Deadline(); m.Tick(m.now) }},
		{"cancelled", func(_ *machine, d *protocol.Delivery) { d.Cancel() }},
	}
	over := []struct {
		name string
		call func(*machine)
	}{
		{"Output", func(m *machine) { m.Output(m.now, nil, 100) }},
		{"Fail", func(m *machine) { m.Fail(m.now, errors.New("closed")) }},
		{"WriteFailed", func(m *machine) { m.WriteFailed(m.now, errors.New("broken pipe")) }},
	}
	for _, end := range ends {
		for _, over := range over {
			m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
			body := &spoiled{content: strings.Repeat("text ", 300)}
			d := m.Send(envelope("a@me.example", "b@mx.example"), body)
			m.wrote(mailGroup)
			m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
			m.Output(m.now, nil, 700)
			end.end(m, d)
			if m.Err() == nil || body.released != 0 {
				t.Errorf("%s: Err %v, released %d times while a write was under way", end.name, m.Err(), body.released)
			}
			over.call(m)
			over.call(m)
			if body.released != 1 {
				t.Errorf("%s: released %d times behind %s", end.name, body.released, over.name)
			}
		}
	}
}

func TestRule3Wrote(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	m.Do(protocol.Command{Verb: "NOOP"})
	const text = "protocol: rule 3: Wrote past what was lent"
	panics(t, text, func() { m.Wrote(m.now, 1) })
	m = greeted(t, protocol.ClientConfig{}, "PIPELINING")
	m.Do(protocol.Command{Verb: "NOOP"})
	m.lend(3)
	m.lend(2) // the watermark stays
	m.Wrote(m.now, 3)
	if s := m.lend(100); s != "P\r\n" {
		t.Errorf("behind a short write: %q", s)
	}
	panics(t, text, func() { m.Wrote(m.now, 4) })
	m = greeted(t, protocol.ClientConfig{})
	panics(t, text, func() { m.Wrote(m.now, -1) })
}

// A 2yz or 3yz needs the last octet of its command lent, a 4yz or 5yz the first.
func TestRule4RepliesMatchWhatWasLent(t *testing.T) { // H-R7 H-R8 F8
	const early = "protocol error at the reply to MAIL: reply to nothing that was sent: "
	whole := len("MAIL FROM:<a@me.example>\r\n")
	tests := []struct {
		lent  int // octets
		reply string
		err   string // of the connection
	}{
		{0, "250 ok", early + "250 ok"},
		{0, "550 no", early + "550 no"},
		{0, "421 bye", "connection: 421 bye"},
		{1, "250 ok", early + "250 ok"},
		{whole - 1, "250 ok", early + "250 ok"},
		{whole - 1, "354 go", early + "354 go"},
		{1, "550 no", "<nil>"},
		{1, "421 bye", "MAIL: 421 bye"},
		{whole, "250 ok", "<nil>"},
		{whole, "354 go", "protocol error at the reply to MAIL: unexpected reply: 354 go"},
	}
	for _, tt := range tests {
		m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
		d := m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
		if tt.lent > 0 {
			m.lend(tt.lent) // lent is enough: the reply may overtake Wrote
		}
		m.Feed(m.now, []byte(tt.reply+"\r\n"))
		if got := fmt.Sprint(m.Err()); got != tt.err {
			t.Errorf("%d octets lent, %s: Err %s, want %s", tt.lent, tt.reply, got, tt.err)
		}
		if tt.err == "<nil>" != (d.Mail().Err() == nil && d.Mail().Settled()) && tt.reply[0] == '2' {
			t.Errorf("%d octets lent, %s: MAIL %v", tt.lent, tt.reply, d.Mail().Err())
		}
	}
}

// Lending less later does not lower the watermark.
func TestRule4Watermark(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	d := m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
	m.lend(1 << 20)
	m.lend(1)
	m.feed("250 ok\r\n")
	if _, err, ok := d.Mail().Result(); !ok || err != nil {
		t.Error(err, ok)
	}
}

// Without a command outstanding a reply is unsolicited, unless WaitFor waits for it.
func TestRule4Unsolicited(t *testing.T) { // H-R7
	m := greeted(t, protocol.ClientConfig{})
	if _, err := m.Feed(m.now, []byte("250 hello again\r\n")); err.Error() != "protocol error: reply to nothing that was sent: 250 hello again" {
		t.Error(err)
	}
	m = greeted(t, protocol.ClientConfig{})
	if _, err := m.Feed(m.now, []byte("421 4.3.2 shutting down\r\n")); err.Error() != "connection: 421 4.3.2 shutting down" {
		t.Error(err)
	}
	m = greeted(t, protocol.ClientConfig{})
	f := m.WaitFor(wire.CodeOK)
	m.feed("250 hello again\r\n")
	if r, err, ok := f.Result(); !ok || r.Text != "hello again" {
		t.Error(r, err, ok)
	}
}

// The calls of a driver panic in a callback, and leave the machine whole.
func TestRule5NoDrivingFromCallbacks(t *testing.T) {
	calls := map[string]func(*machine){
		"Feed":        func(m *machine) { m.Feed(m.now, []byte("250 ok\r\n")) },
		"FeedEOF":     func(m *machine) { m.FeedEOF(m.now) },
		"WriteFailed": func(m *machine) { m.WriteFailed(m.now, nil) },
		"Output":      func(m *machine) { m.Output(m.now, nil, 10) },
		"Wrote":       func(m *machine) { m.Wrote(m.now, 0) },
		"Tick":        func(m *machine) { m.Tick(m.now) },
		"Upgraded":    func(m *machine) { m.Upgraded(m.now, verified, nil) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			text := "protocol: rule 5: " + name + " called from a callback"
			m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
			ran := 0
			try := func() { ran++; panics(t, text, func() { call(m) }) }
			d := m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
			d.Mail().OnReady(func(wire.Reply, error) { try() })
			queued := m.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText("hi"))
			queued.Mail().OnReady(func(wire.Reply, error) { try() })
			queued.Cancel() // from outside of a call, and yet a callback
			m.wrote(mailGroup)
			m.feed("250 ok\r\n")
			if ran != 2 {
				t.Errorf("%d callbacks ran", ran)
			}
			m.feed("250 ok\r\n354 go\r\n")
			m.wrote("hi\r\n.\r\n")
			m.feed("250 queued\r\n")
			if _, err, ok := d.Result().Result(); !ok || err != nil {
				t.Error(err, ok)
			}
		})
	}
}

// A callback may add and cancel; a Fail there waits until the reply is dealt with.
func TestRule5CallbacksMayAct(t *testing.T) {
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING")
	one := m.send("one", protocol.BodyText("1"), "b@mx.example")
	two := m.send("two", protocol.BodyText("2"), "b@mx.example")
	one.Rcpt(0).OnReady(func(wire.Reply, error) {
		two.Cancel()
		note(m, "noop", m.Do(protocol.Command{Verb: "NOOP"}))
		note(m, "quit", m.Quit())
	})
	one.Result().OnReady(func(protocol.Receipt, error) {
		m.Fail(m.now, errors.New("enough"))
		if m.Err() != nil {
			t.Error("Fail took effect inside a callback")
		}
		m.log = append(m.log, "failed")
	})
	m.wrote(mailGroup)
	m.feed("250 ok\r\n250 ok\r\n354 go\r\n")
	m.wrote("1\r\n.\r\n")
	m.Feed(m.now, []byte("250 queued\r\n220 not looked at\r\n"))
	want := []string{
		"one mail", "one rcpt", "two mail: canceled", "two rcpt: canceled", "two: not delivered: canceled",
		"one", "failed", "noop: connection lost: enough", "quit: connection lost: enough",
	}
	if !slices.Equal(m.log, want) {
		t.Errorf("settled\n\t%s\nwant\n\t%s", strings.Join(m.log, "\n\t"), strings.Join(want, "\n\t"))
	}
}
