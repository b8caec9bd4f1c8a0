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

// What a script refuses has not happened, and the application does not hear of it.
func TestRefusedIsRefused(t *testing.T) {
	const (
		opened   = "EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n"
		accepted = "250 2.1.0 ok\r\n250 2.1.5 ok\r\n"
	)
	tests := []struct {
		script, input string
		want          string // behind the greeting
		asked         []string
		messages      []string
	}{
		{
			"ehlo=502 what?", "EHLO me.example\r\nMAIL FROM:<>\r\n",
			"502 what?\r\n503 5.5.1 say EHLO first\r\n", nil, nil,
		},
		{
			"mail=450 later", opened,
			ehlo.s + "450 later\r\n503 5.5.1 MAIL first\r\n", []string{"EHLO"}, nil,
		},
		{
			"rcpt=550 no", opened + "DATA\r\n",
			ehlo.s + "250 2.1.0 ok\r\n550 no\r\n503 5.5.1 no valid recipients\r\n", []string{"EHLO", "MAIL"}, nil,
		},
		{ // a lie about a recipient that the machine refuses
			"rcpt=250 sure", "EHLO me.example\r\nRCPT TO:<b@mx.example>\r\n",
			ehlo.s + "250 sure\r\n", []string{"EHLO"}, nil,
		},
		{ // the transaction is over
			"data=451 later", opened + "DATA\r\n" + "|MAIL FROM:<>\r\n",
			ehlo.s + accepted + "451 later\r\n250 2.1.0 ok\r\n", []string{"EHLO", "MAIL", "RCPT", "RSET", "MAIL"}, nil,
		},
		{
			"data=250 what for?", opened + "DATA\r\n",
			ehlo.s + accepted + "250 what for?\r\n", []string{"EHLO", "MAIL", "RCPT", "RSET"}, nil,
		},
		{
			"data=354 here we go", opened + "DATA\r\nhi\r\n.\r\n",
			ehlo.s + accepted + "354 here we go\r\n250 2.0.0 ok\r\n", []string{"EHLO", "MAIL", "RCPT", "DATA"}, []string{"hi\r\n"},
		},
		{
			"content=554 no", opened + "DATA\r\nhi\r\n.\r\nMAIL FROM:<>\r\n",
			ehlo.s + accepted + data.s + "554 no\r\n250 2.1.0 ok\r\n", []string{"EHLO", "MAIL", "RCPT", "MAIL"}, nil,
		},
		{
			"bdat:2=552 full", opened + "BDAT 2\r\nhiBDAT 2\r\nhoBDAT 0 LAST\r\nMAIL FROM:<>\r\n",
			ehlo.s + accepted + "250 2.0.0 2 octets\r\n552 full\r\n503 5.5.1 MAIL first\r\n250 2.1.0 ok\r\n",
			[]string{"EHLO", "MAIL", "RCPT", "BDAT", "RSET", "MAIL"}, nil,
		},
		{
			"bdat=552 full", opened + "BDAT 0 LAST\r\nNOOP\r\n",
			ehlo.s + accepted + "552 full\r\n250 2.0.0 ok\r\n", []string{"EHLO", "MAIL", "RCPT", "RSET", "NOOP"}, nil,
		},
		{ // a size that nobody can read: the machine closes
			"bdat=250 ok", opened + "BDAT x\r\nNOOP\r\n",
			ehlo.s + accepted + "250 ok\r\n", []string{"EHLO", "MAIL", "RCPT"}, nil,
		},
		{
			"starttls=454 no", "EHLO me.example\r\nSTARTTLS\r\n|NOOP\r\n",
			ehlo.s + "454 no\r\n250 2.0.0 ok\r\n", []string{"EHLO", "NOOP"}, nil,
		},
		{
			"auth=535 no", "EHLO me.example\r\nAUTH PLAIN AGIAYw==\r\nAUTH PLAIN AGIAYw==\r\n",
			ehlo.s + "535 no\r\n535 no\r\n", []string{"EHLO"}, nil,
		},
		{
			"auth=235 whoever you are", "EHLO me.example\r\nAUTH PLAIN AGIAYw==\r\nNOOP\r\n",
			ehlo.s + "235 whoever you are\r\n250 2.0.0 ok\r\n", []string{"EHLO", "NOOP"}, nil,
		},
		{
			"rset=500 no", opened + "RSET\r\nMAIL FROM:<>\r\n",
			ehlo.s + accepted + "500 no\r\n503 5.5.1 a transaction is open\r\n", []string{"EHLO", "MAIL", "RCPT"}, nil,
		},
		{
			"quit=500 stay", "QUIT\r\nNOOP\r\n",
			"500 stay\r\n250 2.0.0 ok\r\n", []string{"NOOP"}, nil,
		},
	}
	for _, test := range tests {
		s := newSession(t, path{}.config(), fault.InjectorConfig{Script: fault.MustParse(test.script)})
		for piece := range strings.SplitSeq(test.input, "|") {
			s.feed(piece)
		}
		if s.output() != banner.s+test.want || !slices.Equal(s.asked[1:], test.asked) || !slices.Equal(s.messages, test.messages) {
			t.Errorf("%s: %q\nasked for %q, messages %q", test.script, s.output(), s.asked, s.messages)
		}
	}
}

