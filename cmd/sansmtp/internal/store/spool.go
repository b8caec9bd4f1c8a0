package store

import (
	"bytes"
	"io"
	"os"
)

// spoolMemory is how many octets of a message are held in memory.
const spoolMemory = 64 << 10

// spool holds a message that cannot go to its place yet, in a file if it is large. The
// file is one that a dead process does not leave behind.
type spool struct {
	disk *disk
	dir  string // of the file

	memory []byte
	file   *os.File
	size   int64
	err    error
}

// Write keeps its first error: what comes behind a gap is not taken.
func (s *spool) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.file == nil && len(s.memory)+len(p) <= spoolMemory {
		s.memory = append(s.memory, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	if s.file == nil {
		if s.err = s.spill(); s.err != nil {
			return 0, s.err
		}
	}
	n, err := s.disk.write(s.file, p)
	s.size += int64(n)
	s.err = err
	return n, err
}

func (s *spool) spill() (err error) {
	if s.file, err = s.disk.temporary(s.dir); err != nil {
		return err
	}
	_, err = s.disk.write(s.file, s.memory)
	s.memory = nil
	return err
}

// reader reads all that was written.
func (s *spool) reader() io.Reader {
	if s.file != nil {
		return io.NewSectionReader(s.file, 0, s.size)
	}
	return bytes.NewReader(s.memory)
}

// end drops what was written. Writing more is an error.
func (s *spool) end() {
	s.memory, s.err = nil, ErrEnded
	if s.file != nil {
		s.file.Close()
		_ = os.Remove(s.file.Name()) // where it could not be removed at once
		s.file = nil
	}
}
