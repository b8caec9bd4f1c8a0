package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// wantFault compares an error with "501 5.5.4 element: reason", or with
// "element: reason" where nobody answers. An empty text is no error.
func wantFault(t *testing.T, err error, text string) {
	t.Helper()
	var fault *wire.SyntaxError
	switch {
	case err == nil:
		if text != "" {
			t.Errorf("no error, want %s", text)
		}
		return
	case !errors.As(err, &fault):
		t.Fatalf("error is a %T: %v", err, err)
	}
	got := fault.Error()
	if fault.Code != 0 {
		got = fault.Code.String() + " " + fault.Enhanced.String() + " " + got
	}
	if got != text {
		t.Errorf("error\n got %s\nwant %s", got, text)
	}
}

func TestParseCommand(t *testing.T) {
	for _, c := range []struct {
		line, verb, args, fault string
	}{
		{line: "RSET", verb: "RSET"},
		{line: "rSeT", verb: "RSET"}, // C3 P40
		{line: "starttls", verb: "STARTTLS"},
		{line: "MAIL FROM:<Ann@example.com>", verb: "MAIL", args: "FROM:<Ann@example.com>"}, // C3
		{line: "x-spam-check  now", verb: "X-SPAM-CHECK", args: "now"},                      // P41
		{line: "Xclient1 a", verb: "XCLIENT1", args: "a"},
		{line: "9P", verb: "9P"},
		{line: "QUIT \t ", verb: "QUIT"},                  // H-R37
		{line: "NOOP  a  b ", verb: "NOOP", args: "a  b"}, // H-R37
		{line: "VRFY ü", verb: "VRFY", args: "ü"},         // C74

		{line: "", fault: "500 5.5.2 command: no verb at offset 0"}, // P41
		{line: " \t", fault: "500 5.5.2 command: no verb at offset 0"},
		{line: " QUIT", fault: "500 5.5.2 command: no verb at offset 0"}, // H-R37
		{line: "-QUIT", fault: "500 5.5.2 command: no verb at offset 0"},
		{line: "Host: example.com", fault: "500 5.5.2 command: no verb at offset 4"}, // P41
		{line: "ÉHLO x", fault: "500 5.5.2 command: no verb at offset 0"},
		{line: "EHLO\tx", fault: "501 5.5.2 command: control octet 0x09 at offset 4"},              // H-R37
		{line: "MAIL FROM:<a@b\x00>", fault: "501 5.5.2 command: control octet 0x00 at offset 14"}, // H-R22
		{line: "NOOP \x1b[2J", fault: "501 5.5.2 command: control octet 0x1B at offset 5"},         // H-R22
		{line: "NOOP \x7f", fault: "501 5.5.2 command: control octet 0x7F at offset 5"},            // H-R22
		{line: "RSET\r\nQUIT", fault: "501 5.5.2 command: control octet 0x0D at offset 4"},         // H-R22
	} {
		got, err := wire.ParseCommand(c.line)
		wantFault(t, err, c.fault)
		if want := (wire.Command{Verb: c.verb, Args: c.args}); got != want {
			t.Errorf("%q: got %+v, want %+v", c.line, got, want)
		}
	}
}

// Every verb is found in any case, and without a new string for it.
func TestVerbs(t *testing.T) { // C3
	verbs := []string{
		wire.VerbHelo, wire.VerbEhlo, wire.VerbLhlo, wire.VerbMail, wire.VerbRcpt, wire.VerbData,
		wire.VerbBdat, wire.VerbRset, wire.VerbVrfy, wire.VerbExpn, wire.VerbHelp, wire.VerbNoop,
		wire.VerbQuit, wire.VerbAuth, wire.VerbTurn, wire.VerbEtrn, wire.VerbStartTLS, wire.VerbXClient,
	}
	for _, verb := range verbs {
		line := strings.ToLower(verb) + " x"
		allocs := testing.AllocsPerRun(10, func() {
			if c, err := wire.ParseCommand(line); err != nil || c.Verb != verb || c.Args != "x" {
				t.Errorf("%q: got %+v, %v", line, c, err)
			}
		})
		if allocs != 0 {
			t.Errorf("%q: %v allocations", line, allocs)
		}
	}
}

