package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// received returns what a receiver makes of content that went by DATA.
func received(t *testing.T, eol wire.EOL, content string) (string, error) {
	enc := wire.DotEncoder{EOL: eol}
	segs, scratch, err := enc.Encode(nil, nil, []byte(content))
	if err == nil {
		segs, err = enc.End(segs)
	}
	_ = scratch
	if err != nil {
		return "", err
	}
	var stuffed []byte
	for _, s := range segs {
		stuffed = append(stuffed, s...)
	}
	var dec wire.DotDecoder
	out, _, n, done := dec.Decode(nil, nil, stuffed)
	if !done || n != len(stuffed) {
		t.Fatalf("%q: no end of data in %q", content, stuffed)
	}
	var b strings.Builder
	for _, s := range out {
		b.Write(s)
	}
	return b.String(), nil
}

// By BDAT the receiver finds what it would find by DATA: every string of up to six
// octets, at every cut, under each policy.
func TestLineEncoderAgreesWithDATA(t *testing.T) { // C2 C67 H-I9 H-I10
	const alphabet = "\r\n.x"
	var strs []string
	for from, n := 0, 0; n <= 6; n++ {
		if n == 0 {
			strs = append(strs, "")
			continue
		}
		end := len(strs)
		for _, s := range strs[from:end] {
			for _, c := range alphabet {
				strs = append(strs, s+string(c))
			}
		}
		from = end
	}
	for _, eol := range []wire.EOL{wire.EOLFix, wire.EOLStrict} {
		for _, s := range strs {
			want, wantErr := received(t, eol, s)
			for cut := range len(s) + 1 {
				enc := wire.LineEncoder{EOL: eol}
				got, err := enc.Append(nil, []byte(s[:cut]))
				if err == nil {
					got, err = enc.Append(got, []byte(s[cut:]))
				}
				if err == nil {
					got, err = enc.AppendEnd(got)
				}
				if wantErr != nil {
					if a, b := (*wire.SyntaxError)(nil), (*wire.SyntaxError)(nil); !errors.As(err, &a) || !errors.As(wantErr, &b) || *a != *b {
						t.Fatalf("%v: %q cut at %d: %v, want %v", eol, s, cut, err, wantErr)
					}
					if _, again := enc.AppendEnd(nil); again != err {
						t.Fatalf("%v: %q: the error is forgotten", eol, s)
					}
					continue
				}
				if err != nil || string(got) != want {
					t.Fatalf("%v: %q cut at %d: %q, %v; want %q", eol, s, cut, got, err, want)
				}
			}
		}
	}
}

// Verbatim leaves all as it is but a last line without an end.
func TestLineEncoderVerbatim(t *testing.T) {
	for content, want := range map[string]string{
		"": "", "a\nb\rc\r\n": "a\nb\rc\r\n", "a": "a\r\n", "a\n": "a\n\r\n", "a\r": "a\r\n", ".\r\n": ".\r\n",
	} {
		for cut := range len(content) + 1 {
			enc := wire.LineEncoder{EOL: wire.EOLVerbatim}
			got, _ := enc.Append(nil, []byte(content[:cut]))
			got, _ = enc.Append(got, []byte(content[cut:]))
			got, err := enc.AppendEnd(got)
			if err != nil || string(got) != want {
				t.Errorf("%q cut at %d: %q, %v; want %q", content, cut, got, err, want)
			}
		}
	}
}
