package wire_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

var newYear = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

// MAIL commands as this package writes them and reads them again.
var mailLines = []struct {
	from   string
	params wire.MailParams
	needs  wire.ExtensionSet
	line   string
}{
	{from: "", line: "MAIL FROM:<>"},                               // P14 C45
	{from: "ann@example.com", line: "MAIL FROM:<ann@example.com>"}, // C15 F10
	{
		from:   `"a@b> SIZE=1"@example.com`, // H-I5
		params: wire.MailParams{Size: 1},
		needs:  wire.Size,
		line:   `MAIL FROM:<"a@b> SIZE=1"@example.com> SIZE=1`,
	},
	{
		from:   "a@b",
		params: wire.MailParams{Size: math.MaxInt64, Body: wire.Body8BitMIME}, // C58 C61
		needs:  wire.Size | wire.EightBitMIME,
		line:   "MAIL FROM:<a@b> SIZE=9223372036854775807 BODY=8BITMIME",
	},
	{from: "a@b", params: wire.MailParams{Body: wire.Body7Bit}, needs: wire.EightBitMIME, line: "MAIL FROM:<a@b> BODY=7BIT"},
	{
		from:   "a@b",
		params: wire.MailParams{Body: wire.BodyBinaryMIME},
		needs:  wire.EightBitMIME | wire.BinaryMIME | wire.Chunking, // C68
		line:   "MAIL FROM:<a@b> BODY=BINARYMIME",
	},
	{
		from:   "Δοκιμή@παράδειγμα.example", // C71
		params: wire.MailParams{SMTPUTF8: true, Extra: []wire.Param{{Keyword: "X", Value: "ü"}}},
		needs:  wire.SMTPUTF8,
		line:   "MAIL FROM:<Δοκιμή@παράδειγμα.example> SMTPUTF8 X=ü",
	},
	{
		from:   "a@b",
		params: wire.MailParams{Ret: wire.RetFull, EnvID: "QQ+314 159=z"}, // C78 C79 H-I4
		needs:  wire.DSN,
		line:   "MAIL FROM:<a@b> RET=FULL ENVID=QQ+2B314+20159+3Dz",
	},
	{from: "a@b", params: wire.MailParams{Ret: wire.RetHeaders}, needs: wire.DSN, line: "MAIL FROM:<a@b> RET=HDRS"},
	{from: "a@b", params: wire.MailParams{EnvID: strings.Repeat("x", 100)}, needs: wire.DSN, line: "MAIL FROM:<a@b> ENVID=" + strings.Repeat("x", 100)},
	{from: "a@b", params: wire.MailParams{Auth: "e+mc2@example.com"}, needs: wire.Auth, line: "MAIL FROM:<a@b> AUTH=e+2Bmc2@example.com"}, // C96
	{from: "a@b", params: wire.MailParams{Auth: "<>"}, needs: wire.Auth, line: "MAIL FROM:<a@b> AUTH=<>"},                                 // C96
	{from: "a@b", params: wire.MailParams{Auth: "ü@b"}, needs: wire.Auth, line: "MAIL FROM:<a@b> AUTH=+C3+BC@b"},
	{from: "a@b", params: wire.MailParams{RequireTLS: true}, needs: wire.RequireTLS, line: "MAIL FROM:<a@b> REQUIRETLS"}, // C110
	{from: "a@b", params: wire.MailParams{By: wire.DeliverByTime{Seconds: 120, Mode: wire.ByReturn}}, needs: wire.DeliverBy, line: "MAIL FROM:<a@b> BY=120;R"},
	{
		from:   "a@b",
		params: wire.MailParams{By: wire.DeliverByTime{Seconds: -999999999, Mode: wire.ByNotify, Trace: true}}, // C115
		needs:  wire.DeliverBy,
		line:   "MAIL FROM:<a@b> BY=-999999999;NT",
	},
	{from: "a@b", params: wire.MailParams{Priority: wire.Priority{Given: true}}, needs: wire.MTPriority, line: "MAIL FROM:<a@b> MT-PRIORITY=0"}, // C114
	{from: "a@b", params: wire.MailParams{Priority: wire.Priority{Given: true, Level: -9}}, needs: wire.MTPriority, line: "MAIL FROM:<a@b> MT-PRIORITY=-9"},
	{from: "a@b", params: wire.MailParams{HoldFor: 999999999}, needs: wire.FutureRelease, line: "MAIL FROM:<a@b> HOLDFOR=999999999"},              // C116
	{from: "a@b", params: wire.MailParams{HoldUntil: newYear}, needs: wire.FutureRelease, line: "MAIL FROM:<a@b> HOLDUNTIL=2027-01-01T00:00:00Z"}, // C116
	{
		from:   "a@b",
		params: wire.MailParams{Extra: []wire.Param{{Keyword: "XVERP"}, {Keyword: "X-Thing", Value: "<a/b>"}}},
		line:   "MAIL FROM:<a@b> XVERP X-Thing=<a/b>",
	},
	{
		from: "a@b",
		params: wire.MailParams{
			Size: 10, Body: wire.Body8BitMIME, SMTPUTF8: true, Ret: wire.RetFull, EnvID: "e", Auth: "c@d", RequireTLS: true,
			By: wire.DeliverByTime{Seconds: 1, Mode: wire.ByNotify}, Priority: wire.Priority{Given: true, Level: 9}, HoldFor: 1,
		},
		needs: wire.Size | wire.EightBitMIME | wire.SMTPUTF8 | wire.DSN | wire.Auth | wire.RequireTLS | wire.DeliverBy | wire.MTPriority | wire.FutureRelease,
		line:  "MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=e AUTH=c@d REQUIRETLS BY=1;N MT-PRIORITY=9 HOLDFOR=1",
	},
}

