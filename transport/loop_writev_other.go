//go:build !linux

package transport

// maxVector is how many pieces are gathered before they are written.
const maxVector = 64

// vector is nothing here: package syscall has no writev on every system.
type vector struct{}

// writeVector writes the pieces one by one until the socket is full, and returns
// how many octets it took.
func writeVector(fd uintptr, pieces [][]byte, _ *vector) (n int, err error) {
	for _, p := range pieces {
		m, err := writeOne(fd, p)
		n += m
		if err != nil || m < len(p) {
			return n, err
		}
	}
	return n, nil
}
