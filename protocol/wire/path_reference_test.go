package wire_test

import (
	"net"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// The grammar of RFC 5321 §4.1.2 and §4.1.3 with RFC 6531 §3.3, as regular
// expressions: slow, and written apart from the parser.
var (
	refAtom      = `[A-Za-z0-9!#$%&'*+\-/=?^_` + "`" + `{|}~[:^ascii:]]+`
	refDotString = refAtom + `(?:\.` + refAtom + `)*`
	refQuoted    = `"(?:[ !#-\[\]-~[:^ascii:]]|\\[ -~])*"`
	refLabel     = `[A-Za-z0-9_[:^ascii:]](?:[A-Za-z0-9_\-[:^ascii:]]*[A-Za-z0-9_[:^ascii:]])?`
	refByte      = `(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	refIPv4      = `\[` + refByte + `(?:\.` + refByte + `){3}\]`
	refTagged    = `\[[A-Za-z0-9\-]*[A-Za-z0-9]:[!#-;=?-Z^-~]+\]`
	refDomain    = `(?:` + refLabel + `(?:\.` + refLabel + `)*|` + refIPv4 + `|` + refTagged + `)`

	refRouteRE     = regexp.MustCompile(`^@` + refDomain + `(?:,@` + refDomain + `)*:`)
	refMailboxRE   = regexp.MustCompile(`^(?:(` + refDotString + `)|(` + refQuoted + `))@(` + refDomain + `)$`)
	refDotStringRE = regexp.MustCompile(`^` + refDotString + `$`)
	refPairRE      = regexp.MustCompile(`\\(.)`)
	refIPv6RE      = regexp.MustCompile(`@\[(?i:IPv6):([^\]]*)\]`)
	refControlRE   = regexp.MustCompile(`[\x00-\x1f\x7f-\x{9f}]`)
	refEscaper     = strings.NewReplacer(`"`, `\"`, `\`, `\\`)
)

// refParse returns the one form in which the path s is written.
func refParse(s string) (path string, ok bool) {
	if s == "" || s == "<>" {
		return "<>", true
	}
	if !utf8.ValidString(s) || refControlRE.MatchString(s) {
		return "", false
	}
	route := ""
	if inner, ok := strings.CutPrefix(s, "<"); ok {
		if inner, ok = strings.CutSuffix(inner, ">"); !ok {
			return "", false
		}
		route = refRouteRE.FindString(inner)
		s = inner[len(route):]
	}
	if strings.ToLower(s) == "postmaster" && route == "" {
		return "<" + s + ">", true
	}
	m := refMailboxRE.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	local, quoted, domain := m[1], m[2], m[3]
	for _, literal := range refIPv6RE.FindAllStringSubmatch(route+"@"+domain, -1) {
		if net.ParseIP(literal[1]) == nil || !strings.Contains(literal[1], ":") {
			return "", false
		}
	}
	if quoted != "" {
		local = refPairRE.ReplaceAllString(quoted[1:len(quoted)-1], "$1")
		if !refDotStringRE.MatchString(local) {
			local = `"` + refEscaper.Replace(local) + `"`
		}
	}
	return "<" + local + "@" + domain + ">", true
}

// checkAgainstReference parses s both ways and reports whether it is a path.
func checkAgainstReference(t *testing.T, s string) bool {
	t.Helper()
	want, ok := refParse(s)
	p, err := wire.ParsePath(s)
	switch {
	case ok != (err == nil):
		t.Errorf("ParsePath(%q): %v, %v; the grammar says %v", s, p, err, ok)
	case ok && p.String() != want:
		t.Errorf("ParsePath(%q) = %v, want %s", s, p, want)
	case ok:
		checkPath(t, p)
	}
	return ok
}

// Every sequence of up to four pieces, in every place of a path.
func TestPathExhaustive(t *testing.T) { // C24 C25 C26 C46 C72
	pieces := []string{
		"a", ".", "@", `"`, `\`, "<", ">", " ", "-", "_", ":", ",", "é", "[", "]", "1", "\x80", "\x00",
		"[1.2.3.4]", "[IPv6:::1]", "postmaster",
	}
	frames := []struct{ before, behind string }{
		{"", ""}, {"<", ">"}, {"<", "@a>"}, {`<"`, `"@a>`}, {"<a@", ">"}, {"<@", ":a@b>"}, {"<a@[x", "]>"},
	}
	cases, paths := 0, 0
	var extend func(s string, left int)
	extend = func(s string, left int) {
		for _, f := range frames {
			cases++
			if checkAgainstReference(t, f.before+s+f.behind) {
				paths++
			}
		}
		if left == 0 || t.Failed() {
			return
		}
		for _, piece := range pieces {
			extend(s+piece, left-1)
		}
	}
	depth := 4
	if testing.Short() {
		depth = 3
	}
	extend("", depth)
	t.Logf("%d strings, %d of them paths", cases, paths)
}

// Every octet in every place of a path.
func TestPathOctets(t *testing.T) { // C24 H-I1 H-I6 H-R22 H-R24
	for octet := range 256 {
		b := string([]byte{byte(octet)})
		for _, f := range []struct{ before, behind string }{
			{"", "<a@b>"}, {"<", "@b>"}, {"<a", "c@d>"}, {"<a.", "@b>"}, {`<"`, `"@b>`}, {`<"\`, `"@b>`}, {`<"a `, `"@b>`},
			{"<a@", ">"}, {"<a@b", "c>"}, {"<a@b.", ">"}, {"<a@b", ">"}, {"<a@b", ""}, {"<a@b>", ""},
			{"<a@[x:", "]>"}, {"<a@[x", ":y]>"}, {"<a@[", ":y]>"}, {"<a@[1.2.3.", "]>"}, {"<a@[IPv6::", "]>"},
			{"<@", ":b@c>"}, {"<@a", ":b@c>"}, {"<@a", "b@c>"}, {"<@a:", "b@c>"},
			{"<é", "@b>"}, {"<\xc3", "@b>"}, {"<\xe2\x80", "@b>"}, {"<a@\xc2", ">"}, {`<"`, "\x80\"@b>"},
		} {
			checkAgainstReference(t, f.before+b+f.behind)
		}
	}
}
