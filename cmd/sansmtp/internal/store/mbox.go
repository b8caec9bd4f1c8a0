package store

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// mbox keeps messages in one file, as mboxrd. The writer of go-mbox turns CRLF into LF,
// and quotes lines so that they cannot be told from lines that came that way.
type mbox struct {
	disk    *disk
	cfg     Config
	file    appender[*mboxMessage]
	journal journal
}

func openMbox(name string, cfg Config, d *disk) (*mbox, error) {
	s := &mbox{disk: d, cfg: cfg}
	s.file = appender[*mboxMessage]{disk: d, name: name, heal: s.heal, begin: s.begin, end: s.end}
	// The name is settled before the journal gets its own beside it.
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	dir, base := filepath.Split(name)
	s.journal = journal{disk: d, name: filepath.Join(dir, "."+base+".journal")}
	return s, s.file.open()
}

// from begins a message, at the beginning of a line.
const from = "From "

func (s *mbox) heal(f *os.File, size int64) (int64, error) {
	start := make([]byte, min(size, int64(len(from))))
	if _, err := f.ReadAt(start, 0); err != nil {
		return 0, err
	}
	if !strings.HasPrefix(from, string(start)) {
		return 0, &os.PathError{Op: "open", Path: f.Name(), Err: ErrForeign}
	}
	size, err := s.journal.heal(f, size)
	if err != nil || size == 0 {
		return size, err
	}
	// Others may have left out the empty line behind the last message.
	end := make([]byte, min(size, 2))
	if _, err := f.ReadAt(end, size-int64(len(end))); err != nil {
		return 0, err
	}
	missing := 2 - (len(end) - len(bytes.TrimRight(end, "\n")))
	if missing == 0 {
		return size, nil
	}
	n, err := s.disk.write(f, []byte("\n\n")[:missing])
	return size + int64(n), err
}

func (s *mbox) begin(size int64, batch []*mboxMessage) error {
	pieces := make([]piece, len(batch))
	for i, m := range batch {
		pieces[i] = piece{size: m.spool.size, sum: [sha256.Size]byte(m.sum.Sum(nil))}
	}
	return s.journal.begin(size, pieces)
}

func (s *mbox) end() { s.journal.end() }

func (s *mbox) Begin(env Envelope) (Message, error) {
	m := &mboxMessage{
		store: s, spool: spool{disk: s.disk, dir: filepath.Dir(s.file.name)},
		sum: sha256.New(), quoter: mboxQuoter{matched: midLine},
	}
	m.put([]byte(from + sender(env) + " " + env.Time.UTC().Format(time.ANSIC) + "\n"))
	m.quoter.matched = 0
	if s.cfg.Trace {
		_, _ = m.Write(env.trace())
	}
	if err := m.spool.err; err != nil {
		m.Abort()
		return nil, err
	}
	return m, nil
}

// sender is the reverse-path as the line that begins a message has it: without blanks.
func sender(env Envelope) string {
	if env.From.IsNull() {
		return "MAILER-DAEMON"
	}
	return strings.ReplaceAll(env.From.Mailbox(), " ", "_")
}

type mboxMessage struct {
	store  *mbox
	spool  spool // as it is to stand in the file
	sum    hash.Hash
	quoter mboxQuoter
	last   [2]byte // octets of the content
	buf    []byte
}

// put takes octets of the file.
func (m *mboxMessage) put(p []byte) {
	if _, err := m.spool.Write(p); err == nil {
		m.sum.Write(p)
	}
}

func (m *mboxMessage) Write(p []byte) (int, error) {
	m.buf = m.quoter.append(m.buf[:0], p)
	m.put(m.buf)
	switch n := len(p); n {
	case 0:
	case 1:
		m.last = [2]byte{m.last[1], p[0]}
	default:
		m.last = [2]byte(p[n-2:])
	}
	if err := m.spool.err; err != nil {
		return 0, err
	}
	return len(p), nil
}

func (m *mboxMessage) Commit() error {
	m.put(m.quoter.rest())
	m.put([]byte(mboxEnd(m.last)))
	if m.spool.err != nil {
		err := m.spool.err
		m.Abort()
		return err
	}
	err := m.store.file.group.do(m)
	m.Abort()
	return err
}

func (m *mboxMessage) Abort() { m.spool.end() }

func (m *mboxMessage) writeTo(w io.Writer) error {
	_, err := io.Copy(w, m.spool.reader())
	return err
}

// mboxEnd is what stands behind content with these last two octets; zeros for none. It
// can be told what the content was:
//
//	"…\r\n", ""  →  "\n"       without the LF the file ends in CRLF, or is empty
//	"…\r"        →  "\n\n\n"   without one LF it does not, and without two it does
//	"…"          →  "\n\n"     neither with one less nor with two
func mboxEnd(last [2]byte) string {
	switch {
	case last == [2]byte{'\r', '\n'}, last == [2]byte{}:
		return "\n"
	case last[1] == '\r':
		return "\n\n\n"
	}
	return "\n\n"
}

// midLine is how much of "From " was matched where that cannot be any more.
const midLine = -1

// mboxQuoter puts a ">" into lines of any number of ">" with "From " behind them. It may
// stand behind those that are there: so nothing has to be held back but "From".
type mboxQuoter struct {
	matched int // how much of "From " was matched
}

func (q *mboxQuoter) append(dst, p []byte) []byte {
	for len(p) > 0 {
		if q.matched == midLine {
			end := bytes.IndexByte(p, '\n') + 1
			if end == 0 {
				return append(dst, p...)
			}
			dst, p = append(dst, p[:end]...), p[end:]
			q.matched = 0
			continue
		}
		switch c := p[0]; {
		case c == from[q.matched]:
			p = p[1:]
			if q.matched++; q.matched == len(from) {
				dst = append(dst, ">"+from...)
				q.matched = midLine
			}
		case c == '>' && q.matched == 0:
			dst, p = append(dst, c), p[1:]
		default:
			dst = append(dst, from[:q.matched]...)
			q.matched = midLine
		}
	}
	return dst
}

// rest is what was held back at the end of the content.
func (q *mboxQuoter) rest() []byte {
	held := from[:max(q.matched, 0)]
	q.matched = midLine
	return []byte(held)
}
