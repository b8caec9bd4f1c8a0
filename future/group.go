package future

import "sync/atomic"

// group is a future that derives from several. When it settles it cancels those
// that are still under way: nobody waits for them through it any more.
type group[T, R any] struct {
	promise Promise[R]
	members []member[T, R]
	left    atomic.Int64
	// one is called with each source as it settles, on its goroutine, and not once
	// the group has settled.
	one func(g *group[T, R], i int, f *Future[T], q *queue)
}

// member is what waits for one source on behalf of the group.
type member[T, R any] struct {
	group  *group[T, R]
	index  int
	source *Future[T] // belongs to whoever settles the group
}

func join[T, R any](fs []*Future[T], one func(g *group[T, R], i int, f *Future[T], q *queue)) *Future[R] {
	g := &group[T, R]{members: make([]member[T, R], len(fs)), one: one}
	g.left.Store(int64(len(fs)))
	g.promise.future.hookFirst(g)
	for i, f := range fs {
		g.members[i] = member[T, R]{group: g, index: i, source: f}
	}
	// Only now: the group may settle, here or elsewhere, while this loop runs.
	var q *queue
	for i, f := range fs {
		m := &g.members[i]
		if f.addWaiter(m) {
			continue
		}
		if q == nil {
			q = new(queue)
		}
		m.ready(f, q)
	}
	if q != nil {
		q.run()
	}
	return g.promise.Future()
}

func (m *member[T, R]) ready(f *Future[T], q *queue) {
	if !m.dead() {
		m.group.one(m.group, m.index, f, q)
	}
}

func (m *member[T, R]) dead() bool { return m.group.promise.Settled() }

// last counts a source and reports whether it was the last one. All that was
// written before the other calls can be read then.
func (g *group[T, R]) last() bool { return g.left.Add(-1) == 0 }

func (g *group[T, R]) settle(q *queue, r R, err error) {
	if g.promise.future.settle(q, r, err) {
		g.cancel(q)
	}
}

// cancel runs once: it is called by whoever settled the group.
func (g *group[T, R]) cancel(q *queue) {
	// From the last to the first, as q is a stack: the first one's hook runs first.
	for i := len(g.members) - 1; i >= 0; i-- {
		m := &g.members[i]
		m.source.cancel(q)
		m.source = nil
	}
}