// A server that turns a client away has no service for it.
func TestRefusedConnection(t *testing.T) {
	s := newSession(t, config, fault.InjectorConfig{Script: fault.MustParse("banner=554 go away")})
	s.feed("EHLO me.example\r\nQUIT\r\n")
	s.want("554 go away\r\n503 no service here\r\n221 2.0.0 mx.example closes the connection\r\n")
	if want := []string{"QUIT"}; !slices.Equal(s.asked, want) {
		t.Errorf("asked for %q", s.asked)
	}
}

// H-T2, F26: octets that come ahead of a refusal are no commands.
func TestOctetsAheadOfARefusal(t *testing.T) {
	const opened = "EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n"
	for _, test := range []struct{ script, input, want string }{
		{"data=451 later", opened + "DATA\r\nNOOP\r\n", banner.s + ehlo.s + mail.s + rcpt.s + "451 later\r\n"},
		{"starttls=454 later", "EHLO me.example\r\nSTARTTLS\r\nNOOP\r\n", banner.s + ehlo.s + "454 later\r\n"},
		{"starttls=split", "EHLO me.example\r\nSTARTTLS\r\nNOOP\r\n", banner.s + ehlo.s + "554 5.5.0 octets behind STARTTLS\r\n"},
	} {
		s := newSession(t, path{}.config(), fault.InjectorConfig{Script: fault.MustParse(test.script)})
		s.feed(test.input)
		s.want(test.want)
		if s.core.Err() == nil || slices.Contains(s.asked, "NOOP") {
			t.Errorf("%s: %v, %q", test.script, s.core.Err(), s.asked)
		}
	}
}

func TestSTARTTLS(t *testing.T) {
	for _, script := range []string{"", "starttls=split", "starttls=delay 1s"} {
		s := newSession(t, path{}.config(), fault.InjectorConfig{Script: fault.MustParse(script)})
		s.feed("EHLO me.example\r\nSTARTTLS\r\n")
		if script == "starttls=delay 1s" {
			if s.turn.Upgrade(s.now) != nil {
				t.Error("TLS is to start ahead of the 220")
			}
			s.wait(time.Second)
		}
		s.secure()
		s.feed("EHLO me.example\r\n")
		s.want(banner.s + ehlo.s + "220 2.0.0 ready to start TLS\r\n" + strings.Replace(ehlo.s, "250-STARTTLS\r\n", "", 1))
		want := []string{"-- TLS 1.3", "C: EHLO me.example"}
		if i := slices.Index(s.trace, want[0]); i < 0 || !slices.Equal(s.trace[i:i+2], want) {
			t.Errorf("%s: %q", script, s.trace)
		}
	}
}

