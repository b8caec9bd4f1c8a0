package protocol

import (
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// ready does all of what comes first that may call the caller's code, but to weigh the
// message. That code may do as a callback does: while the message is still in the queue,
// it may cancel this one or any other. What stands against sending it is in failed then.
func (d *Delivery) ready(c *Client) {
	d.failed = nil
	d.pipelined = c.set&wire.Pipelining != 0
	// Without PIPELINING chunks save nothing, and more servers know DATA.
	d.chunked = c.set&wire.Chunking != 0 && (d.pipelined || d.binary())
	if d.pieces == nil && !d.atOnce() {
		d.pieces = &pieces{dots: wire.DotEncoder{EOL: c.cfg.EOL}, ends: wire.LineEncoder{EOL: c.cfg.EOL}}
	}
	err := d.prepare(c)
	if err == nil && d.pieces != nil && !d.settled {
		err = d.open()
	}
	if d.settled {
		d.uncount() // it may have been counted since
		return
	}
	d.failed = err
}

// begin encodes the transaction's commands: all of them where the server knows
// PIPELINING (RFC 2920), else the first alone. They are planned as soon as what
// stands before them is. A transaction that failed before it, or may fail, is
// cleared by a RSET in front.
func (d *Delivery) begin(c *Client) bool {
	d.start, d.tail = c.out.planned, c.out.planned
	d.reset = c.dirty
	if n := len(c.mem.flight); n > c.oldest {
		d.reset = c.mem.flight[n-1].unclean
	}
	err := d.failed
	if err == nil && d.pipelined {
		err = d.encodeAll(c)
	} else if err == nil {
		err = d.encodeFirst(c)
	}
	if err != nil {
		d.failed, d.phase, d.tail, d.unclean = err, phaseRejected, 0, d.reset
		if c.flying() == 0 {
			d.settle(err)
			return false
		}
		// Its turn to settle comes behind those which are under way.
		c.launch(d)
		return true
	}
	d.unclean = d.chunked
	d.ahead = d.chunked && d.pipelined && c.window > 0 && d.weight <= c.cfg.Window.Ahead
	c.launch(d)
	if d.pipelined {
		d.phase = phaseEncoded
		c.forward()
		return true
	}
	d.phase = phaseEnvelope
	if d.reset {
		d.say(c, stepRSET, 0)
	} else {
		d.say(c, stepMAIL, 0)
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
		dst, err = wire.AppendRcpt(dst, &d.to[i], d.utf8)
	default:
		dst, err = wire.AppendCommand(dst, stepRules[s].command, "", false)
	}
	if err != nil {
		return dst, &ConfigError{Field: stepRules[s].command, Err: err}
	}
	return dst, nil
}

// rcptSize returns the octets of a RCPT that has been encoded.
func (d *Delivery) rcptSize(i int) int64 {
	line, _ := d.encode(nil, stepRCPT, i)
	return int64(len(line))
}

// say plans one command, which has been encoded before without an error.
func (d *Delivery) say(c *Client, s step, i int) {
	arena, _ := d.encode(c.out.room(), s, i)
	c.command(d, s, arena).index = int32(i)
	d.tail = c.out.planned
}

// group is the commands of a message that are encoded and not planned. Only the message
// that began last can have one: see mayBegin.
type group struct {
	lines       []byte
	mail, rcpts int // octets up to the end of MAIL, and of the last RCPT
}

// encodeAll encodes the whole group of commands, or nothing.
func (d *Delivery) encodeAll(c *Client) error {
	arena := c.out.room()
	from := len(arena)
	if d.reset {
		arena = append(arena, resetLine...)
	}
	arena, err := d.encode(arena, stepMAIL, 0)
	mail := len(arena) - from
	for i := 0; i < len(d.to) && err == nil; i++ {
		if arena, err = wire.AppendRcpt(arena, &d.to[i], d.utf8); err != nil {
			err = &ConfigError{Field: wire.VerbRcpt, Err: err}
		}
	}
	rcpts := len(arena) - from
	if !d.chunked {
		arena = append(arena, dataLine...)
	}
	if err != nil {
		return err
	}
	c.mem.group = group{lines: c.out.reserve(arena), mail: mail, rcpts: rcpts}
	return nil
}

const (
	resetLine = wire.VerbRset + "\r\n"
	dataLine  = wire.VerbData + "\r\n"
)

// sayEnvelope plans the group of commands.
func (d *Delivery) sayEnvelope(c *Client) {
	at := c.out.planned
	d.start = at
	g := &c.mem.group
	mail, rcpt := at+int64(g.mail), at+int64(g.rcpts)
	c.plan(d, g.lines)
	*g = group{}
	d.phase, d.tail = phaseEnvelope, c.out.planned
	awaited := c.expectMore(4)
	if d.reset {
		awaited = append(awaited, expectation{task: d, step: stepRSET, left: 1, start: at, end: at + int64(len(resetLine))})
		at += int64(len(resetLine))
	}
	awaited = append(awaited, expectation{task: d, step: stepMAIL, left: 1, start: at, end: mail},
		expectation{task: d, step: stepRCPT, left: int32(len(d.to)), start: mail, end: rcpt})
	if !d.chunked {
		awaited = append(awaited, expectation{task: d, step: stepDATA, left: 1, start: rcpt, end: d.tail})
	} else if d.ahead {
		d.phase = phaseContent
	}
	c.mem.awaited = awaited
}

// encodeFirst finds what cannot be encoded of a transaction in lock-step, before
// anything is written.
func (d *Delivery) encodeFirst(c *Client) error {
	room := c.out.room()
	if _, err := d.encode(room, stepMAIL, 0); err != nil {
		return err
	}
	for i := range d.to {
		if _, err := d.encode(room, stepRCPT, i); err != nil {
			return err
		}
	}
	return nil
}

// replied takes the reply to one of the transaction's commands.
func (d *Delivery) replied(c *Client, s step, i int, r *wire.Reply, v verdict) {
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
	case stepBDAT:
		d.chunkReplied(c, r, v)
	case stepContent:
		d.contentReplied(c, r, v)
	}
}

