package wire

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// endOfData is CRLF and the end of data. It is lent, never written to.
var endOfData = []byte("\r\n.\r\n")

// dotCRLF is a lone dot and its CRLF as a little-endian number.
const dotCRLF = '.' | '\r'<<8 | '\n'<<16

// encoderPlace is where in a line the content encoded so far has stopped.
type encoderPlace uint8

const (
	lineStart encoderPlace = iota // at the start, or behind a CRLF
	midLine
	bareEnd // behind a bare CR or LF that was passed on: a line end to some receivers
	heldCR  // behind a CR that was not passed on, because its LF may follow
)

// DotEncoder encodes content for DATA: it doubles the dot at the start of a
// line (RFC 5321 §4.5.2), applies an [EOL] policy, and ends with the end of
// data.
//
// The zero value is ready for use. Content may come in pieces of any length;
// the octets that come out do not depend on how it was cut. A DotEncoder keeps
// no reference to a piece. It must not be used by two goroutines at once.
type DotEncoder struct {
	// EOL is the policy for bare CR and LF. It may change between contents,
	// not within one.
	EOL EOL

	at     encoderPlace
	offset int64 // octets of content taken by earlier calls
	err    error
}

// Encode appends to dst slices that together are the encoded form of p, and
// returns dst and scratch as they have become.
//
// Long stretches that need no change are lent from p, everything else is
// appended to scratch and lent from there. So p and scratch must stay as they
// are until the slices are written; then scratch may be used again from its
// start. Each octet of p takes at most two of scratch. A CR that ends p is held
// back until the octet behind it, or the end, is known.
//
// Under [EOLStrict] a bare CR or LF is a [*SyntaxError]. Everything ahead of it
// has been appended; from then on Encode and End return this error until Reset,
// so that refused content never gets an end of data.
func (e *DotEncoder) Encode(dst [][]byte, scratch, p []byte) ([][]byte, []byte, error) {
	if e.err != nil || len(p) == 0 {
		return dst, scratch, e.err
	}
	s := splice{dst: dst, scratch: scratch, run: len(scratch), p: p}
	end := e.encode(&s)
	s.take(end)
	s.flush()
	e.offset += int64(len(p))
	return s.dst, s.scratch, e.err
}

// End appends what the content still lacks: a CRLF if it does not end in one,
// and the end of data. Content that ends in a bare CR gets the LF to it, except
// that EOLStrict refuses it. Empty content is legal and is the lone dot.
// Afterwards the encoder is ready for the next content.
func (e *DotEncoder) End(dst [][]byte) ([][]byte, error) {
	if e.at == heldCR && e.EOL == EOLStrict {
		e.refuse(-1, "bare CR")
	}
	if e.err != nil {
		return dst, e.err
	}
	end := endOfData
	if e.at == lineStart {
		end = endOfData[len("\r\n"):]
	}
	e.Reset()
	return append(dst, end), nil
}

// Reset forgets the content encoded so far and its error, but not the policy.
func (e *DotEncoder) Reset() { *e = DotEncoder{EOL: e.EOL} }

// encode returns the index in p up to which the caller has yet to pass it on:
// all of it, unless a CR is held back or content was refused.
func (e *DotEncoder) encode(s *splice) int {
	p, i := s.p, 0
	if e.at == heldCR {
		if i = e.releaseCR(s); e.err != nil {
			return 0
		}
	}
	cr, lf := -1, -1         // the next of each at or behind i, once looked for
	fixing := false          // the line before ended in a bare LF, now fixed
	short, nextBlock := 0, 0 // short lines in a row; where to try whole lines again
	for i < len(p) {
		if cr < i {
			cr = next(p, i, '\r')
		}
		if i >= nextBlock && e.at == lineStart {
			end, n := min(len(p), i+lineBlock), 0
			if fixing {
				n = fixLines(s, i, min(end, cr))
			} else {
				n = plainLines(p[i:end])
			}
			if n < shortRun*shortLine {
				nextBlock = i + lineBlock
			}
			if n > 0 {
				i += n
				continue
			}
		}
		if p[i] == '.' && e.at != midLine {
			s.take(i + 1)
			s.from = i // the dot goes out twice
		}
		if lf < i {
			lf = next(p, i, '\n')
		}
		start := i
		switch {
		case lf == cr+1:
			i, e.at = lf+1, lineStart
			if fixing {
				fixing, nextBlock = false, i
			}
		case lf < cr:
			if i = e.bareLF(s, lf); e.err != nil {
				return lf
			}
			if !fixing && e.EOL == EOLFix {
				fixing, nextBlock = true, i
			}
		case cr == len(p)-1:
			e.at = heldCR
			return cr
		case cr < lf:
			if i = e.bareCR(s, cr); e.err != nil {
				return cr
			}
		default:
			i, e.at = len(p), midLine
		}
		short = countShort(short, i-start)
		if short >= shortRun && e.at == lineStart {
			// Whole lines are tried behind it only if it got far, or content
			// made for it would have a block searched in vain again and again.
			start, short = i, 0
			if i = e.encodeWords(s, i); i-start >= shortRun*shortLine {
				nextBlock = i
			}
		}
	}
	return len(p)
}

