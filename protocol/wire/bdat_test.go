package wire_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestAppendBDAT(t *testing.T) { // C64
	for _, tt := range []struct {
		n    int64
		last bool
		want string
	}{
		{0, true, "BDAT 0 LAST\r\n"},
		{0, false, "BDAT 0\r\n"},
		{86, false, "BDAT 86\r\n"},
		{math.MaxInt64, true, "BDAT 9223372036854775807 LAST\r\n"},
	} {
		if got := string(wire.AppendBDAT([]byte("x"), tt.n, tt.last)); got != "x"+tt.want {
			t.Errorf("AppendBDAT(%d, %v) = %q, want %q", tt.n, tt.last, got, "x"+tt.want)
		}
	}
}

func TestParseBDAT(t *testing.T) { // C70 H-R16
	for _, tt := range []struct {
		args string
		n    int64
		last bool
		err  string
	}{
		{"0", 0, false, ""},
		{"0 LAST", 0, true, ""}, // C64
		{"86", 86, false, ""},
		{"86 last", 86, true, ""},  // C3
		{"86 LaSt", 86, true, ""},  // C3
		{"86  ", 86, false, ""},    // H-R37
		{"86 LAST ", 86, true, ""}, // H-R37
		{"007", 7, false, ""},
		{"9223372036854775807", math.MaxInt64, false, ""},
		{"00000000000000000001", 1, false, ""},

		{"", -1, false, "chunk-size: no digit at offset 0"},
		{"LAST", -1, false, "chunk-size: no digit at offset 0"},
		{" 86", -1, false, "chunk-size: no digit at offset 0"}, // H-R37
		{"-1", -1, false, "chunk-size: no digit at offset 0"},
		{"+1", -1, false, "chunk-size: no digit at offset 0"},
		{"0x10", -1, false, "chunk-size: not a digit at offset 1"},
		{"86,LAST", -1, false, "chunk-size: not a digit at offset 2"},
		{"86\tLAST", -1, false, "chunk-size: not a digit at offset 2"}, // H-R37
		{"8\x006", -1, false, "chunk-size: not a digit at offset 1"},
		{"٣", -1, false, "chunk-size: no digit at offset 0"},
		{"9223372036854775808", -1, false, "chunk-size: too large"},
		{"99999999999999999999", -1, false, "chunk-size: too large"},
		{"000000000000000000001", -1, false, "chunk-size: more than 20 digits at offset 20"},

		{"86 LAS", 86, false, "end-marker: not LAST at offset 3"},
		{"86 LASTLY", 86, false, "end-marker: not LAST at offset 3"},
		{"86 LA\u017fT", 86, false, "end-marker: not LAST at offset 3"},
		{"86 KAST", 86, false, "end-marker: not LAST at offset 3"},
		{"86 LBST", 86, false, "end-marker: not LAST at offset 3"},
		{"86 LAET", 86, false, "end-marker: not LAST at offset 3"},
		{"86 LASU", 86, false, "end-marker: not LAST at offset 3"},
		{"86  LAST", 86, false, "end-marker: not LAST at offset 3"},
		{"86 LAST LAST", 86, false, "end-marker: not LAST at offset 3"},
	} {
		n, last, err := wire.ParseBDAT(tt.args)
		if n != tt.n || last != tt.last {
			t.Errorf("ParseBDAT(%q) = %d, %v; want %d, %v", tt.args, n, last, tt.n, tt.last)
		}
		if tt.err == "" {
			if err != nil {
				t.Errorf("ParseBDAT(%q): %v", tt.args, err)
			}
			continue
		}
		var syntax *wire.SyntaxError
		if !errors.As(err, &syntax) || syntax.Error() != tt.err ||
			syntax.Code != 501 || !(syntax.Enhanced == wire.EnhancedCode{Class: 5, Subject: 5, Detail: 4}) {
			t.Errorf("ParseBDAT(%q): %#v; want %q with 501 5.5.4", tt.args, err, tt.err)
		}
	}
}

// What was framed comes back octet for octet, however the stream is cut.
func TestBDATRoundTrip(t *testing.T) { // C63 C67 H-I11
	chunks := []string{"a\r\n.\r\n", "", ".\x00\r\n\n\r", "QUIT\r\n"}
	var dst [][]byte
	var scratch []byte
	for i, chunk := range chunks {
		dst, scratch = wire.FrameBDAT(dst, scratch, []byte(chunk), i == len(chunks)-1)
	}
	stream := string(bytes.Join(dst, nil))
	want := "BDAT 6\r\na\r\n.\r\nBDAT 0\r\nBDAT 6\r\n.\x00\r\n\n\rBDAT 6 LAST\r\nQUIT\r\n"
	if stream != want {
		t.Fatalf("stream = %q, want %q", stream, want)
	}

	for _, chunk := range chunks {
		line, rest, _ := strings.Cut(stream, "\r\n")
		args, _ := strings.CutPrefix(line, "BDAT ")
		n, last, err := wire.ParseBDAT(args)
		if err != nil || last != (rest == chunk) {
			t.Fatalf("ParseBDAT(%q) = %d, %v, %v", args, n, last, err)
		}
		for split := range len(chunk) + 1 {
			var dec wire.BDATDecoder
			dec.Begin(n)
			first, done := dec.Decode([]byte(rest[:split]))
			if done != (split == len(chunk)) || dec.Remaining() != int64(len(chunk)-split) {
				t.Errorf("chunk %q after %d octets: done %v, %d remaining", chunk, split, done, dec.Remaining())
			}
			second, done := dec.Decode([]byte(rest[split:]))
			if string(first)+string(second) != chunk || !done {
				t.Errorf("chunk %q split at %d = %q %q, done %v", chunk, split, first, second, done)
			}
			if more, done := dec.Decode([]byte("NOOP\r\n")); len(more) != 0 || !done {
				t.Errorf("chunk %q takes %q behind its end", chunk, more)
			}
		}
		stream = rest[len(chunk):]
	}
}

func TestBDATDecoderLendsOnlyTheChunk(t *testing.T) {
	p := []byte("abcdef")
	var dec wire.BDATDecoder
	dec.Begin(3)
	content, _ := dec.Decode(p)
	if _ = append(content, 'x'); string(p) != "abcdef" {
		t.Error("an append to the content reaches into the next command")
	}
}

func TestBDATMisusePanics(t *testing.T) { // H-I11
	for name, misuse := range map[string]func(){
		"negative size written": func() { wire.AppendBDAT(nil, -1, true) },
		"negative size begun":   func() { new(wire.BDATDecoder).Begin(-1) },
		"chunk inside another": func() {
			var dec wire.BDATDecoder
			dec.Begin(2)
			dec.Decode([]byte("a"))
			dec.Begin(1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			misuse()
		})
	}
}

func BenchmarkParseBDAT(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = wire.ParseBDAT("65536 LAST")
	}
}

func BenchmarkFrameBDAT(b *testing.B) {
	var dst [][]byte
	var scratch []byte
	b.ReportAllocs()
	for b.Loop() {
		dst, scratch = wire.FrameBDAT(dst[:0], scratch[:0], benchText, true)
	}
}
