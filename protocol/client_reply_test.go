package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// What is no reply ends the session at once, wherever it stands: no crash, no hang,
// and never the first or the last of two codes.
func TestReplyMalformed(t *testing.T) { // P36, F8, F19, C27, C29, C30, C120, H-R3, H-R4
	const digit = "reply code: first digit is not 2 to 5 but octet "
	for _, test := range []struct{ input, want string }{
		{"S: 700 what", digit + "0x37 at offset 0"},
		{"S: 150 what", digit + "0x31 at offset 0"},
		{"S: 000 what", digit + "0x30 at offset 0"},
		{"S: +50 what", digit + "0x2B at offset 0"},
		{"S: hello", digit + "0x68 at offset 0"},
		{"S:", digit + "0x0D at offset 0"},
		{"S: 25O what", "reply code: not three digits but octet 0x4F at offset 2"},
		{"S: 22 what", "reply code: not three digits but octet 0x20 at offset 2"},
		{"S: 250what", "reply line: neither blank, hyphen nor line end behind the code but octet 0x77 at offset 3"},
		{"S: 250-one\nS: 250\\ttwo", "reply line: neither blank, hyphen nor line end behind the code but octet 0x09 at offset 12"},
		{"S: 250-one\nS: 550 two", "reply code: 550 after 250 in one reply at offset 11"},
		{"S: 250-one\nS: 550-two\nS: 250 three", "reply code: 550 after 250 in one reply at offset 11"},
	} {
		err := "protocol error at the reply to a command: " + test.want
		play(t, conversation{
			begin: does(hello, noop, send("send")),
			text:  opening() + "C: NOOP\n" + test.input + "\n= noop: " + err + "\n= send: not delivered: " + err + "\n= closed: " + err,
		})
	}
}

// Replies are bounded, so that a peer cannot fill the memory.
func TestReplyTooLong(t *testing.T) { // F8, H-R1, H-R2
	for _, test := range []struct {
		cfg   protocol.ClientConfig
		input string
		want  string
	}{
		{protocol.ClientConfig{MaxReplyLine: 100}, "250 " + strings.Repeat("x", 100), "reply line: too long at offset 100"},
		{protocol.ClientConfig{MaxReplyLines: 3}, strings.Repeat("250-x\r\n", 4), "reply: too many lines at offset 21"},
		{protocol.ClientConfig{MaxReplySize: 100}, strings.Repeat("250-0123456789\r\n", 10), "reply: too long at offset 100"},
		{protocol.ClientConfig{}, strings.Repeat("250-0123456789\r\n", 100000), "reply: too many lines at offset 16384"},
		{protocol.ClientConfig{}, "250 " + strings.Repeat("x", 1<<20), "reply line: too long at offset 16384"},
	} {
		c := newClient(t, test.cfg)
		c.Hello("me.example")
		f := c.Do(protocol.Command{Verb: "NOOP"})
		feed(c, "220 mx.example\r\n")
		feed(c, "250 mx.example\r\n")
		c.Feed(start, []byte(test.input))
		if _, err, ok := f.Result(); !ok || err == nil || err.Error() != "protocol error at the reply to a command: "+test.want {
			t.Errorf("%.20q: %v", test.input, err)
		}
	}
}

// Replies without text, of many lines, with LF alone, and of codes that no RFC
// lists are understood.
func TestReplyTolerated(t *testing.T) { // P37, C27, C28, C29, C40, C75, H-R5, H-R6
	long := strings.Repeat("x", 2000)
	for input, want := range map[string]string{
		"250\r\n":                            "250",
		"250 \r\n":                           "250",
		"250-\r\n250-\r\n250\r\n":            "250  /  / ",
		"250-one\r\n250-two\r\n250 last\r\n": "250 one / two / last",
		"250-one\n250 two\n":                 "250 one / two",
		"299 what\r\n":                       "299 what",
		"250 \xff\r\n":                       `250 \xff`,
		"250 " + long + "\r\n":               "250 " + long,
	} {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		f := c.Do(protocol.Command{Verb: "NOOP"})
		feed(c, "220\r\n")
		feed(c, "250\r\n")
		feed(c, input)
		if r, err, ok := f.Result(); !ok || err != nil || r.String() != want {
			t.Errorf("%.60q: %q, %v; want %q", input, r, err, want)
		}
	}
	c := newClient(t, protocol.ClientConfig{StrictCRLF: true})
	feed(c, "220 mx.example\n")
	if c.Err() == nil {
		t.Error("a bare LF is taken with StrictCRLF")
	}
}

