package protocol

import (
	"errors"
	"io"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Body is the content of a message: its header and body in the sense of RFC
// 5322, without dot-stuffing and without an end of data.
type Body interface {
	// Size is the number of octets that Open's reader yields; -1 if that is not
	// known. A reader that yields more or fewer, or fails, never gets an end of data:
	// by DATA that ends the connection, by BDAT it costs the message alone, except where
	// the File of a chunk that is announced already turns out too short.
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
	// failure too. ErrNotReady is none: Next is called again once Client.BodyReady was.
	//
	// A piece that lies in a File may have any number of octets. Nothing but CRLF ends
	// a line there, and none is cut in two between it and memory: it may go out as it
	// lies, without a look at it, wherever the framing allows that.
	Next(max int) (Chunk, error)
	// Release ends the use of the reader. It is called exactly once.
	Release()
}

// Surveyed is a Body that knows what its content holds before it is sent. A content
// that needs what the server does not offer is refused then before anything is
// written, and SIZE and SMTPUTF8 are what they should be. Of other content this is
// found on the way, which by DATA costs the connection.
type Surveyed interface {
	Body
	// Survey returns what was found. whole is false if more of the content may
	// follow, or if it may have changed since.
	Survey() (s wire.Survey, whole bool)
}

// BodyBytes returns a Body that lends b itself. Nobody may change b until the
// message's Result has settled and, where the message was refused or the connection
// ended before all of b was written, until the driver is done with that write. What b
// holds is looked up here, and not again: octets that change later could end content by
// DATA before its end.
func BodyBytes(b []byte) Body {
	return &memoryBody{octets: b, survey: wire.SurveyOf(b)}
}

// BodyText returns a Body of s in UTF-8, as it stands.
func BodyText(s string) Body { return BodyBytes([]byte(s)) }

// BodyFrom returns a Body that reads r to its end, once: a second transaction
// with it fails. size is the number of octets that r will yield; -1 if that is
// not known. One buffer of 32 KiB is held from the beginning of the transaction; it
// is filled then, so that what begins the content, or all of it, is known before
// anything is written. A read that blocks, blocks whoever drives the Client.
func BodyFrom(r io.Reader, size int64) Body { return &readerBody{r: r, size: size} }

// memoryBody is content that lies in memory. It never changes, so that several
// transactions can have it open.
type memoryBody struct {
	octets []byte
	survey wire.Survey
}

func (b *memoryBody) Survey() (s wire.Survey, whole bool) { return b.survey, true }

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
	head []byte // read for Survey, and not yielded yet
	err  error  // and how reading it ended; nil: it goes on
}

func (b *readerBody) Size() int64 { return b.size }

// Survey looks through what fits into the buffer.
func (b *readerBody) Survey() (s wire.Survey, whole bool) {
	if b.head == nil && b.err == nil && !b.used {
		b.head, b.err = b.fill(readerPiece)
	}
	return wire.SurveyOf(b.head), b.err == io.EOF
}

func (b *readerBody) Open() (BodyReader, error) {
	switch {
	case b.used:
		return nil, errBodyUsed
	case b.err != nil && b.err != io.EOF:
		return nil, b.err
	}
	b.used = true
	return b, nil
}

func (b *readerBody) Next(max int) (Chunk, error) {
	if b.head != nil {
		p, err := b.head, b.err
		if len(p) > max {
			p, err = p[:max:max], nil
			b.head = b.head[max:]
		} else {
			b.head = nil
		}
		return Chunk{Bytes: p}, err
	}
	p, err := b.fill(max)
	return Chunk{Bytes: p}, err
}

// fill fills the buffer as far as the source allows, so that the last piece can
// carry the end of data with it and a slow source does not make small writes.
func (b *readerBody) fill(max int) ([]byte, error) {
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
			return p[:n], io.EOF
		}
		if err != nil {
			return nil, err
		}
		if m > 0 {
			idle = 0
		} else if idle++; idle == maxIdleReads {
			return nil, io.ErrNoProgress
		}
	}
	return p, nil
}

func (b *readerBody) Release() { b.buf, b.head = nil, nil }
