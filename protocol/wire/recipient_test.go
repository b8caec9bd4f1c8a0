package wire_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

var recipientLines = []struct {
	path   string
	params wire.RcptParams
	utf8   bool
	needs  wire.ExtensionSet
	line   string
}{
	{path: "ann@example.com", line: "RCPT TO:<ann@example.com>"},                                                          // C15 F10
	{path: "Postmaster", line: "RCPT TO:<Postmaster>"},                                                                    // C36 H-R31
	{path: "δοκιμή@b", utf8: true, line: "RCPT TO:<δοκιμή@b>"},                                                            // C71
	{path: "a@b", params: wire.RcptParams{Notify: wire.NotifyNever}, needs: wire.DSN, line: "RCPT TO:<a@b> NOTIFY=NEVER"}, // C76
	{
		path:   "a@b",
		params: wire.RcptParams{Notify: wire.NotifySuccess | wire.NotifyFailure | wire.NotifyDelay}, // C76
		needs:  wire.DSN,
		line:   "RCPT TO:<a@b> NOTIFY=SUCCESS,FAILURE,DELAY",
	},
	{
		path:   "a@b",
		params: wire.RcptParams{ORCPT: wire.OriginalRecipient{Type: "rfc822", Addr: "Bob+tag@example.com"}}, // C77 H-I4
		needs:  wire.DSN,
		line:   "RCPT TO:<a@b> ORCPT=rfc822;Bob+2Btag@example.com",
	},
	{
		path:   "a@b",
		params: wire.RcptParams{ORCPT: wire.OriginalRecipient{Type: "utf-8", Addr: "ü+x@b"}}, // C77
		needs:  wire.DSN,
		line:   `RCPT TO:<a@b> ORCPT=utf-8;\x{FC}\x{2B}x@b`,
	},
	{
		path:   "a@b",
		params: wire.RcptParams{ORCPT: wire.OriginalRecipient{Type: "UTF-8", Addr: "ü+x@b"}}, // C77
		utf8:   true,
		needs:  wire.DSN,
		line:   `RCPT TO:<a@b> ORCPT=UTF-8;ü\x{2B}x@b`,
	},
	{
		path:   "a@b",
		params: wire.RcptParams{RRVS: wire.ValidSince{Time: newYear}},
		needs:  wire.RRVS,
		line:   "RCPT TO:<a@b> RRVS=2027-01-01T00:00:00Z",
	},
	{
		path: "a@b",
		params: wire.RcptParams{
			Notify: wire.NotifyDelay,
			ORCPT:  wire.OriginalRecipient{Type: "x400", Addr: "/c=gb/ o=x/"},
			RRVS:   wire.ValidSince{Time: newYear, Action: wire.RRVSContinue},
			Extra:  []wire.Param{{Keyword: "X-Y", Value: "z"}},
		},
		needs: wire.DSN | wire.RRVS,
		line:  "RCPT TO:<a@b> NOTIFY=DELAY ORCPT=x400;/c+3Dgb/+20o+3Dx/ RRVS=2027-01-01T00:00:00Z;C X-Y=z",
	},
}

func TestRecipientLines(t *testing.T) {
	for _, c := range recipientLines {
		want := wire.Recipient{Path: pathOf(t, c.path), RcptParams: c.params}
		if got := want.Needs(); got != c.needs { // C23 C80 F16
			t.Errorf("%s: needs %v, want %v", c.line, got, c.needs)
		}
		dst, err := wire.AppendRcpt([]byte("x"), &want, c.utf8)
		if err != nil || string(dst) != "x"+c.line+"\r\n" {
			t.Errorf("written as\n %q, %v, want\n %q", dst, err, c.line)
		}
		command, err := wire.ParseCommand(c.line)
		if err != nil || command.Verb != wire.VerbRcpt {
			t.Fatalf("%s: got %+v, %v", c.line, command, err)
		}
		options := wire.ParseOptions{Enabled: c.needs, UTF8: c.utf8, Extra: c.params.Extra != nil}
		for _, args := range []string{command.Args, "to: " + command.Args[len("TO:"):] + " "} { // C15 H-R37 H-R38
			got := wire.Recipient{RcptParams: wire.RcptParams{Notify: wire.NotifyNever}}
			if err := got.Parse(args, options); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: read as\n %+v, %v, want\n %+v", args, got, err, want)
			}
		}
		for keyword := range c.needs.Keywords() { // C23 H-R36
			ext, _ := wire.ExtensionByKeyword(keyword)
			options.Enabled = c.needs &^ ext
			var r wire.Recipient
			if fault, ok := r.Parse(command.Args, options).(*wire.SyntaxError); !ok || fault.Code != 555 {
				t.Errorf("%s without %s: %v", c.line, keyword, fault)
			}
		}
	}
}

