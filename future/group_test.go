package future_test

import (
	"errors"
	"testing"

	"github.com/sansmtp/sansmtp/future"
)

// futuresOf returns the futures of a, b and c, which record in s when they settle
// and when they are stopped.
func futuresOf(s *story, p *[3]future.Promise[int]) []*future.Future[int] {
	var fs []*future.Future[int]
	for i, name := range []string{"a", "b", "c"} {
		hook(s, name, &p[i])
		watch(s, name, p[i].Future())
		fs = append(fs, p[i].Future())
	}
	return fs
}

func TestGroups(t *testing.T) {
	type promises = *[3]future.Promise[int]
	for _, row := range []struct {
		name string
		join func(s *story, fs []*future.Future[int]) func() bool // returns Cancel
		act  func(p promises, cancel func() bool)
		want []string
	}{
		{"All: values in the order of the arguments", all,
			func(p promises, _ func() bool) { p[2].Resolve(3); p[0].Resolve(1); p[1].Resolve(2) },
			[]string{"c = 3", "a = 1", "b = 2", "all = [1 2 3]"}},
		{"All: the first error cancels the rest", all,
			func(p promises, _ func() bool) { p[2].Resolve(3); p[1].Reject(errB); p[0].Resolve(1) },
			[]string{"c = 3", "b: b failed", "stop a", "a: canceled", "all: b failed"}},
		{"All: one cancelled cancels all", all, // F24
			func(p promises, _ func() bool) { p[1].Cancel() },
			[]string{"b: canceled", "stop a", "stop c", "a: canceled", "c: canceled", "all: canceled"}},
		{"All: cancelled", all, // F24
			func(p promises, cancel func() bool) { p[1].Resolve(2); cancel() },
			[]string{"b = 2", "stop a", "stop c", "a: canceled", "c: canceled", "all: canceled"}},

		{"AllSettled: whatever they are", allSettled,
			func(p promises, _ func() bool) { p[2].Cancel(); p[1].Reject(errB); p[0].Resolve(1) },
			[]string{"c: canceled", "b: b failed", "a = 1", "settled = [{1 <nil>} {0 b failed} {0 canceled}]"}},
		{"AllSettled: cancelled", allSettled, // F24
			func(p promises, cancel func() bool) { p[1].Reject(errB); cancel() },
			[]string{"b: b failed", "stop a", "stop c", "a: canceled", "c: canceled", "settled: canceled"}},

		{"Any: the first value cancels the rest", anyOf,
			func(p promises, _ func() bool) { p[0].Reject(errA); p[1].Resolve(2); p[2].Resolve(3) },
			[]string{"a: a failed", "b = 2", "stop c", "c: canceled", "any = 2"}},
		{"Any: all errors, in the order of the arguments", anyOf, // F24
			func(p promises, _ func() bool) { p[2].Reject(errB); p[1].Cancel(); p[0].Reject(errA) },
			[]string{"c: b failed", "b: canceled", "a: a failed", "any: a failed; canceled; b failed"}},
		{"Any: all cancelled", anyOf, // F24
			func(p promises, _ func() bool) { p[2].Cancel(); p[1].Cancel(); p[0].Cancel() },
			[]string{"c: canceled", "b: canceled", "a: canceled", "any: canceled"}},
		{"Any: cancelled", anyOf, // F24
			func(p promises, cancel func() bool) { p[1].Reject(errB); cancel() },
			[]string{"b: b failed", "stop a", "stop c", "a: canceled", "c: canceled", "any: canceled"}},

		{"Race: a value", race,
			func(p promises, _ func() bool) { p[1].Resolve(2); p[0].Resolve(1) },
			[]string{"b = 2", "stop a", "stop c", "a: canceled", "c: canceled", "race = 2"}},
		{"Race: an error", race,
			func(p promises, _ func() bool) { p[1].Reject(errB) },
			[]string{"b: b failed", "stop a", "stop c", "a: canceled", "c: canceled", "race: b failed"}},
		{"Race: one cancelled", race, // F24
			func(p promises, _ func() bool) { p[1].Future().Cancel() },
			[]string{"stop b", "b: canceled", "stop a", "stop c", "a: canceled", "c: canceled", "race: canceled"}},
		{"Race: cancelled", race, // F24
			func(_ promises, cancel func() bool) { cancel() },
			[]string{"stop a", "stop b", "stop c", "a: canceled", "b: canceled", "c: canceled", "race: canceled"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var s story
			var p [3]future.Promise[int]
			row.act(&p, row.join(&s, futuresOf(&s, &p)))
			s.is(t, row.want...)
		})
	}
}

func all(s *story, fs []*future.Future[int]) func() bool {
	f := future.All(fs...)
	watch(s, "all", f)
	return f.Cancel
}

func allSettled(s *story, fs []*future.Future[int]) func() bool {
	f := future.AllSettled(fs...)
	watch(s, "settled", f)
	return f.Cancel
}

func anyOf(s *story, fs []*future.Future[int]) func() bool {
	f := future.Any(fs...)
	watch(s, "any", f)
	return f.Cancel
}

func race(s *story, fs []*future.Future[int]) func() bool {
	f := future.Race(fs...)
	watch(s, "race", f)
	return f.Cancel
}

func TestGroupsOfNothing(t *testing.T) {
	if v, err, ok := future.All[int]().Result(); v == nil || len(v) != 0 || err != nil || !ok {
		t.Errorf("All: %v, %v, %v", v, err, ok)
	}
	if v, err, ok := future.AllSettled[int]().Result(); v == nil || len(v) != 0 || err != nil || !ok {
		t.Errorf("AllSettled: %v, %v, %v", v, err, ok)
	}
	wantResult(t, future.Any[int](), 0, future.ErrNoFutures)
	wantResult(t, future.Race[int](), 0, future.ErrNoFutures)
}

func TestGroupsOfSettled(t *testing.T) {
	var s story
	all(&s, []*future.Future[int]{future.Resolved(1), future.Resolved(2)})
	s.is(t, "all = [1 2]")
	var p future.Promise[int]
	hook(&s, "p", &p)
	all(&s, []*future.Future[int]{p.Future(), future.Rejected[int](errA), future.Rejected[int](errB)})
	s.is(t, "stop p", "all: a failed")
	race(&s, []*future.Future[int]{future.Resolved(1), future.Resolved(2)})
	s.is(t, "race = 1")
	anyOf(&s, []*future.Future[int]{future.Rejected[int](errA), future.Resolved(2), future.Resolved(3)})
	s.is(t, "any = 2")
	allSettled(&s, []*future.Future[int]{future.Rejected[int](errA), future.Resolved(2)})
	s.is(t, "settled = [{0 a failed} {2 <nil>}]")
}

func TestGroupWithTheSameFutureTwice(t *testing.T) {
	var s story
	var p future.Promise[int]
	all(&s, []*future.Future[int]{p.Future(), p.Future()})
	p.Resolve(1)
	s.is(t, "all = [1 1]")
}

func TestAnyKeepsAllErrors(t *testing.T) { // F24
	err := future.Any(future.Rejected[int](errA), future.Rejected[int](errB)).Err()
	if !errors.Is(err, errA) || !errors.Is(err, errB) || errors.Is(err, future.ErrCanceled) {
		t.Error(err)
	}
}

func TestShieldedMemberSurvives(t *testing.T) { // F24
	var s story
	var p, q future.Promise[int]
	hook(&s, "p", &p)
	race(&s, []*future.Future[int]{future.Shield(p.Future()), q.Future()})
	q.Resolve(2)
	s.is(t, "race = 2")
	pending(t, p.Future())
}
