package protocol

import (
	"strconv"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func (s *Server) doBdat(c *slot) {
	t := s.tx
	r := c.reply // of the size
	switch {
	case s.verb == "":
		r = s.helloFirst()
	case !s.set.Has(wire.Chunking):
		r = replyNotImplemented
	case r.Code != 0:
	case t == nil:
		r = replyMailFirst
	case t.refused:
		r = replyChunkRefused
	case t.accepted == 0:
		r = replyNoRecipients
	case t.content == contentTaking:
		s.nextChunk(c, t)
		return
	default:
		t.content, t.byChunks = contentAsked, true
		t.slot = s.next - 1
		c.tx = t
		s.ask(c)
		return
	}
	s.refuseChunk(c)
	s.refuse(c, r)
}

// nextChunk takes another chunk of a message that is accepted.
func (s *Server) nextChunk(c *slot, t *transaction) {
	c.tx, c.state = t, slotContent
	t.slot = s.next - 1
	s.in.stopped = false
	s.clock.clientBegins = true
	s.in.beginChunk(c.size, inputChunk)
	if c.size == 0 {
		s.endOfChunk()
	}
}

// refuseChunk notes that a chunk is missing: what comes behind it cannot make a
// complete message (RFC 3030 §2). The last chunk ends the transaction, unless nobody
// would have got the message anyway.
func (s *Server) refuseChunk(c *slot) {
	t := s.tx
	if t == nil {
		return
	}
	s.lose(t, &BodyError{Err: ErrReset})
	t.refused = !c.lastChunk
	if c.lastChunk && t.accepted > 0 {
		s.tx = nil
		if s.cfg.LMTP {
			c.again = int32(t.accepted) - 1 // RFC 2033 §4.3: as many replies as to one that is taken
		}
	}
}

// takeChunk takes octets of a chunk.
func (s *Server) takeChunk(p []byte) int {
	p = p[:min(len(p), maxPiece)]
	content, done := s.in.chunk.Decode(p)
	s.clock.received(len(content))
	if s.in.mode == inputChunk {
		s.deliver(content)
	}
	if done {
		s.endOfChunk()
	}
	return len(content)
}

// endOfChunk answers a chunk, or with the last one asks for the verdict.
func (s *Server) endOfChunk() {
	dropped := s.in.mode == inputDrop
	s.in.mode = inputLine
	if dropped {
		return
	}
	t := s.filling
	if s.at(t.slot).lastChunk {
		s.endOfContent()
		return
	}
	t.chunkEnded = true
	s.offer()
}

// chunkTaken answers a chunk that is not the last.
func (s *Server) chunkTaken(t *transaction) {
	t.chunkEnded = false
	c := s.at(t.slot)
	if t.fault.Code == 0 {
		s.settled(c, replyChunk(c.size))
		return
	}
	t.refused = true
	s.settled(c, t.fault)
	s.lose(t, t.faultErr)
}

// replyChunk is the reply to a chunk that is not the last.
func replyChunk(octets int64) wire.Reply {
	return wire.Reply{Code: wire.CodeOK, Enhanced: replyOK.Enhanced, Text: strconv.FormatInt(octets, 10) + " octets"}
}
