package store

import (
	"errors"
	"sync"
)

// group lets goroutines that want the same done at the same time share it: whoever
// comes first does it for all who wait by then.
type group[T any] struct {
	commit func([]T) []error // one error for each, in order

	mu      sync.Mutex
	waiting []*ticket[T]
	turn    sync.Mutex // who holds it commits
}

type ticket[T any] struct {
	item T
	done bool // under turn, as is err
	err  error
}

// errNotCommitted is what is left of a commit that panicked: whoever had it done by
// another must not take it for a success.
var errNotCommitted = errors.New("the commit that this was a part of was broken off")

func (g *group[T]) do(item T) error {
	t := &ticket[T]{item: item, err: errNotCommitted}
	g.mu.Lock()
	g.waiting = append(g.waiting, t)
	g.mu.Unlock()

	g.turn.Lock()
	defer g.turn.Unlock()
	if t.done {
		return t.err
	}
	g.mu.Lock()
	batch := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	items := make([]T, len(batch))
	for i, t := range batch {
		items[i] = t.item
	}
	for i, err := range g.commit(items) {
		batch[i].done, batch[i].err = true, err
	}
	return t.err
}