func TestMailLines(t *testing.T) {
	for _, c := range mailLines {
		from := pathOf(t, c.from)
		if got := c.params.Needs(); got != c.needs { // C23 F16
			t.Errorf("%s: needs %v, want %v", c.line, got, c.needs)
		}
		dst, err := wire.AppendMail([]byte("x"), from, &c.params)
		if err != nil || string(dst) != "x"+c.line+"\r\n" {
			t.Errorf("written as\n %q, %v, want\n %q", dst, err, c.line)
		}
		command, err := wire.ParseCommand(c.line)
		if err != nil || command.Verb != wire.VerbMail {
			t.Fatalf("%s: got %+v, %v", c.line, command, err)
		}
		want := wire.Mail{From: from, MailParams: c.params}
		for _, args := range []string{command.Args, "from: " + command.Args[len("FROM:"):], widen(command.Args) + " "} { // C15 H-R37 H-R38
			got := wire.Mail{MailParams: wire.MailParams{Size: 77, Auth: "left over"}}
			if err := got.Parse(args, wire.ParseOptions{Enabled: c.needs, Extra: c.params.Extra != nil}); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: read as\n %+v, %v, want\n %+v", args, got, err, want)
			}
		}
	}
}

// widen puts more blanks between path and parameters.
func widen(args string) string {
	if i := strings.LastIndex(args, "> "); i >= 0 {
		return args[:i+1] + "  " + args[i+1:]
	}
	return args
}

// Without any one of the extensions it needs, a line is refused.
func TestMailNeedsExtensions(t *testing.T) { // C23 H-R36
	for _, c := range mailLines {
		for keyword := range c.needs.Keywords() {
			ext, _ := wire.ExtensionByKeyword(keyword)
			if ext == wire.Chunking {
				continue // a matter of the server's own, which has no BINARYMIME without it
			}
			var m wire.Mail
			err := m.Parse(c.line[len("MAIL "):], wire.ParseOptions{Enabled: c.needs &^ ext, Extra: true})
			var want wire.Code = 555
			if ext == wire.BinaryMIME {
				want = 501 // C61
			}
			if fault, ok := err.(*wire.SyntaxError); !ok || fault.Code != want || fault.Enhanced != (wire.EnhancedCode{Class: 5, Subject: 5, Detail: 4}) {
				t.Errorf("%s without %s: %v", c.line, keyword, err)
			}
		}
	}
}