// TLS starts behind the 220, and not before it is written.
func TestSTARTTLSWaitsForTheReply(t *testing.T) {
	s := newSession(t, path{}.config(), fault.InjectorConfig{})
	_, _ = s.core.Feed(s.now, []byte("EHLO me.example\r\nSTARTTLS\r\n"))
	if s.core.Upgrade() != nil {
		t.Error("TLS is to start ahead of the 220")
	}
	s.flush()
	if s.core.Upgrade() == nil {
		t.Error("TLS is not to start")
	}
}

// Rule 9, H-T2: octets in clear between the 220 and the handshake are fatal.
func TestOctetsAheadOfTLS(t *testing.T) {
	s := newSession(t, path{}.config(), fault.InjectorConfig{})
	s.feed("EHLO me.example\r\nSTARTTLS\r\n")
	s.feed("NOOP\r\n")
	s.want(banner.s + ehlo.s + "220 2.0.0 ready to start TLS\r\n")
	if err := s.core.Err(); !errors.Is(err, protocol.ErrPlaintextBeforeTLS) {
		t.Errorf("the error is %v", err)
	}
}

// With TLS in front, the script begins behind the handshake.
func TestImplicitTLS(t *testing.T) {
	cfg := path{}.config()
	cfg.TLS, cfg.ImplicitTLS = false, true
	s := newSession(t, cfg, fault.InjectorConfig{Script: fault.MustParse("banner=bare-lf")})
	s.want("")
	s.core.Upgraded(s.now, protocol.TLSState{Version: 0x0303}, nil)
	s.flush()
	s.want("220 mx.example ESMTP\n")
}

func TestAuthExchange(t *testing.T) {
	for _, test := range []struct{ script, input, want string }{
		{"auth=split", "AUTH LOGIN\r\nYg==\r\nYw==\r\nNOOP\r\n", "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 2.7.0 authenticated\r\n250 2.0.0 ok\r\n"},
		{"auth:2=502 no", "AUTH LOGIN\r\n*\r\nAUTH LOGIN\r\nNOOP\r\n", "334 VXNlcm5hbWU6\r\n501 5.7.0 authentication cancelled\r\n502 no\r\n250 2.0.0 ok\r\n"},
		{"auth=334 VXNl", "AUTH LOGIN\r\nYg==\r\n", "334 VXNl\r\n500 5.5.2 command not recognized\r\n"},
		{"auth=bare-lf", "AUTH PLAIN AGIAZA==\r\nNOOP\r\n", "535 5.7.8 authentication failed\n250 2.0.0 ok\r\n"},
	} {
		s := newSession(t, path{}.config(), fault.InjectorConfig{Script: fault.MustParse(test.script)})
		s.feed(ehlo.c + test.input)
		s.want(banner.s + ehlo.s + test.want)
	}
}

