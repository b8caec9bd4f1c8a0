package smtptest_test

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// step is a point of a conversation.
type step struct {
	name   fault.Step
	before []exchange
	say    string
	own    string
}

type exchange struct{ say, reply string }

var (
	hello  = exchange{"EHLO me.example\r\n", ehlo}
	mail   = exchange{"MAIL FROM:<a@me.example>\r\n", "250 2.1.0 ok\r\n"}
	rcpt   = exchange{"RCPT TO:<b@mx.example>\r\n", "250 2.1.5 ok\r\n"}
	data   = exchange{"DATA\r\n", "354 end data with <CR><LF>.<CR><LF>\r\n"}
	opened = []exchange{{"", banner}, hello, mail, rcpt}
)

// steps are those of a session without AUTH and STARTTLS, in the order of the session.
var steps = []step{
	{fault.Banner, nil, "", banner},
	{fault.Helo, opened[:1], "HELO me.example\r\n", "250 mx.example\r\n"},
	{fault.Ehlo, opened[:1], hello.say, hello.reply},
	{fault.Mail, opened[:2], mail.say, mail.reply},
	{fault.Rcpt, opened[:3], rcpt.say, rcpt.reply},
	{fault.Data, opened, data.say, data.reply},
	{fault.Bdat, opened, "BDAT 2\r\nhi", "250 2.0.0 2 octets\r\n"},
	{fault.Content, append(opened[:4:4], data), "hi\r\n.\r\n", "250 2.0.0 ok\r\n"},
	{fault.Rset, opened[:1], "RSET\r\n", "250 2.0.0 ok\r\n"},
	{fault.Vrfy, opened[:1], "VRFY b\r\n", "252 2.1.5 cannot verify the user\r\n"},
	{fault.Expn, opened[:1], "EXPN b\r\n", "502 5.5.1 command not implemented\r\n"},
	{fault.Help, opened[:1], "HELP\r\n", "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP QUIT HELP VRFY\r\n"},
	{fault.Noop, opened[:1], "NOOP\r\n", "250 2.0.0 ok\r\n"},
	{fault.Quit, opened[:1], "QUIT\r\n", "221 2.0.0 mx.example closes the connection\r\n"},
}

// atEachStep runs a conversation up to each step of a session, with a fault there, and
// then the test. The conversation does not pipeline.
func atEachStep(t *testing.T, action string, test func(t *testing.T, c *client, s step)) {
	both(t, func(t *testing.T, secure bool) {
		for _, s := range steps {
			t.Run(string(s.name), func(t *testing.T) {
				srv := newServer(t, plain(string(s.name)+"="+action), secure)
				c, err := connect(t, srv)
				if action == "reset" && errors.Is(err, syscall.ECONNRESET) {
					return // the server was faster than the system's call
				}
				if err != nil {
					t.Fatal(err)
				}
				if secure {
					c.secure(srv)
				}
				for _, e := range s.before {
					c.say(e.say)
					c.want(e.reply)
				}
				c.say(s.say)
				test(t, c, s)
			})
		}
	})
}

func TestReplyAtEachStep(t *testing.T) {
	atEachStep(t, `450 4.2.1 not\nnow`, func(t *testing.T, c *client, s step) {
		c.want("450-4.2.1 not\r\n450 4.2.1 now\r\n")
	})
}

func TestBareLFAtEachStep(t *testing.T) {
	atEachStep(t, "bare-lf 250 one", func(t *testing.T, c *client, s step) { c.want("250 one\n") })
}

func TestSplitAtEachStep(t *testing.T) {
	atEachStep(t, "split", func(t *testing.T, c *client, s step) { c.want(s.own) })
}

func TestDelayAtEachStep(t *testing.T) {
	atEachStep(t, "delay 1ms", func(t *testing.T, c *client, s step) { c.want(s.own) })
}

func TestDropAtEachStep(t *testing.T) {
	atEachStep(t, "drop", func(t *testing.T, c *client, s step) { c.ends() })
}

func TestResetAtEachStep(t *testing.T) {
	atEachStep(t, "reset", func(t *testing.T, c *client, s step) {
		if n, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %d octets, %v", n, err)
		}
	})
}

// A client that hears nothing goes in the end.
func TestHangAtEachStep(t *testing.T) {
	atEachStep(t, "hang", func(t *testing.T, c *client, s step) {
		c.say("NOOP\r\n")
		c.closeWrite()
		c.ends()
	})
}

