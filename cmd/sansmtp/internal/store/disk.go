package store

import (
	"io"
	"os"
)

// disk is the file system, as far as a crash or an error of it matters to what is
// kept. The zero value is the real one.
type disk struct {
	// fault, where it is set, is asked in front of each operation, and in the middle of
	// each write. The operation ends with its error.
	fault func(operation string) error
}

func (d *disk) ask(operation string) error {
	if d.fault == nil {
		return nil
	}
	return d.fault(operation)
}

func (d *disk) open(name string, flag int) (*os.File, error) {
	if err := d.ask("open"); err != nil {
		return nil, err
	}
	return os.OpenFile(name, flag, 0o600)
}

// temporary makes a file that has no name, or loses it when it is closed.
func (d *disk) temporary(dir string) (*os.File, error) {
	if err := d.ask("open"); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, ".sansmtp-")
	if err == nil {
		_ = os.Remove(f.Name()) // some systems keep a name as long as the file is open
	}
	return f, err
}

func (d *disk) write(f *os.File, p []byte) (int, error) {
	if d.fault == nil {
		return f.Write(p)
	}
	n, err := f.Write(p[:len(p)/2])
	if err == nil {
		err = d.fault("write")
	}
	if err != nil {
		return n, err
	}
	more, err := f.Write(p[n:])
	return n + more, err
}

func (d *disk) sync(f *os.File) error {
	if err := d.ask("sync"); err != nil {
		return err
	}
	return f.Sync()
}

func (d *disk) truncate(f *os.File, size int64) error {
	if err := d.ask("truncate"); err != nil {
		return err
	}
	return f.Truncate(size)
}

func (d *disk) mkdir(name string) error {
	if err := d.ask("mkdir"); err != nil {
		return err
	}
	return os.Mkdir(name, 0o700)
}

func (d *disk) link(from, to string) error {
	if err := d.ask("link"); err != nil {
		return err
	}
	return os.Link(from, to)
}

// syncDir makes the names in a folder durable.
func (d *disk) syncDir(name string) error {
	if err := d.ask("sync folder"); err != nil {
		return err
	}
	return syncDir(name)
}

// writer is f for what writes to an io.Writer.
func (d *disk) writer(f *os.File) io.Writer { return diskWriter{d, f} }

type diskWriter struct {
	disk *disk
	file *os.File
}

func (w diskWriter) Write(p []byte) (int, error) { return w.disk.write(w.file, p) }
