package wire

const (
	replyCacheSlots = 8       // a session's distinct replies: greeting, EHLO, MAIL, RCPT, DATA, content, RSET, QUIT
	replyCacheMax   = 1 << 10 // octets of the longest reply worth keeping
	replyCacheStuck = 8       // misses after which the place of misses moves on
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
	misses   int
}

type cachedReply struct {
	raw   string
	reply Reply
}

// find returns the entry that b begins with. Conversations repeat in order, so
// it begins behind the last one found.
func (c *replyCache) find(b []byte) *cachedReply {
	i := c.last
	for range c.slots {
		i++
		if i >= len(c.slots) {
			i = 0
		}
		e := &c.slots[i]
		n := len(e.raw)
		// One look at the LF spares comparing replies of other lengths.
		if n <= len(b) && b[n-1] == '\n' && string(b[:n]) == e.raw {
			c.last = i
			return e
		}
	}
	return nil
}

// add remembers r. Once the slots are full, the place behind the last one found
// is overwritten, again and again: texts that never come twice, as the verdicts
// on content, then cost the others nothing. That place moves on now and then,
// lest a set of replies that keep displacing each other stay out for ever.
func (c *replyCache) add(raw string, r Reply) {
	e := cachedReply{raw, r}
	if len(c.slots) < replyCacheSlots {
		c.slots = append(c.slots, e)
		c.last = len(c.slots) - 1
		return
	}
	at := (c.last + 1) % len(c.slots)
	c.slots[at] = e
	if c.misses++; c.misses%replyCacheStuck == 0 {
		c.last = at
	}
}
