package wire_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestXtext(t *testing.T) {
	for _, c := range []struct{ decoded, encoded string }{
		{"", ""},
		{"abc", "abc"},
		{"!~", "!~"},
		{"a+b=c d", "a+2Bb+3Dc+20d"}, // H-I4
		{"\r\n\x00\xff", "+0D+0A+00+FF"},
		{"<>", "<>"},
		{"ü@example.com", "+C3+BC@example.com"},
	} {
		if got := string(wire.AppendXtext([]byte("x"), c.decoded)); got != "x"+c.encoded {
			t.Errorf("%q: encoded as %q, want %q", c.decoded, got, c.encoded)
		}
		if got, err := wire.ParseXtext(c.encoded); err != nil || got != c.decoded {
			t.Errorf("%q: decoded as %q, %v, want %q", c.encoded, got, err, c.decoded)
		}
	}
}

func TestParseXtextIsStrict(t *testing.T) { // H-R34 C77
	for _, c := range []struct{ in, fault string }{
		{"a+2b", `501 5.5.4 xtext: "+" without two hexadecimal digits in upper case at offset 1`},
		{"a+B", `501 5.5.4 xtext: "+" without two hexadecimal digits at offset 1`},
		{"+", `501 5.5.4 xtext: "+" without two hexadecimal digits at offset 0`},
		{"+20+G0", `501 5.5.4 xtext: "+" without two hexadecimal digits in upper case at offset 3`},
		{"+0/", `501 5.5.4 xtext: "+" without two hexadecimal digits in upper case at offset 0`},
		{"a=b", "501 5.5.4 xtext: octet that must be encoded at offset 1"},
		{"a b", "501 5.5.4 xtext: octet that must be encoded at offset 1"},
		{"+20\x7f", "501 5.5.4 xtext: octet that must be encoded at offset 3"},
		{"ü", "501 5.5.4 xtext: octet that must be encoded at offset 0"},
	} {
		got, err := wire.ParseXtext(c.in)
		wantFault(t, err, c.fault)
		if got != "" {
			t.Errorf("%q: decoded as %q", c.in, got)
		}
	}
}

func TestXtextWithoutAllocation(t *testing.T) {
	if n := testing.AllocsPerRun(10, func() { _, _ = wire.ParseXtext("user@example.com") }); n != 0 {
		t.Errorf("%v allocations where nothing is encoded", n)
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = wire.ParseUnitext("üser@example.com") }); n != 0 {
		t.Errorf("%v allocations where no character is encoded", n)
	}
}

func TestXtextProperty(t *testing.T) { // H-I4
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "octets"))
		encoded := string(wire.AppendXtext(nil, s))
		if i := strings.IndexFunc(encoded, func(r rune) bool { return r < '!' || r > '~' || r == '=' }); i >= 0 {
			t.Fatalf("%q encoded as %q", s, encoded)
		}
		if got, err := wire.ParseXtext(encoded); err != nil || got != s {
			t.Fatalf("%q decoded as %q, %v, want %q", encoded, got, err, s)
		}
	})
}

func TestUnitext(t *testing.T) { // C77
	for _, c := range []struct{ decoded, xtext, unitext string }{
		{"", "", ""},
		{"a@b.example", "a@b.example", "a@b.example"},
		{`"a b"@c`, `"a\x{20}b"@c`, `"a\x{20}b"@c`},
		{`\+=`, `\x{5C}\x{2B}\x{3D}`, `\x{5C}\x{2B}\x{3D}`},
		{"\u00a0é", `\x{A0}\x{E9}`, "\u00a0é"},
		{"Δοκιμή@παράδειγμα.gr", `\x{394}\x{3BF}\x{3BA}\x{3B9}\x{3BC}\x{3AE}@\x{3C0}\x{3B1}\x{3C1}\x{3AC}\x{3B4}\x{3B5}\x{3B9}\x{3B3}\x{3BC}\x{3B1}.gr`, "Δοκιμή@παράδειγμα.gr"},
		{"\u0fff\ud7ff\ue000\uFFFD\U0001F4E8\U0010FFFF", `\x{FFF}\x{D7FF}\x{E000}\x{FFFD}\x{1F4E8}\x{10FFFF}`, "\u0fff\ud7ff\ue000\uFFFD\U0001F4E8\U0010FFFF"},
	} {
		for _, form := range []struct {
			utf8 bool
			want string
		}{{false, c.xtext}, {true, c.unitext}} {
			if got, err := wire.AppendUnitext([]byte("x"), c.decoded, form.utf8); err != nil || string(got) != "x"+form.want {
				t.Errorf("%q: encoded as %q, %v, want %q", c.decoded, got, err, form.want)
			}
			if got, err := wire.ParseUnitext(form.want); err != nil || got != c.decoded {
				t.Errorf("%q: decoded as %q, %v, want %q", form.want, got, err, c.decoded)
			}
		}
	}
	if got, err := wire.ParseUnitext(`\x{e9}`); err != nil || got != "é" {
		t.Errorf("lower case: %q, %v", got, err) // RFC 5234 §2.3: HEXDIG has no case
	}
}

func TestAppendUnitextRefuses(t *testing.T) { // H-I1 C72
	for _, c := range []struct{ in, fault string }{
		{"a\r\nb", "501 5.5.4 utf-8 address: control character at offset 1"},
		{"a\x7f", "501 5.5.4 utf-8 address: control character at offset 1"},
		{"a\u0085", "501 5.5.4 utf-8 address: control character at offset 1"},
		{"é\xff", "501 5.5.4 utf-8 address: not UTF-8 at offset 2"},
	} {
		for _, utf8 := range []bool{false, true} {
			got, err := wire.AppendUnitext([]byte("x"), c.in, utf8)
			wantFault(t, err, c.fault)
			if string(got) != "x" {
				t.Errorf("%q: wrote %q", c.in, got)
			}
		}
	}
}

func TestParseUnitextIsStrict(t *testing.T) { // C77
	const malformed = `501 5.5.4 utf-8 address: malformed \x{…} at offset 1`
	for _, c := range []struct{ in, fault string }{
		{`a\`, malformed}, {`a\x`, malformed}, {`a\x{`, malformed}, {`a\x{20`, malformed}, {`a\y{20}`, malformed},
		{`a\x{}`, malformed}, {`a\x{9}`, malformed}, {`a\x{0020}`, malformed}, {`a\x{02B}`, malformed},
		{`a\x{1234567}`, malformed}, {`a\x{2G}`, malformed}, {`a\x{+2B}`, malformed},
		{`a\x{110000}`, malformed}, {`a\x{D800}`, malformed}, {`a\x{DFFF}`, malformed},
		{`a\x{61}`, malformed}, // it could have stood as it is
		{`a\x{0A}`, malformed}, {`a\x{0D}`, malformed}, {`a\x{7F}`, malformed}, {`a\x{85}`, malformed},
		{"a b", "501 5.5.4 utf-8 address: character that must be encoded at offset 1"},
		{"a+b", "501 5.5.4 utf-8 address: character that must be encoded at offset 1"},
		{"é=b", "501 5.5.4 utf-8 address: character that must be encoded at offset 2"},
		{"a\x1b", "501 5.5.4 utf-8 address: control character at offset 1"},
		{"a\u009b", "501 5.5.4 utf-8 address: control character at offset 1"},
		{"a\xc3", "501 5.5.4 utf-8 address: not UTF-8 at offset 1"},
	} {
		got, err := wire.ParseUnitext(c.in)
		wantFault(t, err, c.fault)
		if got != "" {
			t.Errorf("%q: decoded as %q", c.in, got)
		}
	}
}