func TestMailParseTolerates(t *testing.T) {
	year := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, c := range []struct {
		args string
		want wire.MailParams
	}{
		{"FROM:<a@b> size=5 body=8bitmime", wire.MailParams{Size: 5, Body: wire.Body8BitMIME}}, // C3
		{"FROM:<a@b> SIZE=0", wire.MailParams{}},
		{"FROM:<a@b> SIZE=00000000000000000007", wire.MailParams{Size: 7}},                 // C60
		{"FROM:<a@b> SIZE=09223372036854775806", wire.MailParams{Size: math.MaxInt64 - 1}}, // C60
		{"FROM:<a@b> SIZE=9223372036854775808", wire.MailParams{Size: math.MaxInt64}},      // C60
		{"FROM:<a@b> SIZE=99999999999999999999", wire.MailParams{Size: math.MaxInt64}},     // C60
		{"FROM:<a@b> SIZE=20000000000000000000", wire.MailParams{Size: math.MaxInt64}},     // C60
		{"FROM:<@x,@y:a@b>", wire.MailParams{}},                                            // C46 H-R31
		{"FROM:<a@b> by=+0000060;nt", wire.MailParams{By: wire.DeliverByTime{Seconds: 60, Mode: 'N', Trace: true}}},
		{"FROM:<a@b> BY=-0;N", wire.MailParams{By: wire.DeliverByTime{Mode: 'N'}}},
		{"FROM:<a@b> HOLDUNTIL=2027-01-01t01:59:59+02:00", wire.MailParams{HoldUntil: year}}, // C116
		{"FROM:<a@b> HOLDUNTIL=2026-12-31T21:59:59-02:00", wire.MailParams{HoldUntil: year}},
		{"FROM:<a@b> HOLDUNTIL=2026-12-31T23:59:59.250z", wire.MailParams{HoldUntil: year}},
		{"FROM:<a@b> ret=hdrs", wire.MailParams{Ret: wire.RetHeaders}},
	} {
		var m wire.Mail
		if err := m.Parse(c.args, wire.ParseOptions{Enabled: everyExtension}); err != nil || !reflect.DeepEqual(m.MailParams, c.want) || m.From != pathOf(t, "a@b") {
			t.Errorf("%s: got %+v, %v, want %+v", c.args, m, err, c.want)
		}
	}
}

