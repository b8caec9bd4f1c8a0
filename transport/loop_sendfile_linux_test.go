package transport

import (
	"bytes"
	"io"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// The system copies a file to a socket by itself: all that the socket takes, from
// where the chunk begins, without the file's own offset.
func TestSendFile(t *testing.T) {
	content := noise(1 << 20)
	file := fileOf(t, content)
	for _, m := range []medium{media[1], media[2]} {
		x, y := m.connect(t)
		raw := descriptor(x)
		chunk := protocol.Chunk{File: file, Off: 1000, N: 5000}
		var n int64
		var full bool
		send := func(fd uintptr) bool {
			n, full = sendFile(fd, file, chunk)
			return true
		}
		if err := raw.Write(send); n != 5000 || full || err != nil {
			t.Fatalf("%s: sent %d, full %v, %v", m.name, n, full, err)
		}
		got := make([]byte, 5000)
		if _, err := io.ReadFull(y, got); err != nil || !bytes.Equal(got, content[1000:6000]) {
			t.Errorf("%s: other octets arrived, %v", m.name, err)
		}
		// Nobody reads: the socket is full before long, and says so.
		chunk = protocol.Chunk{File: file, N: 1 << 20}
		for range 100 {
			if raw.Write(send); full {
				break
			}
		}
		if !full || n == 1<<20 {
			t.Errorf("%s: sent %d, full %v", m.name, n, full)
		}
	}
	// What ends early is left to whoever can tell why.
	x, _ := media[1].connect(t)
	descriptor(x).Write(func(fd uintptr) bool {
		n, full := sendFile(fd, file, protocol.Chunk{File: file, Off: 1<<20 - 5, N: 6})
		if n != 5 || full {
			t.Errorf("sent %d of 5, full %v", n, full)
		}
		return true
	})
}
