package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestDotEncoder(t *testing.T) {
	x := strings.Repeat("x", 20)
	for _, tt := range []struct {
		name    string
		eol     wire.EOL
		content string
		want    string
	}{
		{"empty content is the lone dot", wire.EOLFix, "", ".\r\n"}, // F11
		{"a line", wire.EOLStrict, "a\r\n", "a\r\n.\r\n"},
		{"no line end at the end", wire.EOLStrict, "a", "a\r\n.\r\n"},                               // H-I10
		{"empty lines at the end", wire.EOLStrict, "a\r\n\r\n\r\n", "a\r\n\r\n\r\n.\r\n"},           // F11
		{"a dot first", wire.EOLStrict, ".", "..\r\n.\r\n"},                                         // P12 F11
		{"dots on every line", wire.EOLStrict, ".\r\n..\r\n.a\r\n", "..\r\n...\r\n..a\r\n.\r\n"},    // P12
		{"dots within lines", wire.EOLStrict, "a.\r\na.b\r\n", "a.\r\na.b\r\n.\r\n"},                // C37
		{"an end of data inside", wire.EOLStrict, "a\r\n.\r\nQUIT\r\n", "a\r\n..\r\nQUIT\r\n.\r\n"}, // P12
		{"bare LFs", wire.EOLFix, "a\n.\n\nb", "a\r\n..\r\n\r\nb\r\n.\r\n"},                         // C2
		{"bare CRs", wire.EOLFix, "a\r.\r\rb", "a\r\n..\r\n\r\nb\r\n.\r\n"},                         // C2
		{"bare CR at the end", wire.EOLFix, "a\r", "a\r\n.\r\n"},                                    // H-I10
		{"CR CR LF", wire.EOLFix, "a\r\r\n", "a\r\n\r\n.\r\n"},                                      // H-I10
		{"LF CR", wire.EOLFix, "a\n\rb", "a\r\n\r\nb\r\n.\r\n"},                                     // C2
		{"bare LFs and dots, verbatim", wire.EOLVerbatim, "a\n.\nb\n", "a\n..\nb\n\r\n.\r\n"},       // C2
		{"bare CRs and dots, verbatim", wire.EOLVerbatim, "a\r.\rb\r\n", "a\r..\rb\r\n.\r\n"},       // C2
		{"bare CR at the end, verbatim", wire.EOLVerbatim, "a\r", "a\r\n.\r\n"},                     // H-I10
		{"NUL and 8-bit octets are content", wire.EOLStrict, "\x00\xff\r\n", "\x00\xff\r\n.\r\n"},   // C37
		{"a line end hidden by equal lines", wire.EOLStrict, // C37
			x + "\r\n" + "ab\r\n." + x[:17] + "\r\n", x + "\r\n" + "ab\r\n.." + x[:17] + "\r\n.\r\n"},
		{"the same with bare LFs", wire.EOLFix, // C37
			"a\n" + x + "\n" + "ab\n." + x[:17] + "\n", "a\r\n" + x + "\r\n" + "ab\r\n.." + x[:17] + "\r\n.\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everyContentCut(t, tt.content, func(t *testing.T, pieces [][]byte) {
				got, err := encodeAll(tt.eol, pieces)
				if got != tt.want || err != nil {
					t.Errorf("encode %q = %q, %v; want %q", pieces, got, err, tt.want)
				}
			})
		})
	}
}

func TestDotEncoderStrictRefusesBareCRAndLF(t *testing.T) { // C2
	long := strings.Repeat("x", 1000)
	for _, tt := range []struct {
		content string
		sent    string
		want    string
	}{
		{"\n", "", "content: bare LF at offset 0"},
		{"\r", "", "content: bare CR at offset 0"},
		{"a\r\nb\nc", "a\r\nb", "content: bare LF at offset 4"},
		{"a\r\n.\rc", "a\r\n..", "content: bare CR at offset 4"},
		{"a\r\r\n", "a", "content: bare CR at offset 1"},
		{"a\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nb\r", "a\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nb", "content: bare CR at offset 22"},
		{long + "\r\n" + long + "\n", long + "\r\n" + long, "content: bare LF at offset 2002"},
	} {
		for _, pieces := range [][][]byte{{[]byte(tt.content)}, cutByMask(tt.content, -1)} {
			got, err := encodeAll(wire.EOLStrict, pieces)
			if err == nil || err.Error() != tt.want || got != tt.sent {
				t.Errorf("encode %q = %q, %v; want %q, %s", pieces, got, err, tt.sent, tt.want)
			}
		}
	}
}