// Verdicts of LMTP count one by one.
func TestLMTP(t *testing.T) {
	const opened = "LHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\nRCPT TO:<d@mx.example>\r\n"
	for _, test := range []struct {
		script, input, want string
		messages            int
	}{
		{"content:2=450 later", "DATA\r\nhi\r\n.\r\nNOOP\r\n", data.s + "250 2.0.0 ok\r\n450 later\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n", 1},
		{"content:5=450 later", "BDAT 2\r\nhiBDAT 0 LAST\r\nMAIL FROM:<>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\nDATA\r\n.\r\nNOOP\r\n",
			"250 2.0.0 2 octets\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n" + data.s + "250 2.0.0 ok\r\n450 later\r\n250 2.0.0 ok\r\n", 2},
		{"content=450 later", "BDAT 2 LAST\r\nhiNOOP\r\n", "450 later\r\n450 later\r\n450 later\r\n250 2.0.0 ok\r\n", 0},
		{"bdat=450 later", "BDAT 2 LAST\r\nhiNOOP\r\n", "450 later\r\n250 2.0.0 ok\r\n", 0},
		{"bdat:1=450 later", "BDAT 2\r\nhiBDAT 0 LAST\r\nNOOP\r\n", "450 later\r\n503 5.5.1 MAIL first\r\n250 2.0.0 ok\r\n", 0},
		{"bdat:2=450 later", "BDAT 2\r\nhiBDAT 2\r\nhiBDAT 0 LAST\r\nNOOP\r\n", "250 2.0.0 2 octets\r\n450 later\r\n503 5.5.1 MAIL first\r\n250 2.0.0 ok\r\n", 0},
		{"noop=split", "BDAT 9 LAST\r\n123456789NOOP\r\n", "552 5.3.4 message too large\r\n552 5.3.4 message too large\r\n552 5.3.4 message too large\r\n250 2.0.0 ok\r\n", 0},
		{"content:2=drop", "DATA\r\nhi\r\n.\r\nNOOP\r\n", data.s + "250 2.0.0 ok\r\n", 1},
	} {
		cfg := path{lmtp: true}.config()
		cfg.MaxContent = 8
		s := newSession(t, cfg, fault.InjectorConfig{Script: fault.MustParse(test.script)})
		s.feed(opened + test.input)
		s.want("220 mx.example LMTP\r\n" + ehlo.s + mail.s + rcpt.s + rcpt.s + rcpt.s + test.want)
		if len(s.messages) != test.messages {
			t.Errorf("%s: messages %q", test.script, s.messages)
		}
	}
}

// A chunk that the machine refuses is read before anything is said of it.
func TestRefusedChunk(t *testing.T) {
	s := newSession(t, config, fault.InjectorConfig{Script: fault.MustParse("bdat=split")})
	s.feed("BDAT 4\r\nNO")
	s.want(banner.s)
	s.feed("OPNOOP\r\n")
	s.want(banner.s + "503 5.5.1 say EHLO first\r\n250 2.0.0 ok\r\n")
}

// Every answer counts, whoever gives it; a message counts at its verdict.
func TestCounts(t *testing.T) {
	var events []fault.Event
	s := newSession(t, path{}.config(), fault.InjectorConfig{
		Script: fault.MustParse("rcpt:2=251 mine"),
		OnStep: func(e fault.Event) fault.Action {
			events = append(events, e)
			if e.Line == "RCPT TO:<c@mx.example>" {
				return fault.Action{Reply: wire.Reply{Code: 550, Text: "no"}}
			}
			return fault.Action{}
		},
	})
	s.feed("EHLO me.example\r\nRCPT TO:<>\r\nMAIL FROM:<>\r\nrcpt TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\n" +
		"BDAT 0\r\nRSET\r\nXFOO\r\nMAIL FROM:<>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n.\r\n")
	s.want(banner.s + ehlo.s + "503 5.5.1 MAIL first\r\n250 2.1.0 ok\r\n251 mine\r\n550 no\r\n250 2.0.0 0 octets\r\n250 2.0.0 ok\r\n" +
		"502 5.5.1 command not implemented\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n" + data.s + "250 2.0.0 ok\r\n")
	want := []fault.Event{
		{Step: fault.Banner, N: 1},
		{Step: fault.Ehlo, N: 1, Line: "EHLO me.example"},
		{Step: fault.Rcpt, N: 1, Line: "RCPT TO:<>"},
		{Step: fault.Mail, N: 1, Line: "MAIL FROM:<>"},
		{Step: fault.Rcpt, N: 3, Line: "RCPT TO:<c@mx.example>"},
		{Step: fault.Bdat, N: 1, Line: "BDAT 0"},
		{Step: fault.Content, N: 1},
		{Step: fault.Rset, N: 1, Line: "RSET"},
		{Step: fault.Mail, N: 2, Line: "MAIL FROM:<>"},
		{Step: fault.Rcpt, N: 4, Line: "RCPT TO:<b@mx.example>"},
		{Step: fault.Data, N: 1, Line: "DATA"},
		{Step: fault.Content, N: 1},
	}
	if !slices.Equal(events, want) {
		t.Errorf("got  %v\nwant %v", events, want)
	}
}