func TestRecipientParseTolerates(t *testing.T) {
	for _, c := range []struct {
		args string
		want wire.RcptParams
	}{
		{"TO:<a@b> notify=success,delay", wire.RcptParams{Notify: wire.NotifySuccess | wire.NotifyDelay}},
		{"TO:<@x:a@b>", wire.RcptParams{}}, // C46 H-R31
		{`TO:<a@b> ORCPT=UTF-8;a\x{e9}`, wire.RcptParams{ORCPT: wire.OriginalRecipient{Type: "UTF-8", Addr: "aé"}}},
		{"TO:<a@b> RRVS=2027-01-01T01:00:00+01:00;r", wire.RcptParams{RRVS: wire.ValidSince{Time: newYear, Action: wire.RRVSReject}}},
	} {
		var r wire.Recipient
		if err := r.Parse(c.args, wire.ParseOptions{Enabled: everyExtension}); err != nil || !reflect.DeepEqual(r.RcptParams, c.want) || r.Path != pathOf(t, "a@b") {
			t.Errorf("%s: got %+v, %v, want %+v", c.args, r, err, c.want)
		}
	}
}

func TestRecipientParseRefuses(t *testing.T) {
	for _, c := range []struct{ args, fault string }{
		{"FROM:<a@b>", `501 5.5.4 forward-path: no "TO:" in front at offset 0`},
		{"TO:<>", "501 5.1.3 forward-path: null at offset 4"}, // C45
		{"TO: <>", "501 5.1.3 forward-path: null at offset 5"},
		{"TO:<a@b> SIZE=1", "555 5.5.4 parameter: not recognized or not on offer at offset 9"},            // H-R36
		{"TO:<a@b> NOTIFY=NEVER NOTIFY=NEVER", "501 5.5.4 NOTIFY: given twice at offset 22"},              // H-R21 C76
		{"TO:<a@b> NOTIFY=NEVER,DELAY", "501 5.5.4 NOTIFY: NEVER with another keyword at offset 16"},      // H-R35 C76
		{"TO:<a@b> NOTIFY=DELAY,DELAY", "501 5.5.4 NOTIFY: keyword given twice at offset 16"},             // C76
		{"TO:<a@b> NOTIFY=DELAY,", "501 5.5.4 NOTIFY: not NEVER, SUCCESS, FAILURE or DELAY at offset 16"}, // C76
		{"TO:<a@b> NOTIFY=LATER", "501 5.5.4 NOTIFY: not NEVER, SUCCESS, FAILURE or DELAY at offset 16"},  // C76
		{"TO:<a@b> ORCPT=a@b", "501 5.5.4 ORCPT: no address type at offset 15"},                           // C77
		{"TO:<a@b> ORCPT=;a@b", "501 5.5.4 ORCPT: no address type at offset 15"},                          // C77
		{"TO:<a@b> ORCPT=rfc@822;a@b", "501 5.5.4 ORCPT: no address type at offset 15"},                   // C77
		{"TO:<a@b> ORCPT=rfc822;", "501 5.5.4 ORCPT: no address at offset 15"},                            // C77
		{"TO:<a@b> ORCPT=rfc822;a+b", `501 5.5.4 ORCPT: "+" without two hexadecimal digits at offset 23`}, // H-R34 C77
		{"TO:<a@b> ORCPT=rfc822;a+0A", "501 5.5.4 ORCPT: address is not printable US-ASCII at offset 15"}, // H-I1
		{"TO:<a@b> ORCPT=rfc822;+C3+BC", "501 5.5.4 ORCPT: address is not printable US-ASCII at offset 15"},
		{"TO:<a@b> ORCPT=utf-8;+C3+BC", "501 5.5.4 ORCPT: character that must be encoded at offset 21"},
		{`TO:<a@b> ORCPT=utf-8;a\x{0A}`, `501 5.5.4 ORCPT: malformed \x{…} at offset 22`}, // H-I1
		{"TO:<a@b> RRVS=2027", "501 5.5.4 RRVS: not a date-time at offset 14"},
		{"TO:<a@b> RRVS=2027-01-01T00:00:00Z;X", "501 5.5.4 RRVS: action is not C or R at offset 14"},
		{"TO:<a@b> RRVS=2027-01-01T00:00:00Z;", "501 5.5.4 RRVS: action is not C or R at offset 14"},
		{"TO:<ü@b>", "553 5.6.7 forward-path: octet 0xC3 outside ASCII without SMTPUTF8 at offset 4"},             // H-R23
		{"TO:<a@b> ORCPT=utf-8;ü", "553 5.6.7 parameter: octet 0xC3 outside ASCII without SMTPUTF8 at offset 21"}, // H-R23
	} {
		var r wire.Recipient
		wantFault(t, r.Parse(c.args, wire.ParseOptions{Enabled: everyExtension}), c.fault)
	}
}

