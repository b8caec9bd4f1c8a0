//go:build unix

package transport

import (
	"io"
	"net"
	"syscall"
)

// descriptor returns access to conn's descriptor; nil if conn is not a stream
// socket of package net itself. A type that wraps one may mean its own Read and
// Write to be used, whatever else of it shows.
func descriptor(conn net.Conn) syscall.RawConn {
	var c syscall.Conn
	switch conn := conn.(type) {
	case *net.TCPConn:
		c = conn
	case *net.UnixConn:
		if addr := conn.LocalAddr(); addr == nil || addr.Network() != "unix" {
			return nil
		}
		c = conn
	default:
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// readNow makes one read that does not block; again means that there is nothing to
// read now.
func readNow(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		n, err = syscall.Read(int(fd), p)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, true, nil
		case err != nil:
			return 0, false, err
		case n == 0:
			return 0, false, io.EOF
		}
		return n, false, nil
	}
}

// readableNow reports whether a read would not block.
func readableNow(fd uintptr) bool {
	var p [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), p[:], syscall.MSG_PEEK)
		if err != syscall.EINTR {
			return err != syscall.EAGAIN
		}
	}
}

// writeOne makes one write that does not block; n is 0 if the socket is full.
func writeOne(fd uintptr, p []byte) (n int, err error) {
	for {
		n, err = syscall.Write(int(fd), p)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		}
		return 0, err
	}
}
