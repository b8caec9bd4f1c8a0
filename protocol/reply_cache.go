package protocol

import "github.com/sansmtp/sansmtp/protocol/wire"

// encodedReply is a reply and its octets. Most replies of a session are the same few, and
// to copy one is several times faster than to encode it.
type encodedReply struct {
	reply wire.Reply
	raw   [64]byte
	n     int
}

// appendReply appends the octets of r to dst.
func (b *buffers) appendReply(dst []byte, r *wire.Reply) []byte {
	place := uint(r.Code) + uint(r.Enhanced.Subject) + uint(r.Enhanced.Detail) + uint(len(r.Text))
	e := &b.said[place%uint(len(b.said))]
	if e.n > 0 && e.reply == *r {
		return append(dst, e.raw[:e.n]...)
	}
	start := len(dst)
	dst = r.AppendTo(dst)
	if n := len(dst) - start; n <= len(e.raw) {
		e.reply, e.n = *r, copy(e.raw[:], dst[start:])
	}
	return dst
}