// Refused content must never get an end of data, whatever the caller does.
func TestDotEncoderErrorStays(t *testing.T) { // C2
	enc := wire.DotEncoder{EOL: wire.EOLStrict}
	_, _, first := enc.Encode(nil, nil, []byte("a\nb"))
	dst, _, again := enc.Encode(nil, nil, []byte("c\r\n"))
	if again != first || len(dst) != 0 {
		t.Errorf("Encode after an error = %q, %v; want nothing, %v", dst, again, first)
	}
	dst, end := enc.End(nil)
	if end != first || len(dst) != 0 {
		t.Errorf("End after an error = %q, %v; want nothing, %v", dst, end, first)
	}
	var syntax *wire.SyntaxError
	if !errors.As(first, &syntax) || syntax.Code != 0 || !(syntax.Enhanced == wire.EnhancedCode{}) {
		t.Errorf("error = %#v; want a *SyntaxError without a reply code", first)
	}

	enc.Reset()
	dst, _, err := enc.Encode(nil, nil, []byte("d\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	dst, err = enc.End(dst)
	if got := string(bytes.Join(dst, nil)); got != "d\r\n.\r\n" || err != nil {
		t.Errorf("content after Reset = %q, %v", got, err)
	}
	if _, _, err := enc.Encode(nil, nil, []byte("\n")); err == nil {
		t.Error("Reset has changed the policy")
	}
}

func TestDotEncoderNextContentStartsAnew(t *testing.T) { // F26
	var enc wire.DotEncoder
	var dst [][]byte
	var scratch []byte
	for _, content := range []string{"a", ".b\r", "", "\n.c"} {
		dst, scratch, _ = enc.Encode(dst, scratch, []byte(content))
		dst, _ = enc.End(dst)
	}
	want := "a\r\n.\r\n" + "..b\r\n.\r\n" + ".\r\n" + "\r\n..c\r\n.\r\n"
	if got := string(bytes.Join(dst, nil)); got != want {
		t.Errorf("four contents = %q, want %q", got, want)
	}
}

func TestDotEncoderLendsLongStretches(t *testing.T) {
	line := strings.Repeat("x", 998) + "\r\n"
	content := []byte(line + line + "." + line)
	before := bytes.Clone(content)
	var enc wire.DotEncoder
	dst, scratch, err := enc.Encode(nil, make([]byte, 3, 64), content)
	if err != nil || len(dst) != 2 || len(scratch) != 3 {
		t.Fatalf("%d slices, %d octets of scratch, %v; want 2 slices, 3 octets", len(dst), len(scratch), err)
	}
	if &dst[0][0] != &content[0] || &dst[1][0] != &content[2000] {
		t.Error("a long stretch was copied")
	}
	// An append to what was lent must not reach into the rest of the content.
	_ = append(dst[0], "overwritten"...)
	if !bytes.Equal(content, before) {
		t.Error("content has changed")
	}
}

func TestDotEncoderSlicesOfScratchAreApart(t *testing.T) {
	var enc wire.DotEncoder
	dst, scratch, _ := enc.Encode(nil, make([]byte, 0, 64), []byte("a\n"))
	dst, _, _ = enc.Encode(dst, scratch, []byte("b\n"))
	_ = append(dst[0], "overwritten"...)
	if got := string(bytes.Join(dst, nil)); got != "a\r\nb\r\n" {
		t.Errorf("after an append to the first slice: %q", got)
	}
}

func TestDotCodecsDoNotAllocate(t *testing.T) {
	var enc wire.DotEncoder
	var dec wire.DotDecoder
	var dst [][]byte
	var scratch []byte
	for name, content := range map[string][]byte{
		"text": benchText, "dots": benchDots, "LF": benchLF, "mixed": benchMixed, "short": benchShort,
	} {
		if n := testing.AllocsPerRun(10, func() {
			dst, scratch, _ = enc.Encode(dst[:0], scratch[:0], content)
			dst, _ = enc.End(dst)
		}); n != 0 {
			t.Errorf("encoding %s: %v allocations", name, n)
		}
		if n := testing.AllocsPerRun(10, func() {
			dst, scratch, _, _ = dec.Decode(dst[:0], scratch[:0], content)
			dec.Reset()
		}); n != 0 {
			t.Errorf("decoding %s: %v allocations", name, n)
		}
	}
}

func TestEOLString(t *testing.T) {
	for eol, want := range map[wire.EOL]string{
		wire.EOLFix: "fix", wire.EOLStrict: "strict", wire.EOLVerbatim: "verbatim", 7: "EOL(7)",
	} {
		if got := eol.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}
