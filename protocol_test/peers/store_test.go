package peers_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"
)

// letter is a message as a server stores it.
type letter struct {
	from    string
	to      []string
	content []byte
}

// store has the letters of a server, in the order of their verdicts.
type store struct {
	mu      sync.Mutex
	letters []letter
}

func (s *store) add(l letter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, l)
}

// compare fails where the store has anything but the letters wanted, each once, in
// their order, octet for octet.
func (s *store) compare(t *testing.T, want []letter) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.letters) != len(want) {
		t.Errorf("%d letters are stored, want %d", len(s.letters), len(want))
	}
	for i := range min(len(s.letters), len(want)) {
		got, want := s.letters[i], want[i]
		if got.from != want.from || !slices.Equal(got.to, want.to) {
			t.Fatalf("letter %d: from %q to %q, want from %q to %q", i, got.from, got.to, want.from, want.to)
		}
		if !bytes.Equal(got.content, want.content) {
			n := 0
			for n < min(len(got.content), len(want.content)) && got.content[n] == want.content[n] {
				n++
			}
			t.Fatalf("letter %d: %d octets of content, want %d; from octet %d on %q, want %q", i, len(got.content), len(want.content),
				n, excerpt(got.content[n:]), excerpt(want.content[n:]))
		}
	}
}

func excerpt(p []byte) []byte { return p[:min(len(p), 40)] }
