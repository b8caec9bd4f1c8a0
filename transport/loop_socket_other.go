//go:build !unix

package transport

import (
	"net"
	"syscall"
)

// descriptor returns nil: every conn is used through its Read and Write here.
func descriptor(net.Conn) syscall.RawConn { return nil }

func readNow(uintptr, []byte) (n int, again bool, err error) { return 0, false, syscall.EINVAL }

func readableNow(uintptr) bool { return true }

func writeOne(uintptr, []byte) (int, error) { return 0, syscall.EINVAL }
