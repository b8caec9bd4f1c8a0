package wire_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func extensions(lines ...string) wire.Extensions {
	return wire.ParseExtensions(wire.Reply{Code: wire.CodeOK, Text: strings.Join(lines, "\n")})
}

func TestAppendHello(t *testing.T) {
	for _, c := range []struct{ verb, name, line, fault string }{
		{verb: wire.VerbEhlo, name: "mx.example.com", line: "EHLO mx.example.com\r\n"}, // C9 P26
		{verb: wire.VerbHelo, name: "localhost", line: "HELO localhost\r\n"},           // P21
		{verb: wire.VerbLhlo, name: "[192.0.2.1]", line: "LHLO [192.0.2.1]\r\n"},       // C9 C106
		{verb: wire.VerbEhlo, name: "[IPv6:2001:db8::1]", line: "EHLO [IPv6:2001:db8::1]\r\n"},
	} {
		got, err := wire.AppendHello([]byte("x"), c.verb, c.name)
		if err != nil || string(got) != "x"+c.line {
			t.Errorf("%q: got %q, %v", c.name, got, err)
		}
	}
	for _, name := range []string{"", "a b", "a\r\nQUIT", "a\x00", "bücher.example", "-a", "[1.2.3]"} { // H-I1 F9 C9
		got, err := wire.AppendHello([]byte("x"), wire.VerbEhlo, name)
		if err == nil || string(got) != "x" || err.Error() != wire.CheckDomain(name).Error() {
			t.Errorf("%q: got %q, %v", name, got, err)
		}
	}
}

func TestParseExtensions(t *testing.T) {
	// A reply as Postfix gives it, with more.
	e := extensions("mx.example.com at your service", "PIPELINING", "SIZE 10240000", "vrfy", "Etrn  ", "STARTTLS",
		"AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN", "ENHANCEDSTATUSCODES", "8bitmime", "DSN", "", " ", "X-FOO a  b ", "@@@", "SIZE 5")
	if got := e.Name(); got != "mx.example.com" { // P3
		t.Errorf("name %q", got)
	}
	want := wire.Pipelining | wire.Size | wire.StartTLS | wire.Auth | wire.EnhancedStatusCodes | wire.EightBitMIME | wire.DSN
	if got := e.Set(); got != want { // C10 F13
		t.Errorf("set %v, want %v", got, want)
	}
	var all []string
	for keyword, param := range e.All() {
		all = append(all, keyword+":"+param)
	}
	wantAll := []string{
		"PIPELINING:", "SIZE:10240000", "VRFY:", "ETRN:", "STARTTLS:", "AUTH:PLAIN LOGIN", "ENHANCEDSTATUSCODES:",
		"8BITMIME:", "DSN:", "X-FOO:a  b",
	}
	if !slices.Equal(all, wantAll) { // H-R20 C119
		t.Errorf("all %q, want %q", all, wantAll)
	}
	for range e.All() {
		break
	}
	for _, keyword := range []string{"PIPELINING", "pipelining", "x-foo", "Vrfy"} { // F13
		if !e.Has(keyword) {
			t.Errorf("%s is missing", keyword)
		}
	}
	for _, keyword := range []string{"", "mx.example.com", "CHUNKING", "@@@", "AUTH=PLAIN"} { // H-R20
		if e.Has(keyword) {
			t.Errorf("%q is there", keyword)
		}
	}
	if param, ok := e.Param("x-FOO"); !ok || param != "a  b" {
		t.Errorf("X-FOO has %q, %v", param, ok)
	}
	if param, ok := e.Param("CHUNKING"); ok || param != "" {
		t.Errorf("CHUNKING has %q, %v", param, ok)
	}
}

