package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// dispatch takes one complete reply.
func (c *Client) dispatch(r *wire.Reply) {
	if c.next == len(c.mem.awaited) {
		c.unsolicited(r)
		return
	}
	e := &c.mem.awaited[c.next]
	rule := &stepRules[e.step]
	v := rule.judge(r.Code)
	// Rule 4. A 4yz or 5yz may answer what was sent of a command so far.
	if c.out.acked < e.end {
		end := e.oldestEnd()
		if c.out.lent < end && (v != refused || c.out.lent <= e.start) {
			c.unsolicited(r)
			return
		}
		if e.step == stepRCPT {
			e.start = end
		}
	}
	if v == wrong {
		c.end(unexpected(rule.awaited, "unexpected reply", *r, rule.want()...))
		return
	}
	if !c.follow.has(e.step) {
		panic("protocol: the plan left the table at the " + rule.awaited)
	}
	c.follow = rule.after(v)
	if e.left == perRecipient {
		e.left = max(1, e.task.(*Delivery).accepted)
	}
	t, s, i := e.task, e.step, int(e.index)
	e.index++
	if e.left--; e.left == 0 {
		c.next++
	}
	c.replyBase = time.Time{} // rule 6: the next command's time begins now
	if t == nil {
		c.greet(r, v)
	} else {
		t.replied(c, s, i, r, v)
	}
	// RFC 5321 §3.8: whatever a 421 answers, the session is over.
	if r.Code == wire.CodeNotAvailable && c.err == nil {
		c.end(&ReplyError{Reply: *r, Command: answeredBy(c, t, s)})
	}
}

// oldestEnd returns where the oldest command ends that e is the reply to.
func (e *expectation) oldestEnd() int64 {
	if e.step == stepRCPT && e.left > 1 {
		return e.start + e.task.(*Delivery).rcptSize(int(e.index))
	}
	return e.end
}

// answers reports whether the reply is to one of d's commands.
func (e *expectation) answers(d *Delivery) bool {
	of, is := e.task.(*Delivery) // to compare interfaces takes a call
	return is && of == d
}

// unsolicited takes a reply that answers nothing.
func (c *Client) unsolicited(r *wire.Reply) {
	if r.Code == wire.CodeNotAvailable {
		c.end(&ReplyError{Reply: *r, Command: "connection"})
		return
	}
	c.end(unexpected(c.awaiting(), "reply to nothing that was sent", *r))
}

// awaiting names the reply that is awaited; "" if none is.
func (c *Client) awaiting() string {
	switch {
	case c.upgrade != nil:
		return "TLS handshake"
	case c.next < len(c.mem.awaited):
		return stepRules[c.mem.awaited[c.next].step].awaited
	}
	return ""
}
