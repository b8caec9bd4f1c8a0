package protocol_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

// An exchange has at most sixteen challenges, of at most 12,288 octets.
func TestLoginIsBounded(t *testing.T) { // C93, C94, H-A4
	endless := protocol.Mechanism{Name: "X-ENDLESS", New: func(protocol.TLSState) (sasl.Client, error) { return talker{}, nil }}
	opened := func() *protocol.Client {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		feed(c, "220 mx.example\r\n")
		feed(c, "250-mx.example\r\n250 AUTH X-ENDLESS\r\n")
		return c
	}
	c := opened()
	f := c.Login(endless)
	if out := flush(c); out != "AUTH X-ENDLESS\r\n" {
		t.Errorf("wrote %q", out)
	}
	for i := range 16 {
		if out := feed(c, "334 eA==\r\n"); out != "eA==\r\n" {
			t.Fatalf("to challenge %d: wrote %q", i, out)
		}
	}
	if out := feed(c, "334 eA==\r\n"); out != "*\r\n" {
		t.Errorf("to challenge 16: wrote %q", out)
	}
	feed(c, "501 cancelled\r\n")
	_, err, _ := f.Result()
	if e := asError[*protocol.AuthError](t, err); e.Error() != "AUTH X-ENDLESS: too many challenges" || c.Err() != nil {
		t.Error(e, c.Err())
	}

	// 9,216 octets are 12,288 in base64, and may go both ways.
	long := strings.Repeat("A", 12288)
	c = opened()
	c.Login(endless)
	flush(c)
	if out := feed(c, "334 "+long+"\r\n"); out != long+"\r\n" {
		t.Errorf("to the longest challenge: wrote %d octets", len(out))
	}
	if out := feed(c, "334 "+long[:4]+long+"\r\n"); out != "*\r\n" && c.Err() == nil {
		t.Errorf("to a longer challenge: wrote %.20q", out)
	}

	// A response that does not fit stops the exchange too, and so does a mechanism
	// that cannot begin.
	for want, m := range map[string]protocol.Mechanism{
		"AUTH X-TEST: response too long": scripted(nil, make([]byte, 9217)),
		"AUTH X-TEST: no token": {Name: "X-TEST", New: func(protocol.TLSState) (sasl.Client, error) {
			return beginner{errors.New("no token")}, nil
		}},
	} {
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		f := c.Login(m)
		feed(c, "220 mx.example\r\n")
		if out := feed(c, "250-mx.example\r\n250 AUTH X-TEST\r\n"); out != "" {
			if out := feed(c, "334 \r\n"); out != "*\r\n" {
				t.Errorf("wrote %.20q", out)
			}
			feed(c, "501 cancelled\r\n")
		}
		if _, err, ok := f.Result(); !ok || err == nil || err.Error() != want || c.Err() != nil {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// beginner is a mechanism that cannot begin.
type beginner struct{ err error }

func (b beginner) Start() (string, []byte, error) { return "X-TEST", nil, b.err }
func (b beginner) Next([]byte) ([]byte, error)    { return nil, nil }

// talker answers every challenge with itself.
type talker struct{}

func (talker) Start() (string, []byte, error)        { return "X-ENDLESS", nil, nil }
func (talker) Next(challenge []byte) ([]byte, error) { return challenge, nil }

// scripted is a mechanism with an initial response and one answer.
func scripted(initial, answer []byte) protocol.Mechanism {
	return protocol.Mechanism{Name: "X-TEST", New: func(protocol.TLSState) (sasl.Client, error) {
		return script{initial, answer}, nil
	}}
}

type script struct{ initial, answer []byte }

func (s script) Start() (string, []byte, error)        { return "another name", s.initial, nil }
func (s script) Next(challenge []byte) ([]byte, error) { return s.answer, nil }

// An initial response that is empty is "=", and one that does not fit into the
// command line waits for a challenge.
func TestLoginInitialResponse(t *testing.T) { // C89, H-A6
	// "AUTH X-TEST " and 496 octets are 508, the next size of base64 makes 512, and
	// the line may have 510 and CRLF.
	fits := strings.Repeat("QUFB", 124)
	for _, x := range []exchange{
		{name: "none", mechanisms: []protocol.Mechanism{scripted(nil, []byte("x"))}, offer: "AUTH X-TEST", text: `
			C: AUTH X-TEST
			S: 334
			C: eA==
			S: 235 welcome
			= login: 235 welcome`},
		{name: "empty", mechanisms: []protocol.Mechanism{scripted([]byte{}, nil)}, offer: "AUTH X-TEST", text: `
			C: AUTH X-TEST =
			S: 235 welcome
			= login: 235 welcome`},
		{name: "empty answer", mechanisms: []protocol.Mechanism{scripted([]byte("x"), []byte{})}, offer: "AUTH X-TEST", text: `
			C: AUTH X-TEST eA==
			S: 334 eyJzdGF0dXMiOiI0MDAifQ==
			C:
			S: 535 no
			= login: AUTH: 535 no (want 235)`}, // H-A5
		{name: "longest that fits", mechanisms: []protocol.Mechanism{scripted([]byte(strings.Repeat("A", 372)), nil)}, offer: "AUTH X-TEST", text: `
			C: AUTH X-TEST ` + fits + `
			S: 235 welcome
			= login: 235 welcome`},
		{name: "too long", mechanisms: []protocol.Mechanism{scripted([]byte(strings.Repeat("A", 373)), nil)}, offer: "AUTH X-TEST", text: `
			C: AUTH X-TEST
			S: 334
			C: ` + fits + `QQ==
			S: 235 welcome
			= login: 235 welcome`},
	} {
		x.play(t)
	}
}

// An error that says why a login failed never holds the secret.
func TestLoginKeepsItsSecret(t *testing.T) { // F5, H-A9
	for _, m := range []protocol.Mechanism{plain, login2} {
		for _, replies := range [][]string{
			{"535 no\r\n"}, {"334 ?\r\n", "501 no\r\n"}, {"334 \r\n", "334 \r\n", "535 no\r\n"}, {"250 what\r\n"}, {"700 what\r\n"},
		} {
			c := newClient(t, inClear)
			c.Hello("me.example")
			f := c.Login(m)
			feed(c, "220 mx.example\r\n")
			feed(c, "250-mx.example\r\n250 AUTH PLAIN LOGIN\r\n")
			for _, reply := range replies {
				feed(c, reply)
			}
			c.FeedEOF(start)
			_, err, ok := f.Result()
			if err == nil || !ok {
				t.Fatal(err, ok)
			}
			for _, form := range []string{"abracadabra", "YWJyYWNhZGFicmE=", "AGdlb3JnZQBhYnJhY2FkYWJyYQ=="} {
				for _, text := range []string{err.Error(), printed(err), printed(c.Err())} {
					if strings.Contains(text, form) {
						t.Errorf("%s: %s", m.Name, text)
					}
				}
			}
		}
	}
}

// One login succeeds in a session; a second is refused here.
func TestLoginTwice(t *testing.T) { // P16, C91, H-A7
	play(t, conversation{
		begin: does(login(cram), hello,
			func(s *session) { watch(s, "first", s.Login(cram)) },
			func(s *session) { watch(s, "second", s.Login(cram)) },
			func(s *session) { watch(s, "third", s.Login(cram)) },
			noop),
		text: `
			S: 220 mx.example
			= greeting: 220 mx.example
			= login: AUTH: not offered by the server
			C: EHLO me.example
			S: 250-mx.example
			S: 250 AUTH CRAM-MD5
			= hello: ok from mx.example
			C: AUTH CRAM-MD5
			S: 454 try again
			= first: AUTH: 454 try again (want 235)
			C: AUTH CRAM-MD5
			S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
			C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
			S: 235 welcome
			= second: 235 welcome
			= third: AUTH: authenticated already
			C: NOOP
			S: 250 ok
			= noop: 250 ok
		`,
	})
}
