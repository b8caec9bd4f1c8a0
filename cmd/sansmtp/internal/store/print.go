package store

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// printer shows messages to people, one behind the other.
type printer struct {
	disk *disk
	mu   sync.Mutex // who holds it prints
	out  io.Writer
}

func (s *printer) Begin(env Envelope) (Message, error) {
	return &printed{store: s, env: env, spool: spool{disk: s.disk, dir: os.TempDir()}}, nil
}

type printed struct {
	store *printer
	env   Envelope
	spool spool
	last  byte
}

func (m *printed) Write(p []byte) (int, error) {
	if len(p) > 0 {
		m.last = p[len(p)-1]
	}
	return m.spool.Write(p)
}

func (m *printed) Abort() { m.spool.end() }

func (m *printed) Commit() error {
	if err := m.spool.err; err != nil {
		m.Abort()
		return err
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	defer m.Abort()
	w := bufio.NewWriterSize(m.store.out, spoolMemory)
	m.printEnvelope(w)
	if _, err := io.Copy(w, m.spool.reader()); err != nil {
		return err
	}
	if m.last != '\n' && m.spool.size > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "---- end of %s\n", printable(m.env.ID))
	return w.Flush()
}

// printEnvelope leaves its errors to Flush.
func (m *printed) printEnvelope(w io.Writer) {
	env := m.env
	fmt.Fprintf(w, "---- message %s, %d octets, %s\n", printable(env.ID), m.spool.size, env.Time.Format(time.RFC3339))
	fmt.Fprintf(w, "MAIL FROM:%s\n", env.From)
	for _, to := range env.To {
		fmt.Fprintf(w, "RCPT TO:%s\n", to)
	}
	how := []string{printable(env.Protocol), "from " + printable(env.Peer), "who says " + printable(env.Hello)}
	if env.TLSVersion != 0 {
		how = append(how, tlsName(env.TLSVersion))
	}
	if env.Mechanism != "" {
		how = append(how, printable(env.Mechanism)+" as "+printable(env.User))
	}
	fmt.Fprintf(w, "by %s\n\n", strings.Join(how, ", "))
}

// printable is s if that is visible ASCII, and quoted otherwise.
func printable(s string) string {
	if s == "" || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return fmt.Sprintf("%+q", s)
	}
	return s
}
