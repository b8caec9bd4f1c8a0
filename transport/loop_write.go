package transport

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// maxOutput is how much the core is asked for at once.
const maxOutput = 128 << 10

// smallPiece is below what a piece of output is copied rather than handed to the
// system by itself.
const smallPiece = 1 << 10

// scratch is memory for one call of the system, shared by all Loops.
type scratch struct {
	buf    [64 << 10]byte // read into, or gathered in; never both
	chunks []protocol.Chunk
	pieces [][]byte
	vector vector
	try    func(fd uintptr) bool // attempt; made once, because it escapes

	// The arguments and results of attempt.
	output []protocol.Chunk
	wrote  int64
	err    error
}

var scratches = sync.Pool{New: func() any {
	s := new(scratch)
	s.try = s.attempt
	return s
}}

func borrow() *scratch { return scratches.Get().(*scratch) }

func (s *scratch) giveBack() { scratches.Put(s) }

// write writes what the core offers, as far as that does not block, and has the
// rest written by a goroutine of its own.
func (l *Loop) write(now time.Time) {
	l.turn.resume(now)
	if l.writing || l.over || l.implicit || l.securing {
		return
	}
	s := borrow()
	defer s.giveBack()
	if l.raw == nil {
		s.chunks = l.turn.Output(now, s.chunks[:0], maxOutput)
		if len(s.chunks) > 0 {
			clear(s.chunks)
			l.writing = true
			go l.writeConn()
		}
		return
	}
	if l.flush(now, s, l.writeNow) {
		l.writing = true
		go l.writeDescriptor()
	}
}

// flush is the Turn's Flush with chunks from s.
func (l *Loop) flush(now time.Time, s *scratch, write func(*scratch, []protocol.Chunk) (int64, error)) (blocked bool) {
	l.turn.chunks = s.chunks
	blocked = l.turn.Flush(now, maxOutput, func(chunks []protocol.Chunk) (int64, error) { return write(s, chunks) })
	s.chunks, l.turn.chunks = l.turn.chunks, nil
	return blocked
}

// writeNow writes chunks until the socket is full.
func (l *Loop) writeNow(s *scratch, chunks []protocol.Chunk) (int64, error) {
	s.output, s.wrote, s.err = chunks, 0, nil
	err := l.raw.Write(s.try)
	s.output = nil
	if err == nil && s.err != nil {
		err = l.opError("write", s.err)
	}
	return s.wrote, err
}

// attempt is called with the descriptor, once.
func (s *scratch) attempt(fd uintptr) bool {
	s.wrote, s.err = s.writeAll(fd, s.output)
	return true
}

// writeAll writes chunks until the socket is full: n is less than their size then.
func (s *scratch) writeAll(fd uintptr, chunks []protocol.Chunk) (n int64, err error) {
	for len(chunks) > 0 {
		var gathered, wrote int
		chunks, gathered = s.gather(chunks)
		wrote, err = writeVector(fd, s.pieces, &s.vector)
		clear(s.pieces)
		n += int64(wrote)
		if err != nil || wrote < gathered {
			return n, err
		}
	}
	return n, nil
}

// gather puts chunks into s.pieces, as many as there is room for, and returns the
// others. Small ones are copied to stand side by side: commands, and lines of
// content whose ends had to be mended, would else cost more as a piece each.
func (s *scratch) gather(chunks []protocol.Chunk) (rest []protocol.Chunk, size int) {
	s.pieces = s.pieces[:0]
	used, open := 0, false // open: the last piece ends at buf[used]
	for i, c := range chunks {
		n := len(c.Bytes)
		small := n < smallPiece
		if small && used+n > len(s.buf) || !(small && open) && len(s.pieces) == maxVector {
			return chunks[i:], size
		}
		size += n
		switch {
		case !small:
			s.pieces = append(s.pieces, c.Bytes)
			open = false
			continue
		case open:
			last := &s.pieces[len(s.pieces)-1]
			*last = (*last)[:len(*last)+n]
		default:
			s.pieces = append(s.pieces, s.buf[used:used+n:len(s.buf)])
			open = true
		}
		used += copy(s.buf[used:], c.Bytes)
	}
	return nil, size
}

// writeDescriptor is a goroutine that writes while the socket was full. It holds
// neither memory nor the lock while it waits for room.
func (l *Loop) writeDescriptor() {
	err := l.raw.Write(func(fd uintptr) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		s := borrow()
		defer s.giveBack()
		return !l.flush(time.Now(), s, func(s *scratch, chunks []protocol.Chunk) (int64, error) {
			n, err := s.writeAll(fd, chunks)
			if err != nil {
				err = l.opError("write", err)
			}
			return n, err
		})
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if err != nil {
		l.turn.Wrote(now, 0, err)
	}
	l.writing = false
	l.settle(now)
}

// writeConn is a goroutine that writes through conn's Write.
func (l *Loop) writeConn() {
	s := borrow()
	defer s.giveBack()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		s.chunks = l.turn.Output(time.Now(), s.chunks[:0], len(s.buf))
		// Copied, so that a conn that seals or keeps gets few large pieces, and nothing
		// of the core's is in use behind its end.
		p := s.buf[:0]
		for _, c := range s.chunks {
			p = append(p, c.Bytes...)
		}
		clear(s.chunks)
		if len(p) == 0 {
			break
		}
		conn := l.conn
		l.mu.Unlock()
		n, err := conn.Write(p)
		l.mu.Lock()
		now := time.Now()
		l.turn.Wrote(now, int64(n), err)
		l.arm(now)
		l.nudge()
	}
	l.writing = false
	l.settle(time.Now())
}

// opError gives an error of the system the form that package net gives it.
func (l *Loop) opError(op string, err error) error {
	local, remote := l.base.LocalAddr(), l.base.RemoteAddr()
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	} else {
		return err
	}
	return &net.OpError{Op: op, Net: remote.Network(), Source: local, Addr: remote, Err: err}
}