// The first line never has a keyword, and nothing is learned from a reply without
// others, such as that to HELO.
func TestFirstLineIsNoKeyword(t *testing.T) { // H-R20
	for _, lines := range [][]string{{"PIPELINING"}, {""}, {"STARTTLS CHUNKING"}, {"SIZE", ""}} {
		e := extensions(lines...)
		if e.Set() != 0 || e.Has(lines[0]) {
			t.Errorf("%q: got %v, %q", lines, e.Set(), e.Name())
		}
	}
	var none wire.Extensions
	if none.Set() != 0 || none.Has("SIZE") || none.Name() != "" || none.AuthMechanisms() != nil || none.Limits() != (wire.SessionLimits{}) {
		t.Error("the zero value has something")
	}
}

func TestExtensionsAreBounded(t *testing.T) { // H-R20
	lines := []string{"name"}
	for i := range 10000 {
		lines = append(lines, fmt.Sprintf("X%d", i), fmt.Sprintf("AUTH M%d", i), "dsn", "")
	}
	lines = append(lines, "CHUNKING")
	e := extensions(lines...)
	n := 0
	for keyword, param := range e.All() {
		n++
		if len(param) > 2048 {
			t.Errorf("%s has %d octets of parameters", keyword, len(param))
		}
	}
	if n != 128+3 {
		t.Errorf("%d keywords kept", n)
	}
	if !e.Has("X127") || e.Has("X128") || e.Set() != wire.Auth|wire.DSN|wire.Chunking {
		t.Errorf("kept the wrong ones: %v", e.Set())
	}
	if got := e.AuthMechanisms(); len(got) != 64 || got[63] != "M63" {
		t.Errorf("%d mechanisms", len(got))
	}
}

func TestAuthMechanisms(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  []string
	}{
		{[]string{"AUTH"}, nil},
		{[]string{"AUTH PLAIN LOGIN CRAM-MD5"}, []string{"PLAIN", "LOGIN", "CRAM-MD5"}},                                 // P7
		{[]string{"AUTH=PLAIN LOGIN"}, []string{"PLAIN", "LOGIN"}},                                                      // H-A11 F13 C88
		{[]string{"AUTH= PLAIN"}, []string{"PLAIN"}},                                                                    // H-A11
		{[]string{"AUTH=LOGIN", "AUTH PLAIN login", "auth SCRAM-SHA-256"}, []string{"LOGIN", "PLAIN", "SCRAM-SHA-256"}}, // H-A11
		{[]string{"AUTH", "AUTH plain"}, []string{"PLAIN"}},
		{[]string{"AUTH PLAIN \x1b[2J X_Y ABCDEFGHIJKLMNOPQRSTU Ü"}, []string{"PLAIN", "X_Y"}},
		{[]string{"AUTHENTICATE PLAIN"}, nil},
	} {
		if got := extensions(append([]string{"name"}, c.lines...)...).AuthMechanisms(); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.lines, got, c.want)
		}
	}
}

func TestSizeLimit(t *testing.T) { // C57 H-R20
	for _, c := range []struct {
		line string
		want int64
	}{
		{"DSN", 0}, {"SIZE", 0}, {"SIZE 0", 0}, {"SIZE abc", 0}, {"SIZE -1", 0}, {"SIZE 1000000000000000000000", 0},
		{"SIZE 35882577", 35882577}, {"size  1 2", 1}, {"SIZE 99999999999999999999", math.MaxInt64},
	} {
		got, ok := extensions("name", c.line).SizeLimit()
		if ok != (c.want > 0) || ok && got != c.want {
			t.Errorf("%q: got %d, %v", c.line, got, ok)
		}
	}
}

func TestLimits(t *testing.T) { // C112 C113
	for _, c := range []struct {
		line string
		want wire.SessionLimits
	}{
		{"LIMITS", wire.SessionLimits{}},
		{"LIMITS MAILMAX=5 RCPTMAX=100 RCPTDOMAINMAX=1", wire.SessionLimits{MailMax: 5, RcptMax: 100, RcptDomainMax: 1}},
		{"limits rcptmax=999999", wire.SessionLimits{RcptMax: 999999}},
		{"LIMITS X=1 MAILMAX MAILMAX= MAILMAX=0 MAILMAX=01 MAILMAX=x MAILMAX=1000000 RCPTMAX=7", wire.SessionLimits{RcptMax: 7}},
		{"LIMITS MAILMAX=5 MAILMAX=6", wire.SessionLimits{MailMax: 5}},
		{"LIMITS RCPTMAX=5=6", wire.SessionLimits{}},
	} {
		if got := extensions("name", c.line).Limits(); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.line, got, c.want)
		}
	}
}

