package fuzz

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// encodeDots returns the encoded form of the pieces and the offset of the octet
// that was refused, or -1.
func encodeDots(t *testing.T, eol wire.EOL, pieces [][]byte) (encoded []byte, refused int) {
	enc := wire.DotEncoder{EOL: eol}
	var dst [][]byte
	var scratch []byte
	var err error
	for _, p := range pieces {
		if dst, scratch, err = enc.Encode(dst, scratch, p); err != nil {
			break
		}
	}
	if err == nil {
		dst, err = enc.End(dst)
	}
	refused = -1
	if err != nil {
		var syntax *wire.SyntaxError
		if !errors.As(err, &syntax) || eol != wire.EOLStrict {
			t.Fatalf("%v: %v", eol, err)
		}
		refused = syntax.Offset
	}
	return bytes.Join(dst, nil), refused
}

// encodeDotsByOctet is the same, octet by octet on a whole string.
func encodeDotsByOctet(eol wire.EOL, content []byte) (encoded []byte, refused int) {
	startsLine := true
	for i := 0; i < len(content); i++ {
		c := content[i]
		pair := c == '\r' && i+1 < len(content) && content[i+1] == '\n'
		switch {
		case pair:
			encoded = append(encoded, '\r', '\n')
			startsLine = true
			i++
		case c != '\r' && c != '\n':
			if c == '.' && startsLine {
				encoded = append(encoded, '.')
			}
			encoded = append(encoded, c)
			startsLine = false
		case eol == wire.EOLStrict:
			return encoded, i
		case eol == wire.EOLVerbatim:
			encoded = append(encoded, c)
			startsLine = true
		default:
			encoded = append(encoded, '\r', '\n')
			startsLine = true
		}
	}
	switch {
	case len(encoded) == 0 || bytes.HasSuffix(encoded, []byte("\r\n")):
	case bytes.HasSuffix(encoded, []byte("\r")):
		encoded = append(encoded, '\n')
	default:
		encoded = append(encoded, '\r', '\n')
	}
	return append(encoded, ".\r\n"...), -1
}

type dotsDecoded struct {
	content string
	n       int
	done    bool
	bare    bool
}

func decodeDots(pieces [][]byte) dotsDecoded {
	var dec wire.DotDecoder
	var d dotsDecoded
	var dst [][]byte
	var scratch []byte
	for _, p := range pieces {
		var n int
		dst, scratch, n, d.done = dec.Decode(dst, scratch, p)
		d.n += n
	}
	d.content, d.bare = string(bytes.Join(dst, nil)), dec.Bare()
	return d
}

// decodeDotsByLine is the same, line by line on a whole string.
func decodeDotsByLine(input string) dotsDecoded {
	var d dotsDecoded
	for rest := input; ; {
		line, next, ended := strings.Cut(rest, "\r\n")
		if ended && line == "." {
			d.done = true
			d.n += len(".\r\n")
			return d
		}
		d.n += len(line)
		text, dotted := strings.CutPrefix(line, ".")
		d.content += text
		if !ended {
			// A CR at the end may be half of a line end, and behind a lone dot
			// even of the end of data.
			if dotted && text == "\r" {
				d.content = strings.TrimSuffix(d.content, "\r")
			}
			d.bare = d.bare || strings.ContainsAny(strings.TrimSuffix(text, "\r"), "\r\n")
			return d
		}
		d.bare = d.bare || strings.ContainsAny(text, "\r\n")
		d.content += "\r\n"
		d.n += len("\r\n")
		rest = next
	}
}

func FuzzDotEncoder(f *testing.F) {
	f.Fuzz(func(t *testing.T, content, chunking []byte, policy uint8) {
		eol := wire.EOL(policy % 3)
		got, refused := encodeDots(t, eol, cuts(content, chunking))
		whole, wholeRefused := encodeDots(t, eol, [][]byte{content})
		if !bytes.Equal(got, whole) || refused != wholeRefused {
			t.Fatalf("%v: cut %q, fault at %d; whole %q, fault at %d", eol, got, refused, whole, wholeRefused)
		}
		want, wantRefused := encodeDotsByOctet(eol, content)
		if !bytes.Equal(got, want) || refused != wantRefused {
			t.Fatalf("%v: %q, fault at %d; want %q, fault at %d", eol, got, refused, want, wantRefused)
		}
		if refused >= 0 {
			return
		}

		back := decodeDots(cuts(got, chunking))
		if !back.done || back.n != len(got) || eol != wire.EOLVerbatim && back.bare {
			t.Fatalf("%v: decode(encode) = %+v", eol, back)
		}
		if sent := contentSent(eol, string(content)); back.content != sent {
			t.Fatalf("%v: decode(encode) = %q, want %q", eol, back.content, sent)
		}
	})
}

// contentSent is what a receiver gets of content: with whole lines, under
// EOLFix ended by CRLF, under EOLVerbatim with dots doubled behind bare CR and LF.
func contentSent(eol wire.EOL, content string) string {
	if eol == wire.EOLFix {
		content = strings.ReplaceAll(content, "\r\n", "\n")
		content = strings.ReplaceAll(content, "\r", "\n")
		content = strings.ReplaceAll(content, "\n", "\r\n")
	}
	if content != "" && !strings.HasSuffix(content, "\r\n") {
		content = strings.TrimSuffix(content, "\r") + "\r\n"
	}
	lines := strings.Split(content, "\r\n")
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\n.", "\n..")
		lines[i] = strings.ReplaceAll(lines[i], "\r.", "\r..")
	}
	return strings.Join(lines, "\r\n")
}

func FuzzDotDecoder(f *testing.F) {
	f.Fuzz(func(t *testing.T, input, chunking []byte) {
		got := decodeDots(cuts(input, chunking))
		if whole := decodeDots([][]byte{input}); got != whole {
			t.Fatalf("cut %+v, whole %+v", got, whole)
		}
		if want := decodeDotsByLine(string(input)); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
		if !got.done || got.bare {
			return
		}
		again, refused := encodeDots(t, wire.EOLStrict, [][]byte{[]byte(got.content)})
		if refused >= 0 {
			t.Fatalf("encode(decode) refuses %q at %d", got.content, refused)
		}
		if back := decodeDots([][]byte{again}); back.content != got.content || back.n != len(again) {
			t.Fatalf("decode(encode(decode)) = %q, want %q", back.content, got.content)
		}
	})
}
