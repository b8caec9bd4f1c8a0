package wire_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Generators of what the parameters may hold, and of nothing else.
var (
	anyPath = rapid.Custom(func(t *rapid.T) wire.Path {
		p, err := wire.NewPath(anyLocal.Draw(t, "local"), anyDomain.Draw(t, "domain"))
		if err != nil {
			t.Fatalf("NewPath: %v", err)
		}
		return p
	})
	graphic = rapid.StringMatching(`[ -~]{1,30}`)
	// Text without control characters, as Auth and addresses of type utf-8 are.
	printable = rapid.StringOfN(rapid.OneOf(rapid.RuneFrom([]rune("aZ0@.\"<>;,~!")), rapid.RuneFrom([]rune(" +=\\é中\u00a0\uFFFD\U0001F4E8\U0010FFFF"))), 1, 30, -1)
	dateTime  = rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(-60_000_000_000, 253_402_300_799).Draw(t, "unix"), 0).UTC()
	})
	keyword   = rapid.StringMatching(`X[A-Za-z0-9-]{0,8}`)
	value     = rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[!-<>-~]{1,20}`))
	utf8Value = rapid.OneOf(value, rapid.StringMatching(`[!-<>-~é中]{1,20}`))

	byTime = rapid.Custom(func(t *rapid.T) wire.DeliverByTime {
		b := wire.DeliverByTime{Mode: rapid.SampledFrom([]wire.ByMode{wire.ByReturn, wire.ByNotify}).Draw(t, "mode"), Trace: rapid.Bool().Draw(t, "trace")}
		if b.Mode == wire.ByReturn {
			b.Seconds = rapid.Int64Range(1, 999_999_999).Draw(t, "seconds")
		} else {
			b.Seconds = rapid.Int64Range(-999_999_999, 999_999_999).Draw(t, "seconds")
		}
		return b
	})
	extraParams = func(value *rapid.Generator[string]) *rapid.Generator[[]wire.Param] {
		return rapid.Custom(func(t *rapid.T) []wire.Param {
			var list []wire.Param
			for _, k := range rapid.SliceOfNDistinct(keyword, 0, 3, strings.ToUpper).Draw(t, "keywords") {
				list = append(list, wire.Param{Keyword: k, Value: value.Draw(t, "value")})
			}
			return list
		})
	}
	mailParams = rapid.Custom(func(t *rapid.T) wire.MailParams {
		p := wire.MailParams{
			Size:       rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Min(0)).Draw(t, "SIZE"),
			Body:       wire.BodyType(rapid.IntRange(0, 3).Draw(t, "BODY")),
			SMTPUTF8:   rapid.Bool().Draw(t, "SMTPUTF8"),
			Ret:        wire.Ret(rapid.IntRange(0, 2).Draw(t, "RET")),
			EnvID:      rapid.OneOf(rapid.Just(""), graphic).Draw(t, "ENVID"),
			Auth:       rapid.OneOf(rapid.SampledFrom([]string{"", "<>"}), printable).Draw(t, "AUTH"),
			RequireTLS: rapid.Bool().Draw(t, "REQUIRETLS"),
		}
		if rapid.Bool().Draw(t, "BY given") {
			p.By = byTime.Draw(t, "BY")
		}
		if rapid.Bool().Draw(t, "MT-PRIORITY given") {
			p.Priority = wire.Priority{Given: true, Level: rapid.Int8Range(-9, 9).Draw(t, "MT-PRIORITY")}
		}
		switch rapid.IntRange(0, 2).Draw(t, "hold") {
		case 1:
			p.HoldFor = rapid.Int64Range(1, 999_999_999).Draw(t, "HOLDFOR")
		case 2:
			p.HoldUntil = dateTime.Draw(t, "HOLDUNTIL")
		}
		extra := value
		if p.SMTPUTF8 {
			extra = utf8Value
		}
		p.Extra = extraParams(extra).Draw(t, "extra")
		return p
	})
	rcptParams = func(utf8 bool) *rapid.Generator[wire.RcptParams] {
		return rapid.Custom(func(t *rapid.T) wire.RcptParams {
			var p wire.RcptParams
			p.Notify = rapid.OneOf(
				rapid.SampledFrom([]wire.NotifySet{0, wire.NotifyNever}),
				rapid.Map(rapid.Uint8Range(0, 7), func(n uint8) wire.NotifySet { return wire.NotifySet(n << 1) }),
			).Draw(t, "NOTIFY")
			switch rapid.IntRange(0, 2).Draw(t, "ORCPT type") {
			case 1:
				p.ORCPT = wire.OriginalRecipient{Type: rapid.SampledFrom([]string{"rfc822", "X400", "a+b"}).Draw(t, "type"), Addr: graphic.Draw(t, "ORCPT")}
			case 2:
				p.ORCPT = wire.OriginalRecipient{Type: rapid.SampledFrom([]string{"utf-8", "UTF-8"}).Draw(t, "type"), Addr: printable.Draw(t, "ORCPT")}
			}
			if rapid.Bool().Draw(t, "RRVS given") {
				p.RRVS = wire.ValidSince{Time: dateTime.Draw(t, "RRVS"), Action: rapid.SampledFrom([]wire.RRVSAction{0, 'C', 'R'}).Draw(t, "action")}
			}
			extra := value
			if utf8 {
				extra = utf8Value
			}
			p.Extra = extraParams(extra).Draw(t, "extra")
			return p
		})
	}
)

// checkLine checks what holds for every command line that was written.
func checkLine(t fataler, line string, utf8 bool) {
	t.Helper()
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok {
		t.Fatalf("%q has no CRLF", line)
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == 0x7f || c >= 0x80 && !utf8 { // H-I1
			t.Fatalf("%q: octet %#x at %d", line, c, i)
		}
	}
	// The path ends at the first ">" outside quotes: whatever stands behind it is
	// parameters, and whatever a local part holds is not.
	if end := firstBracket(text); end < 0 || end+1 < len(text) && text[end+1] != ' ' { // H-I5
		t.Fatalf("%q: path does not end where it should", line)
	}
}

func firstBracket(s string) int {
	for i := range len(s) {
		if s[i] == '>' && unquotedBrackets(s[:i+1]) == 1 {
			return i
		}
	}
	return -1
}

func TestMailParamsProperty(t *testing.T) { // C24 C60 C79 C96 C114 C115 C116 H-I1 H-I4 H-I5
	cases := 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		want := wire.Mail{From: anyPath.Draw(t, "from"), MailParams: mailParams.Draw(t, "params")}
		if rapid.Bool().Draw(t, "null") {
			want.From = wire.Path{}
		}
		line, err := wire.AppendMail(nil, want.From, &want.MailParams)
		if want.From.IsUTF8() && !want.SMTPUTF8 {
			if err == nil {
				t.Fatalf("wrote %q without SMTPUTF8", line)
			}
			want.From = wire.Path{}
			line, err = wire.AppendMail(nil, want.From, &want.MailParams)
		}
		if err != nil {
			t.Fatalf("AppendMail(%+v): %v", want, err)
		}
		checkLine(t, string(line), want.SMTPUTF8)
		command, err := wire.ParseCommand(strings.TrimSuffix(string(line), "\r\n"))
		if err != nil || command.Verb != wire.VerbMail {
			t.Fatalf("%q: got %+v, %v", line, command, err)
		}
		var got wire.Mail
		if err := got.Parse(command.Args, wire.ParseOptions{Enabled: want.Needs(), Extra: true}); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q read as\n %+v, %v, want\n %+v", line, got, err, want)
		}
	})
	t.Logf("%d cases", cases)
}

func TestRcptParamsProperty(t *testing.T) { // C24 C76 C77 H-I1 H-I4 H-I5
	cases := 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		utf8 := rapid.Bool().Draw(t, "utf8")
		want := wire.Recipient{Path: anyPath.Draw(t, "path"), RcptParams: rcptParams(utf8).Draw(t, "params")}
		line, err := wire.AppendRcpt(nil, &want, utf8)
		if want.Path.IsUTF8() && !utf8 {
			if err == nil {
				t.Fatalf("wrote %q without SMTPUTF8", line)
			}
			return
		}
		if err != nil {
			t.Fatalf("AppendRcpt(%+v): %v", want, err)
		}
		checkLine(t, string(line), utf8)
		command, err := wire.ParseCommand(strings.TrimSuffix(string(line), "\r\n"))
		if err != nil || command.Verb != wire.VerbRcpt {
			t.Fatalf("%q: got %+v, %v", line, command, err)
		}
		var got wire.Recipient
		if err := got.Parse(command.Args, wire.ParseOptions{Enabled: want.Needs(), UTF8: utf8, Extra: true}); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q read as\n %+v, %v, want\n %+v", line, got, err, want)
		}
	})
	t.Logf("%d cases", cases)
}

// What an application puts into the fields, whatever it is, either stands in the
// line as it was meant or is refused.
func TestHostileParamsProperty(t *testing.T) { // H-I1 F9
	hostile := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.SampledFrom([]string{"a", "\r\n", "\n", "\x00", " ", "=", "+", ">", "\xff", "é", ";", "QUIT"})), func(s []string) string {
		return strings.Join(s, "")
	}))
	rapid.Check(t, func(t *rapid.T) {
		want := wire.Mail{MailParams: wire.MailParams{
			SMTPUTF8: rapid.Bool().Draw(t, "SMTPUTF8"),
			EnvID:    hostile.Draw(t, "ENVID"),
			Auth:     hostile.Draw(t, "AUTH"),
			Extra:    []wire.Param{{Keyword: hostile.Draw(t, "keyword"), Value: hostile.Draw(t, "value")}},
		}}
		if rapid.Bool().Draw(t, "no extra") {
			want.Extra = nil
		}
		line, err := wire.AppendMail(nil, want.From, &want.MailParams)
		if err != nil {
			if len(line) != 0 {
				t.Fatalf("%v, and wrote %q", err, line)
			}
			return
		}
		checkLine(t, string(line), want.SMTPUTF8)
		var got wire.Mail
		if err := got.Parse(string(line[len("MAIL "):len(line)-2]), wire.ParseOptions{Enabled: everyExtension, Extra: true}); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q read as\n %+v, %v, want\n %+v", line, got, err, want)
		}
	})
}
