package protocol_test

import (
	"io"

	"github.com/sansmtp/sansmtp/protocol"
)

// source is a Body that holds its client to the contract: one Release for each
// Open, nothing behind it. Its pieces lie in one buffer, which is overwritten as
// soon as that is allowed.
type source struct {
	content  string
	declared int64 // what Size returns
	piece    int   // octets at most in a piece
	fails    error // in place of io.EOF
	inFile   bool  // its pieces lie in a file
	// act is called within every method, and may do what a callback may; nap says
	// whether there is nothing to yield yet. nil: neither happens.
	act func()
	nap func() bool

	opened, released int
	misuse           string
	at               int
	buf              []byte
}

func (b *source) Size() int64 {
	b.acts()
	return b.declared
}

func (b *source) acts() {
	if b.act != nil {
		b.act()
	}
}

func (b *source) Open() (protocol.BodyReader, error) {
	b.opened++
	b.acts()
	return b, nil
}

func (b *source) Next(max int) (protocol.Chunk, error) {
	if b.released >= b.opened {
		b.misuse = "Next behind Release"
	}
	if b.nap != nil && b.nap() {
		return protocol.Chunk{}, protocol.ErrNotReady
	}
	if b.acts(); b.released >= b.opened {
		return protocol.Chunk{}, io.EOF // it was given up meanwhile
	}
	b.spoil()
	n := min(max, b.piece, len(b.content)-b.at)
	b.buf = append(b.buf[:0], b.content[b.at:b.at+n]...)
	chunk := protocol.Chunk{Bytes: b.buf}
	if b.inFile && n > 0 {
		chunk = protocol.Chunk{File: file{b.buf, int64(b.at)}, Off: int64(b.at), N: int64(n)}
	}
	b.at += n
	switch {
	case b.at < len(b.content):
		return chunk, nil
	case b.fails != nil && n > 0:
		return chunk, nil
	case b.fails != nil:
		return protocol.Chunk{}, b.fails
	}
	return chunk, io.EOF
}

func (b *source) Release() {
	b.released++
	b.spoil()
}

func (b *source) spoil() {
	for i := range b.buf {
		b.buf[i] = '!'
	}
}

// file is a file of which only what was yielded can be read, for as long as it may.
type file struct {
	octets []byte
	from   int64
}

func (f file) ReadAt(p []byte, off int64) (int, error) {
	if n := copy(p, f.octets[off-f.from:]); n < len(p) {
		return n, io.EOF
	}
	return len(p), nil
}
