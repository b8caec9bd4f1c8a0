package protocol

import (
	"bytes"
	"errors"
	"io"
)

// Body is the content of a message: its header and body in the sense of RFC
// 5322, without dot-stuffing and without an end of data.
type Body interface {
	// Size is the number of octets that Open's reader yields; -1 if that is not
	// known. A reader that yields more or fewer ends the connection without an end
	// of data.
	Size() int64
	// Open starts at the first octet. It is called once for each transaction, before
	// its first command is written.
	Open() (BodyReader, error)
}

// BodyReader yields content piece by piece.
type BodyReader interface {
	// Next returns the next piece, of at most max octets. The piece stays as it is
	// until the next call of Next or Release. io.EOF ends the content and may come
	// together with the last piece; any other error is a failure of the source, and
	// no piece comes with it. A piece without octets and without an error is a
	// failure too.
	//
	// A piece that lies in a File may have any number of octets. Nothing but CRLF ends
	// a line there: it may go out as it lies, without a look at it, wherever the
	// framing allows that.
	Next(max int) (Chunk, error)
	// Release ends the use of the reader. It is called exactly once.
	Release()
}

// BodyBytes returns a Body that lends b itself. Nobody may change b until the
// message's Result has settled and, where the connection ended with it, until the
// driver is done with its last write.
func BodyBytes(b []byte) Body {
	body := &memoryBody{octets: b}
	body.wireSize, body.bare = wireSize(b)
	return body
}

// BodyText returns a Body of s in UTF-8, as it stands.
func BodyText(s string) Body { return BodyBytes([]byte(s)) }

// BodyFrom returns a Body that reads r to its end, once: a second transaction
// with it fails. size is the number of octets that r will yield; -1 if that is
// not known. One buffer of 32 KiB is held while the content is sent. A read that
// blocks, blocks whoever calls Output.
func BodyFrom(r io.Reader, size int64) Body { return &readerBody{r: r, size: size} }

// memoryBody is content that lies in memory. It never changes, so that several
// transactions can have it open.
type memoryBody struct {
	octets   []byte
	wireSize int64 // see wireSize
	bare     bool
}

func (b *memoryBody) Size() int64 { return int64(len(b.octets)) }

func (b *memoryBody) Open() (BodyReader, error) {
	r := memoryReader(b.octets)
	return &r, nil
}

type memoryReader []byte

func (r *memoryReader) Next(max int) (Chunk, error) {
	if n := len(*r); n <= max {
		p := (*r)[:n:n]
		*r = nil
		return Chunk{Bytes: p}, io.EOF
	}
	p := (*r)[:max:max]
	*r = (*r)[max:]
	return Chunk{Bytes: p}, nil
}

func (r *memoryReader) Release() { *r = nil }

// readerPiece is the size of the buffer between an io.Reader and the wire: two
// TLS records, and enough that a system call costs little by comparison.
const readerPiece = 32 << 10

// maxIdleReads is how many reads in a row may yield neither octets nor an error.
const maxIdleReads = 100

var errBodyUsed = errors.New("the reader was used for an earlier transaction")

type readerBody struct {
	r    io.Reader
	size int64
	used bool
	buf  []byte
}

func (b *readerBody) Size() int64 { return b.size }

func (b *readerBody) Open() (BodyReader, error) {
	if b.used {
		return nil, errBodyUsed
	}
	b.used = true
	return b, nil
}

// Next fills the buffer as far as the source allows, so that the last piece can
// carry the end of data with it and a slow source does not make small writes.
func (b *readerBody) Next(max int) (Chunk, error) {
	if b.buf == nil {
		b.buf = make([]byte, readerPiece)
	}
	p := b.buf[:min(max, len(b.buf))]
	// Not io.ReadFull: it cannot tell the end of a source from a source that itself
	// fails with io.ErrUnexpectedEOF, as a truncated archive does.
	n, idle := 0, 0
	for n < len(p) {
		m, err := b.r.Read(p[n:])
		n += m
		if err == io.EOF {
			return Chunk{Bytes: p[:n]}, io.EOF
		}
		if err != nil {
			return Chunk{}, err
		}
		if m > 0 {
			idle = 0
		} else if idle++; idle == maxIdleReads {
			return Chunk{}, io.ErrNoProgress
		}
	}
	return Chunk{Bytes: p}, nil
}

func (b *readerBody) Release() { b.buf = nil }

// wireSize returns how many octets content takes on the wire once its bare CR and LF
// are CRLF and its last line has an end, without dot-stuffing (RFC 1870 §4), and
// whether anything was bare.
func wireSize(b []byte) (n int64, bare bool) {
	crlf, lf := 0, 0
	for rest := b; ; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		lf++
		if i > 0 && rest[i-1] == '\r' {
			crlf++
		}
		rest = rest[i+1:]
	}
	fixes := lf - crlf + bytes.Count(b, []byte{'\r'}) - crlf
	n = int64(len(b) + fixes)
	if len(b) > 0 && b[len(b)-1] != '\n' && b[len(b)-1] != '\r' {
		n += 2
	}
	return n, fixes > 0
}
