package fuzz

import (
	"errors"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// FuzzPath parses its input as a path alone and as the arguments of a command.
// Whatever is accepted has to come back the same when it was written.
func FuzzPath(f *testing.F) { // C24 C25 H-I1 H-I5 H-R24
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := wire.ParsePath(s); err != nil {
			checkPathError(t, s, err)
		} else {
			checkPath(t, p)
		}

		p, rest, err := wire.ScanPath(s)
		if err != nil {
			checkPathError(t, s, err)
			if rest != s {
				t.Fatalf("ScanPath(%q) failed and left %q", s, rest)
			}
			return
		}
		checkPath(t, p)
		path, ok := strings.CutSuffix(s, rest)
		if !ok || !strings.HasSuffix(path, ">") {
			t.Fatalf("ScanPath(%q) left %q", s, rest)
		}
		for _, whole := range []string{path, p.String()} {
			if q, err := wire.ParsePath(whole); err != nil || q != p {
				t.Fatalf("ParsePath(%q) = %v, %v; want %v", whole, q, err, p)
			}
			if q, left, err := wire.ScanPath(whole + rest); err != nil || q != p || left != rest {
				t.Fatalf("ScanPath(%q) = %v, %q, %v; want %v, %q", whole+rest, q, left, err, p, rest)
			}
		}
	})
}

// checkPath checks what holds for every Path, wherever it came from.
func checkPath(t *testing.T, p wire.Path) {
	t.Helper()
	written := string(p.AppendTo(nil))
	if q, err := wire.ParsePath(written); err != nil || q != p {
		t.Fatalf("ParsePath(%q) = %#v, %v; want %#v", written, q, err, p)
	}
	if q, err := wire.ParsePath(p.Mailbox()); err != nil || q != p {
		t.Fatalf("ParsePath(%q) = %#v, %v; want %#v", p.Mailbox(), q, err, p)
	}
	if q, err := wire.NewPath(p.Local(), p.Domain()); !p.IsNull() && (err != nil || q != p) {
		t.Fatalf("NewPath(%q, %q) = %#v, %v; want %#v", p.Local(), p.Domain(), q, err, p)
	}

	if strings.ContainsFunc(written, func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }) {
		t.Fatalf("%q has a control character", written)
	}
	brackets, quoted, ascii := 0, false, true
	for i := 0; i < len(written); i++ {
		switch c := written[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '>' && !quoted:
			brackets++
		case c >= 0x80:
			ascii = false
		}
	}
	if brackets != 1 || quoted {
		t.Fatalf("%q has %d unquoted closing brackets", written, brackets)
	}
	if p.IsUTF8() == ascii {
		t.Fatalf("%q: IsUTF8 is %v", written, p.IsUTF8())
	}
}

// checkPathError checks that an error can be sent to the client as one reply line,
// and points into the input.
func checkPathError(t *testing.T, s string, err error) {
	t.Helper()
	var fault *wire.SyntaxError
	if !errors.As(err, &fault) {
		t.Fatalf("%q: error is a %T", s, err)
	}
	if fault.Offset < 0 || fault.Offset > len(s) || fault.Code != wire.CodeArgumentSyntaxError {
		t.Fatalf("%q: offset %d, code %v", s, fault.Offset, fault.Code)
	}
	for _, c := range []byte(fault.Error()) {
		if c < ' ' || c > '~' {
			t.Fatalf("%q: error %q is not one line of ASCII", s, fault.Error())
		}
	}
}
