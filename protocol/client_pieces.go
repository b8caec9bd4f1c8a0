package protocol

import (
	"io"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// pieces is how far the content has come that is planned piece by piece.
type pieces struct {
	source   BodyReader       // nil: the content lies in memory
	pieceEnd int64            // where the last piece ends that was lent from source
	declared int64            // octets it promised; -1: none
	read     int64            // octets it yielded
	inFile   int64            // of these, octets that went out from where they lie
	chunks   int              // that are not the last and not answered
	parked   bool             // the source has no more content yet
	dots     wire.DotEncoder  // of content by DATA
	ends     wire.LineEncoder // of text by BDAT
	// Of content that could not be looked through before MAIL: it may have no octets
	// outside US-ASCII at all, or none in its header section.
	only7Bit, asciiHeader bool
}

// unpark has a source asked again that had no more content.
func (d *Delivery) unpark() {
	if d.pieces != nil {
		d.parked = false
	}
}

// next returns the next piece of content as it comes from the body: up to max
// octets, or any number that lie in a file.
func (d *Delivery) next(max int) (Chunk, error) {
	if d.source == nil {
		rest := memoryReader(d.body.(*memoryBody).octets[d.read:])
		return rest.Next(max)
	}
	for range maxIdleReads {
		d.parked = true
		piece, err := d.source.Next(max)
		if err != ErrNotReady || d.parked || d.phase != phaseContent {
			d.parked = err == ErrNotReady
			return piece, err
		}
		// BodyReady came from within Next.
	}
	return Chunk{}, io.ErrNoProgress
}

// nextPiece is next for where octets have to be looked at: what lies in a file is
// read, unless inFile says that it may come as it is.
func (d *Delivery) nextPiece(c *Client, max int, inFile bool) (Chunk, error) {
	mem := c.mem
	// A message that was given up halfway may have left some of its own there.
	if mem.ranged.N == 0 || d.read == 0 {
		mem.ranged = Chunk{}
		piece, err := d.next(max)
		if piece.File == nil || err != nil && err != io.EOF {
			return piece, err
		}
		if piece.N <= 0 {
			return Chunk{}, err
		}
		mem.ranged, mem.last = piece, err == io.EOF
	}
	if inFile {
		return d.rest(c, mem.ranged.N)
	}
	if mem.piece == nil || c.out.acked < c.pieceEnd { // those who hold pieces of the old one keep it
		mem.piece = make([]byte, maxPooled)
	}
	n, err := mem.ranged.Read(mem.piece[:min(max, len(mem.piece))])
	if err != nil {
		return Chunk{}, err
	}
	_, err = d.rest(c, int64(n))
	return Chunk{Bytes: mem.piece[:n:n]}, err
}

// rest takes n octets from what is left of the part of a file that the content goes on
// with.
func (d *Delivery) rest(c *Client, n int64) (piece Chunk, err error) {
	mem := c.mem
	piece = mem.ranged
	mem.ranged, piece.N = piece.Skip(n), n
	if mem.ranged.N == 0 {
		mem.ranged = Chunk{}
		if mem.last {
			err = io.EOF
		}
	}
	return piece, err
}

// bodyError returns err as a *BodyError, which it may be already.
func bodyError(err error) error {
	if _, is := err.(*BodyError); is {
		return err
	}
	return &BodyError{Err: err}
}