func TestMailParseRefuses(t *testing.T) {
	for _, c := range []struct{ args, fault string }{
		{"", `501 5.5.4 reverse-path: no "FROM:" in front at offset 0`},
		{"TO:<a@b>", `501 5.5.4 reverse-path: no "FROM:" in front at offset 0`},
		{"FROM <a@b>", `501 5.5.4 reverse-path: no "FROM:" in front at offset 0`},
		{"FROM:<postmaster>", "501 5.1.7 reverse-path: no domain at offset 16"},
		{"FROM:<a@b\x00>", "501 5.1.7 reverse-path: control octet 0x00 at offset 9"},                       // H-R22
		{"FROM:<a@b>\rSIZE=1", "501 5.5.4 parameter: no blank in front at offset 10"},                      // H-R22
		{"FROM:<a@b> X=\xff", "501 5.5.4 parameter: octet 0xFF is not valid UTF-8 at offset 13"},           // H-R24
		{"FROM:<a@b> SIZE=1\x00", "501 5.5.4 parameter: control octet 0x00 at offset 17"},                  // H-R22
		{"FROM:<a@b> SIZE=\n", "501 5.5.4 parameter: control octet 0x0A at offset 16"},                     // H-R22
		{"FROM:<a@b> SIZE\x7f=1", "501 5.5.4 parameter: control octet 0x7F at offset 15"},                  // H-R22
		{"FROM:<@ü:a@b>", "553 5.6.7 reverse-path: octet 0xC3 outside ASCII without SMTPUTF8 at offset 7"}, // H-R23
		{"FROM:<a@b>SIZE=1", "501 5.5.4 parameter: no blank in front at offset 10"},
		{"FROM:<a@b> =1", "501 5.5.4 parameter: malformed keyword at offset 11"},
		{"FROM:<a@b> -A=1", "501 5.5.4 parameter: malformed keyword at offset 11"},
		{"FROM:<a@b> SI/ZE=1", "501 5.5.4 parameter: malformed keyword at offset 13"},
		{"FROM:<a@b> ü", "501 5.5.4 parameter: malformed keyword at offset 11"},
		{"FROM:<a@b> SIZE=", "501 5.5.4 parameter: value is empty or has an equals sign at offset 16"},
		{"FROM:<a@b> SIZE==1", "501 5.5.4 parameter: value is empty or has an equals sign at offset 16"},
		{"FROM:<a@b> SIZE=1=1", "501 5.5.4 parameter: value is empty or has an equals sign at offset 17"},
		{"FROM:<a@b> SIZE", "501 5.5.4 SIZE: has a value, or none, against its definition at offset 15"},
		{"FROM:<a@b> SMTPUTF8=1", "501 5.5.4 SMTPUTF8: has a value, or none, against its definition at offset 19"},
		{"FROM:<a@b> XVERP", "555 5.5.4 parameter: not recognized or not on offer at offset 11"},                    // C23 H-R36
		{"FROM:<a@b> NOTIFY=NEVER", "555 5.5.4 parameter: not recognized or not on offer at offset 11"},             // H-R36
		{"FROM:<a@b> SIZE=1 BODY=7BIT size=1", "501 5.5.4 SIZE: given twice at offset 28"},                          // H-R21 C60
		{"FROM:<a@b> RET=FULL RET=HDRS", "501 5.5.4 RET: given twice at offset 20"},                                 // H-R21 C78
		{"FROM:<a@b> MT-PRIORITY=1 MT-PRIORITY=1", "501 5.5.4 MT-PRIORITY: given twice at offset 25"},               // C114
		{"FROM:<a@b> SIZE=abc", "501 5.5.4 SIZE: not 1 to 20 digits at offset 16"},                                  // H-R19 C60
		{"FROM:<a@b> SIZE=-1", "501 5.5.4 SIZE: not 1 to 20 digits at offset 16"},                                   // C60
		{"FROM:<a@b> SIZE=000000000000000000001", "501 5.5.4 SIZE: not 1 to 20 digits at offset 16"},                // C60
		{"FROM:<a@b> SIZE=9999999999999999999x", "501 5.5.4 SIZE: not 1 to 20 digits at offset 16"},                 // C60
		{"FROM:<a@b> BODY=9BIT", "501 5.5.4 BODY: not 7BIT, 8BITMIME or BINARYMIME at offset 16"},                   // C61
		{"FROM:<a@b> RET=SOME", "501 5.5.4 RET: not FULL or HDRS at offset 15"},                                     // C78
		{"FROM:<a@b> ENVID=a+2b", `501 5.5.4 ENVID: "+" without two hexadecimal digits in upper case at offset 18`}, // H-R34 C79
		{"FROM:<a@b> ENVID=a+0A", "501 5.5.4 ENVID: not printable US-ASCII at offset 17"},                           // C79
		{"FROM:<a@b> ENVID=a+C3+BC", "501 5.5.4 ENVID: not printable US-ASCII at offset 17"},                        // C79
		{"FROM:<a@b> ENVID=" + strings.Repeat("x", 101), "501 5.5.4 ENVID: over 100 octets at offset 17"},           // C79
		{"FROM:<a@b> AUTH=a+", `501 5.5.4 AUTH: "+" without two hexadecimal digits at offset 17`},                   // H-R34 C96
		{"FROM:<a@b> AUTH=a+0D+0AQUIT", "501 5.5.4 AUTH: control character, or not UTF-8 at offset 16"},             // H-I1
		{"FROM:<a@b> AUTH=a+FF", "501 5.5.4 AUTH: control character, or not UTF-8 at offset 16"},
		{"FROM:<a@b> BY=60", "501 5.5.4 BY: no mode at offset 14"},                                                      // C115
		{"FROM:<a@b> BY=;R", "501 5.5.4 BY: time is not 1 to 9 digits at offset 14"},                                    // C115
		{"FROM:<a@b> BY=-;N", "501 5.5.4 BY: time is not 1 to 9 digits at offset 14"},                                   // C115
		{"FROM:<a@b> BY=1000000000;N", "501 5.5.4 BY: time is not 1 to 9 digits at offset 14"},                          // C115
		{"FROM:<a@b> BY=0;R", "501 5.5.4 BY: time with mode R is not over 0 at offset 14"},                              // C115
		{"FROM:<a@b> BY=-1;R", "501 5.5.4 BY: time with mode R is not over 0 at offset 14"},                             // C115
		{"FROM:<a@b> BY=1;", "501 5.5.4 BY: mode is not R, N, RT or NT at offset 14"},                                   // C115
		{"FROM:<a@b> BY=1;X", "501 5.5.4 BY: mode is not R, N, RT or NT at offset 14"},                                  // C115
		{"FROM:<a@b> BY=1;RX", "501 5.5.4 BY: mode is not R, N, RT or NT at offset 14"},                                 // C115
		{"FROM:<a@b> BY=1;RTT", "501 5.5.4 BY: mode is not R, N, RT or NT at offset 14"},                                // C115
		{"FROM:<a@b> MT-PRIORITY=10", "501 5.5.4 MT-PRIORITY: not -9 to 9 at offset 23"},                                // C114
		{"FROM:<a@b> MT-PRIORITY=-0", "501 5.5.4 MT-PRIORITY: not -9 to 9 at offset 23"},                                // C114
		{"FROM:<a@b> MT-PRIORITY=+1", "501 5.5.4 MT-PRIORITY: not -9 to 9 at offset 23"},                                // C114
		{"FROM:<a@b> MT-PRIORITY=x", "501 5.5.4 MT-PRIORITY: not -9 to 9 at offset 23"},                                 // C114
		{"FROM:<a@b> HOLDFOR=0", "501 5.5.4 HOLDFOR: not 1 to 999999999 seconds at offset 19"},                          // C116
		{"FROM:<a@b> HOLDFOR=1000000000", "501 5.5.4 HOLDFOR: not 1 to 999999999 seconds at offset 19"},                 // C116
		{"FROM:<a@b> HOLDFOR=1 HOLDUNTIL=2027-01-01T00:00:00Z", "501 5.5.4 HOLDUNTIL: given with HOLDFOR at offset 31"}, // C116
		{"FROM:<a@b> HOLDUNTIL=2027-01-01T00:00:00Z HOLDFOR=1", "501 5.5.4 HOLDFOR: given with HOLDUNTIL at offset 50"}, // C116
		{"FROM:<ü@b>", "553 5.6.7 reverse-path: octet 0xC3 outside ASCII without SMTPUTF8 at offset 6"},                 // H-R23 C71
		{"FROM:<a@b> X=ü", "553 5.6.7 parameter: octet 0xC3 outside ASCII without SMTPUTF8 at offset 13"},               // H-R23
	} {
		var m wire.Mail
		err := m.Parse(c.args, wire.ParseOptions{Enabled: everyExtension, Extra: strings.Contains(c.args, " X=")})
		wantFault(t, err, c.fault)
	}
	var m wire.Mail
	wantFault(t, m.Parse("FROM:<a@b> BODY=BINARYMIME", wire.ParseOptions{Enabled: wire.EightBitMIME}), "501 5.5.4 BODY: BINARYMIME is not on offer") // C61
}

