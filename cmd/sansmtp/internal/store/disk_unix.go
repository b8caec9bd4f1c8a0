//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

// IsFull reports whether an error says that there is no space: the disk is full, or a
// quota or the limit on a file's size is reached. That is 452 4.3.1; any other error is
// 451 4.3.0.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

func syncDir(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
