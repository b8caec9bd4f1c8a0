package wire

// LineEncoder brings content into lines that end in CRLF, by an [EOL] policy, and
// changes nothing else. It makes text ready for BDAT (RFC 3030 §2), which knows
// neither dot-stuffing nor an end of data: what it appends is what [DotEncoder]
// would have the receiver find.
//
// The zero value is ready for use. Content may come in pieces of any length; the
// octets that come out do not depend on how it was cut. A LineEncoder keeps no
// reference to a piece. It must not be used by two goroutines at once.
type LineEncoder struct {
	// EOL is the policy for bare CR and LF. It may change between contents, not
	// within one.
	EOL EOL

	midLine bool
	heldCR  bool  // a CR was not passed on, because its LF may follow
	offset  int64 // octets of content taken by earlier calls
	err     error
}

// Append appends p to dst as it is to be sent. Each octet of p takes at most two
// of dst. A CR that ends p is held back until the octet behind it, or the end, is
// known.
//
// Under [EOLStrict] a bare CR or LF is a [*SyntaxError]; from then on Append and
// AppendEnd return it until Reset.
func (e *LineEncoder) Append(dst, p []byte) ([]byte, error) {
	if e.err != nil || len(p) == 0 {
		return dst, e.err
	}
	i := 0
	if e.heldCR {
		e.heldCR = false
		if p[0] == '\n' {
			dst, i, e.midLine = append(dst, "\r\n"...), 1, false
		} else if dst = e.bare(dst, '\r', -1); e.err != nil {
			return dst, e.err
		}
	}
	from := i // what lies between it and i is passed on as it is
	for cr, lf := -1, -1; i < len(p); {
		if cr < i {
			cr = next(p, i, '\r')
		}
		if lf < i {
			lf = next(p, i, '\n')
		}
		switch {
		case lf == cr+1:
			i, e.midLine = lf+1, false
		case cr == len(p)-1 && cr < lf:
			dst = append(dst, p[from:cr]...)
			i, from, e.heldCR = len(p), len(p), true
		case cr == lf: // neither is there
			i, e.midLine = len(p), true
		default:
			at := min(cr, lf)
			if dst = e.bare(append(dst, p[from:at]...), p[at], at); e.err != nil {
				return dst, e.err
			}
			i, from = at+1, at+1
		}
	}
	e.offset += int64(len(p))
	return append(dst, p[from:]...), nil
}

// AppendEnd appends what the content still lacks: a CRLF if it does not end in
// one. Content that ends in a bare CR gets the LF to it, except that EOLStrict
// refuses it. Afterwards the encoder is ready for the next content.
func (e *LineEncoder) AppendEnd(dst []byte) ([]byte, error) {
	if e.err == nil && e.heldCR && e.EOL == EOLStrict {
		e.refuse(-1, "bare CR")
	}
	if e.err != nil {
		return dst, e.err
	}
	if e.heldCR || e.midLine {
		dst = append(dst, "\r\n"...)
	}
	e.Reset()
	return dst, nil
}

// Reset forgets the content encoded so far and its error, but not the policy.
func (e *LineEncoder) Reset() { *e = LineEncoder{EOL: e.EOL} }

// bare applies the policy to the bare CR or LF c, which is p[at]; at -1 is the last
// octet of the piece before.
func (e *LineEncoder) bare(dst []byte, c byte, at int) []byte {
	switch e.EOL {
	case EOLStrict:
		if c == '\r' {
			e.refuse(at, "bare CR")
		} else {
			e.refuse(at, "bare LF")
		}
	case EOLVerbatim:
		e.midLine = true
		return append(dst, c)
	default:
		e.midLine = false
		return append(dst, "\r\n"...)
	}
	return dst
}

func (e *LineEncoder) refuse(at int, reason string) {
	e.err = &SyntaxError{Element: "content", Reason: reason, Offset: int(e.offset) + at}
}
