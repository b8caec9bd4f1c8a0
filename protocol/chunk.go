package protocol

import (
	"fmt"
	"io"
)

// Chunk is a piece of content, or of output lent to a driver until Wrote covers it:
// Bytes, or, where File is not nil, the N octets of File from offset Off on. Those
// may be read with ReadAt from any goroutine, and a driver may hand an *os.File to
// sendfile, with an offset of its own. File stays open as long as the chunk is lent.
type Chunk struct {
	Bytes  []byte
	File   io.ReaderAt
	Off, N int64
}

// Len returns the number of octets.
func (c Chunk) Len() int64 {
	if c.File != nil {
		return c.N
	}
	return int64(len(c.Bytes))
}

// Skip returns the chunk without its first n octets, of 0 to Len.
func (c Chunk) Skip(n int64) Chunk {
	if c.File == nil {
		return Chunk{Bytes: c.Bytes[n:]}
	}
	c.Off, c.N = c.Off+n, c.N-n
	return c
}

// Read copies the first octets of the chunk to dst, as many as it has room for, and
// returns how many. A File that fails or has fewer octets than the chunk is a
// *BodyError, which comes with what could be read: see Core.WriteFailed.
func (c Chunk) Read(dst []byte) (n int, err error) {
	if c.File == nil {
		return copy(dst, c.Bytes), nil
	}
	dst = dst[:min(int64(len(dst)), c.N)]
	n, err = c.File.ReadAt(dst, c.Off)
	switch {
	case n == len(dst):
		return n, nil
	case err == io.EOF:
		err = fmt.Errorf("the file ends at octet %d of %d: %w", c.Off+int64(n), c.Off+c.N, io.ErrUnexpectedEOF)
	case err == nil:
		err = io.ErrNoProgress
	}
	return n, &BodyError{Err: err}
}
