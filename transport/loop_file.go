package transport

import (
	"os"

	"github.com/sansmtp/sansmtp/protocol"
)

// writeFile writes a chunk that lies in a file until the socket is full. The system
// copies it by itself where it can; what it cannot, or what fails, is read into
// memory, where it can be told whose fault it is.
func (s *scratch) writeFile(fd uintptr, c protocol.Chunk) (n int64, err error) {
	full := false
	if f, ok := c.File.(*os.File); ok {
		n, full = sendFile(fd, f, c)
	}
	for n < c.N && !full {
		k, fault := c.Skip(n).Read(s.buf[:])
		wrote, err := writeOne(fd, s.buf[:k])
		n += int64(wrote)
		if err != nil {
			return n, err
		}
		full = wrote < k
		if !full && fault != nil {
			return n, fault
		}
	}
	return n, nil
}
