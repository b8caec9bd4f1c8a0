package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// journal says, while messages are appended to a file that cannot show by itself where
// a message ends, what is being appended, and where. It is durable before the first
// octet is written, and empty again when all is done. Emptying it need not be durable:
// a journal whose messages are there, each with its sum, asks for nothing.
//
//	OFFSET LF        where the first begins
//	SIZE SUM LF …    each one's octets, and their SHA-256
//	end LF
type journal struct {
	disk *disk
	name string
}

// piece is one message of a journal.
type piece struct {
	size int64
	sum  [sha256.Size]byte
}

const journalEnd = "end\n"

func (j *journal) begin(offset int64, pieces []piece) error {
	text := fmt.Appendf(nil, "%d\n", offset)
	for _, p := range pieces {
		text = fmt.Appendf(text, "%d %x\n", p.size, p.sum)
	}
	text = append(text, journalEnd...)
	_, missing := os.Lstat(j.name)
	f, err := j.disk.open(j.name, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return err
	}
	defer f.Close()
	if missing != nil {
		if err := j.disk.syncDir(filepath.Dir(j.name)); err != nil {
			return err
		}
	}
	if err := j.disk.truncate(f, 0); err != nil {
		return err
	}
	if _, err := j.disk.write(f, text); err != nil {
		return err
	}
	return j.disk.sync(f)
}

// end empties the journal. If that fails the messages and their sums are still there.
func (j *journal) end() {
	if f, err := j.disk.open(j.name, os.O_WRONLY); err == nil {
		_ = j.disk.truncate(f, 0)
		f.Close()
	}
}

// heal takes away from a file of that size what the journal names and what is not whole.
func (j *journal) heal(f *os.File, size int64) (int64, error) {
	text, err := os.ReadFile(j.name)
	if os.IsNotExist(err) || err == nil && len(text) == 0 {
		return size, nil
	}
	if err != nil {
		return 0, err
	}
	offset, pieces, ok := parseJournal(text)
	if !ok {
		j.end() // nothing was appended before all of it was there
		return size, nil
	}
	whole := offset
	for len(pieces) > 0 && whole+pieces[0].size <= size && pieces[0].is(io.NewSectionReader(f, whole, pieces[0].size)) {
		whole += pieces[0].size
		pieces = pieces[1:]
	}
	last := whole
	for _, p := range pieces {
		last += p.size
	}
	// What is larger than all that was to be appended was written to by somebody else.
	if len(pieces) > 0 && whole < size && size <= last {
		if err := j.disk.truncate(f, whole); err != nil {
			return 0, err
		}
		if err := j.disk.sync(f); err != nil {
			return 0, err
		}
		size = whole
	}
	j.end()
	return size, nil
}

// is reports whether r has the octets of the piece.
func (p piece) is(r io.Reader) bool {
	sum := sha256.New()
	_, err := io.Copy(sum, r)
	return err == nil && [sha256.Size]byte(sum.Sum(nil)) == p.sum
}

// parseJournal reads a journal; false for one that is not whole.
func parseJournal(text []byte) (offset int64, pieces []piece, ok bool) {
	text, ok = bytes.CutSuffix(text, []byte(journalEnd))
	if !ok {
		return 0, nil, false
	}
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	if _, err := fmt.Sscanf(string(first), "%d", &offset); err != nil || offset < 0 {
		return 0, nil, false
	}
	for line := range bytes.Lines(rest) {
		var p piece
		var sum string
		if _, err := fmt.Sscanf(string(line), "%d %s\n", &p.size, &sum); err != nil || p.size < 0 {
			return 0, nil, false
		}
		if n, err := hex.Decode(p.sum[:], []byte(sum)); n != sha256.Size || err != nil {
			return 0, nil, false
		}
		pieces = append(pieces, p)
	}
	return offset, pieces, true
}
