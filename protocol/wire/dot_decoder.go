package wire

import (
	"encoding/binary"
	"math/bits"
)

// decoderPlace is what the octets decoded so far end in.
type decoderPlace uint8

const (
	behindCRLF decoderPlace = iota // or nothing: at the start of content
	behindText
	behindCR
	behindDot   // a dot at the start of a line, left out
	behindDotCR // the same and a CR, which is content only if no LF follows
	behindEnd
)

// DotDecoder decodes content received in DATA: it takes off the dot at the
// start of a line (RFC 5321 §4.5.2) and finds the end of data.
//
// Only CRLF . CRLF ends content, where the first CRLF may be the one of the DATA
// command (RFC 5321 §4.1.1.4); it belongs to the content. No other mixture of
// CR, LF, NUL and dot does, because a receiver that takes one for the end lets
// a sender smuggle messages past a stricter relay. Bare CR and LF are content
// like any other octet, and [DotDecoder.Bare] tells of them.
//
// The zero value is ready for use. Content may come in pieces of any length;
// what comes out does not depend on how it was cut. A DotDecoder holds a few
// octets, whatever the length of a line, and keeps no reference to a piece. It
// must not be used by two goroutines at once.
type DotDecoder struct {
	at   decoderPlace
	bare bool
}

// Decode appends to dst slices that together are the content in p, and returns
// dst and scratch as they have become. It takes n octets of p: all of it, or,
// when done is true, up to the end of the end of data. What lies behind that is
// the next command and remains untouched; further calls take nothing until
// Reset.
//
// Long stretches are lent from p, everything else is appended to scratch and
// lent from there, at most one octet more than n in all. Both must stay as they
// are until the slices have been used; then scratch may be used again from its
// start.
func (d *DotDecoder) Decode(dst [][]byte, scratch, p []byte) (out [][]byte, scratch2 []byte, n int, done bool) {
	s := splice{dst: dst, scratch: scratch, run: len(scratch), p: p}
	i := d.decode(&s)
	s.flush()
	return s.dst, s.scratch, i, d.at == behindEnd
}

// Bare reports whether the content decoded since Reset has a CR or LF that is
// not part of a CRLF. A server can then refuse it, behind the true end of data,
// with 550 5.6.0. A CR that is the last octet so far does not count yet.
func (d *DotDecoder) Bare() bool { return d.bare }

// Reset makes the decoder ready for the next content.
func (d *DotDecoder) Reset() { *d = DotDecoder{} }

// decode returns the index behind the last octet of p that it took.
func (d *DotDecoder) decode(s *splice) int {
	p, i := s.p, 0
	cr, lf := -1, -1         // the next of each at or behind i, once looked for
	short, nextBlock := 0, 0 // short lines in a row; where to try whole lines again
	for i < len(p) {
		switch d.at {
		case behindCRLF:
			if i >= nextBlock {
				n := plainLines(p[i:min(len(p), i+lineBlock)])
				if n < shortRun*shortLine {
					nextBlock = i + lineBlock
				}
				if n > 0 {
					i += n
					continue
				}
			}
			d.at = behindText
			if p[i] == '.' {
				s.take(i)
				i++
				s.from = i
				d.at = behindDot
			}

		case behindText:
			if lf < i {
				lf = next(p, i, '\n')
			}
			if cr < i {
				cr = next(p, i, '\r')
			}
			start := i
			switch {
			case lf == cr+1:
				i, d.at = lf+1, behindCRLF
				short = countShort(short, i-start)
				if short >= shortRun {
					// As in DotEncoder.encode.
					start, short = i, 0
					if i = d.decodeWords(s, i); i-start >= shortRun*shortLine {
						nextBlock = i
					}
				}
			case lf < cr:
				i, d.bare = lf+1, true
			case cr < lf:
				i, d.at = cr+1, behindCR
			default:
				i = len(p)
			}

		case behindCR:
			if p[i] == '\n' {
				i, d.at = i+1, behindCRLF
			} else {
				d.at, d.bare = behindText, true
			}

		case behindDot:
			d.at = behindText
			if p[i] == '\r' {
				s.take(i)
				i++
				s.from = i
				d.at = behindDotCR
			}

		case behindDotCR:
			if p[i] == '\n' {
				d.at = behindEnd
				return i + 1
			}
			s.insert('\r')
			d.at, d.bare = behindText, true

		case behindEnd:
			return i
		}
	}
	s.take(i)
	return i
}

// decodeWords decodes p from i, the start of a line, in words of eight octets.
// It returns the index of the first octet it leaves: behind a block, where
// lines become long, and ahead of what may be the end of data.
func (d *DotDecoder) decodeWords(s *splice, i int) int {
	end := min(len(s.p), i+lineBlock)
	s.take(i)
	// Nothing is longer than it was; the last store reaches up to a word further.
	out := s.room(end - i + 8)
	o, idle := 0, 0 // octets written; words in a row without a line end
	// The worst that can be, every line a doubled dot, has a loop of its own.
	for ; i+4 <= end && binary.LittleEndian.Uint32(s.p[i:]) == dotCRLF<<8|'.'; i += 4 {
		binary.LittleEndian.PutUint32(out[o:], dotCRLF)
		o += 3
	}
	var lastCR, lastCRLF, lastDot uint64 = 0, firstOctet, 0
	for ; i+8 <= end && idle < shortLine/8; i += 8 {
		w := binary.LittleEndian.Uint64(s.p[i:])
		cr, lf := mark(w, '\r'), mark(w, '\n')
		behind := cr<<8 | lastCR
		crlf := lf & behind
		dots := mark(w, '.') & (crlf<<8 | lastCRLF)
		if cr&(dots<<8|lastDot) != 0 {
			break
		}
		d.bare = d.bare || lf != behind
		binary.LittleEndian.PutUint64(out[o:], w)
		lastCR, lastCRLF, lastDot = cr>>56, crlf>>56, dots>>56
		for ; dots != 0; dots &= dots - 1 {
			k := bits.TrailingZeros64(dots) / 8
			binary.LittleEndian.PutUint64(out[o+k:], w>>(8*k+8))
			o--
		}
		o += 8
		idle++
		if lf != 0 {
			idle = 0
		}
	}
	switch {
	case lastDot != 0:
		d.at = behindDot
	case lastCRLF != 0:
		d.at = behindCRLF
	case lastCR != 0:
		d.at = behindCR
	default:
		d.at = behindText
	}
	s.wrote(o)
	s.from = i
	return i
}
