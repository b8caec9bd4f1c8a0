package netasync

import (
	"errors"
	"io"
	"sync"
	"time"
)

// contentBuffer is how much of a message waits for its reader, and how much the
// reader has at once, in octets.
const contentBuffer = 32 << 10

var contentBuffers = sync.Pool{New: func() any { return new([contentBuffer]byte) }}

// errAnswered is the error of reading content behind its verdict.
var errAnswered = errors.New("the message has its verdict")

// content is the content of a message on its way from the machine to the handler: a
// protocol.Sink under the loop's lock, an io.Reader outside of it. Two buffers are
// exchanged between the two, so that neither waits while the other copies.
type content struct {
	command *command

	accepted bool // under the loop's lock

	mu      sync.Mutex
	more    sync.Cond
	in      *[contentBuffer]byte
	filled  int   // octets of in
	short   bool  // WriteBody took less than it was given
	err     error // behind in; nil: more is to come
	dropped bool  // nobody reads

	// The reader's own.
	begun   bool
	out     *[contentBuffer]byte
	from, n int  // what is left of out
	seen    bool // io.EOF was returned
}

func newContent(c *command) *content {
	r := &content{command: c}
	r.more.L = &r.mu
	return r
}

// accept takes the message. The caller holds the loop's lock.
func (r *content) accept() {
	if r.accepted {
		return
	}
	r.accepted = true
	r.command.request.AcceptContent(r).OnReady(func(_ int64, err error) {
		if err == nil {
			err = io.EOF
		}
		r.end(err)
	})
}

// end is the end of what there is to read.
func (r *content) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	r.more.Broadcast()
}

// WriteBody implements protocol.Sink.
func (r *content) WriteBody(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dropped {
		return len(p), nil
	}
	if r.in == nil {
		r.in = contentBuffers.Get().(*[contentBuffer]byte)
	}
	n := copy(r.in[r.filled:], p)
	r.filled += n
	r.short = n < len(p)
	r.more.Broadcast()
	return n, nil
}

// drop gives up what is not read yet. The caller holds the loop's lock.
func (r *content) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dropped {
		return
	}
	r.dropped = true
	if r.err == nil {
		r.err = errAnswered
	}
	r.giveBack()
	if r.short {
		r.short = false
		r.command.session.pump.Resume()
	}
	r.more.Broadcast()
}

func (r *content) giveBack() {
	if r.in != nil {
		contentBuffers.Put(r.in)
	}
	r.in, r.filled = nil, 0
}

// Read implements io.Reader.
func (r *content) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.from == r.n {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.out[r.from:r.n])
	r.from += n
	return n, nil
}

// WriteTo implements io.WriterTo.
func (r *content) WriteTo(w io.Writer) (total int64, err error) {
	for {
		if r.from == r.n {
			if err := r.fill(); err == io.EOF {
				return total, nil
			} else if err != nil {
				return total, err
			}
		}
		n, err := w.Write(r.out[r.from:r.n])
		total += int64(n)
		r.from += n
		if err != nil {
			return total, err
		}
	}
}

// fill waits for more.
func (r *content) fill() error {
	if !r.begun {
		r.begun = true
		r.command.do(func() {
			if !r.command.replied.Load() {
				r.accept()
			}
			r.command.session.pump.pull()
		})
	}
	resume, err := r.exchange()
	if resume {
		r.command.session.loop.Do(func(time.Time) { r.command.session.resume() })
	}
	return err
}

// exchange waits until there is something to read, and takes it.
func (r *content) exchange() (resume bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.filled == 0 && r.err == nil {
		r.more.Wait()
	}
	if r.filled == 0 || r.dropped {
		r.seen = r.err == io.EOF
		if r.out != nil {
			contentBuffers.Put(r.out)
		}
		r.out, r.from, r.n = nil, 0, 0
		return false, r.err
	}
	r.in, r.out = r.out, r.in
	r.from, r.n, r.filled = 0, r.filled, 0
	resume, r.short = r.short, false
	return resume, nil
}