func TestAppendCommand(t *testing.T) {
	for _, c := range []struct {
		verb, args  string
		utf8        bool
		line, fault string
	}{
		{verb: "RSET", line: "RSET\r\n"}, // C1
		{verb: "VRFY", args: "Ann Other", line: "VRFY Ann Other\r\n"},
		{verb: "vrfy", args: "ü", utf8: true, line: "vrfy ü\r\n"},

		{verb: "", fault: "verb: not letters, digits and hyphens"},
		{verb: "-A", fault: "verb: not letters, digits and hyphens"},
		{verb: "RSET\r\nQUIT", fault: "verb: not letters, digits and hyphens"}, // H-I1
		{verb: "NO OP", fault: "verb: not letters, digits and hyphens"},
		{verb: "NOOP", args: " a", fault: "NOOP: blank around the arguments"},
		{verb: "NOOP", args: "a ", fault: "NOOP: blank around the arguments"},
		{verb: "NOOP", args: "a\nQUIT", fault: "NOOP: control octet 0x0A at offset 6"},                            // H-I1 F9
		{verb: "NOOP", args: "a\rQUIT", fault: "NOOP: control octet 0x0D at offset 6"},                            // H-I1 F9
		{verb: "NOOP", args: "a\x00", fault: "NOOP: control octet 0x00 at offset 6"},                              // H-I1 F9
		{verb: "NOOP", args: "a\tb", fault: "NOOP: control octet 0x09 at offset 6"},                               // H-I1 F9
		{verb: "NOOP", args: "long enough\x7f", fault: "NOOP: control octet 0x7F at offset 16"},                   // H-I1 F9
		{verb: "VRFY", args: "ü", fault: "VRFY: octet 0xC3 outside ASCII without SMTPUTF8 at offset 5"},           // C4
		{verb: "VRFY", args: "a\xffb", utf8: true, fault: "VRFY: octet 0xFF is not valid UTF-8 at offset 6"},      // C72
		{verb: "VRFY", args: "\uFFFDa\xff", utf8: true, fault: "VRFY: octet 0xFF is not valid UTF-8 at offset 9"}, // C72
	} {
		dst, err := wire.AppendCommand([]byte("RSET\r\n"), c.verb, c.args, c.utf8)
		wantFault(t, err, c.fault)
		if got := string(dst); got != "RSET\r\n"+c.line {
			t.Errorf("%q %q: got %q", c.verb, c.args, got)
		}
	}
}

func TestAppendLine(t *testing.T) {
	for _, c := range []struct{ in, line, fault string }{
		{in: "", line: "\r\n"},
		{in: "*", line: "*\r\n"},
		{in: "AGdlb3JnZQ==", line: "AGdlb3JnZQ==\r\n"},
		{in: "*\r\nQUIT", fault: "line: control octet 0x0D at offset 1"}, // H-I1
	} {
		dst, err := wire.AppendLine([]byte("x"), []byte(c.in), false)
		wantFault(t, err, c.fault)
		if string(dst) != "x"+c.line {
			t.Errorf("%q: got %q", c.in, dst)
		}
	}
}

// Every octet at every place of lines of every length up to three words: only
// the allowed ones pass.
func TestEveryOctetEverywhere(t *testing.T) { // H-I1 H-R22 F9
	for n := range 25 {
		for at := range n {
			line := []byte(strings.Repeat("a", n))
			for c := range 256 {
				line[at] = byte(c)
				control := c < ' ' || c == 0x7f
				dst, err := wire.AppendLine(nil, line, false)
				if wantErr := control || c >= 0x80; (err != nil) != wantErr || wantErr != (len(dst) == 0) {
					t.Fatalf("%q written as %q, %v", line, dst, err)
				}
				dst, err = wire.AppendLine(nil, line, true)
				if wantErr := control || c >= 0x80; (err != nil) != wantErr || wantErr != (len(dst) == 0) {
					t.Fatalf("%q written under SMTPUTF8 as %q, %v", line, dst, err)
				}
				_, err = wire.ParseCommand("NOOP " + string(line) + ".")
				if (err != nil) != control {
					t.Fatalf("%q read with %v", line, err)
				}
			}
		}
	}
}
