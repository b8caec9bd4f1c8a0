package wire_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// fataler is what checkPath needs of *testing.T and *rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkPath checks what holds for every Path, wherever it came from.
func checkPath(t fataler, p wire.Path) {
	t.Helper()
	written := p.String()
	if got := string(p.AppendTo([]byte("x"))); got != "x"+written {
		t.Fatalf("AppendTo gives %q, String %q", got, written)
	}
	if written != "<"+p.Mailbox()+">" {
		t.Fatalf("String gives %q, Mailbox %q", written, p.Mailbox())
	}
	for _, s := range []string{written, p.Mailbox()} { // C24 H-I5
		if q, err := wire.ParsePath(s); err != nil || q != p {
			t.Fatalf("ParsePath(%q) = %#v, %v; want %#v", s, q, err, p)
		}
	}
	if q, rest, err := wire.ScanPath(written + " X=>"); err != nil || q != p || rest != " X=>" {
		t.Fatalf("ScanPath(%q and more) = %#v, %q, %v; want %#v", written, q, rest, err, p)
	}
	if !p.IsNull() {
		if q, err := wire.NewPath(p.Local(), p.Domain()); err != nil || q != p {
			t.Fatalf("NewPath(%q, %q) = %#v, %v; want %#v", p.Local(), p.Domain(), q, err, p)
		}
	}
	if n := unquotedBrackets(written); n != 1 { // H-I5
		t.Fatalf("%q has %d unquoted closing brackets", written, n)
	}
	ascii := true
	for _, c := range []byte(written) {
		if c < ' ' || c == 0x7f { // H-I1
			t.Fatalf("%q has a control octet", written)
		}
		ascii = ascii && c < 0x80
	}
	if p.IsUTF8() == ascii {
		t.Fatalf("%q: IsUTF8 is %v", written, p.IsUTF8())
	}
	if !p.Equal(p) {
		t.Fatalf("%q does not equal itself", written)
	}
}

// unquotedBrackets counts the ">" outside quotes, as a receiver would that knows
// nothing else of the grammar.
func unquotedBrackets(s string) int {
	n := 0
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == '>':
			n++
		}
	}
	return n
}

var (
	anyOctet = rapid.OneOf(
		rapid.SampledFrom([]string{"a", "Z", "0", ".", "..", "@", `"`, `\`, "<", ">", " ", ",", ":", "-", "_", "[", "]", "%", "!", "/"}),
		rapid.SampledFrom([]string{"é", "中", "\U0001F4E8", "\u00a0"}),
	)
	anyLocal = rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(anyOctet, 0, 12).Draw(t, "octets"), "")
	})
	anyLabel  = rapid.SampledFrom([]string{"a", "B", "0", "x-y", "a--b", "_dmarc", "example", "xn--bcher-kva", "bücher", "é-é", "中", strings.Repeat("x", 63)})
	anyDomain = rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(anyLabel, 1, 4).Draw(t, "labels"), ".")
		}),
		rapid.SampledFrom([]string{"[192.0.2.1]", "[IPv6:2001:db8::1]", "[ipv6:::ffff:192.0.2.1]", "[x-y:z]", "[X:@,(:;]"}),
	)
)

// What was made of any content can be written, read again, and is the same.
func TestNewPathProperty(t *testing.T) { // C24 C25 H-I5
	rapid.Check(t, func(t *rapid.T) {
		local, domain := anyLocal.Draw(t, "local"), anyDomain.Draw(t, "domain")
		p, err := wire.NewPath(local, domain)
		if err != nil {
			t.Fatalf("NewPath(%q, %q): %v", local, domain, err)
		}
		if p.Local() != local || p.Domain() != domain {
			t.Fatalf("NewPath(%q, %q) has parts %q and %q", local, domain, p.Local(), p.Domain())
		}
		checkPath(t, p)
	})
}

// All ways to quote a local part mean the same path, and so does any source route.
func TestQuotingProperty(t *testing.T) { // C25 C46
	rapid.Check(t, func(t *rapid.T) {
		local, domain := anyLocal.Draw(t, "local"), anyDomain.Draw(t, "domain")
		p, err := wire.NewPath(local, domain)
		if err != nil {
			t.Fatalf("NewPath(%q, %q): %v", local, domain, err)
		}
		escape := rapid.Uint64().Draw(t, "escape")
		var b strings.Builder
		b.WriteByte('<')
		for i, hop := range rapid.SliceOfN(anyDomain, 0, 2).Draw(t, "route") {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("@" + hop)
		}
		if b.Len() > 1 {
			b.WriteByte(':')
		}
		b.WriteByte('"')
		for i := range len(local) {
			c := local[i]
			if c == '"' || c == '\\' || c < 0x80 && escape>>(i%64)&1 != 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		}
		b.WriteString(`"@` + domain + ">")
		if q, err := wire.ParsePath(b.String()); err != nil || q != p {
			t.Fatalf("ParsePath(%q) = %v, %v; want %v", b.String(), q, err, p)
		}
	})
}

// Any string is a path by the reference grammar or refused, never both.
func TestParsePathProperty(t *testing.T) { // C24 C25 C26 C46 H-I1 H-I5 H-I6
	piece := rapid.OneOf(anyOctet, anyLabel, rapid.SampledFrom([]string{
		"<", ">", "@", ":", ",", `"`, "[192.0.2.1]", "[IPv6:::1]", "[IPv6:1]", "[x:y]", "postmaster", "\x00", "\r\n", "\x80", "\u0085",
	}))
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "")
		switch rapid.IntRange(0, 3).Draw(t, "frame") {
		case 0:
			s = "<" + s + ">"
		case 1:
			s = "<" + s + "@a.example>"
		case 2:
			s = `<"` + s + `"@a.example>`
		}
		want, ok := refParse(s)
		p, err := wire.ParsePath(s)
		switch {
		case ok != (err == nil):
			t.Fatalf("ParsePath(%q): %v, %v; the grammar says %v", s, p, err, ok)
		case ok && p.String() != want:
			t.Fatalf("ParsePath(%q) = %v, want %s", s, p, want)
		case ok:
			checkPath(t, p)
		}
	})
}
