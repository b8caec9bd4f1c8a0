package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"
)

func TestMaildirNames(t *testing.T) {
	s, err := Spec{kindMaildir, t.TempDir()}.Open(Config{Host: "a/b:c"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := openMaildir(t.TempDir(), Config{Host: "a/b:c"}, &disk{})
	if err != nil {
		t.Fatal(err)
	}
	dir := s.(*maildir)
	pattern := regexp.MustCompile(fmt.Sprintf(`^[0-9]{10,}\.M[0-9]{1,6}P%dQ[0-9]+R[A-Z2-7]{13}\.a\\057b\\072c$`, os.Getpid()))
	seen := map[string]bool{}
	for range 1000 {
		for _, name := range []string{dir.unique(), other.unique()} {
			if !pattern.MatchString(name) || seen[name] {
				t.Fatalf("%q", name)
			}
			seen[name] = true
		}
	}
}

// However it comes that the name is taken: nobody's message is replaced.
func TestMaildirReplacesNothing(t *testing.T) {
	spec := Spec{kindMaildir, t.TempDir()}
	s := open(t, spec, &disk{})
	m, err := s.Begin(envelope)
	if err != nil {
		t.Fatal(err)
	}
	name := m.(*maildirMessage).in("new")
	if err := os.WriteFile(name, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	wantKept(t, kinds[0], spec, []string{"other"}, nil)
}

// What is left in tmp goes when nobody can be writing it any more.
func TestMaildirCleansTmp(t *testing.T) {
	dir := t.TempDir()
	spec := Spec{kindMaildir, dir}
	open(t, spec, &disk{})
	now := time.Now()
	for name, age := range map[string]time.Duration{"old": staleTime + time.Hour, "young": staleTime - time.Hour} {
		name = filepath.Join(dir, "tmp", name)
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, spec, &disk{})
	want := []string{dir, dir + "/cur", dir + "/new", dir + "/tmp", dir + "/tmp/young"}
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// Nobody else on the machine reads the mail.
func TestFilesArePrivate(t *testing.T) {
	for _, k := range kinds {
		dir := t.TempDir()
		if err := deliver(open(t, k.spec(dir), &disk{}), "x\r\n", 10); err != nil {
			t.Fatal(err)
		}
		for _, name := range files(t, dir)[1:] {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v", name, info.Mode())
			}
		}
	}
}