// Errors of the path are those of ScanPath, told in the terms of the arguments.
func TestPathFaultsInArguments(t *testing.T) {
	for _, path := range []string{"", "a@b", "<a b@c>", "<a@b", "<a@>", "<@x:>", "<\xff@b>", `<"a@b>`, "<a\u0085@b>"} { // H-I6 H-R24
		_, _, scanErr := wire.ScanPath(path)
		want := *scanErr.(*wire.SyntaxError)
		want.Element, want.Offset, want.Enhanced = "reverse-path", want.Offset+6, wire.EnhancedCode{Class: 5, Subject: 1, Detail: 7}
		var m wire.Mail
		if got, ok := m.Parse("FROM: "+path, wire.ParseOptions{}).(*wire.SyntaxError); !ok || *got != want {
			t.Errorf("MAIL %q: got %+v, want %+v", path, got, want)
		}
		want.Element, want.Offset, want.Enhanced.Detail = "forward-path", want.Offset-2, 3
		var r wire.Recipient
		if got, ok := r.Parse("TO: "+path, wire.ParseOptions{}).(*wire.SyntaxError); !ok || *got != want {
			t.Errorf("RCPT %q: got %+v, want %+v", path, got, want)
		}
	}
}

func TestParameterWithBadDate(t *testing.T) { // C116
	for _, date := range []string{
		"x", "2027-01-01", "2027-01-01T00:00:00", "2027-01-01T0:00:00Z", "2027-01-01 00:00:00Z", "2027-1-01T00:00:00Z",
		"2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z", "2027-01-01T24:00:00Z", "2027-01-01T00:00:60Z",
		"2027-01-0xT00:00:00Z", "2027-01-01T00:00:00.Z", "2027-01-01T00:00:00,5Z", "2027-01-01T00:00:00+1:00", "2027-01-01T00:00:00+0100",
		"2027-01-01T00:00:00+25:00", "2027-01-0xT00:00:00Z", "2027-01-01T00:00:00.Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00",
		"0000-01-01T00:00:00+01:00", "2027-01-01T00:00:00z+01:00",
	} {
		var m wire.Mail
		err := m.Parse("FROM:<a@b> HOLDUNTIL="+strings.ReplaceAll(date, " ", "_"), wire.ParseOptions{Enabled: everyExtension})
		wantFault(t, err, "501 5.5.4 HOLDUNTIL: not a date-time at offset 21")
	}
}