func TestDeliverByMin(t *testing.T) { // C115
	for _, c := range []struct {
		line string
		want int64
		ok   bool
	}{
		{"DELIVERBY", 0, false}, {"DELIVERBY 240", 240, true}, {"DELIVERBY -1", 0, false}, {"DELIVERBY 1000000000", 0, false},
	} {
		if got, ok := extensions("name", c.line).DeliverByMin(); got != c.want || ok != c.ok {
			t.Errorf("%q: got %d, %v", c.line, got, ok)
		}
	}
}

func TestHoldLimits(t *testing.T) { // C117
	for _, c := range []struct {
		line  string
		hold  int64
		until time.Time
		ok    bool
	}{
		{"FUTURERELEASE 86400  2027-01-01T00:00:00Z", 86400, newYear, true},
		{"FUTURERELEASE", 0, time.Time{}, false},
		{"FUTURERELEASE 86400", 0, time.Time{}, false},
		{"FUTURERELEASE x 2027-01-01T00:00:00Z", 0, time.Time{}, false},
	} {
		if hold, until, ok := extensions("name", c.line).HoldLimits(); hold != c.hold || until != c.until || ok != c.ok {
			t.Errorf("%q: got %d, %v, %v", c.line, hold, until, ok)
		}
	}
}

func TestAppendExtensions(t *testing.T) { // C10
	o := wire.Offer{
		Set:       wire.Pipelining | wire.Size | wire.Auth | wire.Limits | wire.DeliverBy | wire.MTPriority | wire.FutureRelease,
		SizeLimit: 1 << 20, AuthMechanisms: []string{"PLAIN", "SCRAM-SHA-256"}, Limits: wire.SessionLimits{MailMax: 5, RcptDomainMax: 3},
		DeliverByMin: 60, PriorityProfile: "STANAG4406", HoldMaxFor: 3600, HoldMaxUntil: newYear,
		Extra: []wire.Param{{Keyword: "HELP"}, {Keyword: "XCLIENT", Value: "NAME ADDR"}},
	}
	const want = "\nPIPELINING\nSIZE 1048576\nAUTH PLAIN SCRAM-SHA-256\nLIMITS MAILMAX=5 RCPTDOMAINMAX=3\nDELIVERBY 60\n" +
		"MT-PRIORITY STANAG4406\nFUTURERELEASE 3600 2027-01-01T00:00:00Z\nHELP\nXCLIENT NAME ADDR"
	got, err := wire.AppendExtensions([]byte("mx.example.com"), &o)
	if err != nil || string(got) != "mx.example.com"+want {
		t.Fatalf("got %q, %v", got, err)
	}
	e := wire.ParseExtensions(wire.Reply{Code: wire.CodeOK, Text: string(got)})
	size, _ := e.SizeLimit()
	by, _ := e.DeliverByMin()
	hold, until, _ := e.HoldLimits()
	profile, _ := e.Param("MT-PRIORITY")
	again := wire.Offer{
		Set: e.Set() &^ wire.XClient, SizeLimit: size, AuthMechanisms: e.AuthMechanisms(), Limits: e.Limits(),
		DeliverByMin: by, PriorityProfile: profile, HoldMaxFor: hold, HoldMaxUntil: until, Extra: o.Extra,
	}
	if !reflect.DeepEqual(again, o) {
		t.Errorf("read back as\n %+v, want\n %+v", again, o)
	}
	o = wire.Offer{Set: wire.Size | wire.DeliverBy | wire.MTPriority | wire.DSN, AuthMechanisms: []string{"PLAIN"}}
	if got, err := wire.AppendExtensions(nil, &o); err != nil || string(got) != "\nSIZE\nDSN\nDELIVERBY\nMT-PRIORITY" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAppendExtensionsRefuses(t *testing.T) {
	long := strings.Repeat("x", 502)
	for _, c := range []struct {
		offer wire.Offer
		fault string
	}{
		{wire.Offer{Set: wire.Size, SizeLimit: -1}, "SIZE: number out of range"},
		{wire.Offer{Set: wire.DeliverBy, DeliverByMin: 1e9}, "DELIVERBY: number out of range"},
		{wire.Offer{Set: wire.DSN | wire.Auth}, "AUTH: no mechanism"},
		{wire.Offer{Set: wire.Auth, AuthMechanisms: []string{"PLAIN\nSTARTTLS"}}, "AUTH: malformed mechanism"},           // H-I8
		{wire.Offer{Set: wire.Auth, AuthMechanisms: slices.Repeat([]string{"PLAIN"}, 84)}, "AUTH: line over 506 octets"}, // C40
		{wire.Offer{Set: wire.Limits}, "LIMITS: no limit"},
		{wire.Offer{Set: wire.Limits, Limits: wire.SessionLimits{RcptMax: 1e6}}, "LIMITS: number out of range"},
		{wire.Offer{Set: wire.MTPriority, PriorityProfile: "a b"}, "MT-PRIORITY: octet outside visible US-ASCII in the profile"},
		{wire.Offer{Set: wire.FutureRelease, HoldMaxFor: 1}, "FUTURERELEASE: limits are missing"},
		{wire.Offer{Set: wire.FutureRelease, HoldMaxFor: 1e9, HoldMaxUntil: newYear}, "FUTURERELEASE: number out of range"},
		{wire.Offer{Set: wire.FutureRelease, HoldMaxFor: 1, HoldMaxUntil: newYear.AddDate(8000, 0, 0)}, "FUTURERELEASE: date out of range"},
		{wire.Offer{Extra: []wire.Param{{Keyword: "A B"}}}, "EHLO keyword: malformed keyword"},
		{wire.Offer{Set: wire.DSN, Extra: []wire.Param{{Keyword: "dsn"}}}, "EHLO keyword: given twice"},
		{wire.Offer{Extra: []wire.Param{{Keyword: "X"}, {Keyword: "x"}}}, "EHLO keyword: given twice"},
		{wire.Offer{Extra: []wire.Param{{Keyword: "X", Value: "a\nSTARTTLS"}}}, "EHLO keyword: octet in the value that has no place there"}, // H-I8
		{wire.Offer{Extra: []wire.Param{{Keyword: "X", Value: "ü"}}}, "EHLO keyword: octet in the value that has no place there"},
		{wire.Offer{Extra: []wire.Param{{Keyword: "X", Value: "a "}}}, "EHLO keyword: octet in the value that has no place there"},
		{wire.Offer{Extra: []wire.Param{{Keyword: "XYZ", Value: long + "x"}}}, "EHLO keyword: line over 506 octets"}, // C40
	} {
		got, err := wire.AppendExtensions([]byte("name"), &c.offer)
		wantFault(t, err, c.fault)
		if string(got) != "name" {
			t.Errorf("%+v: wrote %q", c.offer, got)
		}
	}
	// The longest line goes out as one.
	o := wire.Offer{Extra: []wire.Param{{Keyword: "XYZ", Value: long}, {Keyword: "LAST"}}}
	text, err := wire.AppendExtensions([]byte("name"), &o)
	if err != nil {
		t.Fatal(err)
	}
	reply := wire.Reply{Code: wire.CodeOK, Text: string(text)}
	if got, want := string(reply.AppendTo(nil)), "250-name\r\n250-XYZ "+long+"\r\n250 LAST\r\n"; got != want { // C40
		t.Errorf("got %q", got)
	}
}