func TestAppendRcptRefuses(t *testing.T) {
	for _, c := range []struct {
		path   string
		params wire.RcptParams
		fault  string
	}{
		{path: "", fault: "forward-path: null"},                                                                                                    // C45
		{path: "ü@b", fault: "RCPT: octet 0xC3 outside ASCII without SMTPUTF8 at offset 9"},                                                        // H-I1 C4
		{path: "a@b", params: wire.RcptParams{Notify: wire.NotifyNever | wire.NotifyDelay}, fault: "501 5.5.4 NOTIFY: NEVER with another keyword"}, // C76
		{path: "a@b", params: wire.RcptParams{Notify: 16}, fault: "501 5.5.4 NOTIFY: no such value"},
		{path: "a@b", params: wire.RcptParams{ORCPT: wire.OriginalRecipient{Addr: "a"}}, fault: "501 5.5.4 ORCPT: no address type"},
		{path: "a@b", params: wire.RcptParams{ORCPT: wire.OriginalRecipient{Type: "a=b", Addr: "a"}}, fault: "501 5.5.4 ORCPT: no address type"},
		{path: "a@b", params: wire.RcptParams{ORCPT: wire.OriginalRecipient{Type: "a\r\nb", Addr: "a"}}, fault: "501 5.5.4 ORCPT: no address type"}, // H-I1
		{path: "a@b", params: wire.RcptParams{ORCPT: wire.OriginalRecipient{Type: "rfc822"}}, fault: "501 5.5.4 ORCPT: no address"},
		{path: "a@b", params: wire.RcptParams{ORCPT: wire.OriginalRecipient{Type: "rfc822", Addr: "ü"}}, fault: "501 5.5.4 ORCPT: address is not printable US-ASCII"},
		{path: "a@b", params: wire.RcptParams{ORCPT: wire.OriginalRecipient{Type: "utf-8", Addr: "a\nb"}}, fault: "501 5.5.4 ORCPT: control character"}, // H-I1
		{path: "a@b", params: wire.RcptParams{RRVS: wire.ValidSince{Action: 'X', Time: newYear}}, fault: "501 5.5.4 RRVS: action is not C or R"},
		{path: "a@b", params: wire.RcptParams{RRVS: wire.ValidSince{Time: time.Unix(1<<40, 0)}}, fault: "501 5.5.4 RRVS: year is not of four digits, or the zero time"},
		{path: "a@b", params: wire.RcptParams{Extra: []wire.Param{{Keyword: "orcpt"}}}, fault: "501 5.5.4 parameter: has a field of its own"},
	} {
		got, err := wire.AppendRcpt([]byte("x"), &wire.Recipient{Path: pathOf(t, c.path), RcptParams: c.params}, false)
		wantFault(t, err, c.fault)
		if string(got) != "x" {
			t.Errorf("%+v: wrote %q", c.params, got)
		}
	}
}

func TestParameterValuesAsText(t *testing.T) {
	for got, want := range map[string]string{
		wire.BodyNotStated.String():                      "",
		wire.BodyBinaryMIME.String():                     "BINARYMIME",
		wire.BodyType(9).String():                        "",
		wire.RetHeaders.String():                         "HDRS",
		wire.NotifySet(0).String():                       "",
		(wire.NotifySuccess | wire.NotifyDelay).String(): "SUCCESS,DELAY",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
