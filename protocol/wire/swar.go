package wire

import (
	"bytes"
	"math"
)

const (
	// shortLine is the length in octets below which lines are handled in words
	// of eight octets, all line ends of a word at once: a search per line
	// would cost more than the line.
	shortLine = 16

	// wordBlock is how many octets are handled in words before the caller
	// looks again. It bounds the scratch set aside in advance.
	wordBlock = 1024

	// firstOctet marks the first octet of a word, as mark does.
	firstOctet = 0x80

	// none is the index of an octet that does not occur.
	none = math.MaxInt
)

// mark returns w with 0x80 in place of every octet that equals c, and zero in
// place of all others. The first octet is the lowest.
func mark(w uint64, c byte) uint64 {
	const ones, low = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f
	w ^= ones * uint64(c)
	return ^((w&low + low) | w | low)
}

// next returns the index of the first c in p at or behind from, or none.
func next(p []byte, from int, c byte) int {
	if i := bytes.IndexByte(p[from:], c); i >= 0 {
		return from + i
	}
	return none
}
