package protocol

import (
	"errors"
	"io"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

var (
	// ErrNotReady is what a BodyReader returns while it has no more content yet. The
	// content waits then, for as long as it takes, until Client.BodyReady.
	ErrNotReady = errors.New("no more content yet")
	// ErrBodyFull is why a BodyPush took less than it was given.
	ErrBodyFull = errors.New("the body has no room for more content now")
	// ErrBodyGivenUp is the cause of a *BodyError where the content was given up by
	// whoever wrote it, without a reason of its own.
	ErrBodyGivenUp = errors.New("the content was given up")
)

// BodyReady says that a source of content that returned ErrNotReady has more, or has
// come to its end. The driver asks for Output next, as after every call. It may be
// called at any time.
func (c *Client) BodyReady() {
	if c.sending < len(c.mem.flight) {
		c.mem.flight[c.sending].unpark()
	}
}

// BodyPush is a Body that is written to while it is sent: an io.Writer whose other
// end is a message. It keeps a bounded number of octets, and belongs to the goroutine
// of its Client, as everything of that does.
//
// It is for one transaction. A message that is over, accepted or not, takes no more.
type BodyPush struct {
	c      *Client
	size   int64
	onRoom func()

	ring   []byte
	limit  int
	start  int // of ring: the first octet in use
	lent   int // octets from there on that were yielded, and stay as they are
	held   int // octets in use
	survey wire.Survey
	moved  bool // something was yielded

	opened, released  bool
	closed            bool
	err               error // with which the content ends, once it is closed
	waiting, crowding bool  // Next came too early; Write came too early
}

// NewBodyPush returns a body for a message of c that keeps up to limit octets, at
// least 1, until they are sent. size is the number of octets that will be written;
// -1 if that is not known. onRoom, if not nil, is called once there is room behind
// a Write that took less than it was given, and once the message is over if
// somebody waits for that: inline, as a callback of c.
func NewBodyPush(c *Client, size int64, limit int, onRoom func()) *BodyPush {
	return &BodyPush{c: c, size: size, limit: max(limit, 1), onRoom: onRoom}
}

// Write takes as much of p as there is room for. The error is ErrBodyFull where that
// is not all, and io.ErrClosedPipe behind Close and Abort, and once the message is
// over.
func (b *BodyPush) Write(p []byte) (n int, err error) {
	if b.closed || b.released {
		return 0, io.ErrClosedPipe
	}
	if b.ring == nil {
		b.ring = make([]byte, b.limit)
	}
	for len(p) > n && b.held < b.limit {
		end := (b.start + b.held) % b.limit
		k := copy(b.ring[end:min(b.limit, end+b.limit-b.held)], p[n:])
		b.held += k
		n += k
	}
	if !b.moved {
		b.survey.Write(p[:n])
	}
	if n > 0 {
		b.ready()
	}
	if n < len(p) {
		b.crowding = true
		return n, ErrBodyFull
	}
	return n, nil
}

// Close ends the content: all of it was written. The error is always nil.
func (b *BodyPush) Close() error {
	b.end(io.EOF)
	return nil
}

// Abort gives the content up: the message fails with a *BodyError around err, without an
// end of data. Once its transaction has begun, that ends the connection where it goes by
// DATA; by BDAT it costs the message alone. A nil err stands for ErrBodyGivenUp.
func (b *BodyPush) Abort(err error) {
	if err == nil || err == io.EOF || err == ErrNotReady {
		err = ErrBodyGivenUp
	}
	b.end(err)
}

func (b *BodyPush) end(err error) {
	if b.closed {
		return
	}
	b.closed, b.err = true, err
	b.ready()
}

// ready wakes the message that waits for content.
func (b *BodyPush) ready() {
	if b.waiting {
		b.waiting = false
		b.c.BodyReady()
	}
}

// Size implements Body.
func (b *BodyPush) Size() int64 { return b.size }

// Survey implements Surveyed: it is of what was written so far.
func (b *BodyPush) Survey() (s wire.Survey, whole bool) {
	return b.survey, b.closed && b.err == io.EOF
}

// Open implements Body.
func (b *BodyPush) Open() (BodyReader, error) {
	switch {
	case b.opened:
		return nil, errBodyUsed
	case b.closed && b.err != io.EOF:
		return nil, b.err
	}
	b.opened = true
	return (*pushReader)(b), nil
}

// pushReader is the end of a BodyPush that the Client has.
type pushReader BodyPush

func (b *pushReader) Next(max int) (Chunk, error) {
	if b.closed && b.err != io.EOF {
		return Chunk{}, b.err
	}
	b.start = (b.start + b.lent) % b.limit
	b.held -= b.lent
	b.lent = 0
	b.room()
	n := min(b.held, max, b.limit-b.start)
	switch {
	case n > 0:
	case b.closed:
		return Chunk{}, io.EOF
	default:
		b.waiting = true
		return Chunk{}, ErrNotReady
	}
	b.lent, b.moved = n, true
	c := Chunk{Bytes: b.ring[b.start : b.start+n : b.start+n]}
	if b.closed && n == b.held {
		return c, b.err
	}
	return c, nil
}

func (b *pushReader) Release() {
	b.released, b.ring, b.held, b.lent = true, nil, 0, 0
	b.room()
}

// room tells whoever wants to write.
func (b *pushReader) room() {
	if b.crowding && (b.held < b.limit || b.released) {
		b.crowding = false
		if b.onRoom != nil {
			b.onRoom()
		}
	}
}
