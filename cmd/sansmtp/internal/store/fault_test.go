//go:build unix

package store

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// sweep are messages to be stored while something goes wrong.
var sweep = []string{contents[1], contents[2], contents[len(contents)-2]}

// Whichever operation fails, nothing that was acknowledged is lost, nothing is there by
// half, and the store goes on.
func TestEveryOperationFails(t *testing.T) { // C31
	for _, k := range kinds {
		for _, lasting := range []bool{false, true} {
			t.Run(fmt.Sprint(k.name, lasting), func(t *testing.T) {
				dir := t.TempDir()
				at := 0
				for failed := true; failed; {
					at++
					failed = failsAt(t, k, filepath.Join(dir, fmt.Sprint(at)), at, lasting)
				}
				if at < 20 {
					t.Errorf("only %d operations", at)
				}
			})
		}
	}
}

// failsAt lets one operation fail, and those behind it if it is to last. It reports
// false if it never came to that.
func failsAt(t *testing.T, k kind, dir string, at int, lasting bool) (failed bool) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	spec := k.spec(dir)
	n := 0
	d := &disk{fault: func(operation string) error {
		if n++; n == at || n > at && lasting {
			failed = true
			return &os.PathError{Op: operation, Path: "disk", Err: syscall.ENOSPC}
		}
		return nil
	}}
	var want, may []string
	if s, err := spec.open(Config{Host: "mx.example"}, d); err != nil {
		if !IsFull(err) {
			t.Errorf("operation %d: Open: %v", at, err)
		}
	} else {
		for _, content := range sweep {
			switch err := deliver(s, content, 5000); {
			case err == nil:
				want = append(want, content)
			case !IsFull(err):
				t.Errorf("operation %d: %v", at, err)
			case lasting:
				// What is there to the end, and cannot be taken away, stays.
				may = append(may, content)
			}
		}
		if len(want) < len(sweep)-1 && !lasting {
			t.Errorf("operation %d: more than one message was lost to it", at)
		}
	}
	if err := deliver(open(t, spec, &disk{}), "afterwards\r\n", 100); err != nil {
		t.Error(err)
	}
	wantKept(t, k, spec, append(want, "afterwards\r\n"), may)
	return failed
}

func TestIsFull(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EIO} {
		err := fmt.Errorf("store: %w", &os.PathError{Op: "write", Path: "x", Err: errno})
		if got, want := IsFull(err), errno != syscall.EIO; got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
	if IsFull(nil) {
		t.Error("nil")
	}
}
