//go:build !unix && !windows

package store

import "os"

// IsFull reports false: which errors say that the disk is full is not known here.
func IsFull(error) bool { return false }

func syncDir(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
