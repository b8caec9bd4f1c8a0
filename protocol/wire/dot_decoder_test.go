package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestDotDecoder(t *testing.T) {
	for _, tt := range []struct {
		name  string
		input string
		want  string
		rest  string
	}{
		{"empty content", ".\r\nQUIT\r\n", "", "QUIT\r\n"}, // F11
		{"a line", "a\r\n.\r\n", "a\r\n", ""},
		{"empty lines at the end", "a\r\n\r\n\r\n.\r\n", "a\r\n\r\n\r\n", ""},               // F11
		{"commands behind stay", "a\r\n.\r\nMAIL FROM:<>\r\n", "a\r\n", "MAIL FROM:<>\r\n"}, // F26
		{"a second end of data stays", "a\r\n.\r\n.\r\n", "a\r\n", ".\r\n"},                 // F26
		{"doubled dots", "..\r\n...\r\n..a\r\n.\r\n", ".\r\n..\r\n.a\r\n", ""},              // C37 F26
		{"a single dot goes too", ".a\r\n.\r\n", "a\r\n", ""},                               // C37
		{"dots within lines", "a.\r\na..b\r\n.\r\n", "a.\r\na..b\r\n", ""},                  // C37
		{"dots and blanks", ". \r\n.\r\n", " \r\n", ""},                                     // C37
		{"NUL and 8-bit octets", "\x00\xff\r\n.\r\n", "\x00\xff\r\n", ""},                   // C37
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyContentCut(t, tt.input, func(t *testing.T, pieces [][]byte) {
				want := dotDecoded{content: tt.want, n: len(tt.input) - len(tt.rest), done: true}
				if got := decodeAll(pieces); got != want {
					t.Errorf("decode %q = %+v, want %+v", pieces, got, want)
				}
			})
		})
	}
}

// Each of these has ended content somewhere, and let a message be smuggled.
func TestDotDecoderEndsAtNothingElse(t *testing.T) { // C1 C2
	for _, tt := range []struct {
		input string
		want  string
		bare  bool
	}{
		{"a\n.\nb", "a\n.\nb", true},
		{"a\n.\r\nb", "a\n.\r\nb", true},
		{"a\r\n.\nb", "a\r\n\nb", true},
		{"a\r.\rb", "a\r.\rb", true},
		{"a\r.\r\nb", "a\r.\r\nb", true},
		{"a\r\n.\rb", "a\r\n\rb", true},
		{"a\r\r\n.\r\r\nb", "a\r\r\n\r\r\nb", true},
		{"a\r\n\x00.\r\nb", "a\r\n\x00.\r\nb", false},
		{"a\r\n.\x00\r\nb", "a\r\n\x00\r\nb", false},
		{"a\r\n\x00\r\n.b", "a\r\n\x00\r\nb", false},
		{"a\x00.\r\nb", "a\x00.\r\nb", false},
		{"a\n\r.\n\rb", "a\n\r.\n\rb", true},
		{"a\x85.\x85b", "a\x85.\x85b", false},
		{".\nb", "\nb", true},
		{".\rb", "\rb", true},
	} {
		t.Run("", func(t *testing.T) {
			everyContentCut(t, tt.input+"\r\n.\r\n", func(t *testing.T, pieces [][]byte) {
				want := dotDecoded{content: tt.want + "\r\n", n: len(tt.input) + 5, done: true, bare: tt.bare}
				if got := decodeAll(pieces); got != want {
					t.Errorf("decode %q = %+v, want %+v", pieces, got, want)
				}
			})
		})
	}
}

func TestDotDecoderTakesNothingBehindTheEnd(t *testing.T) { // F26
	var dec wire.DotDecoder
	dst, scratch, n, done := dec.Decode(nil, nil, []byte("a\n\r\n.\r\nb"))
	if n != 7 || !done || string(bytes.Join(dst, nil)) != "a\n\r\n" || !dec.Bare() {
		t.Fatalf("Decode = %q, %d, %v, bare %v", dst, n, done, dec.Bare())
	}
	for _, p := range []string{"", "b", "\r\n.\r\n"} {
		if dst, _, n, done := dec.Decode(nil, scratch, []byte(p)); n != 0 || !done || len(dst) != 0 {
			t.Errorf("Decode(%q) behind the end = %q, %d, %v", p, dst, n, done)
		}
	}
	dec.Reset()
	if dec.Bare() {
		t.Error("Bare outlasts Reset")
	}
	if dst, _, n, done := dec.Decode(nil, nil, []byte("b")); n != 1 || done || string(bytes.Join(dst, nil)) != "b" {
		t.Errorf("Decode after Reset = %q, %d, %v", dst, n, done)
	}
}

func TestDotDecoderLendsLongStretches(t *testing.T) {
	line := strings.Repeat("x", 998) + "\r\n"
	input := []byte(line + line + ".." + line + ".\r\n")
	var dec wire.DotDecoder
	dst, scratch, n, done := dec.Decode(nil, nil, input)
	if len(dst) != 2 || len(scratch) != 0 || n != len(input) || !done {
		t.Fatalf("%d slices, %d octets of scratch, %d taken, done %v", len(dst), len(scratch), n, done)
	}
	if &dst[0][0] != &input[0] || &dst[1][0] != &input[2001] {
		t.Error("a long stretch was copied")
	}
}

// An endless line costs nothing but the scratch of one piece.
func TestDotDecoderMemoryIsBounded(t *testing.T) {
	var dec wire.DotDecoder
	var dst [][]byte
	var scratch []byte
	for _, octets := range []string{"x", "\r", "\n", ".", "..\r\n"} {
		piece := []byte(strings.Repeat(octets, 8192/len(octets)))
		for range 1000 {
			dst, scratch, _, _ = dec.Decode(dst[:0], scratch[:0], piece)
		}
	}
	if cap(scratch) > 4*8192 || cap(dst) > 64 {
		t.Errorf("scratch of %d octets, %d slices for pieces of 8192", cap(scratch), cap(dst))
	}
}
