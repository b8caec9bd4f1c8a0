package netasync

import (
	"bufio"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// BodyFrom returns a Body that reads r to its end, once: a second transaction with
// it fails. size is the number of octets that r will yield; -1 if that is not known.
//
// For a message that Client.Send or SendAsync sends, r is read on a goroutine of its
// own, from the beginning of its transaction on, and up to 64 KiB ahead of what is
// sent: a Read that waits, for a person or a network, keeps nobody else waiting, and
// no time limit counts meanwhile. When the message is over, however it ended, r is
// not read any more; the goroutine ends once a Read under way returns. Where the
// message is handed to the machine itself it is as with protocol.BodyFrom.
//
// What a *bufio.Reader holds already, as behind Peek, is looked through before
// anything is sent: see protocol.Surveyed.
func BodyFrom(r io.Reader, size int64) protocol.Body {
	s := &stream{r: r, size: size}
	if b, buffered := r.(*bufio.Reader); buffered {
		head, _ := b.Peek(b.Buffered())
		s.head.Write(head)
	}
	return s
}

// maxAhead is how much of a stream is read ahead of what is sent, in octets;
// streamPiece is how much is read at once.
const (
	maxAhead    = 64 << 10
	streamPiece = 32 << 10
)

var errStreamUsed = errors.New("the reader was used for an earlier transaction")

// stream is content that is read as it is sent: from r, or from what name names.
type stream struct {
	r    io.Reader
	name string
	size int64
	head wire.Survey
	used atomic.Bool
}

func (s *stream) Size() int64 { return s.size }

// Survey implements protocol.Surveyed.
func (s *stream) Survey() (wire.Survey, bool) { return s.head, false }

// Open is for a machine that nobody drives from other goroutines.
func (s *stream) Open() (protocol.BodyReader, error) {
	if s.used.Swap(true) {
		return nil, errStreamUsed
	}
	r, err := s.source()
	if err != nil {
		return nil, err
	}
	reader, err := protocol.BodyFrom(r, s.size).Open()
	return streamReader{reader, r}, err
}

// source opens what has a name.
func (s *stream) source() (io.ReadCloser, error) {
	if s.r != nil {
		return io.NopCloser(s.r), nil
	}
	return os.Open(s.name)
}

type streamReader struct {
	protocol.BodyReader
	source io.Closer
}

func (r streamReader) Release() {
	r.BodyReader.Release()
	r.source.Close()
}

// on returns the stream as a Body for a message of c.
func (s *stream) on(c *Client) protocol.Body {
	b := &streamed{stream: s, c: c, room: make(chan struct{}, 1)}
	b.push = protocol.NewBodyPush(c.core, s.size, maxAhead, func() { b.room <- struct{}{} })
	return b
}

// streamed is a stream that a goroutine reads and pushes to the machine of a Client.
type streamed struct {
	*stream
	c    *Client
	push *protocol.BodyPush
	room chan struct{} // has an element once there is room behind ErrBodyFull
}

func (b *streamed) Open() (protocol.BodyReader, error) {
	if b.used.Swap(true) {
		return nil, errStreamUsed
	}
	r, err := b.push.Open()
	if err == nil {
		go b.pump()
	}
	return r, err
}

// pump is the goroutine. All that it has to do with the machine is in do.
func (b *streamed) pump() {
	r, err := b.source()
	if err != nil {
		b.do(func() { b.push.Abort(err) })
		return
	}
	defer r.Close()
	buf := make([]byte, streamPiece)
	for idle := 0; ; {
		n, end := r.Read(buf)
		if !b.write(buf[:n]) {
			return
		}
		if idle++; n > 0 {
			idle = 0
		}
		switch {
		case end == io.EOF:
			b.do(func() { b.push.Close() })
			return
		case end == nil && idle == maxIdleReads:
			end = io.ErrNoProgress
		}
		if end != nil {
			b.do(func() { b.push.Abort(end) })
			return
		}
	}
}

// maxIdleReads is how many reads in a row may yield neither octets nor an error.
const maxIdleReads = 100

// write pushes p as room comes, and reports false once the message is over.
func (b *streamed) write(p []byte) bool {
	for len(p) > 0 {
		var n int
		var err error
		b.do(func() { n, err = b.push.Write(p) })
		switch p = p[n:]; err {
		case nil:
		case protocol.ErrBodyFull:
			<-b.room
		default:
			return false
		}
	}
	return true
}

func (b *streamed) do(f func()) { b.c.Do(func(*protocol.Client) { f() }) }
