package fault_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

var later = wire.Reply{Code: 450, Enhanced: wire.EnhancedCode{Class: 4, Subject: 2, Detail: 1}, Text: "not\nnow"}

func TestReply(t *testing.T) {
	everywhere(t, fault.Action{Reply: later}, func(t *testing.T, p path, s *session, before string) {
		s.want(before + "450-4.2.1 not\r\n450 4.2.1 now\r\n")
		if len(s.messages) > 0 {
			t.Errorf("accepted %q", s.messages)
		}
		if s.core.Err() != nil || !s.core.WantRead() {
			t.Errorf("the session ended: %v", s.core.Err())
		}
	})
}

// A reply is sent as the script has it: without an enhanced status code unless it
// stands there.
func TestPositiveReply(t *testing.T) {
	everywhere(t, fault.Action{Reply: wire.Reply{Code: 251, Text: "as you like"}}, func(t *testing.T, p path, s *session, before string) {
		s.want(before + "251 as you like\r\n")
	})
}

func TestReplyThatEndsTheSession(t *testing.T) {
	everywhere(t, fault.Action{Reply: wire.Reply{Code: 421, Text: "bye"}}, func(t *testing.T, p path, s *session, before string) {
		s.feed("NOOP\r\n")
		s.want(before + "421 bye\r\n")
		if s.core.Err() == nil {
			t.Error("the session goes on")
		}
	})
}

func TestBareLF(t *testing.T) {
	everywhere(t, fault.Action{BareLF: true}, func(t *testing.T, p path, s *session, before string) {
		s.want(before + strings.ReplaceAll(p.last().s, "\r\n", "\n"))
	})
}

func TestSplit(t *testing.T) {
	everywhere(t, fault.Action{Split: true}, func(t *testing.T, p path, s *session, before string) {
		s.want(before + p.last().s)
		if tail := s.writes[len(s.writes)-len(p.last().s):]; !slices.Equal(tail, strings.Split(p.last().s, "")) {
			t.Errorf("written as %q", s.writes)
		}
	})
}

func TestDelay(t *testing.T) {
	everywhere(t, fault.Action{Delay: time.Hour}, func(t *testing.T, p path, s *session, before string) {
		s.want(before)
		s.wait(time.Hour - 1)
		s.want(before)
		if at := s.core.Deadline(); !at.Equal(start.Add(time.Hour)) || s.core.Err() != nil {
			t.Errorf("the deadline is %v, %v", at, s.core.Err())
		}
		s.wait(1)
		s.want(before + p.last().s)
		if p.step != fault.Quit && s.core.Err() != nil {
			t.Errorf("the session ended: %v", s.core.Err())
		}
	})
}

// What comes during a delay is dealt with behind it.
func TestDelayHoldsWhatFollows(t *testing.T) {
	s := newSession(t, config, fault.InjectorConfig{Script: fault.MustParse("noop:1=delay 1s 250 slow; noop:2=delay 1s")})
	s.feed("NOOP\r\nNOOP\r\nQUIT\r\n")
	s.want(banner.s)
	s.wait(time.Second)
	s.want(banner.s + "250 slow\r\n")
	s.wait(time.Second)
	s.want(banner.s + "250 slow\r\n250 2.0.0 ok\r\n221 2.0.0 mx.example closes the connection\r\n")
	if s.core.Err() != io.EOF {
		t.Errorf("the error is %v", s.core.Err())
	}
}

func TestDrop(t *testing.T) {
	everywhere(t, fault.Action{Break: fault.Drop}, func(t *testing.T, p path, s *session, before string) {
		s.feed("NOOP\r\n")
		s.want(before)
		if s.core.Err() != s.machine.Err() || !broken(s, p) || s.core.WantRead() || !s.core.Deadline().IsZero() {
			t.Errorf("the session goes on: %v", s.core.Err())
		}
	})
}

func TestReset(t *testing.T) {
	everywhere(t, fault.Action{Break: fault.Reset}, func(t *testing.T, p path, s *session, before string) {
		s.feed("NOOP\r\n")
		s.wait(time.Hour)
		s.want(before)
		if s.resets != 1 || s.core.Err() != nil {
			t.Errorf("%d resets, %v", s.resets, s.core.Err())
		}
		s.core.Fail(s.now, io.ErrClosedPipe)
		if !broken(s, p) {
			t.Errorf("the error is %v", s.core.Err())
		}
	})
}

// broken reports whether the machine knows why its session ended. Behind QUIT it is
// over in any case.
func broken(s *session, p path) bool {
	return errors.Is(s.core.Err(), fault.ErrBroken) || p.step == fault.Quit && s.core.Err() == io.EOF
}

func TestHang(t *testing.T) {
	everywhere(t, fault.Action{Break: fault.Hang}, func(t *testing.T, p path, s *session, before string) {
		s.feed("NOOP\r\nQUIT\r\n")
		s.wait(time.Hour)
		s.machine.Shutdown()
		s.flush()
		s.want(before)
		if s.core.Err() != nil || !s.core.WantRead() || !s.core.Deadline().IsZero() {
			t.Errorf("the session ended: %v", s.core.Err())
		}
		s.turn.FeedEOF(s.now)
		if s.core.Err() == nil {
			t.Error("the session outlives its client")
		}
	})
}

