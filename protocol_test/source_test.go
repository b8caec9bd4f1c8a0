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

	opened, released int
	misuse           string
	at               int
	buf              []byte
}

func (b *source) Size() int64 { return b.declared }

func (b *source) Open() (protocol.BodyReader, error) {
	b.opened++
	return b, nil
}

func (b *source) Next(max int) (protocol.Chunk, error) {
	if b.released >= b.opened {
		b.misuse = "Next behind Release"
	}
	b.spoil()
	n := min(max, b.piece, len(b.content)-b.at)
	b.buf = append(b.buf[:0], b.content[b.at:b.at+n]...)
	b.at += n
	switch {
	case b.at < len(b.content):
		return protocol.Chunk{Bytes: b.buf}, nil
	case b.fails != nil && n > 0:
		return protocol.Chunk{Bytes: b.buf}, nil
	case b.fails != nil:
		return protocol.Chunk{}, b.fails
	}
	return protocol.Chunk{Bytes: b.buf}, io.EOF
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
