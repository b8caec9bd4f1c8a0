package wire

import (
	"math"
	"strconv"
	"strings"
)

// maxChunkSizeDigits is the most digits that RFC 3030 §2 allows a chunk-size.
const maxChunkSizeDigits = 20

// AppendBDAT appends the command for a chunk of n octets (RFC 3030 §2), with
// its CRLF. The chunk's octets follow it directly. Where they are at hand, use
// [FrameBDAT]: a size that disagrees with them turns content into commands.
// AppendBDAT panics if n is negative.
func AppendBDAT(dst []byte, n int64, last bool) []byte {
	if n < 0 {
		panic("wire: negative chunk-size")
	}
	dst = append(dst, "BDAT "...)
	dst = strconv.AppendInt(dst, n, 10)
	if last {
		dst = append(dst, " LAST"...)
	}
	return append(dst, "\r\n"...)
}

// FrameBDAT appends to dst the slices that make content one chunk: the command,
// which goes to scratch and is lent from there, and content itself, lent. It
// returns dst and scratch as they have become. The size can only be that of the
// content. Empty content is legal, and with last a usual way to end a message.
func FrameBDAT(dst [][]byte, scratch, content []byte, last bool) ([][]byte, []byte) {
	start := len(scratch)
	scratch = AppendBDAT(scratch, int64(len(content)), last)
	dst = append(dst, scratch[start:len(scratch):len(scratch)])
	if len(content) > 0 {
		dst = append(dst, content[:len(content):len(content)])
	}
	return dst, scratch
}

// ParseBDAT parses the arguments of BDAT: a chunk-size of 1 to 20 digits, then,
// for the last chunk, one space and LAST in any letter case (RFC 3030 §2).
// Spaces at the end are ignored. The error is a [*SyntaxError] for a reply of
// 501 5.5.4, and n tells what to do next:
//
//   - n >= 0: only what follows the size is wrong. The n octets of the chunk
//     come nevertheless and have to be consumed (RFC 3030 §2).
//   - n < 0: the size is not known, so neither is where the next command starts.
//     The connection has to be closed.
//
// A size that does not fit into an int64 is not known.
func ParseBDAT(args string) (n int64, last bool, err error) {
	const chunkSize = "chunk-size"
	args = strings.TrimRight(args, " ")
	i := 0
	for ; i < len(args) && '0' <= args[i] && args[i] <= '9'; i++ {
		digit := int64(args[i] - '0')
		if i == maxChunkSizeDigits {
			return -1, false, argumentError(chunkSize, "more than 20 digits", i)
		}
		if n > (math.MaxInt64-digit)/10 {
			return -1, false, argumentError(chunkSize, "too large", -1)
		}
		n = n*10 + digit
	}
	switch {
	case i == 0:
		return -1, false, argumentError(chunkSize, "no digit", 0)
	case i == len(args):
		return n, false, nil
	case args[i] != ' ':
		return -1, false, argumentError(chunkSize, "not a digit", i)
	case !equalFoldASCII(args[i+1:], "LAST"):
		return n, false, argumentError("end-marker", "not LAST", i+1)
	}
	return n, true, nil
}

// BDATDecoder counts off the octets of a chunk. They are content as they are:
// nothing in a chunk has a meaning to SMTP (RFC 3030 §2).
//
// The zero value has no chunk begun. A refused BDAT still has its octets behind
// it, so Begin and Decode are for these as well.
type BDATDecoder struct {
	remaining int64
}

// Begin starts a chunk of n octets; n comes from [ParseBDAT]. It panics if n is
// negative or the chunk before is not complete: either would turn content into
// commands.
func (d *BDATDecoder) Begin(n int64) {
	if n < 0 {
		panic("wire: negative chunk-size")
	}
	if d.remaining != 0 {
		panic("wire: a chunk begun inside another")
	}
	d.remaining = n
}

// Decode returns the octets at the start of p that belong to the chunk, lent
// from p, and whether the chunk is complete with them. What lies behind them is
// the next command. A chunk of no octets is complete at once.
func (d *BDATDecoder) Decode(p []byte) (content []byte, done bool) {
	if int64(len(p)) > d.remaining {
		p = p[:d.remaining:d.remaining]
	}
	d.remaining -= int64(len(p))
	return p, d.remaining == 0
}

// Remaining returns how many octets of the chunk are still to come.
func (d *BDATDecoder) Remaining() int64 { return d.remaining }
