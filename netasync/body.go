package netasync

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/sansmtp/sansmtp/protocol"
)

// BodyFile returns a Body of a file's content, which is opened anew for each
// transaction. The error is an *fs.PathError: a file that cannot be opened is found
// before any connection is made. Something that is not a regular file has no known
// size, and may have its content only once.
func BodyFile(name string) (protocol.Body, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		// To open a pipe takes its writer away from whoever reads it in earnest.
		return fileBody{name: name, size: -1}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return fileBody{name: name, size: info.Size()}, f.Close()
}

type fileBody struct {
	name string
	size int64
}

func (b fileBody) Size() int64 { return b.size }

func (b fileBody) Open() (protocol.BodyReader, error) {
	f, err := os.Open(b.name)
	if err != nil {
		return nil, err
	}
	r, err := protocol.BodyFrom(f, b.size).Open()
	return fileReader{r, f}, err
}

type fileReader struct {
	protocol.BodyReader
	file *os.File
}

func (r fileReader) Release() {
	r.BodyReader.Release()
	r.file.Close()
}