// Codes that are not listed act by their first digit.
func TestReplyByFirstDigit(t *testing.T) { // C27, C43
	play(t, conversation{
		begin: does(hello, sendTo("send", "hi\r\n", "b@mx.example", "c@mx.example", "d@mx.example")),
		text: opening("PIPELINING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<c@mx.example>
			C: RCPT TO:<d@mx.example>
			C: DATA
			S: 299 yes
			S: 259 yes
			S: 499 not now
			S: 599 no
			S: 354 go
			C: hi
			C: .
			S: 222 taken
			= send: accepted: 222 taken
		`,
	})
}

// Every step takes its own success and no other's: a reply of another kind is a
// protocol error, whatever it says.
func TestReplyOfAnotherStep(t *testing.T) { // P15, F19, C17, C120, H-T12
	const (
		mail = "\nC: MAIL FROM:<a@me.example>"
		rcpt = mail + "\nS: 250 ok\nC: RCPT TO:<b@mx.example>"
		data = rcpt + "\nS: 250 ok\nC: DATA"
		dot  = data + "\nS: 354 go\nC: hi\nC: ."
	)
	for _, test := range []struct{ before, reply, step, want string }{
		{mail, "354 go", "reply to MAIL", ""},
		{mail, "334 go", "reply to MAIL", ""},
		{rcpt, "354 go", "reply to RCPT", ""},
		{data, "250 ok", "reply to DATA", " (want 354)"},
		{data, "334 go", "reply to DATA", " (want 354)"},
		{data, "355 go", "reply to DATA", " (want 354)"},
		{dot, "354 go", "verdict on the content", ""},
	} {
		outcome := "not delivered: "
		if test.before == dot {
			outcome = "outcome unknown, a retry may duplicate: "
		}
		err := "protocol error at the " + test.step + ": unexpected reply: " + test.reply + test.want
		play(t, conversation{
			begin: does(hello, send("send"), noop),
			text:  opening() + test.before + "\nS: " + test.reply + "\n= send: " + outcome + err + "\n= noop: " + err + "\n= closed: " + err,
		})
	}
	err := "protocol error at the reply to QUIT: unexpected reply: 250 ok (want 221)"
	play(t, conversation{
		begin: does(hello, quit),
		text:  opening() + "\nC: QUIT\nS: 250 ok\n= quit: " + err + "\n= closed: " + err,
	})
}

// A reply that nothing asked for, or that comes before its command can have been
// read, is fatal; a 421 says why the server goes.
func TestReplyUnsolicited(t *testing.T) { // F8, C33, H-R7, H-R8
	for input, want := range map[string]string{
		"250 hello": "protocol error: reply to nothing that was sent: 250 hello",
		"550 no":    "protocol error: reply to nothing that was sent: 550 no",
		"421 idle":  "connection: 421 idle",
	} {
		play(t, conversation{begin: hello, text: opening() + "\nS: " + input + "\n= closed: " + want})
	}
	for _, test := range []struct {
		lent  int
		reply string
		want  string // of the next Output, or why the session is over
	}{
		{0, "250 ok", "protocol error at the reply to a command: reply to nothing that was sent: 250 ok"},
		{5, "250 ok", "protocol error at the reply to a command: reply to nothing that was sent: 250 ok"},
		{6, "250 ok", ""},
		{0, "550 no", "protocol error at the reply to a command: reply to nothing that was sent: 550 no"},
		{1, "550 no", ""},
		{0, "421 bye", "connection: 421 bye"},
	} {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		c.Do(protocol.Command{Verb: "NOOP"})
		feed(c, "220 mx.example\r\n")
		c.Feed(start, []byte("250 mx.example\r\n"))
		if test.lent > 0 {
			c.Output(start, nil, test.lent)
		}
		c.Feed(start, []byte(test.reply+"\r\n"))
		got := ""
		if c.Err() != nil {
			got = c.Err().Error()
		}
		if got != test.want {
			t.Errorf("%s with %d octets lent: %q, want %q", test.reply, test.lent, got, test.want)
		}
	}
}

// The error of a refusal keeps all of it: code, enhanced code, lines, command and
// recipient.
func TestReplyError(t *testing.T) { // P15, F7
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	d := c.Send(envelope("a@me.example", "b@mx.example"), protocol.BodyText(""))
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 ENHANCEDSTATUSCODES\r\n")
	feed(c, "250 2.1.0 ok\r\n")
	feed(c, "450-4.2.1 mailbox\r\n450 4.2.1 busy\r\n")
	_, err := resultOf(t, d)
	e := asError[*protocol.ReplyError](t, err)
	if e.Reply.Code != 450 || e.Reply.Enhanced.String() != "4.2.1" || e.Reply.Text != "mailbox\nbusy" ||
		e.Command != "RCPT" || e.Recipient != "<b@mx.example>" || !e.Temporary() {
		t.Errorf("%+v", e)
	}
	if got, want := err.Error(), "refused: RCPT <b@mx.example>: 450 4.2.1 mailbox / busy"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, rcptErr, _ := d.Rcpt(0).Result(); rcptErr == nil || rcptErr.Error() != e.Error() {
		t.Errorf("RCPT: %v", rcptErr)
	}
}
