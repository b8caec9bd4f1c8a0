package fault_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

func reply(code wire.Code, text string) fault.Action {
	return fault.Action{Reply: wire.Reply{Code: code, Text: text}}
}

func TestParse(t *testing.T) {
	later := wire.Reply{Code: 450, Enhanced: wire.EnhancedCode{Class: 4, Subject: 2, Detail: 1}, Text: "later"}
	tests := []struct {
		in    string
		want  fault.Script
		again string // as String has it; "": like in
	}{
		{in: "", want: nil},
		{in: " \t\r\n", want: nil, again: "-"},
		{
			in: "rcpt:3=450 4.2.1 later; data=drop after 4KiB; banner=delay 30s",
			want: fault.Script{
				{Step: fault.Rcpt, N: 3, Action: fault.Action{Reply: later}},
				{Step: fault.Data, Action: fault.Action{Break: fault.Drop, After: 4096}},
				{Step: fault.Banner, Action: fault.Action{Delay: 30 * time.Second}},
			},
		},
		{
			in:    "\n RCPT : 03 = 450 4.2.1  later ;MAIL=DROP ",
			again: "rcpt:3=450 4.2.1  later; mail=drop",
			want: fault.Script{
				{Step: fault.Rcpt, N: 3, Action: fault.Action{Reply: wire.Reply{Code: 450, Enhanced: later.Enhanced, Text: " later"}}},
				{Step: fault.Mail, Action: fault.Action{Break: fault.Drop}},
			},
		},
		{in: "quit=reset", want: fault.Script{{Step: fault.Quit, Action: fault.Action{Break: fault.Reset}}}},
		{in: "noop=delay 1m30s hang", want: fault.Script{{Step: fault.Noop, Action: fault.Action{Delay: 90 * time.Second, Break: fault.Hang}}}},
		{in: "bdat:2=reset after 1", want: fault.Script{{Step: fault.Bdat, N: 2, Action: fault.Action{Break: fault.Reset, After: 1}}}},
		{in: "content=hang after 3MiB", want: fault.Script{{Step: fault.Content, Action: fault.Action{Break: fault.Hang, After: 3 << 20}}}},
		{in: "content=drop after 2048mib", again: "content=drop after 2GiB", want: fault.Script{{Step: fault.Content, Action: fault.Action{Break: fault.Drop, After: 2 << 30}}}},
		{in: "content=drop after 9223372036854775807", want: fault.Script{{Step: fault.Content, Action: fault.Action{Break: fault.Drop, After: math.MaxInt64}}}},
		{in: "ehlo=bare-lf", want: fault.Script{{Step: fault.Ehlo, Action: fault.Action{BareLF: true}}}},
		{in: "ehlo=split bare-lf", again: "ehlo=bare-lf split", want: fault.Script{{Step: fault.Ehlo, Action: fault.Action{BareLF: true, Split: true}}}},
		{in: "rset=delay 5ms split 250 fine", want: fault.Script{{Step: fault.Rset, Action: fault.Action{
			Delay: 5 * time.Millisecond, Split: true, Reply: wire.Reply{Code: 250, Text: "fine"},
		}}}},
		{in: "help=214", want: fault.Script{{Step: fault.Help, Action: reply(214, "")}}},
		{in: "help=250 2.0.0", want: fault.Script{{Step: fault.Help, Action: fault.Action{
			Reply: wire.Reply{Code: 250, Enhanced: wire.EnhancedCode{Class: 2}},
		}}}},
		{in: "mail=550 2.1.0 other class", want: fault.Script{{Step: fault.Mail, Action: reply(550, "2.1.0 other class")}}},
		{in: `banner=554 one\ntwo\; \\n \n; quit=drop`, want: fault.Script{
			{Step: fault.Banner, Action: reply(554, "one\ntwo; \\n \n")},
			{Step: fault.Quit, Action: fault.Action{Break: fault.Drop}},
		}},
		{in: "banner=554 two\nlines of a file\t", again: "banner=554 two lines of a file", want: fault.Script{{Step: fault.Banner, Action: reply(554, "two lines of a file")}}},
		{in: "banner=220 \xff\u2028é", want: fault.Script{{Step: fault.Banner, Action: reply(220, "\xff\u2028é")}}},
	}
	for _, test := range tests {
		got, err := fault.Parse(test.in)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q: %#v, %v\nwant %#v", test.in, got, err, test.want)
			continue
		}
		again := test.again
		switch again {
		case "":
			again = test.in
		case "-":
			again = ""
		}
		if got.String() != again {
			t.Errorf("%q: String gives %q", test.in, got)
		}
		if same, err := fault.Parse(got.String()); err != nil || !slices.Equal(same, got) {
			t.Errorf("%q: %q gives %#v, %v", test.in, got, same, err)
		}
		if err := got.Check(); err != nil {
			t.Errorf("%q: %v", test.in, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"rctp=drop", "no such step at offset 0"},
		{" drop", "no such step at offset 1"},
		{"mail", `"=" was expected at offset 4`},
		{"mail 3=drop", `"=" was expected at offset 5`},
		{"mail=drop;", "no such step at offset 10"},
		{"mail=drop;;quit=drop", "no such step at offset 10"},
		{"mail:0=drop", "a number from 1 on was expected at offset 5"},
		{"mail: +1=drop", "a number from 1 on was expected at offset 6"},
		{"mail:=drop", "a number from 1 on was expected at offset 5"},
		{"mail:99999999999999999999=drop", "a number from 1 on was expected at offset 5"},
		{"mail:2=drop; mail=drop; MAIL:2=hang", "a second rule for that step at offset 24"},
		{"mail=", "no action at offset 5"},
		{"mail= ;quit=drop", "no action at offset 6"},
		{"mail=explode", "no such action at offset 5"},
		{"mail=bare-lf drop", "no such action at offset 13"},
		{"mail=split split", "no such action at offset 11"},
		{"mail=delay", `a duration over 0 was expected, as "30s" at offset 10`},
		{"mail=delay 30", `a duration over 0 was expected, as "30s" at offset 11`},
		{"mail=delay 0s", `a duration over 0 was expected, as "30s" at offset 11`},
		{"mail=delay -1s", `a duration over 0 was expected, as "30s" at offset 11`},
		{"mail=delay 1s delay 1s", "no such action at offset 14"},
		{"mail=drop now", `"after" or the end of the rule was expected at offset 10`},
		{"mail=drop 250 ok", `"after" or the end of the rule was expected at offset 10`},
		{"mail=drop after 4KiB", `"after" is for data, bdat and content at offset 10`},
		{"data=drop after", `a size over 0 was expected, as "4096" or "4KiB" at offset 15`},
		{"data=drop after 0", `a size over 0 was expected, as "4096" or "4KiB" at offset 16`},
		{"data=drop after 4kb", `a size over 0 was expected, as "4096" or "4KiB" at offset 16`},
		{"data=drop after -4", `a size over 0 was expected, as "4096" or "4KiB" at offset 16`},
		{"data=drop after 8589934592GiB", `a size over 0 was expected, as "4096" or "4KiB" at offset 16`},
		{"data=drop after 4 KiB", "more behind the size at offset 18"},
		{"mail=25 ok", "a reply code is three digits, 200 to 599 at offset 5"},
		{"mail=0250 ok", "a reply code is three digits, 200 to 599 at offset 5"},
		{"mail=250-ok", "a reply code is three digits, 200 to 599 at offset 5"},
		{"mail=150 ok", "a reply code is three digits, 200 to 599 at offset 5"},
		{"mail=600 ok", "a reply code is three digits, 200 to 599 at offset 5"},
		{`mail=250 a\tb`, `no such escape: there are \n, \; and \\ at offset 10`},
		{`mail=250 a\`, `no such escape: there are \n, \; and \\ at offset 10`},
		{"mail=250 a\x00b", "a control octet in a text at offset 10"},
		{"mail=250 a\x7f", "a control octet in a text at offset 10"},
	}
	for _, test := range tests {
		script, err := fault.Parse(test.in)
		fault, is := errors.AsType[*wire.SyntaxError](err)
		if !is || fault.Error() != "fault script: "+test.want || script != nil {
			t.Errorf("%q: %#v, %v\nwant %s", test.in, script, err, test.want)
		}
	}
}

func TestMustParse(t *testing.T) {
	if got := fault.MustParse("noop=drop"); got.String() != "noop=drop" {
		t.Errorf("got %v", got)
	}
	defer func() {
		if err, _ := recover().(error); err == nil || err.Error() != "fault script: no such step at offset 0" {
			t.Errorf("panic: %v", err)
		}
	}()
	fault.MustParse("knock=drop")
}

func TestCheck(t *testing.T) {
	drop := fault.Action{Break: fault.Drop}
	tests := []struct {
		script fault.Script
		want   string
	}{
		{fault.Script{{Step: "rctp", Action: drop}}, "no such step"},
		{fault.Script{{Step: fault.Mail, N: -1, Action: drop}}, "a number under 1"},
		{fault.Script{{Step: fault.Mail}}, "no action"},
		{fault.Script{{Step: fault.Mail, Action: fault.Action{Delay: -1}}}, "a delay under 0"},
		{fault.Script{{Step: fault.Mail, Action: fault.Action{Break: 4}}}, "no such break"},
		{fault.Script{{Step: fault.Mail, Action: fault.Action{Break: fault.Drop, Split: true}}}, "a break with an answer"},
		{fault.Script{{Step: fault.Data, Action: fault.Action{Break: fault.Drop, After: -1}}}, "a size under 0"},
		{fault.Script{{Step: fault.Data, Action: fault.Action{After: 1}}}, "a size without a break"},
		{fault.Script{{Step: fault.Mail, Action: fault.Action{Break: fault.Drop, After: 1}}}, `"after" is for data, bdat and content`},
		{fault.Script{{Step: fault.Mail, Action: reply(99, "")}}, "a reply code is three digits, 200 to 599"},
		{fault.Script{{Step: fault.Mail, Action: reply(0, "text")}}, "a reply code is three digits, 200 to 599"},
		{fault.Script{{Step: fault.Mail, Action: fault.Action{Reply: wire.Reply{Code: 250, Enhanced: wire.EnhancedCode{Class: 5}}}}}, "an enhanced status code that does not go with the reply code"},
		{fault.Script{{Step: fault.Mail, Action: reply(250, "a\rb")}}, "a control octet in a text"},
		{fault.Script{{Step: fault.Mail, Action: drop}, {Step: fault.Mail, N: 1, Action: drop}, {Step: fault.Mail, Action: drop}}, "a second rule for that step"},
	}
	for _, test := range tests {
		if err := test.script.Check(); err == nil || err.Error() != "fault script: "+test.want {
			t.Errorf("%#v: %v\nwant %s", test.script, err, test.want)
		}
	}
}

func TestAt(t *testing.T) {
	script, err := fault.Parse("rcpt:3=450 three; rcpt=451 each; rcpt:1=452 one; data:2=drop")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		step fault.Step
		n    int
		want string // "": none
	}{
		{fault.Rcpt, 1, "452 one"},
		{fault.Rcpt, 2, "451 each"},
		{fault.Rcpt, 3, "450 three"},
		{fault.Data, 1, ""},
		{fault.Data, 2, "drop"},
		{fault.Mail, 1, ""},
	}
	for _, test := range tests {
		got, found := script.At(test.step, test.n)
		if got.String() != test.want || found != (test.want != "") {
			t.Errorf("%s:%d: %q, %v", test.step, test.n, got, found)
		}
	}
	if got, found := fault.Script(nil).At(fault.Mail, 1); found {
		t.Errorf("no script: %v", got)
	}
}

func TestAppendReply(t *testing.T) {
	own := wire.Reply{Code: 250, Text: "own\nreply"}
	later := wire.Reply{Code: 450, Enhanced: wire.EnhancedCode{Class: 4, Subject: 2, Detail: 1}, Text: "a\nb"}
	tests := []struct {
		action fault.Action
		want   string
	}{
		{fault.Action{}, "\r250-own\r\n250 reply\r\n"},
		{fault.Action{BareLF: true}, "\r250-own\n250 reply\n"},
		{fault.Action{Reply: later}, "\r450-4.2.1 a\r\n450 4.2.1 b\r\n"},
		{fault.Action{Reply: later, BareLF: true}, "\r450-4.2.1 a\n450 4.2.1 b\n"},
	}
	for _, test := range tests {
		if got := test.action.AppendReply([]byte("\r"), own); string(got) != test.want {
			t.Errorf("%v: %q, want %q", test.action, got, test.want)
		}
	}
}

func TestStepOf(t *testing.T) {
	for verb, want := range map[string]fault.Step{
		"MAIL": fault.Mail, "StartTLS": fault.StartTLS, "bdat": fault.Bdat, "BANNER": "", "content": "", "XFOO": "", "": "",
	} {
		if got, ok := fault.StepOf(verb); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", verb, got, ok)
		}
	}
}