// Without a way to reset the connection it is closed.
func TestResetWithoutAWay(t *testing.T) {
	injector, err := fault.NewInjector(fault.InjectorConfig{Script: fault.MustParse("banner=reset")})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := protocol.NewServer(start, protocol.ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	core := injector.Core(machine)
	if out := core.Output(start, nil, 1000); len(out) > 0 || !errors.Is(core.Err(), fault.ErrBroken) {
		t.Errorf("%+v, %v", out, core.Err())
	}
}

// However the input is cut, a script does the same.
func TestCutsDoNotMatter(t *testing.T) {
	const input = "EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\n" +
		"DATA\r\nfirst\r\n..\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<b@mx.example>\r\nBDAT 6\r\nsecond\r\nBDAT 2\r\n\r\nBDAT 0 LAST\r\n" +
		"RSET\r\nAUTH PLAIN\r\nAGIAYw==\r\nNOOP\r\nQUIT\r\n"
	// The CRLF behind "second" is a line of its own: 500.
	script := fault.MustParse("rcpt:2=450 later; content:1=split; bdat:2=bare-lf; noop=250 a\\nb; quit=bare-lf 221 bye")
	cfg := path{}.config()
	run := func(pieces ...string) *session {
		s := newSession(t, cfg, fault.InjectorConfig{Script: script})
		for _, piece := range pieces {
			s.feed(piece)
		}
		return s
	}
	whole := run(input)
	whole.want(banner.s + ehlo.s + mail.s + rcpt.s + "450 later\r\n" + data.s + "250 2.0.0 ok\r\n" + mail.s + rcpt.s +
		"250 2.0.0 6 octets\r\n500 5.5.2 command not recognized\r\n250 2.0.0 2 octets\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n334 \r\n235 2.7.0 authenticated\r\n" +
		"250-a\r\n250 b\r\n221 bye\n")
	if want := []string{"first\r\n.\r\n", "second\r\n"}; !slices.Equal(whole.messages, want) {
		t.Errorf("messages %q, want %q", whole.messages, want)
	}
	same := func(s *session, cut any) {
		if s.output() != whole.output() || !slices.Equal(s.messages, whole.messages) || !slices.Equal(s.trace, whole.trace) || s.core.Err() != whole.core.Err() {
			t.Errorf("cut at %v: %q, %q, %v\n%q", cut, s.output(), s.messages, s.core.Err(), s.trace)
		}
	}
	for cut := range len(input) {
		same(run(input[:cut], input[cut:]), cut)
	}
	same(run(strings.Split(input, "")...), "every octet")
}

// The session ends after so many octets, and the machine gets no more of them.
func TestBreakAfter(t *testing.T) {
	content := "hi\r\n..\r\n.\r\n" // dots and the end of data count
	byData := banner.s + ehlo.s + mail.s + rcpt.s + data.s
	byBdat := banner.s + ehlo.s + mail.s + rcpt.s + "250 2.0.0 3 octets\r\n"
	opening := ehlo.c + mail.c + rcpt.c
	tests := []struct {
		script  string
		input   string
		before  string
		content []string // by the size in After, from 1 on; the next one gets through
		own     string
	}{
		{"data", opening + data.c + content, byData, []string{"h", "hi", "hi\r", "hi\r\n", "hi\r\n", "hi\r\n.", "hi\r\n.\r", "hi\r\n.\r\n", "hi\r\n.\r\n", "hi\r\n.\r\n", "hi\r\n.\r\n"}, "250 2.0.0 ok\r\n"},
		{"content", opening + data.c + content, byData, []string{"h", "hi", "hi\r", "hi\r\n", "hi\r\n", "hi\r\n.", "hi\r\n.\r", "hi\r\n.\r\n", "hi\r\n.\r\n", "hi\r\n.\r\n", "hi\r\n.\r\n"}, "250 2.0.0 ok\r\n"},
		{"content", opening + "BDAT 3\r\nabcBDAT 3 LAST\r\ndef", byBdat, []string{"", "", "", "abcd", "abcde", "abcdef"}, "250 2.0.0 ok\r\n"},
		{"bdat:2", opening + "BDAT 3\r\nabcBDAT 3 LAST\r\ndef", byBdat, []string{"abcd", "abcde", "abcdef"}, "250 2.0.0 ok\r\n"},
	}
	for _, test := range tests {
		for i := range len(test.content) + 1 {
			size := i + 1
			for _, how := range []string{"drop", "reset", "hang"} {
				script := fault.MustParse(test.script + "=" + how + " after " + itoa(size))
				for cut := range len(test.input) {
					if how != "drop" && cut > 0 {
						break // one kind is enough to see that cuts do not matter
					}
					s := newSession(t, path{}.config(), fault.InjectorConfig{Script: script})
					s.feed(test.input[:cut])
					s.feed(test.input[cut:])
					before := test.before
					if test.script == "content" && strings.Contains(test.input, "BDAT") && size <= 3 {
						before = strings.TrimSuffix(byBdat, "250 2.0.0 3 octets\r\n")
					}
					if i == len(test.content) {
						s.want(before + test.own)
						continue
					}
					s.want(before)
					want := test.content[i]
					if want == "" {
						want = "abc"[:size]
					}
					if string(s.content) != want {
						t.Errorf("%s cut at %d: the machine got %q", script, cut, s.content)
					}
					if ended := s.core.Err() != nil; ended != (how == "drop") || (how == "reset") != (s.resets == 1) {
						t.Errorf("%s cut at %d: %v, %d resets", script, cut, s.core.Err(), s.resets)
					}
				}
			}
		}
	}
}

func itoa(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
