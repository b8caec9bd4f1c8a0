package store

import (
	"slices"
	"testing"
)

// A message that cannot be kept takes none with it that were to be kept at the same time.
func TestBatchIsKeptWithoutTheBroken(t *testing.T) {
	t.Run(kindJSONL, func(t *testing.T) {
		k := kinds[2]
		spec := k.spec(t.TempDir())
		s := open(t, spec, &disk{}).(*jsonl)
		wantBatch(t, k, spec, s, s.file.commit, func(m *jsonlMessage) *spool { return &m.spool })
	})
	t.Run(kindMbox, func(t *testing.T) {
		k := kinds[1]
		spec := k.spec(t.TempDir())
		s := open(t, spec, &disk{}).(*mbox)
		wantBatch(t, k, spec, s, s.file.commit, func(m *mboxMessage) *spool { return &m.spool })
	})
}

func wantBatch[M Message](t *testing.T, k kind, spec Spec, s Store, commit func([]M) []error, spoolOf func(M) *spool) {
	t.Helper()
	large := string(make([]byte, 3*spoolMemory)) + "\r\n"
	kept := []string{"one\r\n", large[1:], "three\r\n"}
	var batch []M
	for _, content := range slices.Insert(slices.Clone(kept), 1, large) {
		begun, err := s.Begin(envelope)
		if err != nil {
			t.Fatal(err)
		}
		m := begun.(M)
		defer m.Abort()
		if _, err := m.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		if end, is := any(m).(*mboxMessage); is {
			end.put([]byte(mboxEnd(end.last)))
		}
		batch = append(batch, m)
	}
	spoolOf(batch[1]).file.Close() // it cannot be read again
	for i, err := range commit(batch) {
		if (err != nil) != (i == 1) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	wantKept(t, k, spec, kept, nil)
}
