package netasync

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

// Stats says what a connection has cost so far. Octets are those of SMTP, without
// what TLS adds.
type Stats struct {
	// Connect is the time from the look-up of the host's name to the connection.
	Connect time.Duration
	// RoundTrips counts how often the server was waited for: input that came when
	// something had been sent since the last such input. The greeting is the first;
	// the handshakes of TCP and TLS do not count.
	RoundTrips int
	// Sent and Received count octets. What was handed to the connection counts as
	// sent.
	Sent, Received int64
}

// meter is a Core that counts what passes through it. It goes by what was lent: an
// acknowledgement can come later than the reply.
type meter struct {
	protocol.Core
	trips    int
	waiting  bool  // something was sent, or the connection made, and nothing has come yet
	lent     int64 // octets, all in all
	acked    int64 // of those, what Wrote has covered
	received int64
}

// Feed implements Core.
func (m *meter) Feed(now time.Time, p []byte) (int, error) {
	if m.waiting && len(p) > 0 {
		m.waiting = false
		m.trips++
	}
	n, err := m.Core.Feed(now, p)
	m.received += int64(n)
	return n, err
}

// Output implements Core.
func (m *meter) Output(now time.Time, dst []protocol.Chunk, max int) []protocol.Chunk {
	from := len(dst)
	dst = m.Core.Output(now, dst, max)
	lent := m.acked
	for _, chunk := range dst[from:] {
		lent += chunk.Len()
	}
	if lent > m.lent {
		m.lent, m.waiting = lent, true
	}
	return dst
}

// Wrote implements Core.
func (m *meter) Wrote(now time.Time, n int64) {
	m.acked += n
	m.Core.Wrote(now, n)
}

func (m *meter) stats(connect time.Duration) Stats {
	return Stats{Connect: connect, RoundTrips: m.trips, Sent: m.lent, Received: m.received}
}
