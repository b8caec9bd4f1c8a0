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
	if !l.direct() {
		if p := l.copyOutput(now, s); len(p) > 0 {
			l.writing = true
			go l.writeConn(l.conn, s, p)
			return
		}
	} else if l.flush(now, s, l.writeNow) {
		l.writing = true
		go l.writeDescriptor()
	}
	s.giveBack()
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
	err := l.fd.Write(s.try)
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
		if chunks[0].File != nil {
			wrote, err := s.writeFile(fd, chunks[0])
			n += wrote
			if err != nil || wrote < chunks[0].N {
				return n, err
			}
			chunks = chunks[1:]
			continue
		}
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

// gather puts chunks into s.pieces, as many as there is room for and up to a file,
// and returns the others. Small ones are copied to stand side by side: commands, and lines of
// content whose ends had to be mended, would else cost more as a piece each.
func (s *scratch) gather(chunks []protocol.Chunk) (rest []protocol.Chunk, size int) {
	s.pieces = s.pieces[:0]
	used, open := 0, false // open: the last piece ends at buf[used]
	for i, c := range chunks {
		n := len(c.Bytes)
		small := n < smallPiece
		if c.File != nil || small && used+n > len(s.buf) || !(small && open) && len(s.pieces) == maxVector {
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
	err := l.fd.Write(func(fd uintptr) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.driven {
			return true
		}
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
	l.report(func(now time.Time) {
		l.writing = false
		if err != nil {
			l.turn.Wrote(now, 0, err)
		}
	})
}

// writeConn is a goroutine that writes through conn's Write: first p, which lies in
// s, and then what else comes up.
func (l *Loop) writeConn(conn net.Conn, s *scratch, p []byte) {
	defer s.giveBack()
	for len(p) > 0 {
		n, err := conn.Write(p)
		l.mu.Lock()
		p = nil
		goesOn := l.driven
		l.report(func(now time.Time) {
			l.writing = false
			l.turn.Wrote(now, int64(n), err)
			if goesOn {
				p = l.copyOutput(now, s)
				l.writing = len(p) > 0
			}
		})
		l.mu.Unlock()
	}
}

// copyOutput copies what the core offers into s. A conn that seals or keeps what it
// is given gets few large pieces so, and nothing of the core's is in use behind its
// end.
func (l *Loop) copyOutput(now time.Time, s *scratch) []byte {
	s.chunks = l.turn.Output(now, s.chunks[:0], len(s.buf))
	p := s.buf[:0]
	var fault error
	for _, c := range s.chunks {
		var n int
		n, fault = c.Read(s.buf[len(p):])
		p = s.buf[:len(p)+n]
	}
	clear(s.chunks)
	if len(p) == 0 && fault != nil {
		l.turn.Wrote(now, 0, fault)
	}
	// A fault behind octets comes again.
	return p
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
