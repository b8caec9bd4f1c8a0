package protocol

import (
	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// transaction is a mail transaction, from its MAIL command to the verdict on its
// content (RFC 5321 §3.3). Requests refer to it, so none is used twice.
type transaction struct {
	mail     wire.Mail
	pending  int // RCPTs that are unanswered
	accepted int // recipients

	mailPending bool // MAIL is unanswered
	content     contentState
	byChunks    bool // it comes by BDAT
	refused     bool // a chunk was: the message cannot be complete any more
	chunkEnded  bool // the end of a chunk was seen, and the sink has not taken it all
	ended       bool // the end of the content was seen
	sink        Sink
	size        int64      // octets received
	fault       wire.Reply // why the machine refuses it
	faultErr    error
	slot        uint64 // the command that the verdict answers
	verdict     wire.Reply
	verdicts    []wire.Reply // with LMTP, one for each accepted recipient
	completed   future.Promise[int64]
}

type contentState uint8

const (
	contentNone     contentState = iota
	contentAsked                 // RequestData is unanswered
	contentTaking                // accepted, and not complete
	contentComplete              // the application owes the verdict, or gave it
	contentOver                  // refused or lost
)

// dropTransaction ends the transaction that is open: RSET, EHLO, STARTTLS.
func (s *Server) dropTransaction() {
	if t := s.tx; t != nil {
		s.tx = nil
		s.lose(t, &BodyError{Err: ErrReset})
	}
}

// lose ends the content of a transaction that cannot become complete.
func (s *Server) lose(t *transaction, err error) {
	if s.filling == t {
		s.filling = nil
	}
	switch t.content {
	case contentAsked:
		t.content = contentOver
	case contentTaking:
		t.content = contentOver
		s.mem.held = s.mem.held[:0]
		s.in.blocked = false
		t.completed.Reject(err)
	}
}
