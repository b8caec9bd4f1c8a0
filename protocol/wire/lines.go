package wire

import (
	"bytes"
	"math"
)

const (
	// lineBlock is how many octets a fast path takes at once. It bounds what is
	// looked at in vain, and the scratch set aside in advance.
	lineBlock = 4096

	// shortLine is the length in octets, with CRLF, up to which a line is short:
	// to search for its end costs more than the line. Where shortRun lines in a
	// row are short, content is handled in words of eight octets instead.
	shortLine = 16
	shortRun  = 4

	// firstOctet marks the first octet of a word, as mark does.
	firstOctet = 0x80

	// none is the index of an octet that does not occur.
	none = math.MaxInt
)

// Only ever read: bytes.Count wants slices.
var (
	octetCR = []byte{'\r'}
	octetLF = []byte{'\n'}
)

// plainLines returns the length of as many lines at the start of p as are the
// same with and without dot stuffing: ended by CRLF, no dot in front, no bare CR
// or LF. It stops behind a run of short lines.
func plainLines(p []byte) int {
	n, lines, short, last := 0, 0, 0, 0
	for n < len(p) && p[n] != '.' && short < shortRun {
		end := lineEnd(p[n:], last)
		if end < 1 || p[n+end-1] != '\r' {
			break
		}
		short = countShort(short, end+1)
		n += end + 1
		lines++
		last = end
	}
	// As many CRs and LFs as lines: none was overlooked, none is bare. Counting
	// costs a fraction of a search for each of them.
	if bytes.Count(p[:n], octetLF) != lines || bytes.Count(p[:n], octetCR) != lines {
		return 0
	}
	return n
}

// countShort returns how many short lines there are in a row, with one more line
// of the length given.
func countShort(short, length int) int {
	if length > shortLine {
		return 0
	}
	return short + 1
}

// lineEnd returns the index of the first LF in p, or -1. It looks first where
// the line before had its LF, because the lines of base64 and
// quoted-printable, most of all mail by volume, are of one length. So it may
// overlook an earlier LF: the caller has to count.
func lineEnd(p []byte, last int) int {
	if last < len(p) && p[last] == '\n' {
		return last
	}
	return bytes.IndexByte(p, '\n')
}

// next returns the index of the first c in p at or behind from, or none.
func next(p []byte, from int, c byte) int {
	if i := bytes.IndexByte(p[from:], c); i >= 0 {
		return from + i
	}
	return none
}

// mark returns w with 0x80 in place of every octet that equals c, and zero in
// place of all others. The first octet is the lowest.
func mark(w uint64, c byte) uint64 {
	const ones, low = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f
	w ^= ones * uint64(c)
	return ^((w&low + low) | w | low)
}
