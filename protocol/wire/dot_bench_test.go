package wire_test

import (
	"bufio"
	"bytes"
	"io"
	"net/textproto"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

const benchSize = 64 << 10

// Content of the kinds that matter to speed: what most mail looks like, what a
// Unix program hands over, and the worst that a peer or a caller can think of.
var (
	benchText   = repeatTo(strings.Repeat("x", 76)+"\r\n", benchSize)
	benchMixed  = mixedLines("\r\n")
	benchMixLF  = mixedLines("\n")
	benchLF     = repeatTo(strings.Repeat("x", 76)+"\n", benchSize)
	benchDots   = repeatTo(".\r\n", benchSize)
	benchTwo    = repeatTo("..\r\n", benchSize)
	benchShort  = repeatTo("short line\r\n", benchSize)
	benchMedium = repeatTo("a line of 24 octets...\r\n", benchSize)
	benchLFs    = repeatTo("\n", benchSize)
	benchCRs    = repeatTo("\r", benchSize)
	benchDotLFs = repeatTo(".\n", benchSize)
)

func repeatTo(line string, size int) []byte {
	return []byte(strings.Repeat(line, size/len(line)))
}

// mixedLines is prose: lines of 60 to 78 characters, an empty one after every
// eight, and now and then a dot in front.
func mixedLines(eol string) []byte {
	var b []byte
	for i := 0; len(b) < benchSize; i++ {
		if i%50 == 49 {
			b = append(b, '.')
		}
		b = append(b, strings.Repeat("x", 60+i*7%19)+eol...)
		if i%8 == 7 {
			b = append(b, eol...)
		}
	}
	return b
}

func BenchmarkMemcpy(b *testing.B) {
	dst := make([]byte, benchSize)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		copy(dst, benchText)
	}
}

func BenchmarkDotEncoder(b *testing.B) {
	for _, bm := range []struct {
		name    string
		eol     wire.EOL
		content []byte
	}{
		{"Text", wire.EOLFix, benchText},
		{"MixedLengths", wire.EOLFix, benchMixed},
		{"MixedLengthsLF", wire.EOLFix, benchMixLF},
		{"TextStrict", wire.EOLStrict, benchText},
		{"TextVerbatim", wire.EOLVerbatim, benchText},
		{"EveryLineADot", wire.EOLFix, benchDots},
		{"LFToCRLF", wire.EOLFix, benchLF},
		{"ShortLines", wire.EOLFix, benchShort},
		{"MediumLines", wire.EOLFix, benchMedium},
		{"DotLF", wire.EOLFix, benchDotLFs},
		{"OnlyLF", wire.EOLFix, benchLFs},
		{"OnlyCR", wire.EOLFix, benchCRs},
		{"OnlyLFVerbatim", wire.EOLVerbatim, benchLFs},
	} {
		b.Run(bm.name, func(b *testing.B) {
			enc := wire.DotEncoder{EOL: bm.eol}
			var dst [][]byte
			var scratch []byte
			b.SetBytes(int64(len(bm.content)))
			b.ReportAllocs()
			for b.Loop() {
				dst, scratch, _ = enc.Encode(dst[:0], scratch[:0], bm.content)
				dst, _ = enc.End(dst)
			}
			b.ReportMetric(float64(len(dst)), "slices")
		})
	}
}

func BenchmarkDotDecoder(b *testing.B) {
	for _, bm := range []struct {
		name    string
		content []byte
	}{
		{"Text", benchText},
		{"MixedLengths", benchMixed},
		{"EveryLineADot", benchTwo},
		{"ShortLines", benchShort},
		{"MediumLines", benchMedium},
		{"OnlyLF", benchLFs},
		{"OnlyCR", benchCRs},
	} {
		b.Run(bm.name, func(b *testing.B) {
			input := append(bytes.Clone(bm.content), "\r\n.\r\n"...)
			var dec wire.DotDecoder
			var dst [][]byte
			var scratch []byte
			b.SetBytes(int64(len(input)))
			b.ReportAllocs()
			for b.Loop() {
				dst, scratch, _, _ = dec.Decode(dst[:0], scratch[:0], input)
				dec.Reset()
			}
			b.ReportMetric(float64(len(dst)), "slices")
		})
	}
}

func BenchmarkTextprotoDotWriter(b *testing.B) {
	for _, bm := range []struct {
		name    string
		content []byte
	}{
		{"Text", benchText},
		{"EveryLineADot", benchDots},
		{"LFToCRLF", benchLF},
	} {
		b.Run(bm.name, func(b *testing.B) {
			w := textproto.NewWriter(bufio.NewWriter(io.Discard))
			b.SetBytes(int64(len(bm.content)))
			b.ReportAllocs()
			for b.Loop() {
				dot := w.DotWriter()
				_, _ = dot.Write(bm.content)
				_ = dot.Close()
			}
		})
	}
}

func BenchmarkTextprotoDotReader(b *testing.B) {
	for _, bm := range []struct {
		name    string
		content []byte
	}{
		{"Text", benchText},
		{"EveryLineADot", benchTwo},
	} {
		b.Run(bm.name, func(b *testing.B) {
			input := append(bytes.Clone(bm.content), "\r\n.\r\n"...)
			src := bytes.NewReader(input)
			buffered := bufio.NewReader(src)
			r := textproto.NewReader(buffered)
			b.SetBytes(int64(len(input)))
			b.ReportAllocs()
			for b.Loop() {
				src.Reset(input)
				buffered.Reset(src)
				_, _ = io.Copy(io.Discard, r.DotReader())
			}
		})
	}
}
