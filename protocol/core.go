package protocol

import "time"

// Core is one side of an SMTP conversation without I/O. It starts no goroutine,
// reads no clock and touches no socket: bytes and time go in, bytes and futures
// come out. Drive it from one goroutine, or under one lock, and pass it a now
// that never runs backwards. After every call ask again: Output, WantRead,
// Deadline, Upgrade, Err. Breaking a rule marked (panics) panics with its number.
//
//  1. Cuts do not matter. The same input in any pieces, without Output between
//     them, gives the same output, futures, order and error; with Output between
//     them too, unless the peer answers ahead of what was lent. Futures settle
//     between replies. The one exception is rule 9.
//  2. The octets planned do not depend on when, or with what max, Output is
//     called. A group of commands is planned whole. But content that goes
//     out piece by piece, as its body yields it or as text is changed for BDAT, is
//     asked for by Output, and what stands behind it is planned then, by what the
//     replies have told until then: a RSET more or less.
//  3. Output lends and Wrote acknowledges; a driver that copies calls Wrote when
//     it copies. Nobody changes lent octets, and Wrote past them panics (panics).
//  4. Replies match what was lent: a 2yz or 3yz needs the last octet of its
//     command lent, a 4yz or 5yz the first. Any other reply is unsolicited: a 421
//     ends the connection with that reason, the rest is a protocol error.
//  5. Callbacks run inline, between replies, and may add, cancel and Fail. Feed,
//     FeedEOF, WriteFailed, Output, Wrote, Tick and Upgraded may not be called
//     from one (panics). A Fail there takes effect behind the current reply.
//  6. One timer: the oldest unanswered command has it. It restarts when the reply
//     before it completes and while its own octets are acknowledged; octets of an
//     unfinished reply do not move it. Unwritten output has the block timeout,
//     waiting for the caller's body has none, and over all stands one deadline.
//  7. Once Err is non-nil, finish the write under way, write what Output still
//     offers, then close: with that Output the octets lent before are free. After a
//     write error call WriteFailed and go on reading until the end of input; a
//     driver that can do neither calls Fail. Wrote after Fail is ignored.
//  8. Every future settles exactly once, in wire order, except that what is
//     cancelled before it was lent settles at once.
//  9. STARTTLS: the client takes nothing behind the 220 until Upgraded, and any
//     octet that arrives before it is fatal. No read is in flight while Feed runs.
//     What was learned in clear is forgotten in Upgraded.
//  10. Content that cannot be finished as promised never gets an end of data.
//  11. All memory is bounded by configuration, and an idle machine gives its
//     buffers back.
type Core interface {
	// Feed takes input and keeps none of p. n < len(p) means that the machine
	// paused or ended; offer the rest again when WantRead is true. The error is
	// that of Err.
	Feed(now time.Time, p []byte) (n int, err error)
	// FeedEOF says that the peer sends no more; output may still be pending.
	FeedEOF(now time.Time)
	// Fail says that both directions are gone, and that nothing lent is in use any
	// more. It is idempotent.
	Fail(now time.Time, err error)
	// WriteFailed says that no more output can be written. Reading goes on, under
	// a short deadline: the reason is often still to come. A *BodyError says that the
	// File of a chunk failed or ended early, and that nothing is out but what Wrote
	// has covered: it ends the conversation at once, since the peer waits for octets
	// that do not exist.
	WriteFailed(now time.Time, err error)
	// Output appends the chunks to send next, up to max octets, and returns dst. A
	// chunk of a File comes last, and may go beyond max. Output consumes nothing:
	// without Wrote the same octets come again. They stay unchanged until Wrote has
	// covered them.
	Output(now time.Time, dst []Chunk, max int) []Chunk
	// Wrote says that the first n octets lent are out. Short writes are normal.
	Wrote(now time.Time, n int64)
	// WantRead is false while input would only pile up.
	WantRead() bool
	// Deadline is when Tick is next due; the zero time: never.
	Deadline() time.Time
	// Tick lets what is due happen. A spurious Tick does nothing.
	Tick(now time.Time)
	// Upgrade is non-nil once TLS is to start, and all output before it is written.
	Upgrade() *Upgrade
	// Upgraded says that TLS started, or why it did not. For implicit TLS it comes
	// before the first Feed.
	Upgraded(now time.Time, tls TLSState, err error)
	// Err is nil while the conversation is open and io.EOF after a clean close.
	Err() error
}

// Upgrade asks the driver to start TLS on the connection (RFC 3207).
type Upgrade struct {
	// Client is true on the side that sends the ClientHello.
	Client bool
	// ServerName is the name to ask for (SNI) and to check the certificate
	// against; "" leaves both to the driver's own configuration.
	ServerName string
}

// TLSState is what the machines need to know of a TLS connection. The zero value
// stands for a connection in clear.
type TLSState struct {
	// Version is the protocol version as in RFC 8446 §4.2.1: 0x0303 for TLS 1.2,
	// 0x0304 for TLS 1.3. Zero: no TLS.
	Version uint16
	// Verified is true when the peer's certificate was checked against trusted
	// roots and its name.
	Verified bool
	// ServerName is the name that was asked for.
	ServerName string
	// Exporter is the channel binding tls-exporter (RFC 9266) and ServerEndPoint
	// the channel binding tls-server-end-point (RFC 5929 §4); nil where there is none.
	Exporter, ServerEndPoint []byte
}

// Active reports whether the connection is under TLS.
func (s TLSState) Active() bool { return s.Version != 0 }
