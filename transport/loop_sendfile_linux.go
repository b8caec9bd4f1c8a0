package transport

import (
	"os"
	"syscall"

	"github.com/sansmtp/sansmtp/protocol"
)

// sendFile has the system copy a chunk from f to the socket until that is full. It
// returns with less if it comes to the end of f, or cannot go on for whatever reason.
// The offset of f itself is not used.
func sendFile(fd uintptr, f *os.File, c protocol.Chunk) (n int64, full bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, false
	}
	// An error of Control is one of a file that was closed: ReadAt tells as much.
	_ = raw.Control(func(file uintptr) {
		for n < c.N {
			at := c.Off + n
			k, err := syscall.Sendfile(int(fd), int(file), &at, int(min(c.N-n, 1<<30)))
			switch {
			case err == syscall.EINTR:
				continue
			case err == syscall.EAGAIN:
				full = true
				return
			case err != nil || k == 0:
				return
			}
			n += int64(k)
		}
	})
	return n, full
}
