package transport

import (
	"strconv"
	"time"
)

// EventKind says what happened at one end of a Pipe.
type EventKind uint8

const (
	EventWrite       EventKind = iota // octets of the core's output were put on the wire
	EventWrote                        // Wrote was called for them, where a write takes time
	EventFeed                         // octets were fed to the core
	EventEOF                          // FeedEOF
	EventTick                         // Tick
	EventHandshake                    // a flight of a TLS handshake was sent
	EventUpgrade                      // Upgraded
	EventWriteFailed                  // WriteFailed
	EventFail                         // Fail; the end is closed
	EventClose                        // the core is over and its output out; the end is closed
)

// String returns the event in one or two words: "write", "write failed".
func (k EventKind) String() string {
	switch k {
	case EventWrite:
		return "write"
	case EventWrote:
		return "wrote"
	case EventFeed:
		return "feed"
	case EventEOF:
		return "end of input"
	case EventTick:
		return "tick"
	case EventHandshake:
		return "handshake"
	case EventUpgrade:
		return "upgrade"
	case EventWriteFailed:
		return "write failed"
	case EventFail:
		return "fail"
	case EventClose:
		return "close"
	default:
		return "unknown event"
	}
}

// PipeEvent is something that happened at one end of a Pipe. One EventWrite is one
// write, and one EventFeed one call of Feed.
type PipeEvent struct {
	Time time.Time
	Side Side // whose core it happened to
	Kind EventKind
	// Data is what was written, or what Feed took. It is lent for the call of the tap.
	Data []byte
	// Offset is where Data stands in the stream: A's output for an EventWrite of A
	// and for an EventFeed of B.
	Offset int64
	// Err is what the core was told, or what it said in Feed or when it closed.
	Err error
}

// String returns the event as one line: the time of day, the side, the kind, and
// what it carried, as in
//
//	00:00:00.020 A write 0 "NOOP\r\n"
func (e PipeEvent) String() string {
	b := e.Time.AppendFormat(make([]byte, 0, 64), "15:04:05.000000000")
	// Fractions stop at their last digit, but milliseconds stay in line.
	for n := len("15:04:05.000"); len(b) > n && b[len(b)-1] == '0'; {
		b = b[:len(b)-1]
	}
	b = append(b, ' ')
	b = append(b, e.Side.String()...)
	b = append(b, ' ')
	b = append(b, e.Kind.String()...)
	if e.Kind == EventWrite || e.Kind == EventFeed {
		b = append(b, ' ')
		b = strconv.AppendInt(b, e.Offset, 10)
		b = append(b, ' ')
		b = strconv.AppendQuote(b, string(e.Data))
	}
	if e.Err != nil {
		b = append(b, ": "...)
		b = append(b, e.Err.Error()...)
	}
	return string(b)
}

// emit shows an event of the present instant to the tap.
func (p *Pipe) emit(e PipeEvent) {
	if p.opts.Tap != nil {
		e.Time = p.now
		p.opts.Tap(e)
	}
}