// Under TLS each octet is a record, which no Read can join.
func TestSplitIsSeenByTheClient(t *testing.T) {
	srv := newServer(t, plain("noop=split"), true)
	c := dial(t, srv, true)
	c.want(banner)
	c.say("NOOP\r\n")
	b := make([]byte, 100)
	for _, want := range []byte("250 2.0.0 ok\r\n") {
		if n, err := c.Read(b); n != 1 || b[0] != want {
			t.Fatalf("got %q, %v, want %q", b[:n], err, want)
		}
	}
}

func TestBreakInTheContent(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		for _, how := range []string{"drop", "reset", "hang"} {
			t.Run(how, func(t *testing.T) {
				srv := newServer(t, plain("data:1="+how+" after 4KiB"), secure)
				c := dial(t, srv, secure)
				for _, e := range append(opened, data) {
					c.say(e.say)
					c.want(e.reply)
				}
				c.say(string(make([]byte, 4<<10)))
				switch how {
				case "hang":
					c.closeWrite()
					c.ends()
				case "drop":
					c.ends()
				case "reset":
					if n, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("got %d octets, %v", n, err)
					}
				}
				if got := srv.Messages(); len(got) > 0 {
					t.Errorf("accepted %v", got)
				}
				want := "C: (4096 octets of content)\nS: (" + how + ")\n"
				if got := srv.Transcript()[0]; got[len(got)-len(want):] != want {
					t.Errorf("the transcript is\n%s", got)
				}
			})
		}
	})
}

// Faults are those of each session anew.
func TestSessionsAreCountedApart(t *testing.T) {
	srv := newServer(t, plain("noop:1=500 first"), false)
	for range 2 {
		c := dial(t, srv, false)
		c.say("NOOP\r\nNOOP\r\n")
		c.want(banner + "500 first\r\n250 2.0.0 ok\r\n")
	}
}

func TestOnStep(t *testing.T) {
	cfg := plain("mail=split")
	cfg.OnStep = func(e fault.Event) fault.Action {
		if e.Line == "RCPT TO:<c@mx.example>" {
			return fault.Action{Reply: wire.Reply{Code: 550, Text: "not " + e.Line[8:]}}
		}
		return fault.Action{}
	}
	srv := newServer(t, cfg, false)
	c := dial(t, srv, false)
	c.say(hello.say + mail.say + rcpt.say + "RCPT TO:<c@mx.example>\r\n")
	c.want(banner + ehlo + mail.reply + rcpt.reply + "550 not <c@mx.example>\r\n")
}

// Close ends whatever a session waits for.
func TestClose(t *testing.T) {
	waits := map[string]struct {
		cfg smtptest.Config
		say string
	}{
		"command":   {plain(""), "NOO"},
		"content":   {plain(""), hello.say + mail.say + rcpt.say + "DATA\r\nhi"},
		"delay":     {plain("noop=delay 1h"), "NOOP\r\n"},
		"hang":      {plain("noop=hang"), "NOOP\r\n"},
		"drop":      {plain("noop=drop"), "NOOP\r\n"},
		"handshake": {smtptest.Config{STARTTLS: true, Protocol: plain("").Protocol}, "EHLO me.example\r\nSTARTTLS\r\n"},
		"login":     {smtptest.Config{Users: map[string]string{"b": "c"}}, "EHLO me.example\r\nAUTH LOGIN\r\n"},
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			srv := smtptest.NewServer(wait.cfg)
			c := dial(t, srv, false)
			c.say(wait.say)
			srv.Close()
			srv.Close()
			if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Error(err)
			}
		})
	}
	t.Run("many", func(t *testing.T) {
		srv := smtptest.NewTLSServer(plain(""))
		for range 20 {
			dial(t, srv, false)
		}
		srv.Close()
	})
	t.Run("during a reset", func(t *testing.T) {
		srv := smtptest.NewServer(plain("noop=reset"))
		c := dial(t, srv, false)
		c.say("NOOP\r\n")
		srv.Close()
	})
	t.Run("not started", func(t *testing.T) {
		srv := smtptest.NewUnstartedServer(plain(""))
		srv.Close()
		if _, err := srv.Listener.Accept(); err == nil {
			t.Error("the listener is open")
		}
	})
}
