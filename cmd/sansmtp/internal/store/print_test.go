package store

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestStdout(t *testing.T) {
	var out strings.Builder
	s, err := Spec{kind: kindStdout}.Open(Config{Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	env := envelope
	env.Hello, env.Protocol, env.TLSVersion, env.Mechanism, env.User = "evil\x1b[2J", "ESMTPSA", 0x304, "PLAIN", "tim"
	begin := func(env Envelope, content string) Message {
		m, err := s.Begin(env)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	first, second, third := begin(envelope, "Subject: one\r\n"), begin(env, "no end"), begin(env, "dropped")
	third.Abort()
	for _, m := range []Message{second, first} {
		if err := m.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	want := `---- message 4Dx1, 6 octets, 2026-11-21T11:19:20Z
MAIL FROM:<a@b.example>
RCPT TO:<c@d.example>
RCPT TO:<e@f.example>
by ESMTPSA, from 192.0.2.1:4321, who says "evil\x1b[2J", TLS 1.3, PLAIN as tim

no end
---- end of 4Dx1
---- message 4Dx1, 14 octets, 2026-11-21T11:19:20Z
MAIL FROM:<a@b.example>
RCPT TO:<c@d.example>
RCPT TO:<e@f.example>
by ESMTP, from 192.0.2.1:4321, who says client.example

` + "Subject: one\r\n---- end of 4Dx1\n"
	if out.String() != want {
		t.Errorf("%q\nwant %q", out.String(), want)
	}
}

// brokenPipe takes nothing.
type brokenPipe struct{ err error }

func (b brokenPipe) Write([]byte) (int, error) { return 0, b.err }

func TestStdoutIsGone(t *testing.T) {
	gone := errors.New("broken pipe")
	s, err := Spec{kind: kindStdout}.Open(Config{Stdout: brokenPipe{gone}})
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"small", strings.Repeat("x", 2*spoolMemory)} {
		if err := deliver(s, content, 1000); err != gone {
			t.Errorf("%v", err)
		}
	}
}

// One message is not printed into another.
func TestStdoutOneAtATime(t *testing.T) {
	var out strings.Builder
	s, err := Spec{kind: kindStdout}.Open(Config{Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := deliver(s, numbered(i, 20), 5000); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 8 {
		if strings.Count(out.String(), "\n\n"+numbered(i, 20)+"---- end of 4Dx1\n") != 1 {
			t.Errorf("message %d is not whole", i)
		}
	}
}
