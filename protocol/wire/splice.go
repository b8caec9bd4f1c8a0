package wire

import "slices"

// lendMin is the length in octets from which a stretch of input is lent. Below
// it a copy costs less than one more slice does in writev.
const lendMin = 512

// splice turns one piece of input into slices with edits between them. Long
// unchanged stretches are lent from the input, all else is copied to scratch,
// and neighbours in scratch become one slice.
//
// When scratch grows, what was lent from the old array stays there: nothing
// already handed out is ever written again.
type splice struct {
	dst     [][]byte
	scratch []byte
	run     int // scratch[run:] is not in dst yet
	p       []byte
	from    int // p[from:] is neither lent, copied nor left out yet
}

// take passes the input on, up to but not including p[to].
func (s *splice) take(to int) {
	if to-s.from >= lendMin {
		s.flush()
		s.dst = append(s.dst, s.p[s.from:to:to])
	} else {
		s.scratch = append(s.scratch, s.p[s.from:to]...)
	}
	s.from = to
}

func (s *splice) insert(c byte) { s.scratch = append(s.scratch, c) }

// room returns n octets to write to behind the scratch in use; wrote says how
// many of them count.
func (s *splice) room(n int) []byte {
	s.scratch = slices.Grow(s.scratch, n)
	return s.scratch[len(s.scratch):][:n]
}

func (s *splice) wrote(n int) { s.scratch = s.scratch[:len(s.scratch)+n] }

func (s *splice) flush() {
	if end := len(s.scratch); end > s.run {
		s.dst = append(s.dst, s.scratch[s.run:end:end])
		s.run = end
	}
}
