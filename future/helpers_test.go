package future_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sansmtp/sansmtp/future"
)

var (
	errA = errors.New("a failed")
	errB = errors.New("b failed")
)

// story records what happens in a test, in order.
type story []string

func (s *story) add(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }

// watch records the result of f under a name when it settles.
func watch[T any](s *story, name string, f *future.Future[T]) {
	f.OnReady(func(v T, err error) {
		if err != nil {
			s.add("%s: %v", name, err)
		} else {
			s.add("%s = %v", name, v)
		}
	})
}

// hook records under a name that p was cancelled by its reader.
func hook[T any](s *story, name string, p *future.Promise[T]) {
	p.OnCancel(func() { s.add("stop %s", name) })
}

func (s *story) is(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(*s, want) {
		t.Errorf("\n got %q\nwant %q", []string(*s), want)
	}
	*s = nil
}

// pending fails the test if f is settled.
func pending[T any](t *testing.T, f *future.Future[T]) {
	t.Helper()
	if v, err, ok := f.Result(); ok || err != nil || f.Err() != nil || f.Settled() {
		t.Errorf("settled: %v, %v", v, err)
	}
}

// wantResult compares the result of f, the error by identity.
func wantResult[T comparable](t *testing.T, f *future.Future[T], value T, failure error) {
	t.Helper()
	v, err, ok := f.Result()
	if !ok || v != value || err != failure || f.Err() != failure || !f.Settled() {
		t.Errorf("got %v, %v, %v; want %v, %v", v, err, ok, value, failure)
	}
}

// panics returns what fn panics with, nil if it does not.
func panics(fn func()) (reason any) {
	defer func() { reason = recover() }()
	fn()
	return nil
}
