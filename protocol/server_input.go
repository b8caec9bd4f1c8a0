package protocol

import (
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// input is how the octets are read that come next.
type input struct {
	mode    inputMode
	stopped bool // behind a command whose answer decides how to go on
	ahead   bool // octets came behind such a command ahead of its answer
	closing bool // nothing more is taken
	blocked bool // until the sink can take more
	resumed bool // Resume was called from inside the sink
	secret  bool // what is no command shows as *** in traces

	guarding guard
	guardEnd int64 // where the reply ends that octets must not come ahead of; -1: not planned yet

	length int  // octets of the unfinished line, with those that are not kept
	cr     bool // the last of them is a CR
	dot    wire.DotDecoder
	chunk  wire.BDATDecoder
	ending *ending
	cause  *ProtocolError // of the end behind a reply that is last
}

// ending is the reply with which the session ends at once.
type ending struct {
	reply wire.Reply
	cause error
}

type inputMode uint8

const (
	inputLine     inputMode = iota // commands
	inputResponse                  // a line of an AUTH exchange
	inputContent                   // content by DATA
	inputChunk                     // content by BDAT
	inputDrop                      // a chunk that was refused
)

// guard says what octets are that come ahead of a reply.
type guard uint8

const (
	guardNone     guard = iota
	guardGreeting       // ahead of the greeting (H-R12)
	guardHello          // ahead of the reply to EHLO (H-R12)
	guardContent        // content behind a DATA that is refused (F26)
)

func (in *input) guard(g guard) { in.guarding, in.guardEnd = g, -1 }

func (in *input) beginChunk(size int64, mode inputMode) {
	in.mode = mode
	if size == 0 && mode == inputDrop {
		in.mode = inputLine
	}
	in.chunk.Begin(size)
}

const (
	// maxAuthInput is the size of a line for AUTH, CRLF included (RFC 4954 §4).
	maxAuthInput = maxAuthLine + len("\r\n")
	// hardLines is how many times its limit a line may have before the session ends.
	hardLines = 4
	// maxQueuedOutput is how many octets of replies may wait before Feed pauses.
	maxQueuedOutput = 64 << 10
	// maxPiece is how many octets of content are taken at once: what is held where the
	// sink does not take them.
	maxPiece = 64 << 10
)

// paused reports whether input has to wait.
func (s *Server) paused() bool {
	return s.upgrading || s.in.closing || s.in.stopped || s.in.blocked ||
		s.in.mode == inputLine && s.tail-s.head >= uint64(s.cfg.MaxPipelined) || s.out.planned-s.out.acked >= maxQueuedOutput
}

// WantRead implements Core.
func (s *Server) WantRead() bool {
	if s.err != nil {
		return false
	}
	if s.tail == 0 {
		return false // TLS comes first
	}
	if s.head == 0 && s.tail == 1 {
		return s.cfg.RefuseEarlyTalkers
	}
	return !s.paused()
}

// ready reports whether input is taken now, and deals with octets that come when none may.
func (s *Server) ready() bool {
	switch {
	case s.handshakes():
		// Rule 9, H-T2. They are not TLS, or came ahead of what TLS begins with.
		s.end(&ProtocolError{Step: "TLS handshake", Err: ErrPlaintextBeforeTLS})
		return false
	case s.in.closing:
		return false
	case s.head == 0:
		// The greeting is not answered yet.
		if s.cfg.RefuseEarlyTalkers {
			s.earlyTalker()
		}
		return false
	case s.in.guarding != guardNone:
		if s.in.guardEnd >= 0 && s.out.lent >= s.in.guardEnd {
			s.in.guarding = guardNone
			break
		}
		s.earlyOctets()
		return false
	}
	if s.in.stopped {
		s.in.ahead = true
	}
	return !s.paused()
}

// earlyOctets ends the session of a client that does not wait for a reply.
func (s *Server) earlyOctets() {
	switch s.in.guarding {
	case guardContent:
		s.final(replyContentAhead, reasonContentAhead)
	case guardGreeting:
		s.earlyTalker()
	default:
		s.final(replyEarlyTalker, "octets ahead of the reply to EHLO")
	}
}

// earlyTalker refuses a client that speaks before the greeting; the refusal is the
// greeting unless that has left already.
func (s *Server) earlyTalker() {
	r := replyEarlyTalker
	switch {
	case s.head == 0:
		r.Enhanced = wire.EnhancedCode{}
		s.fatal(s.at(0), r, reasonGreeting)
	case s.out.lent == 0:
		r.Enhanced = wire.EnhancedCode{}
		s.out.withdraw(0)
		s.traces = nil
		s.final(r, reasonGreeting)
	default:
		s.final(r, reasonGreeting)
	}
}

// take takes input in the mode that it is in, and returns how many octets.
func (s *Server) take(p []byte) int {
	switch s.in.mode {
	case inputContent:
		return s.takeContent(p)
	case inputChunk, inputDrop:
		return s.takeChunk(p)
	}
	return s.takeLine(p)
}