func TestExtraParameters(t *testing.T) {
	options := wire.ParseOptions{Extra: true}
	var args strings.Builder
	args.WriteString("FROM:<a@b>")
	for i := range 32 {
		fmt.Fprintf(&args, " X%d=%d", i, i)
	}
	var m wire.Mail
	if err := m.Parse(args.String(), options); err != nil || len(m.Extra) != 32 || m.Extra[31] != (wire.Param{Keyword: "X31", Value: "31"}) {
		t.Errorf("got %+v, %v", m.Extra, err)
	}
	wantFault(t, m.Parse(args.String()+" Y", options), fmt.Sprintf("501 5.5.4 parameter: one too many at offset %d", args.Len()+1))
	wantFault(t, m.Parse("FROM:<a@b> X x=1", options), "501 5.5.4 parameter: given twice at offset 13") // H-R21
}

func TestAppendMailRefuses(t *testing.T) {
	for _, c := range []struct {
		from   string
		params wire.MailParams
		fault  string
	}{
		{from: "postmaster", fault: "reverse-path: no domain"},
		{from: "ü@b", fault: "MAIL: octet 0xC3 outside ASCII without SMTPUTF8 at offset 11"}, // H-I1 C4
		{params: wire.MailParams{Size: -1}, fault: "501 5.5.4 SIZE: negative"},
		{params: wire.MailParams{Body: 4}, fault: "501 5.5.4 BODY: no such value"},
		{params: wire.MailParams{Ret: 3}, fault: "501 5.5.4 RET: no such value"},
		{params: wire.MailParams{EnvID: "a\nb"}, fault: "501 5.5.4 ENVID: not printable US-ASCII"}, // H-I1 F9
		{params: wire.MailParams{EnvID: "ü"}, fault: "501 5.5.4 ENVID: not printable US-ASCII"},
		{params: wire.MailParams{EnvID: strings.Repeat("+", 34)}, fault: "501 5.5.4 ENVID: over 100 octets"}, // C79
		{params: wire.MailParams{Auth: "a\r\nb"}, fault: "501 5.5.4 AUTH: control character, or not UTF-8"},  // H-I1
		{params: wire.MailParams{Auth: "\xff"}, fault: "501 5.5.4 AUTH: control character, or not UTF-8"},    //
		{params: wire.MailParams{By: wire.DeliverByTime{Seconds: 1}}, fault: "501 5.5.4 BY: mode is not R, N, RT or NT"},
		{params: wire.MailParams{By: wire.DeliverByTime{Mode: 'R'}}, fault: "501 5.5.4 BY: time with mode R is not over 0"}, // C115
		{params: wire.MailParams{By: wire.DeliverByTime{Seconds: 1e9, Mode: 'N'}}, fault: "501 5.5.4 BY: time over 9 digits"},
		{params: wire.MailParams{By: wire.DeliverByTime{Seconds: -1e9, Mode: 'N'}}, fault: "501 5.5.4 BY: time over 9 digits"},
		{params: wire.MailParams{Priority: wire.Priority{Given: true, Level: 10}}, fault: "501 5.5.4 MT-PRIORITY: not -9 to 9"}, // C114
		{params: wire.MailParams{Priority: wire.Priority{Given: true, Level: -10}}, fault: "501 5.5.4 MT-PRIORITY: not -9 to 9"},
		{params: wire.MailParams{HoldFor: -1}, fault: "501 5.5.4 HOLDFOR: not 1 to 999999999 seconds"},
		{params: wire.MailParams{HoldFor: 1e9}, fault: "501 5.5.4 HOLDFOR: not 1 to 999999999 seconds"},
		{params: wire.MailParams{HoldFor: 1, HoldUntil: newYear}, fault: "501 5.5.4 HOLDFOR: given with HOLDUNTIL"}, // C116
		{params: wire.MailParams{HoldUntil: newYear.AddDate(8000, 0, 0)}, fault: "501 5.5.4 HOLDUNTIL: year is not of four digits, or the zero time"},
		{params: wire.MailParams{HoldUntil: time.Time{}.Add(1)}, fault: "501 5.5.4 HOLDUNTIL: year is not of four digits, or the zero time"},
		{params: wire.MailParams{Extra: []wire.Param{{}}}, fault: "501 5.5.4 parameter: malformed keyword"},
		{params: wire.MailParams{Extra: []wire.Param{{Keyword: "A B"}}}, fault: "501 5.5.4 parameter: malformed keyword"}, // H-I1
		{params: wire.MailParams{Extra: []wire.Param{{Keyword: "X"}, {Keyword: "x"}}}, fault: "501 5.5.4 parameter: given twice"},
		{params: wire.MailParams{Extra: []wire.Param{{Keyword: "size"}}}, fault: "501 5.5.4 parameter: has a field of its own"}, // H-I3
		{params: wire.MailParams{Extra: []wire.Param{{Keyword: "X", Value: "a b"}}}, fault: "501 5.5.4 parameter: blank or equals sign in the value"},
		{params: wire.MailParams{Extra: []wire.Param{{Keyword: "X", Value: "a=b"}}}, fault: "501 5.5.4 parameter: blank or equals sign in the value"},
		{params: wire.MailParams{Extra: []wire.Param{{Keyword: "X", Value: "a\r\nQUIT"}}}, fault: "MAIL: control octet 0x0D at offset 16"},                       // H-I1 F9
		{params: wire.MailParams{Extra: []wire.Param{{Keyword: "X", Value: "ü"}}}, fault: "MAIL: octet 0xC3 outside ASCII without SMTPUTF8 at offset 15"},        // H-I1
		{params: wire.MailParams{SMTPUTF8: true, Extra: []wire.Param{{Keyword: "X", Value: "\xff"}}}, fault: "MAIL: octet 0xFF is not valid UTF-8 at offset 24"}, // C72
	} {
		got, err := wire.AppendMail([]byte("x"), pathOf(t, c.from), &c.params)
		wantFault(t, err, c.fault)
		if string(got) != "x" {
			t.Errorf("%+v: wrote %q", c.params, got)
		}
	}
}

