package netasync

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// BodyFile returns a Body of a file's content, which is opened anew for each
// transaction. The error is an *fs.PathError: a file that cannot be opened or read
// is found before any connection is made.
//
// The file is read once here, so that what it needs of a server is known before
// anything is sent, and its SIZE with bare LFs made CRLF. A file that has changed by
// the time it is opened or sent, as its size and the time of its change tell, ends
// the transaction with a *protocol.BodyError, at the latest in front of its last
// octets: never with an end of data.
//
// Something that is not a regular file is not touched until its transaction: see
// BodyFrom.
func BodyFile(name string) (protocol.Body, error) {
	f, info, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return &stream{name: name, size: -1}, nil
	}
	defer f.Close()
	b := &fileBody{name: name, size: info.Size(), modified: info.ModTime(), surveyed: true}
	buf := make([]byte, min(max(b.size, 1), surveyPiece))
	_, err = io.CopyBuffer(struct{ io.Writer }{&b.survey}, struct{ io.Reader }{f}, buf)
	if err == nil {
		_, err = b.unchanged(f)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: cause(err)}
	}
	b.clean = !b.survey.Bare()
	return b, nil
}

// BodyFileVerbatim returns a Body of a file's content that goes out as it lies
// wherever BDAT is used: it has CRLF line ends alone, or the message is sent with
// BODY=BINARYMIME. Nobody looks at it first: see protocol.Surveyed for what that
// means. By DATA it goes like any other content, and so does text by BDAT whose header
// may not be in UTF-8: unless the message has SMTPUTF8, or Config.Allow8Bit is set, it is
// read on its way.
//
// Errors, and what becomes of a file that changes, are as for BodyFile, from when it
// is opened on. Something that is not a regular file is an error.
func BodyFileVerbatim(name string) (protocol.Body, error) {
	f, info, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	return &fileBody{name: name, size: info.Size(), clean: true}, f.Close()
}

var (
	errNotRegular  = errors.New("not a regular file")
	errFileChanged = errors.New("the file has changed")
)

// surveyPiece is how much of a file is looked through at once, in octets.
const surveyPiece = 256 << 10

// openRegular opens a file. One that is not regular is left alone: to open a pipe
// takes its writer away from whoever reads it in earnest.
func openRegular(name string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, nil, err
	case info.IsDir():
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return nil, info, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// cause is what an *fs.PathError is about, so that the file is named once.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// fileBody is the content of a regular file.
type fileBody struct {
	name     string
	size     int64
	modified time.Time // when it was looked through
	surveyed bool
	survey   wire.Survey
	clean    bool // CRLF alone ends its lines: it may go out as it lies
}

func (b *fileBody) Size() int64 { return b.size }

// Survey implements protocol.Surveyed.
func (b *fileBody) Survey() (s wire.Survey, whole bool) { return b.survey, b.surveyed }

// unchanged holds a file against what it was when it was looked through.
func (b *fileBody) unchanged(f *os.File) (fs.FileInfo, error) {
	info, err := f.Stat()
	if err == nil && (info.Size() != b.size || b.surveyed && !info.ModTime().Equal(b.modified)) {
		err = &fs.PathError{Op: "read", Path: b.name, Err: errFileChanged}
	}
	return info, err
}

func (b *fileBody) Open() (protocol.BodyReader, error) {
	f, err := os.Open(b.name)
	if err != nil {
		return nil, err
	}
	info, err := b.unchanged(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	r := &fileReader{fileBody: *b, file: f}
	// From here on a change is one while it is sent.
	r.surveyed, r.modified = true, info.ModTime()
	return r, nil
}

// lastPiece is how much of a file is kept back until it is known that nobody has
// changed it meanwhile, in octets; filePiece is how much is read at once of one that
// needs changes.
const (
	lastPiece = 64 << 10
	filePiece = 64 << 10
)

// fileReader is one reading of a fileBody, whose survey is of this reading.
type fileReader struct {
	fileBody
	file *os.File
	off  int64
	buf  []byte
}

func (r *fileReader) Next(max int) (protocol.Chunk, error) {
	rest := r.size - r.off
	n := rest
	switch {
	case !r.clean:
		n = min(rest, int64(max), filePiece)
	case rest > lastPiece:
		n = rest - lastPiece
	}
	var end error
	if n == rest {
		if _, err := r.unchanged(r.file); err != nil {
			return protocol.Chunk{}, err
		}
		end = io.EOF
	}
	c := protocol.Chunk{File: r.file, Off: r.off, N: n}
	r.off += n
	if r.clean && n > 0 {
		return c, end
	}
	if r.buf == nil {
		r.buf = make([]byte, min(r.size, filePiece))
	}
	k, err := c.Read(r.buf[:n])
	if err != nil {
		return protocol.Chunk{}, err
	}
	return protocol.Chunk{Bytes: r.buf[:k:k]}, end
}

func (r *fileReader) Release() { r.file.Close() }
