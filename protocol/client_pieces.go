package protocol

import "io"

// next returns the next piece of content as it comes from the body: up to max
// octets, or any number that lie in a file.
func (d *Delivery) next(max int) (Chunk, error) {
	if d.source != nil {
		return d.source.Next(max)
	}
	rest := memoryReader(d.body.(*memoryBody).octets[d.read:])
	return rest.Next(max)
}

// nextPiece is next for where each octet has to be looked at: what lies in a file
// is read.
func (d *Delivery) nextPiece(c *Client, max int) (Chunk, error) {
	mem := c.mem
	if mem.ranged.N == 0 {
		piece, err := d.next(max)
		if piece.File == nil || err != nil && err != io.EOF {
			return piece, err
		}
		if piece.N <= 0 {
			return Chunk{}, err
		}
		mem.ranged, mem.last = piece, err == io.EOF
	}
	if mem.piece == nil {
		mem.piece = make([]byte, readerPiece)
	}
	n, err := mem.ranged.Read(mem.piece[:min(max, len(mem.piece))])
	if err != nil {
		return Chunk{}, err
	}
	mem.ranged = mem.ranged.Skip(int64(n))
	if mem.ranged.N == 0 {
		mem.ranged = Chunk{}
		if mem.last {
			err = io.EOF
		}
	}
	return Chunk{Bytes: mem.piece[:n:n]}, err
}

// bodyError returns err as a *BodyError, which it may be already.
func bodyError(err error) error {
	if _, is := err.(*BodyError); is {
		return err
	}
	return &BodyError{Err: err}
}