// fixLines encodes the whole lines in p[i:end], where i is the start of a line
// and no CR occurs. It returns their length, and stops behind a run of short
// lines.
func fixLines(s *splice, i, end int) int {
	p := s.p[i:end]
	s.take(i)
	out := s.room(2 * len(p)) // every octet may become two
	n, o, lines, short, last := 0, 0, 0, 0, 0
	for n < len(p) && short < shortRun {
		end := lineEnd(p[n:], last)
		if end < 0 {
			break
		}
		if p[n] == '.' {
			out[o] = '.'
			o++
		}
		o += copy(out[o:], p[n:n+end])
		out[o], out[o+1] = '\r', '\n'
		o += 2
		short = countShort(short, end+1)
		n += end + 1
		lines++
		last = end
	}
	if bytes.Count(p[:n], octetLF) != lines {
		return 0 // lineEnd overlooked one: what was written does not count
	}
	s.wrote(o)
	s.from = i + n
	return n
}

// releaseCR passes on the CR held back from the piece before, now that the
// octet behind it is known, and returns how many octets of p that has settled.
func (e *DotEncoder) releaseCR(s *splice) int {
	if s.p[0] == '\n' {
		s.insert('\r')
		e.at = lineStart
		return 1
	}
	switch e.EOL {
	case EOLStrict:
		e.refuse(-1, "bare CR")
	case EOLVerbatim:
		s.insert('\r')
		e.at = bareEnd
	default:
		s.insert('\r')
		s.insert('\n')
		e.at = lineStart
	}
	return 0
}

// bareLF applies the policy to the bare LF p[i] and returns the index behind it.
func (e *DotEncoder) bareLF(s *splice, i int) int {
	switch e.EOL {
	case EOLStrict:
		e.refuse(i, "bare LF")
	case EOLVerbatim:
		e.at = bareEnd
	default:
		s.take(i)
		s.insert('\r')
		e.at = lineStart
	}
	return i + 1
}

// bareCR applies the policy to the bare CR p[i] and returns the index behind it.
func (e *DotEncoder) bareCR(s *splice, i int) int {
	switch e.EOL {
	case EOLStrict:
		e.refuse(i, "bare CR")
	case EOLVerbatim:
		e.at = bareEnd
	default:
		s.take(i + 1)
		s.insert('\n')
		e.at = lineStart
	}
	return i + 1
}

// refuse records the fault at p[i]; -1 is the last octet of the piece before.
func (e *DotEncoder) refuse(i int, reason string) {
	e.err = &SyntaxError{Element: "content", Reason: reason, Offset: int(e.offset) + i}
}

// encodeWords encodes p from i, the start of a line, in words of eight octets.
// It returns the index of the first octet it leaves: behind a block, where
// lines become long, and ahead of a bare CR or LF that is not simply fixed.
func (e *DotEncoder) encodeWords(s *splice, i int) int {
	end := min(len(s.p), i+lineBlock)
	s.take(i)
	// Every octet may become two; the last store reaches up to a word further.
	out := s.room(2*(end-i) + 8)
	o, idle := 0, 0 // octets written; words in a row without a line end
	// The worst that can be, every line a dot, has a loop of its own.
	for ; i+4 <= end && binary.LittleEndian.Uint32(s.p[i:])<<8 == dotCRLF<<8; i += 3 {
		binary.LittleEndian.PutUint32(out[o:], dotCRLF<<8|'.')
		o += 4
	}
	var lastCR, lastLF uint64 = 0, firstOctet
	for ; i+8 <= end && idle < shortLine/8; i += 8 {
		w := binary.LittleEndian.Uint64(s.p[i:])
		cr, lf := mark(w, '\r'), mark(w, '\n')
		behindCR := cr<<8 | lastCR
		bareLF := lf &^ behindCR
		if behindCR&^lf != 0 || bareLF != 0 && e.EOL != EOLFix {
			break
		}
		// The octets ahead of which one is inserted: a dot or a CR.
		edits := mark(w, '.')&(lf<<8|lastLF) | bareLF
		binary.LittleEndian.PutUint64(out[o:], w)
		for ; edits != 0; edits &= edits - 1 {
			k := bits.TrailingZeros64(edits) / 8
			rest := w >> (8 * k & 63)
			if byte(rest) == '\n' {
				out[o+k] = '\r'
			}
			o++
			binary.LittleEndian.PutUint64(out[o+k:], rest)
		}
		o += 8
		lastCR, lastLF = cr>>56, lf>>56
		idle++
		if lf != 0 {
			idle = 0
		}
	}
	if lastCR != 0 { // whether it is bare is for the caller to see
		i--
		o--
	}
	e.at = midLine
	if lastLF != 0 {
		e.at = lineStart
	}
	s.wrote(o)
	s.from = i
	return i
}
