package protocol

import "github.com/sansmtp/sansmtp/protocol/wire"

// doXClient is XCLIENT of a trusted peer.
func (s *Server) doXClient(c *slot) {
	switch {
	case !s.offered.Has(wire.XClient):
		s.refuseUnknown(c, replyNotImplemented)
	case s.tx != nil:
		s.refuse(c, replyTransactionOpen)
	case c.args == "":
		s.refuse(c, replyArguments)
	default:
		s.ask(c)
	}
}
