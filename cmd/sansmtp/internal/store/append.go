package store

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	// lockTime is how long the lock of a file is waited for. Nobody holds it for longer
	// than it takes to write some messages.
	lockTime = 30 * time.Second
	lockPoll = 10 * time.Millisecond
)

// entry is a message as it is to stand in a file.
type entry interface{ writeTo(w io.Writer) error }

// appender puts messages behind each other into one file. The file is opened anew for
// each batch, so that it may be renamed, or replaced, at any time.
type appender[E entry] struct {
	disk *disk
	name string
	// heal takes away what a death left half written at the end of a file of that size,
	// and returns its size then. It is called under the lock, as are the others.
	heal func(f *os.File, size int64) (int64, error)
	// begin is called before a batch is written, and end when it is there, or is gone
	// again.
	begin func(size int64, batch []E) error
	end   func()

	group group[E]
}

// open makes sure that the file is there, and whole.
func (a *appender[E]) open() error {
	// Where the file is a link, what it leads to is what has to be durable.
	if name, err := filepath.EvalSymlinks(a.name); err == nil {
		a.name = name
	}
	if info, err := os.Stat(a.name); err == nil && !info.Mode().IsRegular() {
		return &os.PathError{Op: "open", Path: a.name, Err: ErrForeign}
	}
	a.group.commit = a.commit
	f, _, err := a.whole()
	if err != nil {
		return err
	}
	f.Close()
	return a.disk.syncDir(filepath.Dir(a.name))
}

// whole opens and locks the file, and heals it. Closing the file gives the lock back.
func (a *appender[E]) whole() (f *os.File, size int64, err error) {
	f, err = a.lock(time.Now().Add(lockTime))
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	size, err = a.heal(f, info.Size())
	if err == nil && size == 0 {
		// It may be new. Its name is durable before anything is in it, so that a file with
		// something in it needs this no more.
		err = a.disk.syncDir(filepath.Dir(a.name))
	}
	return f, size, err
}

// lock opens the file and waits for its lock.
func (a *appender[E]) lock(until time.Time) (*os.File, error) {
	for {
		f, err := a.disk.open(a.name, os.O_RDWR|os.O_CREATE|os.O_APPEND)
		if err != nil {
			return nil, err
		}
		locked, err := tryLock(f)
		if err == nil && locked && a.current(f) {
			return f, nil
		}
		f.Close()
		switch {
		case err != nil:
			return nil, err
		case locked:
			continue // the file was replaced in between
		case !time.Now().Before(until):
			return nil, fmt.Errorf("%s: %w", a.name, ErrLocked)
		}
		time.Sleep(lockPoll)
	}
}

// current reports whether f is still the file of that name.
func (a *appender[E]) current(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(a.name)
	return err == nil && os.SameFile(mine, named)
}

// commit keeps all of a batch. If that fails it keeps each for itself, as far as that
// goes: a message that does not fit must not take others with it.
func (a *appender[E]) commit(batch []E) []error {
	errs := make([]error, len(batch))
	err := a.append(batch)
	for i := range batch {
		switch {
		case err == nil:
		case len(batch) == 1:
			errs[i] = err
		default:
			errs[i] = a.append(batch[i : i+1])
		}
	}
	return errs
}

// append writes a batch, and takes it away again if that fails.
func (a *appender[E]) append(batch []E) error {
	f, size, err := a.whole()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := a.begin(size, batch); err != nil {
		a.end()
		return err
	}
	if err := a.write(f, batch); err != nil {
		// If this fails too, heal does it for whoever comes next.
		if a.disk.truncate(f, size) == nil && a.disk.sync(f) == nil {
			a.end()
		}
		return err
	}
	a.end()
	return nil
}

func (a *appender[E]) write(f *os.File, batch []E) error {
	w := bufio.NewWriterSize(a.disk.writer(f), spoolMemory)
	for _, e := range batch {
		if err := e.writeTo(w); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return a.disk.sync(f)
}
