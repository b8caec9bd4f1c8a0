package store

import "sync"

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

func (g *group[T]) do(item T) error {
	t := &ticket[T]{item: item}
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
