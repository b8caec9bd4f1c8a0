package store

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// staleTime is when a file in tmp is nobody's any more: 36 hours, by the convention.
const staleTime = 36 * time.Hour

// maildir keeps each message in a file of its own.
type maildir struct {
	disk    *disk
	cfg     Config
	dir     string
	count   atomic.Uint64
	run     string // tells apart processes of one number, as in containers
	arrived group[struct{}]
}

func openMaildir(dir string, cfg Config, d *disk) (*maildir, error) {
	s := &maildir{disk: d, cfg: cfg, dir: dir, run: rand.Text()[:13]}
	// A name of a file has no slash, and a colon begins the flags of a mail reader.
	s.cfg.Host = strings.NewReplacer("/", `\057`, ":", `\072`).Replace(cfg.Host)
	s.arrived.commit = s.syncNew
	for _, name := range []string{"tmp", "new", "cur"} {
		if err := makeDir(d, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return s, s.clean(time.Now())
}

// makeDir makes a folder and those above it, so that they are durable.
func makeDir(d *disk, name string) error {
	parent := filepath.Dir(name)
	if info, err := os.Stat(name); err == nil {
		if !info.IsDir() {
			return &os.PathError{Op: "mkdir", Path: name, Err: ErrForeign}
		}
		// Whoever made it may have died since.
		return d.syncDir(parent)
	}
	if _, err := os.Stat(parent); errors.Is(err, fs.ErrNotExist) {
		if err := makeDir(d, parent); err != nil {
			return err
		}
	}
	if err := d.mkdir(name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.syncDir(parent)
}

// clean takes away what dead processes left in tmp.
func (s *maildir) clean(now time.Time) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, "tmp"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > staleTime {
			_ = os.Remove(filepath.Join(s.dir, "tmp", entry.Name()))
		}
	}
	return nil
}

// unique makes a name that no other delivery on any host has, by the convention: time,
// what tells deliveries of that second apart, host.
func (s *maildir) unique() string {
	now := time.Now()
	return fmt.Sprintf("%d.M%dP%dQ%dR%s.%s", now.Unix(), now.Nanosecond()/1000, os.Getpid(), s.count.Add(1), s.run, s.cfg.Host)
}

// syncNew makes the names in new durable, for all who have put one there.
func (s *maildir) syncNew(batch []struct{}) []error {
	errs := make([]error, len(batch))
	if err := s.disk.syncDir(filepath.Join(s.dir, "new")); err != nil {
		for i := range errs {
			errs[i] = err
		}
	}
	return errs
}

func (s *maildir) Begin(env Envelope) (Message, error) {
	name := s.unique()
	f, err := s.disk.open(filepath.Join(s.dir, "tmp", name), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	m := &maildirMessage{store: s, name: name, file: f, out: bufio.NewWriterSize(s.disk.writer(f), 16<<10)}
	if s.cfg.Trace {
		if _, err := m.Write(env.trace()); err != nil {
			m.Abort()
			return nil, err
		}
	}
	return m, nil
}

type maildirMessage struct {
	store *maildir
	name  string
	file  *os.File // nil when the message has ended
	out   *bufio.Writer
}

func (m *maildirMessage) Write(p []byte) (int, error) {
	if m.file == nil {
		return 0, ErrEnded
	}
	return m.out.Write(p)
}

func (m *maildirMessage) Commit() error {
	if m.file == nil {
		return ErrEnded
	}
	defer m.Abort()
	if err := m.out.Flush(); err != nil {
		return err
	}
	if err := m.store.disk.sync(m.file); err != nil {
		return err
	}
	name := m.in("new")
	// Unlike a rename a link never takes the place of another message.
	if err := m.store.disk.link(m.in("tmp"), name); err != nil {
		return err
	}
	if err := m.store.arrived.do(struct{}{}); err != nil {
		_ = os.Remove(name)
		return err
	}
	return nil
}

// Abort is the end after Commit too: the name in tmp goes either way.
func (m *maildirMessage) Abort() {
	if m.file == nil {
		return
	}
	m.file.Close()
	m.file = nil
	_ = os.Remove(m.in("tmp"))
}

func (m *maildirMessage) in(folder string) string { return filepath.Join(m.store.dir, folder, m.name) }
