package protocol_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// monitor stands between a driver and the client it tests. It holds the client to
// the contract of Core, and keeps all that was lent and how much was read.
type monitor struct {
	protocol.Core
	rand   *rand.Rand // nil: no calls of the monitor's own
	lent   []byte     // from the first octet on
	acked  int64
	read   int64
	ended  error
	inside bool // a call of the driver's is under way
	faults []string
	chunks []protocol.Chunk
}

func (m *monitor) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

// rest checks what holds after every call.
func (m *monitor) rest(now time.Time) {
	err := m.Core.Err()
	if m.ended != nil && err != m.ended {
		m.fault("Err was %v and became %v", m.ended, err)
	}
	m.ended = err
	if err == nil && m.rand != nil && m.rand.IntN(8) == 0 {
		m.spuriousTick(now)
	}
}

// spuriousTick calls Tick before anything is due.
func (m *monitor) spuriousTick(now time.Time) {
	due := m.Core.Deadline()
	if !due.IsZero() && !now.Before(due) {
		return
	}
	m.Core.Tick(now)
	if again := m.Core.Deadline(); !again.Equal(due) || m.Core.Err() != nil {
		m.fault("rule 6: a spurious Tick moved the deadline from %v to %v, Err %v", due, again, m.Core.Err())
	}
}

// lend holds what Output offers against what it offered before.
func (m *monitor) lend(chunks []protocol.Chunk, max int) {
	at := m.acked
	inMemory := at
	for i, c := range chunks {
		p := make([]byte, c.Len())
		if _, err := c.Read(p); err != nil || c.File != nil && (inMemory-m.acked >= int64(max) || i < len(chunks)-1) {
			m.fault("a File is lent out of place, or cannot be read: %v", err)
		}
		n := min(c.Len(), int64(len(m.lent))-at)
		if !bytes.Equal(p[:n], m.lent[at:at+n]) {
			m.fault("rule 2: octets at %d became %q, were %q", at, p[:n], m.lent[at:at+n])
		}
		m.lent = append(m.lent, p[n:]...)
		at += c.Len()
		inMemory += int64(len(c.Bytes))
	}
	if inMemory-m.acked > int64(max) {
		m.fault("Output lends %d octets, max is %d", at-m.acked, max)
	}
	if m.ended != nil && at > m.acked {
		m.fault("the client writes %q behind its end", m.lent[m.acked:at])
	}
}

func (m *monitor) Output(now time.Time, dst []protocol.Chunk, max int) []protocol.Chunk {
	if m.rand != nil && m.rand.IntN(4) == 0 {
		// Without Wrote the same octets come again.
		some := 1 + m.rand.IntN(max)
		m.inside = true
		m.chunks = m.Core.Output(now, m.chunks[:0], some)
		m.inside = false
		m.lend(m.chunks, some)
	}
	from := len(dst)
	m.inside = true
	dst = m.Core.Output(now, dst, max)
	m.inside = false
	m.lend(dst[from:], max)
	m.rest(now)
	return dst
}

func (m *monitor) Wrote(now time.Time, n int64) {
	m.acked += n
	m.inside = true
	m.Core.Wrote(now, n)
	m.inside = false
	m.rest(now)
}

func (m *monitor) Feed(now time.Time, p []byte) (int, error) {
	m.inside = true
	n, err := m.Core.Feed(now, p)
	m.inside = false
	m.read += int64(n)
	m.rest(now)
	return n, err
}

func (m *monitor) FeedEOF(now time.Time) {
	m.Core.FeedEOF(now)
	m.rest(now)
}

func (m *monitor) Fail(now time.Time, err error) {
	m.Core.Fail(now, err)
	m.rest(now)
}

func (m *monitor) WriteFailed(now time.Time, err error) {
	m.Core.WriteFailed(now, err)
	m.rest(now)
}

func (m *monitor) Tick(now time.Time) {
	m.Core.Tick(now)
	m.rest(now)
}

func (m *monitor) Upgraded(now time.Time, tls protocol.TLSState, err error) {
	m.Core.Upgraded(now, tls, err)
	m.rest(now)
}
