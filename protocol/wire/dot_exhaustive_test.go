package wire_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

var longTests = flag.Bool("wire.long", false, "run the exhaustive tests to their full length")

var eolPolicies = []wire.EOL{wire.EOLFix, wire.EOLStrict, wire.EOLVerbatim}

// encodeAll encodes the pieces of one content. All slices are joined only at the
// end, so that one which a later call spoils shows.
func encodeAll(eol wire.EOL, pieces [][]byte) (string, error) {
	enc := wire.DotEncoder{EOL: eol}
	var dst [][]byte
	var scratch []byte
	var err error
	for _, p := range pieces {
		if dst, scratch, err = enc.Encode(dst, scratch, p); err != nil {
			return string(bytes.Join(dst, nil)), err
		}
	}
	dst, err = enc.End(dst)
	return string(bytes.Join(dst, nil)), err
}

func decodeAll(pieces [][]byte) dotDecoded {
	var dec wire.DotDecoder
	var d dotDecoded
	var dst [][]byte
	var scratch []byte
	for _, p := range pieces {
		var n int
		dst, scratch, n, d.done = dec.Decode(dst, scratch, p)
		d.n += n
		if d.done {
			break
		}
	}
	d.content, d.bare = string(bytes.Join(dst, nil)), dec.Bare()
	return d
}

func checkEncode(t *testing.T, eol wire.EOL, content string, pieces [][]byte) {
	t.Helper()
	want, bareAt := refEncode(eol, content)
	got, err := encodeAll(eol, pieces)
	offset := -1
	if syntax := (*wire.SyntaxError)(nil); errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	if got != want || offset != bareAt {
		t.Fatalf("%v: encode %q:\n got %q, fault at %d\nwant %q, fault at %d", eol, pieces, got, offset, want, bareAt)
	}
}

func checkDecode(t *testing.T, input string, pieces [][]byte) {
	t.Helper()
	if got, want := decodeAll(pieces), refDecode(input); got != want {
		t.Fatalf("decode %q:\n got %+v\nwant %+v", pieces, got, want)
	}
}

// dotStrings calls f with every string of up to n octets over CR, LF, dot and x.
func dotStrings(n int, f func(string)) {
	const alphabet = "\r\n.x"
	for length := range n + 1 {
		word := make([]byte, length)
		for code := range 1 << (2 * length) {
			for i := range word {
				word[i] = alphabet[code>>(2*i)&3]
			}
			f(string(word))
		}
	}
}

// cutByMask cuts s behind each octet i for which bit i of mask is set.
func cutByMask(s string, mask int) [][]byte {
	var pieces [][]byte
	from := 0
	for i := range len(s) - 1 {
		if mask>>i&1 == 1 {
			pieces = append(pieces, []byte(s[from:i+1]))
			from = i + 1
		}
	}
	return append(pieces, []byte(s[from:]))
}

func TestDotEveryStringEveryCut(t *testing.T) { // C1 C2 C37 P12 F11 H-I9 H-I10
	length := 6
	if *longTests {
		length = 8
	}
	cases := 0
	dotStrings(length, func(s string) {
		for mask := range 1 << max(len(s)-1, 0) {
			pieces := cutByMask(s, mask)
			for _, eol := range eolPolicies {
				checkEncode(t, eol, s, pieces)
			}
			checkDecode(t, s, pieces)
			cases++
		}
	})
	t.Logf("%d strings with their cuts, through three policies and the decoder, no difference", cases)
}

// The fast paths take lines and words only in certain surroundings. Here every
// short string stands in them, at every offset in a word of eight octets.
func TestDotEveryStringInFastPaths(t *testing.T) { // C37 H-I9
	length := 4
	if *longTests {
		length = 6
	}
	x := strings.Repeat("x", 76)
	cases := 0
	for _, lead := range []string{
		strings.Repeat("\r\n", 12),
		strings.Repeat("\n", 12),
		strings.Repeat(".\r\n", 12),
		strings.Repeat("..\r\n", 12),
		strings.Repeat(x+"\r\n", 3),
		strings.Repeat(x+"\n", 3),
	} {
		dotStrings(length, func(s string) {
			for shift := range 8 {
				content := lead + x[:shift] + s + x + "\r\n" + x + "\r\n"
				whole := [][]byte{[]byte(content)}
				for _, eol := range eolPolicies {
					checkEncode(t, eol, content, whole)
				}
				checkDecode(t, content, whole)
				cases++
			}
		})
	}
	t.Logf("%d strings, through three policies and the decoder, no difference", cases)
}

func TestDotRandomContent(t *testing.T) { // C37 H-I9
	rounds := 1500
	if *longTests {
		rounds = 100000
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		content := randomContent(rnd)
		pieces := randomPieces(rnd, content)
		for _, eol := range eolPolicies {
			checkEncode(t, eol, content, pieces)
		}
		checkDecode(t, content, pieces)
	}
}

// randomContent is made of runs of lines alike, so that all paths are taken and
// left at any place. Few lengths occur, so that one line's end often stands
// where the line before had its own.
func randomContent(rnd *rand.Rand) string {
	lengths := []int{0, 1, 2, 5, 12, 16, 30, 38, 40, 78, 600}
	ends := []string{"\r\n", "\r\n", "\r\n", "\n", "\r", "\n\r", ""}
	if rnd.IntN(2) == 0 {
		ends = ends[:1] // what EOLStrict accepts
	}
	var b strings.Builder
	for range 1 + rnd.IntN(12) {
		line := strings.Repeat("x", lengths[rnd.IntN(len(lengths))]) + ends[rnd.IntN(len(ends))]
		if rnd.IntN(3) == 0 {
			line = "." + line
		}
		b.WriteString(strings.Repeat(line, 1+rnd.IntN(20)))
	}
	return b.String()
}

func randomPieces(rnd *rand.Rand, s string) [][]byte {
	var pieces [][]byte
	most := 1 + rnd.IntN(2*len(s)+1)
	for len(s) > 0 {
		n := min(len(s), rnd.IntN(most+1))
		pieces = append(pieces, []byte(s[:n]))
		s = s[n:]
	}
	return pieces
}

// everyContentCut calls f with s whole, octet by octet, and at every split in two.
func everyContentCut(t *testing.T, s string, f func(t *testing.T, pieces [][]byte)) {
	t.Helper()
	t.Run("whole", func(t *testing.T) { f(t, [][]byte{[]byte(s)}) })
	t.Run("octets", func(t *testing.T) { f(t, cutByMask(s, -1)) })
	for i := range len(s) + 1 {
		t.Run(fmt.Sprint("split", i), func(t *testing.T) { f(t, [][]byte{[]byte(s[:i]), []byte(s[i:])}) })
	}
}
