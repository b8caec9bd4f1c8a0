package netasync_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		p := make([]byte, chunk.Len())
		if _, err := chunk.Read(p); err != nil {
			t.Fatal(err)
		}
		b.Write(p)
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

// What a file holds is known before it is sent. One whose lines end in CRLF alone
// goes out as it lies, others go through memory, and all of it comes. C58, C62, C73
func TestBodyFileSurvey(t *testing.T) {
	name := filepath.Join(t.TempDir(), "message")
	for _, test := range []struct {
		name, content string
		size          int64
		eightBit      bool
		utf8          bool
		inFile        bool
	}{
		{"empty", "", 0, false, false, false},
		{"CRLF", strings.Repeat("0123456789abcd\r\n", 10_000), 160_000, false, false, true},
		{"CRLF, small", "Subject: hi\r\n\r\n", 15, false, false, true},
		{"LF", strings.Repeat("0123456789abcde\n", 10_000), 170_000, false, false, false},
		{"no last line end", "a\r\nb", 6, false, false, true},
		{"8-bit", "a: b\r\n\r\n\xfc\r\n", 11, true, false, true},
		{"UTF-8 in the header", "a: \u00fc\r\n\r\n", 9, true, true, true},
		{"a bare LF far behind", strings.Repeat("0123456789abcd\r\n", 40_000) + "\n", 640_002, false, false, false},
	} {
		if err := os.WriteFile(name, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		body, err := netasync.BodyFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, whole := body.(protocol.Surveyed).Survey()
		if !whole || s.Octets() != int64(len(test.content)) || s.Size() != test.size || s.EightBit() != test.eightBit || s.HeaderUTF8() != test.utf8 {
			t.Errorf("%s: whole %v, octets %d, size %d, 8-bit %v, UTF-8 %v", test.name, whole, s.Octets(), s.Size(), s.EightBit(), s.HeaderUTF8())
		}
		r, err := body.Open()
		if err != nil {
			t.Fatal(err)
		}
		chunk, err := r.Next(1000)
		if inFile := chunk.File != nil; inFile != test.inFile || err != nil && err != io.EOF {
			t.Errorf("%s: in the file %v, %v", test.name, inFile, err)
		}
		r.Release()
		if read(t, body) != test.content {
			t.Errorf("%s: other content", test.name)
		}
	}
	if err := os.WriteFile(name, []byte("a\nb\r"), 0o600); err != nil {
		t.Fatal(err)
	}
	body, err := netasync.BodyFileVerbatim(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, whole := body.(protocol.Surveyed).Survey(); whole || body.Size() != 4 || read(t, body) != "a\nb\r" {
		t.Errorf("whole %v, size %d", whole, body.Size())
	}
	_, err = netasync.BodyFileVerbatim(os.DevNull)
	if err == nil || err.Error() != "open /dev/null: not a regular file" {
		t.Errorf("got %v", err)
	}
	if _, err := netasync.BodyFileVerbatim(name + "?"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A file that changes is never sent as if it had not: neither between the look at it
// and its transaction, nor while it is sent. C31
func TestBodyFileChanges(t *testing.T) {
	content := strings.Repeat("0123456789abcd\r\n", 10_000)
	long := time.Now().Add(-time.Hour)
	changes := map[string]func(name string) error{
		"grows":   func(name string) error { return os.WriteFile(name, []byte(content+"x"), 0o600) },
		"shrinks": func(name string) error { return os.Truncate(name, 159_999) },
		"is another of the same size": func(name string) error {
			return os.WriteFile(name, []byte(strings.Repeat("0123456789abcde\n", 10_000)), 0o600)
		},
	}
	for change, apply := range changes {
		for kind, open := range map[string]func(string) (protocol.Body, error){"looked through": netasync.BodyFile, "verbatim": netasync.BodyFileVerbatim} {
			for _, at := range []string{"before", "while"} {
				if kind == "verbatim" && at == "before" && change == "is another of the same size" {
					continue // it is sent as it is then
				}
				name := filepath.Join(t.TempDir(), "message")
				if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(name, long, long); err != nil {
					t.Fatal(err)
				}
				body, err := open(name)
				if err != nil {
					t.Fatal(err)
				}
				if at == "before" {
					if err := apply(name); err != nil {
						t.Fatal(err)
					}
				}
				r, err := body.Open()
				if at == "while" {
					if err != nil {
						t.Fatal(err)
					}
					if _, err := r.Next(1000); err != nil {
						t.Fatal(err)
					}
					if err := apply(name); err != nil {
						t.Fatal(err)
					}
					for err == nil {
						_, err = r.Next(1000)
					}
					r.Release()
				}
				if err == nil || err.Error() != "read "+name+": the file has changed" {
					t.Errorf("%s, %s, %s: %v", change, kind, at, err)
				}
				if left := openFiles(name); left > 0 {
					t.Errorf("%s, %s, %s: %d files left open", change, kind, at, left)
				}
			}
		}
	}
}
