package netasync_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// P23, F12: content from a file, piece by piece, and anew for each transaction.
func TestBodyFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "message")
	want := strings.Repeat("0123456789abcde\n", 5000)
	if err := os.WriteFile(name, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	body, err := netasync.BodyFile(name)
	if err != nil || body.Size() != int64(len(want)) {
		t.Fatalf("got %v, %v", body, err)
	}
	for range 2 {
		if got := read(t, body); got != want {
			t.Errorf("got %d octets, want %d", len(got), len(want))
		}
	}
	if left := openFiles(name); left > 0 {
		t.Errorf("%d files left open", left)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := body.Open(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// openFiles counts the descriptors of a file, where the system tells.
func openFiles(name string) (n int) {
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == name {
			n++
		}
	}
	return n
}

func read(t *testing.T, body protocol.Body) string {
	t.Helper()
	r, err := body.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var b strings.Builder
	for {
		chunk, err := r.Next(1000)
		b.Write(chunk.Bytes)
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What cannot be opened is found before any connection is made. P24
func TestBodyFileMissing(t *testing.T) {
	folder := t.TempDir()
	if _, err := netasync.BodyFile(filepath.Join(folder, "nosuch")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := netasync.BodyFile(folder); err == nil || err.Error() != "open "+folder+": is a directory" {
		t.Errorf("got %v", err)
	}
	// Neither a file nor a folder: there is no telling its size.
	if body, err := netasync.BodyFile(os.DevNull); err != nil || body.Size() != -1 || read(t, body) != "" {
		t.Errorf("got %v, %v", body, err)
	}
}
