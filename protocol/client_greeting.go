package protocol

import "github.com/sansmtp/sansmtp/protocol/wire"

// greet takes the greeting. RFC 5321 §3.1: a client does not go on to EHLO after a
// refusal, but says QUIT.
func (c *Client) greet(r *wire.Reply, v verdict) {
	if v == ok {
		c.greeted = true
		c.greeting.Resolve(*r)
		return
	}
	err := &ReplyError{Reply: *r, Command: stepRules[stepGreeting].command, Want: []wire.Code{wire.CodeServiceReady}}
	// RFC 7504 §4: behind a 521 is no mail server to be polite to. A 421 closes.
	if r.Code == wire.CodeHostAcceptsNoMail || r.Code == wire.CodeNotAvailable {
		c.end(err)
		return
	}
	c.greeted, c.quitting = true, true
	farewell := &quit{reason: err}
	queue := c.mem.queue[c.first:]
	c.mem.queue, c.first = nil, 0
	c.greeting.Reject(err)
	for _, t := range queue {
		if q, isQuit := t.(*quit); isQuit && !q.canceled() {
			farewell = q
			q.reason = err
		} else if !t.canceled() {
			t.fail(c, err)
		}
	}
	c.mem.queue = []task{farewell}
}
