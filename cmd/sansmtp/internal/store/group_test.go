package store

import "testing"

// A commit that panics takes down who makes it; the others of its batch learn that
// theirs was not kept.
func TestGroupPanic(t *testing.T) {
	var g group[int]
	started, release := make(chan struct{}, 1), make(chan struct{})
	g.commit = func(batch []int) []error {
		switch {
		case len(batch) > 0 && batch[0] == 0:
			started <- struct{}{}
			<-release
		case len(batch) > 1:
			panic("the disk is on fire")
		}
		return make([]error, len(batch))
	}
	errs := make(chan error, 3)
	do := func(item int) {
		var err error
		defer func() {
			if recover() == nil {
				errs <- err
			}
		}()
		err = g.do(item)
	}
	go do(0)
	<-started
	go do(1)
	go do(2)
	for waiting := 0; waiting < 2; {
		g.mu.Lock()
		waiting = len(g.waiting)
		g.mu.Unlock()
	}
	close(release)
	got := map[error]int{<-errs: 1}
	got[<-errs]++
	if got[nil] != 1 || got[errNotCommitted] != 1 {
		t.Errorf("got %v", got)
	}
}
