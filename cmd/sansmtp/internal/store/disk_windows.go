package store

import (
	"errors"
	"syscall"
)

// The errors that say there is no space.
const (
	errorHandleDiskFull = syscall.Errno(39)
	errorDiskFull       = syscall.Errno(112)
)

// IsFull reports whether an error says that the disk is full. That is 452 4.3.1; any
// other error is 451 4.3.0.
func IsFull(err error) bool {
	return errors.Is(err, errorHandleDiskFull) || errors.Is(err, errorDiskFull)
}

// syncDir does nothing: there is no such operation, and NTFS keeps a journal of names.
func syncDir(string) error { return nil }
