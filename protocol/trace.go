package protocol

import "time"

// TraceKind says what a TraceEvent reports.
type TraceKind uint8

const (
	TraceSent     TraceKind = iota // a line that was sent, secrets replaced by ***
	TraceReceived                  // a line that was received, likewise
	TraceContent                   // content that was sent and its end of data, as a count of octets
	TraceTLS                       // TLS started, or failed to
)

// TraceEvent is one entry of a conversation's transcript: a line of a command or of a
// reply. What is sent is reported when its last octet is lent, what is received when it
// is complete.
type TraceEvent struct {
	Time time.Time
	Kind TraceKind
	// Line is the line without its line end: as sent, or as read, with the octets
	// that a terminal would act on escaped.
	Line string
	// Octets counts content: what a client sent as it stands on the wire, in a
	// TraceContent; what a server received, without dot-stuffing, in a TraceReceived. 0
	// for all other lines.
	Octets int64
}

// String returns the line behind "-> " for what was sent and "<- " for what was
// received.
func (e TraceEvent) String() string {
	switch e.Kind {
	case TraceReceived:
		return "<- " + e.Line
	case TraceTLS:
		return "-- " + e.Line
	default:
		return "-> " + e.Line
	}
}
