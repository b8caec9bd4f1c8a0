package wire

import "encoding/binary"

const (
	replyCacheSlots = 8       // a session's distinct replies: greeting, EHLO, MAIL, RCPT, DATA, content, RSET, QUIT
	replyCacheMin   = 8       // octets of the shortest reply worth keeping: those of tail
	replyCacheMax   = 1 << 10 // octets of the longest
	replyCacheRun   = 4       // slots that a run of misses may take
)

// replyCache remembers the last few replies with the octets they were parsed
// from. A server says the same few things again and again, and comparing octets
// is several times faster than parsing them.
//
// The result is that of parsing: no whole reply is the beginning of another, so
// octets that begin with a known one hold just that reply, under the same
// settings. A miss costs a few nanoseconds.
type replyCache struct {
	slots    []cachedReply // used ones only
	settings replySettings // those under which the slots are right
	last     int           // where the last reply was found
	run      int           // misses since then, up to replyCacheRun
}

type cachedReply struct {
	tail  uint64 // the last octets of raw, where replies of one length differ most
	raw   string // replyCacheMin octets or more
	reply Reply
}

// find returns the entry that b begins with. It begins with the last one found, for
// the replies to many RCPT, and goes on behind it: conversations repeat in order.
func (c *replyCache) find(b []byte) *cachedReply {
	i := c.last
	for range c.slots {
		e := &c.slots[i]
		n := len(e.raw)
		if n <= len(b) && replyTail(b[:n]) == e.tail && string(b[:n]) == e.raw {
			c.last, c.run = i, 0
			return e
		}
		if i++; i == len(c.slots) {
			i = 0
		}
	}
	return nil
}

// add remembers r, whose octets raw are. Once the slots are full, a run of
// misses overwrites those behind the last one found, and only so many: texts
// that never come twice, as the verdicts on content, then leave the others
// alone, and a new set of replies still finds its place within a few rounds.
func (c *replyCache) add(raw string, r Reply) {
	e := cachedReply{replyTail([]byte(raw[len(raw)-replyCacheMin:])), raw, r}
	if len(c.slots) < replyCacheSlots {
		c.slots = append(c.slots, e)
		c.last = len(c.slots) - 1
		return
	}
	c.run = min(c.run+1, replyCacheRun)
	c.slots[(c.last+c.run)%len(c.slots)] = e
}

func replyTail(raw []byte) uint64 {
	return binary.LittleEndian.Uint64(raw[len(raw)-replyCacheMin:])
}