func TestTrace(t *testing.T) {
	s := newSession(t, path{}.config(), fault.InjectorConfig{Script: fault.MustParse(`noop=250 a\nb; content=drop after 12`)})
	s.feed("EHLO me.example\r\nAUTH PLAIN AGIAYw==\r\nNOOP \x1b[1m\r\nNOOP\r\nMAIL FROM:<>\r\nRCPT TO:<b@mx.example>\r\n")
	s.feed("BDAT 4\r\n1234BDAT 4\r\n1234BDAT 9 LAST\r\n123456789")
	want := []string{
		"S: 220 mx.example ESMTP",
		"C: EHLO me.example", "S: 250-mx.example", "S: 250-CHUNKING", "S: 250-ENHANCEDSTATUSCODES", "S: 250-STARTTLS", "S: 250 AUTH PLAIN LOGIN",
		"C: AUTH PLAIN ***", "S: 235 2.7.0 authenticated",
		`C: NOOP \x1b[1m`, "S: 501 5.5.2 command: control octet 0x1B at offset 5",
		"C: NOOP", "S: 250-a", "S: 250 b",
		"C: MAIL FROM:<>", "S: 250 2.1.0 ok",
		"C: RCPT TO:<b@mx.example>", "S: 250 2.1.5 ok",
		"C: BDAT 4", "C: (4 octets of content)", "S: 250 2.0.0 4 octets",
		"C: BDAT 4", "C: (4 octets of content)", "S: 250 2.0.0 4 octets",
		"C: BDAT 9 LAST", "C: (4 octets of content)", "S: (drop)",
	}
	if !slices.Equal(s.trace, want) {
		t.Errorf("got  %q\nwant %q", s.trace, want)
	}
	s = newSession(t, path{}.config(), fault.InjectorConfig{Script: fault.MustParse("auth:2=334 Z28=")})
	s.feed(ehlo.c + "auth login\r\nYg==\r\nYg==\r\nAUTH LOGIN\r\n")
	want = []string{"C: auth login", "S: 334 ***", "C: ***", "S: 334 ***", "C: ***", "S: 535 5.7.8 authentication failed", "C: AUTH LOGIN", "S: 334 Z28="}
	if got := s.trace[7:]; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// The machine's time limits rest while a reply is held back.
func TestTimeLimitsRestDuringADelay(t *testing.T) {
	cfg := config
	cfg.Timeouts.Command = time.Minute
	s := newSession(t, cfg, fault.InjectorConfig{Script: fault.MustParse("noop=delay 1h")})
	s.feed("NOOP\r\n")
	s.wait(time.Hour)
	s.want(banner.s + "250 2.0.0 ok\r\n")
	s.wait(time.Minute - 1)
	s.want(banner.s + "250 2.0.0 ok\r\n")
	s.wait(1)
	s.want(banner.s + "250 2.0.0 ok\r\n421 4.4.2 mx.example timed out\r\n")
}

// They hold in the middle of a chunk, too.
func TestTimeLimitInAChunk(t *testing.T) {
	s := newSession(t, path{}.config(), fault.InjectorConfig{Script: fault.MustParse("noop=split")})
	s.feed(ehlo.c + mail.c + rcpt.c + "BDAT 10\r\nhi")
	s.wait(s.core.Deadline().Sub(s.now))
	s.want(banner.s + ehlo.s + mail.s + rcpt.s + "421 4.4.2 mx.example timed out\r\n")
}

// Lines that are too long for anything are the machine's business.
func TestLongLines(t *testing.T) {
	for _, size := range []int{5000, 16 << 10, 16<<10 + 1, 40_000} {
		input := "AUTH " + strings.Repeat("x", size-2) + "\r\nNOOP\r\n"
		direct := newSession(t, path{}.config(), fault.InjectorConfig{})
		plain, err := protocol.NewServer(start, path{}.config())
		if err != nil {
			t.Fatal(err)
		}
		direct.core, direct.machine = pump{plain, direct}, plain
		want := answerOf(t, plain, input)
		for _, cut := range []int{1, 4000, size, size + 3, size + 4, size + 5, len(input)} {
			s := newSession(t, path{}.config(), fault.InjectorConfig{Script: fault.MustParse("noop=split")})
			for from := 0; from < len(input); from += cut {
				s.feed(input[from:min(from+cut, len(input))])
			}
			s.want(want)
		}
	}
}

// answerOf is what a machine answers by itself.
func answerOf(t *testing.T, machine *protocol.Server, input string) (output string) {
	t.Helper()
	for {
		for r, ok := machine.Next(); ok; r, ok = machine.Next() {
			r.AnswerDefault()
		}
		chunks := machine.Output(start, nil, 1<<20)
		for _, c := range chunks {
			output += string(c.Bytes)
			machine.Wrote(start, int64(len(c.Bytes)))
		}
		n, _ := machine.Feed(start, []byte(input))
		if input = input[n:]; n == 0 && len(chunks) == 0 {
			return output
		}
	}
}

// What is lent stays lent, in order, whatever is asked for at once.
func TestOutputInPieces(t *testing.T) {
	for size := 1; size < 8; size++ {
		s := newSession(t, config, fault.InjectorConfig{Script: fault.MustParse("noop=split 250 ab")})
		s.writes = nil
		_, _ = s.core.Feed(s.now, []byte("RSET\r\nNOOP\r\nRSET\r\n"))
		var got string
		for {
			chunks := s.core.Output(s.now, nil, size)
			if len(chunks) == 0 {
				break
			}
			again := s.core.Output(s.now, nil, size)
			if len(again) != len(chunks) || string(again[0].Bytes) != string(chunks[0].Bytes) {
				t.Errorf("size %d: %+v and %+v", size, chunks, again)
			}
			var n int
			for _, c := range chunks {
				got += string(c.Bytes)
				n += len(c.Bytes)
			}
			if n > size {
				t.Errorf("size %d: %d octets", size, n)
			}
			s.core.Wrote(s.now, int64(n))
		}
		if want := "250 2.0.0 ok\r\n250 ab\r\n250 2.0.0 ok\r\n"; got != want {
			t.Errorf("size %d: %q", size, got)
		}
	}
}

func TestWroteTooMuchPanics(t *testing.T) {
	s := newSession(t, config, fault.InjectorConfig{})
	_, _ = s.core.Feed(s.now, []byte("NOOP\r\n"))
	defer func() {
		if got := recover(); got != "fault: rule 3: Wrote beyond what was lent" {
			t.Errorf("panic: %v", got)
		}
	}()
	s.core.Wrote(s.now, 1)
}

// Rule 11: a client that does not read is not read from.
func TestOutputIsBounded(t *testing.T) {
	s := newSession(t, config, fault.InjectorConfig{Script: fault.MustParse("noop=250 " + strings.Repeat("x", 400))})
	input := []byte(strings.Repeat("NOOP\r\n", 1000))
	var n int
	for s.core.WantRead() && n < len(input) {
		k, _ := s.core.Feed(s.now, input[n:])
		n += k
	}
	if n == len(input) {
		t.Error("all was read")
	}
	var lent int
	for _, c := range s.core.Output(s.now, nil, 1<<30) {
		lent += len(c.Bytes)
	}
	if lent < 64<<10 || lent > 65<<10 {
		t.Errorf("%d octets wait", lent)
	}
}

// A slow application is waited for, and octets count once.
func TestSlowSink(t *testing.T) {
	content := strings.Repeat("line\r\n", 10) + "..\r\n.\r\n"
	for _, end := range []string{"", "data=drop after 20"} {
		s := newSession(t, path{}.config(), fault.InjectorConfig{Script: fault.MustParse(end)})
		s.slow = true
		s.feed(ehlo.c + mail.c + rcpt.c + data.c)
		for i := range len(content) {
			s.feed(content[i : i+1])
		}
		s.feed("NOOP\r\n")
		for range 2 * len(content) {
			s.machine.Resume()
			s.answer()
			s.flush()
		}
		want := banner.s + ehlo.s + mail.s + rcpt.s + data.s
		if end != "" {
			s.want(want)
			if got := string(s.content); got != content[:20] {
				t.Errorf("the machine got %q", got)
			}
			continue
		}
		s.want(want + "250 2.0.0 ok\r\n250 2.0.0 ok\r\n")
		if want := []string{strings.Repeat("line\r\n", 10) + ".\r\n"}; !slices.Equal(s.messages, want) {
			t.Errorf("messages %q", s.messages)
		}
	}
}

func TestEnds(t *testing.T) {
	delayed := fault.InjectorConfig{Script: fault.MustParse("noop=delay 1h; rset=hang")}
	t.Run("end of input in a command", func(t *testing.T) {
		s := newSession(t, config, delayed)
		s.feed("NOO")
		s.turn.FeedEOF(s.now)
		s.flush()
		if err := s.core.Err(); err == nil || err.Error() != "connection lost before the end of the command: unexpected EOF" {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("end of input in a delay", func(t *testing.T) {
		s := newSession(t, config, delayed)
		s.feed("NOOP\r\n")
		s.turn.FeedEOF(s.now)
		s.wait(time.Hour)
		s.want(banner.s + "250 2.0.0 ok\r\n")
		if err := s.core.Err(); err != io.EOF {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("end of input in a delay ahead of a hang", func(t *testing.T) {
		s := newSession(t, config, fault.InjectorConfig{Script: fault.MustParse("noop=delay 1h hang")})
		s.feed("NOOP\r\n")
		s.turn.FeedEOF(s.now)
		s.wait(time.Hour)
		s.want(banner.s)
		if err := s.core.Err(); err != io.EOF || s.core.WantRead() {
			t.Errorf("the error is %v, wants to read %v", err, s.core.WantRead())
		}
	})
	t.Run("write error ahead of the end of the content", func(t *testing.T) {
		s := newSession(t, path{}.config(), delayed)
		s.feed(ehlo.c + mail.c + rcpt.c + "DATA\r\nhi\r\n")
		s.core.WriteFailed(s.now, io.ErrClosedPipe)
		s.feed(".\r\n")
		if want := []string{"hi\r\n"}; !slices.Equal(s.messages, want) {
			t.Errorf("messages %q", s.messages)
		}
	})
	t.Run("write error in a delay", func(t *testing.T) {
		s := newSession(t, config, delayed)
		s.feed("NOOP\r\n")
		s.core.WriteFailed(s.now, io.ErrClosedPipe)
		if !s.core.WantRead() {
			t.Error("nothing is read")
		}
		s.turn.FeedEOF(s.now)
		if err := s.core.Err(); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the error is %v", err)
		}
	})
	for _, verb := range []string{"NOOP", "RSET"} {
		t.Run("failure at "+verb, func(t *testing.T) {
			s := newSession(t, config, delayed)
			s.feed(verb + "\r\n")
			s.core.Fail(s.now, io.ErrClosedPipe)
			s.core.Wrote(s.now, 1)
			if err := s.core.Err(); !errors.Is(err, io.ErrClosedPipe) || len(s.core.Output(s.now, nil, 1000)) > 0 {
				t.Errorf("the error is %v", err)
			}
		})
	}
	t.Run("shutdown", func(t *testing.T) {
		s := newSession(t, config, fault.InjectorConfig{Script: fault.MustParse("noop=split")})
		s.machine.Shutdown()
		s.flush()
		s.want(banner.s + "421 4.3.2 mx.example is shutting down\r\n")
	})
}

func TestNewInjectorChecks(t *testing.T) {
	_, err := fault.NewInjector(fault.InjectorConfig{Script: fault.Script{{Step: "rctp"}}})
	if err == nil || err.Error() != "fault script: no such step" {
		t.Errorf("the error is %v", err)
	}
}
