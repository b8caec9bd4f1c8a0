//go:build !linux

package transport

import (
	"os"

	"github.com/sansmtp/sansmtp/protocol"
)

// sendFile sends nothing: what sendfile means differs from system to system, and
// content is read into memory here.
func sendFile(uintptr, *os.File, protocol.Chunk) (n int64, full bool) { return 0, false }
