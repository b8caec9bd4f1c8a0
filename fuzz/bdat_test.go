package fuzz

import (
	"bytes"
	"errors"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

var (
	chunkSize  = regexp.MustCompile(`^([0-9]{1,20})( .*)?$`)
	endMarker  = regexp.MustCompile(`^ [Ll][Aa][Ss][Tt]$`)
	maxInt64   = big.NewInt(1<<63 - 1)
	endOfBlank = regexp.MustCompile(` +\z`)
)

func FuzzParseBDAT(f *testing.F) {
	f.Fuzz(func(t *testing.T, args string) {
		n, last, err := wire.ParseBDAT(args)

		wantN, wantLast, valid := int64(-1), false, false
		// The expressions know no line ends, and need none: both are refused.
		trimmed := endOfBlank.ReplaceAllString(args, "")
		if m := chunkSize.FindStringSubmatch(strings.NewReplacer("\n", "?").Replace(trimmed)); m != nil {
			if size, _ := new(big.Int).SetString(m[1], 10); size.Cmp(maxInt64) <= 0 {
				wantN, wantLast = size.Int64(), endMarker.MatchString(m[2])
				valid = m[2] == "" || wantLast
			}
		}
		if n != wantN || last != wantLast || (err == nil) != valid {
			t.Fatalf("%d, %v, %v; want %d, %v, valid %v", n, last, err, wantN, wantLast, valid)
		}
		if err != nil {
			var syntax *wire.SyntaxError
			if !errors.As(err, &syntax) || syntax.Code != 501 || syntax.Offset > len(args) {
				t.Fatalf("error = %#v", err)
			}
			return
		}
		line := string(wire.AppendBDAT(nil, n, last))
		again, againLast, err := wire.ParseBDAT(strings.TrimSuffix(strings.TrimPrefix(line, "BDAT "), "\r\n"))
		if again != n || againLast != last || err != nil {
			t.Fatalf("parse(%q) = %d, %v, %v; want %d, %v", line, again, againLast, err, n, last)
		}
	})
}

// FuzzBDAT frames content in chunks of the sizes that framing says and reads the
// stream back in the pieces that chunking says.
func FuzzBDAT(f *testing.F) {
	f.Fuzz(func(t *testing.T, content, framing, chunking []byte) {
		var dst [][]byte
		var scratch []byte
		for _, chunk := range cuts(content, framing) {
			dst, scratch = wire.FrameBDAT(dst, scratch, chunk, false)
		}
		dst, _ = wire.FrameBDAT(dst, scratch, nil, true)
		const behind = "QUIT\r\n"
		stream := append(bytes.Join(dst, nil), behind...)

		var dec wire.BDATDecoder
		var got, line, rest []byte
		inChunk, last := false, false
		for _, p := range cuts(stream, chunking) {
			for len(p) > 0 && !last {
				if inChunk {
					piece, done := dec.Decode(p)
					got = append(got, piece...)
					p = p[len(piece):]
					inChunk = !done
					continue
				}
				line, p = append(line, p[0]), p[1:]
				command, isLine := strings.CutSuffix(string(line), "\r\n")
				if !isLine {
					continue
				}
				line = nil
				args, isBDAT := strings.CutPrefix(command, "BDAT ")
				n, isLast, err := wire.ParseBDAT(args)
				if !isBDAT || err != nil {
					t.Fatalf("%q runs as a command: %v", command, err)
				}
				dec.Begin(n)
				inChunk, last = n > 0, isLast
			}
			rest = append(rest, p...)
		}
		if !bytes.Equal(got, content) || !last || string(rest) != behind || dec.Remaining() != 0 {
			t.Fatalf("got %q, last %v, then %q; want %q", got, last, rest, content)
		}
	})
}
