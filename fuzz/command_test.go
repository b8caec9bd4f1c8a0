package fuzz

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

const everyExtension = ^wire.ExtensionSet(0)

// checkRefusal checks what holds for every error a server answers with.
func checkRefusal(t *testing.T, in string, err error) {
	t.Helper()
	var fault *wire.SyntaxError
	if !errors.As(err, &fault) || !fault.Code.Permanent() || fault.Enhanced.Class != 5 || fault.Offset > len(in) {
		t.Fatalf("%q refused with %#v", in, err)
	}
	for _, c := range []byte(fault.Error()) {
		if c < ' ' || c == 0x7f {
			t.Fatalf("%q refused with %q", in, fault.Error())
		}
	}
}

// cutLine checks that what was written is one line, and returns it without CRLF.
func cutLine(t *testing.T, line []byte, allow8bit bool) string {
	t.Helper()
	text, ok := strings.CutSuffix(string(line), "\r\n")
	for _, c := range []byte(text) {
		ok = ok && c >= ' ' && c != 0x7f && (c < 0x80 || allow8bit)
	}
	if !ok {
		t.Fatalf("wrote %q", line)
	}
	return text
}

// FuzzCommand takes a line apart and puts it together again.
func FuzzCommand(f *testing.F) { // C3 H-I1 H-R22 H-R37
	f.Fuzz(func(t *testing.T, line string) {
		c, err := wire.ParseCommand(line)
		if err != nil {
			checkRefusal(t, line, err)
			return
		}
		written, err := wire.AppendCommand(nil, c.Verb, c.Args, true)
		if err != nil {
			if utf8.ValidString(c.Args) {
				t.Fatalf("%q: read %+v, written with %v", line, c, err)
			}
			return
		}
		again, err := wire.ParseCommand(cutLine(t, written, true))
		if err != nil || again != c || c.Verb != strings.ToUpper(c.Verb) {
			t.Fatalf("%q: read %+v, written as %q, read again as %+v, %v", line, c, written, again, err)
		}
	})
}

// FuzzMailParams reads the arguments of MAIL, writes what they mean, and reads
// that.
func FuzzMailParams(f *testing.F) { // C60 C79 C96 C114 C115 C116 H-I5 H-R21 H-R34
	f.Fuzz(func(t *testing.T, args string) {
		var m, again wire.Mail
		if err := m.Parse(args, wire.ParseOptions{Enabled: everyExtension, Extra: true}); err != nil {
			checkRefusal(t, args, err)
			return
		}
		line, err := wire.AppendMail(nil, m.From, &m.MailParams)
		if err != nil {
			t.Fatalf("%q: read %+v, written with %v", args, m, err)
		}
		text := cutLine(t, line, m.SMTPUTF8)
		options := wire.ParseOptions{Enabled: m.Needs(), Extra: true}
		if err := again.Parse(text[len("MAIL "):], options); err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q: read %+v, written as %q, read again as %+v, %v", args, m, line, again, err)
		}
	})
}

// FuzzRcptParams is to RCPT what FuzzMailParams is to MAIL.
func FuzzRcptParams(f *testing.F) { // C76 C77 H-I5 H-R21 H-R34 H-R35
	f.Fuzz(func(t *testing.T, args string, allow8bit bool) {
		var r, again wire.Recipient
		if err := r.Parse(args, wire.ParseOptions{Enabled: everyExtension, UTF8: allow8bit, Extra: true}); err != nil {
			checkRefusal(t, args, err)
			return
		}
		line, err := wire.AppendRcpt(nil, &r, allow8bit)
		if err != nil {
			t.Fatalf("%q: read %+v, written with %v", args, r, err)
		}
		text := cutLine(t, line, allow8bit)
		options := wire.ParseOptions{Enabled: r.Needs(), UTF8: allow8bit, Extra: true}
		if err := again.Parse(text[len("RCPT "):], options); err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%q: read %+v, written as %q, read again as %+v, %v", args, r, line, again, err)
		}
	})
}

// FuzzXtext takes its input for content, and for xtext and unitext.
func FuzzXtext(f *testing.F) { // C77 H-I4 H-R34
	f.Fuzz(func(t *testing.T, s string) {
		encoded := string(wire.AppendXtext(nil, s))
		if got, err := wire.ParseXtext(encoded); err != nil || got != s {
			t.Fatalf("%q: encoded as %q, decoded as %q, %v", s, encoded, got, err)
		}
		if got, err := wire.ParseXtext(s); err != nil {
			checkRefusal(t, s, err)
		} else if short := string(wire.AppendXtext(nil, got)); len(short) > len(s) {
			t.Fatalf("%q decoded as %q, encoded as %q", s, got, short)
		}
		for _, allow8bit := range []bool{false, true} {
			encoded, err := wire.AppendUnitext(nil, s, allow8bit)
			if err != nil {
				checkRefusal(t, s, err)
				continue
			}
			if got, err := wire.ParseUnitext(string(encoded)); err != nil || got != s {
				t.Fatalf("%q: encoded as %q, decoded as %q, %v", s, encoded, got, err)
			}
		}
		if got, err := wire.ParseUnitext(s); err != nil {
			checkRefusal(t, s, err)
		} else if _, err := wire.AppendUnitext(nil, got, true); err != nil {
			t.Fatalf("%q decoded as %q, encoded with %v", s, got, err)
		}
	})
}

// FuzzExtensions reads the text of an EHLO reply, and offers what it read.
func FuzzExtensions(f *testing.F) { // C10 H-A11 H-R20
	f.Fuzz(func(t *testing.T, text string) {
		e := wire.ParseExtensions(wire.Reply{Code: wire.CodeOK, Text: text})
		var o wire.Offer
		o.Set = e.Set() & (wire.Size | wire.Auth | wire.Limits | wire.DeliverBy)
		o.SizeLimit, _ = e.SizeLimit()
		o.AuthMechanisms = e.AuthMechanisms()
		o.Limits = e.Limits()
		o.DeliverByMin, _ = e.DeliverByMin()
		for keyword, param := range e.All() {
			if !e.Has(strings.ToLower(keyword)) {
				t.Fatalf("%q has no %s", text, keyword)
			}
			if _, known := wire.ExtensionByKeyword(keyword); !known {
				o.Extra = append(o.Extra, wire.Param{Keyword: keyword, Value: param})
			}
		}
		lines, err := wire.AppendExtensions(nil, &o)
		if err != nil {
			return // not all that a server may send may be offered
		}
		again := wire.ParseExtensions(wire.Reply{Code: wire.CodeOK, Text: string(lines)})
		size, _ := again.SizeLimit()
		by, _ := again.DeliverByMin()
		if again.Set() != o.Set || size != o.SizeLimit || by != o.DeliverByMin || again.Limits() != o.Limits ||
			!slices.Equal(again.AuthMechanisms(), o.AuthMechanisms) {
			t.Fatalf("%q: offered %+v, read again %+v", text, o, again)
		}
		for _, p := range o.Extra {
			if param, ok := again.Param(p.Keyword); !ok || param != p.Value {
				t.Fatalf("%q: offered %+v, read again %q, %v", text, p, param, ok)
			}
		}
	})
}
