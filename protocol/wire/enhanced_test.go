package wire_test

import (
	"errors"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestParseEnhancedCode(t *testing.T) { // C101
	for _, tt := range []struct {
		in   string
		want wire.EnhancedCode
	}{
		{"2.0.0", wire.EnhancedCode{Class: 2}},
		{"4.3.2", wire.EnhancedCode{Class: 4, Subject: 3, Detail: 2}},
		{"5.1.10", wire.EnhancedCode{Class: 5, Subject: 1, Detail: 10}},
		{"5.999.100", wire.EnhancedCode{Class: 5, Subject: 999, Detail: 100}}, // C102
	} {
		got, err := wire.ParseEnhancedCode(tt.in)
		if got != tt.want || err != nil {
			t.Errorf("%q: %v, %v", tt.in, got, err)
		}
		if got.String() != tt.in || !got.Valid() || got.IsZero() {
			t.Errorf("%q: written %q, valid %v, zero %v", tt.in, got, got.Valid(), got.IsZero())
		}
	}
	for _, tt := range []struct {
		in     string
		offset int
	}{
		{"", 0}, {"5", 1}, {"5.", 2}, {"5.1", 3}, {"5.1.", 4},
		{"1.1.1", 0}, {"3.1.1", 0}, {"6.1.1", 0}, {"0.0.0", 0}, {" 5.1.1", 0}, {"+5.1.1", 0}, {"a.1.1", 0},
		{"55.1.1", 1}, {"5,1.1", 1}, {"5..1", 2}, {"5.1..", 4}, {"5.-1.1", 2},
		{"5.01.1", 3}, {"5.00.1", 3}, {"5.1.01", 5}, {"5.1234.1", 5}, {"5.1.1234", 7}, {"5.1.65537", 7},
		{"5.1.1 ", 5}, {"5.1.1.1", 5}, {"5.1.1x", 5}, {"5.1.\xb1", 4},
	} {
		got, err := wire.ParseEnhancedCode(tt.in)
		var syntax *wire.SyntaxError
		if !got.IsZero() || !errors.As(err, &syntax) {
			t.Errorf("%q: %v, %v", tt.in, got, err)
			continue
		}
		want := "enhanced status code: not class.subject.detail of class 2, 4 or 5 at offset " + strconv.Itoa(tt.offset)
		if err.Error() != want {
			t.Errorf("%q: %v, want %s", tt.in, err, want)
		}
	}
}

func TestCutEnhancedCode(t *testing.T) { // C101
	code := wire.EnhancedCode{Class: 5, Subject: 7, Detail: 1}
	for _, tt := range []struct {
		in   string
		want wire.EnhancedCode
		rest string
	}{
		{"5.7.1", code, ""},
		{"5.7.1 ", code, ""},
		{"5.7.1 no", code, "no"},
		{"5.7.1  no", code, " no"},
		{"5.7.1 5.7.1 no", code, "5.7.1 no"},
		{"", wire.EnhancedCode{}, ""},
		{" 5.7.1 no", wire.EnhancedCode{}, " 5.7.1 no"},
		{"5.7.1\tno", wire.EnhancedCode{}, "5.7.1\tno"},
		{"5.7.1-no", wire.EnhancedCode{}, "5.7.1-no"},
		{"5.7.1.2 no", wire.EnhancedCode{}, "5.7.1.2 no"},
		{"5.07.1 no", wire.EnhancedCode{}, "5.07.1 no"},
		{"3.7.1 no", wire.EnhancedCode{}, "3.7.1 no"},
		{"5.7 no", wire.EnhancedCode{}, "5.7 no"},
	} {
		got, rest, found := wire.CutEnhancedCode(tt.in)
		if got != tt.want || rest != tt.rest || found != !tt.want.IsZero() {
			t.Errorf("%q: %v, %q, %v", tt.in, got, rest, found)
		}
	}
}

func TestEnhancedCodeValid(t *testing.T) { // C101
	for _, e := range []wire.EnhancedCode{
		{}, {1, 1, 1}, {3, 1, 1}, {6, 1, 1}, {5, 1000, 0}, {5, 0, 1000}, {50, 1, 1},
	} {
		if e.Valid() {
			t.Errorf("%v is valid", e)
		}
	}
	if s := (wire.EnhancedCode{}).String(); s != "0.0.0" {
		t.Errorf("zero value written %q", s)
	}
	if s := (wire.EnhancedCode{65535, 65535, 65535}).String(); s != "65535.65535.65535" {
		t.Errorf("written %q", s)
	}
}

func TestEnhancedCodeRoundTrip(t *testing.T) { // C101
	part := rapid.Uint16Range(0, 999)
	rapid.Check(t, func(t *rapid.T) {
		e := wire.EnhancedCode{
			Class:   rapid.SampledFrom([]uint16{2, 4, 5}).Draw(t, "class"),
			Subject: part.Draw(t, "subject"),
			Detail:  part.Draw(t, "detail"),
		}
		if got, err := wire.ParseEnhancedCode(e.String()); got != e || err != nil {
			t.Fatalf("%v came back as %v, %v", e, got, err)
		}
		if got, rest, found := wire.CutEnhancedCode(e.String() + " text"); got != e || rest != "text" || !found {
			t.Fatalf("%v cut as %v, %q, %v", e, got, rest, found)
		}
	})
}
