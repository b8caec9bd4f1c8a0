package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// What comes back is what came, however it was cut.
func TestContentIsKeptAsItCame(t *testing.T) { // C124
	for _, k := range kinds {
		for _, n := range []int{1, 2, 3, 1 << 20} {
			t.Run(fmt.Sprint(k.name, n), func(t *testing.T) {
				spec := k.spec(t.TempDir())
				s := open(t, spec, &disk{})
				var want []string
				for i, content := range contents {
					if n < 4 && len(content) > 1000 {
						content = content[:66_000+n] // octet by octet, over the limit of memory
					}
					if err := deliver(s, content, n); err != nil {
						t.Fatal(i, err)
					}
					want = append(want, content)
				}
				wantKept(t, k, spec, want, nil)
				if k.name == kindMaildir {
					return
				}
				got, _ := k.read(spec.path)
				for i := range got {
					if string(got[i]) != want[i] {
						t.Errorf("message %d is not in its place", i)
					}
				}
			})
		}
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			dir := t.TempDir()
			spec := k.spec(dir)
			s := open(t, spec, &disk{})
			before := files(t, dir)
			for _, content := range []string{"", "text", contents[len(contents)-1]} {
				m, err := s.Begin(envelope)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := m.Write([]byte(content)); err != nil {
					t.Fatal(err)
				}
				m.Abort()
				m.Abort()
				if _, err := m.Write([]byte("more")); !errors.Is(err, ErrEnded) {
					t.Errorf("Write after Abort: %v", err)
				}
				if err := m.Commit(); !errors.Is(err, ErrEnded) {
					t.Errorf("Commit after Abort: %v", err)
				}
			}
			if after := files(t, dir); !slices.Equal(after, before) {
				t.Errorf("%q became %q", before, after)
			}
		})
	}
}

func TestCommitEndsTheMessage(t *testing.T) {
	for _, spec := range []string{"discard", "stdout", "jsonl:", "mbox:", "maildir:"} {
		t.Run(spec, func(t *testing.T) {
			kind, _, _ := strings.Cut(spec, ":")
			s, err := Spec{kind, filepath.Join(t.TempDir(), "store")}.Open(Config{Stdout: new(strings.Builder)})
			if err != nil {
				t.Fatal(err)
			}
			m, err := s.Begin(envelope)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Commit(); err != nil {
				t.Fatal(err)
			}
			m.Abort()
			if err := m.Commit(); !errors.Is(err, ErrEnded) {
				t.Errorf("second Commit: %v", err)
			}
			if _, err := m.Write([]byte("more")); !errors.Is(err, ErrEnded) {
				t.Errorf("Write: %v", err)
			}
		})
	}
}

// files lists all files below a folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Many sessions, of two processes as far as locks can tell.
func TestManyAtOnce(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			spec := k.spec(t.TempDir())
			stores := []Store{open(t, spec, &disk{}), open(t, spec, &disk{})}
			var wg sync.WaitGroup
			var want []string
			for i := range 8 {
				for j := range 8 {
					want = append(want, numbered(i, j))
				}
				wg.Go(func() {
					for j := range 8 {
						if err := deliver(stores[i%2], numbered(i, j), 7000); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			wantKept(t, k, spec, want, nil)
		})
	}
}

// numbered is the content of a message that is like no other.
func numbered(i, j int) string {
	return strings.Repeat(fmt.Sprintf("From %d to %d\r\n", i, j), 1+j*j*200)
}

// Who commits while somebody else does waits for the next turn, with all who wait.
func TestGroup(t *testing.T) {
	var batches []int
	var g group[int]
	queued := func() int {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.waiting)
	}
	errs := map[int]error{2: errors.New("two")}
	g.commit = func(batch []int) (result []error) {
		if batches = append(batches, len(batch)); len(batches) == 1 {
			for queued() < 3 {
				// the others are on their way
			}
		}
		for _, item := range batch {
			result = append(result, errs[item])
		}
		return result
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if err := g.do(i); err != errs[i] {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if n := batches[0]; len(batches) > 2 || n > 1 && len(batches) != 1 {
		t.Errorf("%v", batches)
	}
}
