package transport

import (
	"syscall"
	"unsafe"
)

// maxVector is how many pieces one call of the system takes.
const maxVector = 64

// vector is memory for the arguments of writev.
type vector [maxVector]syscall.Iovec

// writeVector makes one write of all pieces that does not block, and returns how
// many octets the socket took.
func writeVector(fd uintptr, pieces [][]byte, v *vector) (int, error) {
	if len(pieces) == 1 {
		return writeOne(fd, pieces[0])
	}
	for i, p := range pieces {
		v[i].Base = unsafe.SliceData(p)
		v[i].SetLen(len(p))
	}
	defer clear(v[:len(pieces)])
	for {
		n, _, errno := syscall.Syscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(v)), uintptr(len(pieces)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		}
		return 0, errno
	}
}