func TestAppendMailWithoutParams(t *testing.T) {
	got, err := wire.AppendMail(nil, wire.Path{}, nil)
	if err != nil || string(got) != "MAIL FROM:<>\r\n" { // P14
		t.Errorf("got %q, %v", got, err)
	}
}

func TestParametersTable(t *testing.T) {
	var got []string
	for p := range wire.Parameters() {
		got = append(got, p.Verb+" "+p.Keyword+" "+p.Extension.String())
	}
	want := []string{
		"MAIL SIZE SIZE", "MAIL BODY 8BITMIME", "MAIL SMTPUTF8 SMTPUTF8", "MAIL RET DSN", "MAIL ENVID DSN", "MAIL AUTH AUTH",
		"MAIL REQUIRETLS REQUIRETLS", "MAIL BY DELIVERBY", "MAIL MT-PRIORITY MT-PRIORITY", "MAIL HOLDFOR FUTURERELEASE",
		"MAIL HOLDUNTIL FUTURERELEASE", "RCPT NOTIFY DSN", "RCPT ORCPT DSN", "RCPT RRVS RRVS",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	for stop := range want {
		n := 0
		for range wire.Parameters() {
			if n++; n > stop {
				break
			}
		}
		if n != stop+1 {
			t.Errorf("went on to %d after %d", n, stop+1)
		}
	}
}

func TestParseWithoutAllocation(t *testing.T) {
	const line = "MAIL FROM:<user@example.com> SIZE=1000000 BODY=8BITMIME"
	m := new(wire.Mail)
	r := new(wire.Recipient)
	n := testing.AllocsPerRun(10, func() {
		c, err := wire.ParseCommand(line)
		if err == nil {
			err = m.Parse(c.Args, wire.ParseOptions{Enabled: everyExtension})
		}
		if err == nil {
			err = r.Parse("TO:<user@example.com> NOTIFY=SUCCESS ORCPT=rfc822;user@example.com", wire.ParseOptions{Enabled: everyExtension})
		}
		if err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