// conclude ends the transaction if all of it was lent and answered, and reports
// whether it did. A refusal in mid-chunk leaves octets to be sent (RFC 3030 §2).
func (d *Delivery) conclude(c *Client) bool {
	if d.phase < phasePlanned || c.out.lent < d.tail || d.settled || c.mem.flight[c.oldest] != d ||
		c.next < len(c.mem.awaited) && c.mem.awaited[c.next].answers(d) {
		return false
	}
	d.finish(c, d.verdict())
	return true
}

// finish ends the transaction.
func (d *Delivery) finish(c *Client, err error) {
	if d.abandoned && d.undecided() {
		err = ErrCanceled
	}
	d.phase = phasePlanned
	if d.taken {
		c.grow()
	}
	c.land(d)
	if d.chunked && !d.taken && d.from.Code != 0 && !d.undecided() {
		c.shrink()
	}
	d.settle(err)
}

// stop ends the planning of a transaction that goes by BDAT: it gets no last chunk.
func (d *Delivery) stop(c *Client) {
	d.phase = phasePlanned
	c.forward()
	d.conclude(c)
}

func (d *Delivery) resetReplied(c *Client, r *wire.Reply, v verdict) {
	if v == refused {
		c.end(&ReplyError{Reply: *r, Command: wire.VerbRset})
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

func (d *Delivery) mailReplied(c *Client, r *wire.Reply, v verdict) {
	d.from = *r
	c.dirty = true // until a verdict on the content clears it: F4
	if v == refused {
		d.decideRest(r)
	}
	d.settleMail()
	switch {
	case d.pipelined:
		d.conclude(c)
	case d.abandoned || v == refused:
		d.finish(c, d.refusal())
	default:
		d.say(c, stepRCPT, 0)
	}
}

func (d *Delivery) rcptReplied(c *Client, i int, r *wire.Reply, v verdict) {
	d.recipients[i].Rcpt = *r
	switch {
	case v == ok:
		d.accepted++
		if d.chunked && !d.from.Positive() {
			// It may take the content for this one, and then the verdict decides.
			d.recipients[i].Outcome, d.recipients[i].Reply = NotDelivered, wire.Reply{}
		}
	case d.from.Positive():
		d.decide(i, r)
	}
	if d.steps != nil {
		d.settleRcpt(i)
	}
	last := i == len(d.recipients)-1
	switch {
	case d.pipelined && !last && d.phase != phaseEnvelope:
	case d.chunked && d.phase == phaseEnvelope && d.pipelined:
		if v == ok && d.from.Positive() {
			d.phase = phaseContent
			c.forward()
		} else if last {
			d.stop(c)
		}
	case d.pipelined:
		d.conclude(c)
	case d.abandoned || last && d.accepted == 0:
		d.finish(c, d.refusal())
	case last && d.chunked:
		d.phase = phaseContent
		c.forward()
	case last:
		d.say(c, stepDATA, 0)
	default:
		d.say(c, stepRCPT, i+1)
	}
}

func (d *Delivery) dataReplied(c *Client, r *wire.Reply, v verdict) {
	taken := d.accepted > 0
	switch {
	case v == refused:
		if !taken || !d.from.Positive() {
			d.finish(c, d.refusal())
			return
		}
		d.final = *r
		d.decideRest(r)
		d.finish(c, &ReplyError{Reply: *r, Command: wire.VerbData, Want: []wire.Code{wire.CodeStartMailInput}})
	case !taken && !c.cfg.LMTP:
		// C52: nobody is there for the content, and the server waits for it.
		d.sayLoneDot(c)
	case d.abandoned:
		// A lone dot would deliver an empty message.
		c.end(ErrAborted)
	case !taken || !d.from.Positive():
		// LMTP owes one reply for each recipient, and so none here; and a server that
		// takes recipients without a sender would deliver a lone dot.
		c.end(unexpected(stepRules[stepDATA].awaited, "content asked for though nobody was accepted", *r))
	default:
		d.sendContent(c)
	}
}
