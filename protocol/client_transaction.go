package protocol

import (
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// begin plans the transaction's commands: all of them in one group where the
// server knows PIPELINING (RFC 2920), else the first alone. A transaction that
// failed before it is cleared by a RSET in front.
func (d *Delivery) begin(c *Client) bool {
	d.begun = true
	d.start = c.out.planned
	d.pipelined = c.set&wire.Pipelining != 0
	err := d.prepare(c)
	if err == nil {
		d.source, err = d.open()
	}
	if err == nil && d.pipelined {
		err = d.sayAll(c)
	} else if err == nil {
		err = d.sayFirst(c)
	}
	if err != nil {
		c.finish()
		d.settle(err)
		return false
	}
	return true
}

// encode appends the transaction's command for a step.
func (d *Delivery) encode(dst []byte, s step, i int) ([]byte, error) {
	var err error
	switch s {
	case stepMAIL:
		dst, err = wire.AppendMail(dst, d.sender, &d.c.mem.params)
	case stepRCPT:
		dst, err = wire.AppendRcpt(dst, &d.to[i], d.c.mem.params.SMTPUTF8)
	default:
		dst, err = wire.AppendCommand(dst, stepRules[s].command, "", false)
	}
	if err != nil {
		return dst, &ConfigError{Field: stepRules[s].command, Err: err}
	}
	return dst, nil
}

// say plans one command, which has been encoded before without an error.
func (d *Delivery) say(c *Client, s step, i int) {
	arena, _ := d.encode(c.out.room(), s, i)
	c.command(d, s, i, arena)
}

// sayAll plans the whole group of commands, or nothing.
func (d *Delivery) sayAll(c *Client) (err error) {
	c.forgetAnswered()
	awaited, arena := c.mem.awaited, c.out.room()
	base := c.out.planned - int64(len(arena))
	add := func(s step, i int) {
		if err == nil {
			e := expectation{task: d, step: s, index: int32(i), start: base + int64(len(arena))}
			arena, err = d.encode(arena, s, i)
			e.end = base + int64(len(arena))
			awaited = append(awaited, e)
		}
	}
	if c.dirty {
		add(stepRSET, 0)
	}
	add(stepMAIL, 0)
	for i := range d.to {
		add(stepRCPT, i)
	}
	add(stepDATA, 0)
	if err != nil {
		return err
	}
	c.mem.awaited = awaited
	c.plan(d, arena)
	return nil
}

// sayFirst plans the first command of a transaction in lock-step. What cannot be
// encoded is found before anything is written.
func (d *Delivery) sayFirst(c *Client) error {
	room := c.out.room()
	if _, err := d.encode(room, stepMAIL, 0); err != nil {
		return err
	}
	for i := range d.to {
		if _, err := d.encode(room, stepRCPT, i); err != nil {
			return err
		}
	}
	if c.dirty {
		d.say(c, stepRSET, 0)
	} else {
		d.say(c, stepMAIL, 0)
	}
	return nil
}

// replied takes the reply to one of the transaction's commands.
func (d *Delivery) replied(c *Client, s step, i int, r wire.Reply, v verdict) {
	switch s {
	case stepRSET:
		d.resetReplied(c, r, v)
	case stepMAIL:
		d.mailReplied(c, r, v)
	case stepRCPT:
		d.rcptReplied(c, i, r, v)
	case stepDATA:
		d.dataReplied(c, r, v)
	case stepLoneDot:
		// H-R15: even a 2yz means no more than that nobody gets the message. It clears
		// the transaction as any reply to an end of data does.
		c.dirty = false
		d.finish(c, d.refusal())
	case stepContent:
		d.contentReplied(c, i, r, v)
	}
}

// finish ends the transaction.
func (d *Delivery) finish(c *Client, err error) {
	if d.abandoned && d.undecided() {
		err = ErrCanceled
	}
	c.finish()
	d.settle(err)
}

func (d *Delivery) resetReplied(c *Client, r wire.Reply, v verdict) {
	if v == refused {
		c.end(&ReplyError{Reply: r, Command: wire.VerbRset})
		return
	}
	c.dirty = false
	if d.pipelined {
		return
	}
	if d.abandoned {
		d.finish(c, nil)
		return
	}
	d.say(c, stepMAIL, 0)
}

func (d *Delivery) mailReplied(c *Client, r wire.Reply, v verdict) {
	d.from = r
	c.dirty = true // until a verdict on the content clears it: F4
	if v == refused {
		d.decideRest(r)
	}
	d.settleMail()
	switch {
	case d.pipelined:
	case d.abandoned || v == refused:
		d.finish(c, d.refusal())
	default:
		d.say(c, stepRCPT, 0)
	}
}

func (d *Delivery) rcptReplied(c *Client, i int, r wire.Reply, v verdict) {
	d.recipients[i].Rcpt = r
	if v == ok {
		d.accepted++
	} else if d.from.Positive() {
		d.decide(i, r)
	}
	d.settleRcpt(i)
	switch last := i == len(d.recipients)-1; {
	case d.pipelined:
	case d.abandoned || last && d.accepted == 0:
		d.finish(c, d.refusal())
	case last:
		d.say(c, stepDATA, 0)
	default:
		d.say(c, stepRCPT, i+1)
	}
}

func (d *Delivery) dataReplied(c *Client, r wire.Reply, v verdict) {
	taken := d.accepted > 0
	switch {
	case v == refused:
		if !taken || !d.from.Positive() {
			d.finish(c, d.refusal())
			return
		}
		d.final = r
		d.decideRest(r)
		d.finish(c, &ReplyError{Reply: r, Command: wire.VerbData, Want: []wire.Code{wire.CodeStartMailInput}})
	case !taken && !c.cfg.LMTP:
		// C52: nobody is there for the content, and the server waits for it.
		d.sayLoneDot(c)
	case d.abandoned:
		// A lone dot would deliver an empty message.
		c.end(ErrAborted)
	case !taken || !d.from.Positive():
		// LMTP owes one reply for each recipient, and so none here; and a server that
		// takes recipients without a sender would deliver a lone dot.
		c.end(unexpected(stepRules[stepDATA].awaited, "content asked for though nobody was accepted", r))
	default:
		d.sendContent(c)
	}
}
