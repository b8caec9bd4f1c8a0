package store

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// jsonl keeps messages in one file, each as a JSON object on a line.
type jsonl struct {
	disk *disk
	file appender[*jsonlMessage]
}

func openJSONL(name string, d *disk) (*jsonl, error) {
	s := &jsonl{disk: d}
	s.file = appender[*jsonlMessage]{
		disk: d, name: name, heal: s.heal,
		begin: func(int64, []*jsonlMessage) error { return nil }, end: func() {},
	}
	return s, s.file.open()
}

// lineStart begins every line.
const lineStart = `{"id":`

// heal takes away a line without its end, if it is one of this store.
func (s *jsonl) heal(f *os.File, size int64) (int64, error) {
	whole, err := lastLine(f, size)
	if err != nil || whole == size {
		return size, err
	}
	start := make([]byte, min(size-whole, int64(len(lineStart))))
	if _, err := f.ReadAt(start, whole); err != nil {
		return 0, err
	}
	if !strings.HasPrefix(lineStart, string(start)) {
		return 0, &os.PathError{Op: "open", Path: f.Name(), Err: ErrForeign}
	}
	if err := s.disk.truncate(f, whole); err != nil {
		return 0, err
	}
	return whole, s.disk.sync(f)
}

// lastLine returns the offset behind the last line end of a file of that size.
func lastLine(f *os.File, size int64) (int64, error) {
	// Nearly always the last octet is it.
	for step := int64(1); size > 0; step = 32 << 10 {
		block := make([]byte, min(size, step))
		size -= int64(len(block))
		if _, err := f.ReadAt(block, size); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(block, '\n'); i >= 0 {
			return size + int64(i) + 1, nil
		}
	}
	return 0, nil
}

func (s *jsonl) Begin(env Envelope) (Message, error) {
	return &jsonlMessage{
		store: s, env: env, spool: spool{disk: s.disk, dir: filepath.Dir(s.file.name)}, sum: sha256.New(),
	}, nil
}

type jsonlMessage struct {
	store *jsonl
	env   Envelope
	spool spool // the content
	sum   hash.Hash
	text  utf8Check
}

func (m *jsonlMessage) Write(p []byte) (int, error) {
	n, err := m.spool.Write(p)
	m.sum.Write(p[:n])
	m.text.write(p[:n])
	return n, err
}

func (m *jsonlMessage) Commit() error {
	err := m.spool.err
	if err == nil {
		err = m.store.file.group.do(m)
	}
	m.Abort()
	return err
}

func (m *jsonlMessage) Abort() { m.spool.end() }

// jsonlHead is a line up to the content.
type jsonlHead struct {
	ID       string    `json:"id"`
	Received time.Time `json:"received"`
	From     string    `json:"from"`
	To       []string  `json:"to"`
	HELO     string    `json:"helo"`
	Protocol string    `json:"protocol"`
	Peer     string    `json:"peer"`
	TLS      string    `json:"tls"`
	AUTH     *jsonAuth `json:"auth"`
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256"`
}

type jsonAuth struct {
	Mechanism string `json:"mechanism"`
	User      string `json:"user"`
}

func (m *jsonlMessage) head() ([]byte, error) {
	env := m.env
	head := jsonlHead{
		ID: env.ID, Received: env.Time, From: env.From.Mailbox(), To: mailboxes(env.To),
		HELO: env.Hello, Protocol: env.Protocol, Peer: env.Peer, TLS: tlsName(env.TLSVersion),
		Size: m.spool.size, SHA256: hex.EncodeToString(m.sum.Sum(nil)),
	}
	if env.Mechanism != "" {
		head.AUTH = &jsonAuth{env.Mechanism, env.User}
	}
	return json.Marshal(head)
}

func mailboxes(paths []wire.Path) []string {
	list := make([]string, len(paths))
	for i, p := range paths {
		list[i] = p.Mailbox()
	}
	return list
}

// tlsName is "" without TLS.
func tlsName(version uint16) string {
	if version == 0 {
		return ""
	}
	return tls.VersionName(version)
}

func (m *jsonlMessage) writeTo(w io.Writer) error {
	head, err := m.head()
	if err != nil {
		return err
	}
	field, end := `,"content_base64":"`, "\"}\n"
	if m.text.valid() {
		field = `,"content":"`
	}
	if _, err := w.Write(append(head[:len(head)-1], field...)); err != nil {
		return err
	}
	if m.text.valid() {
		_, err = io.Copy(jsonEscaper{w}, m.spool.reader())
	} else {
		encoder := base64.NewEncoder(base64.StdEncoding, w)
		if _, err = io.Copy(encoder, m.spool.reader()); err == nil {
			err = encoder.Close()
		}
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, end)
	return err
}
