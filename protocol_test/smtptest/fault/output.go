package fault

import (
	"bytes"
	"math"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// pull takes the replies of the machine that are due, and says what the script makes of
// them.
func (c *core) pull(now time.Time) {
	for c.broken == NoBreak && !c.mute && !c.held() && c.queued() < maxQueued {
		if c.pending != nil && c.alone {
			if !c.say(now, c.pending.action, wire.Reply{}, nil) {
				return
			}
			c.answered(now, wire.Reply{})
			continue
		}
		if c.in.mode == inputChunk && c.Core.Err() == nil {
			return // the answer to a BDAT may be there before its chunk was read
		}
		reply, raw := c.peek(now)
		if len(raw) == 0 || !c.say(now, c.action(), reply, raw) {
			return
		}
		c.Core.Wrote(now, int64(len(raw)))
		c.answered(now, reply)
	}
}

// peek returns the next reply of the machine, and its octets; none: there is no reply.
func (c *core) peek(now time.Time) (wire.Reply, []byte) {
	c.chunks = c.Core.Output(now, c.chunks[:0], math.MaxInt)
	if len(c.chunks) == 0 {
		return wire.Reply{}, nil
	}
	raw := c.chunks[0].Bytes
	if len(c.chunks) > 1 {
		c.raw = c.raw[:0]
		for _, chunk := range c.chunks {
			c.raw = append(c.raw, chunk.Bytes...)
		}
		raw = c.raw
	}
	clear(c.chunks)
	n, reply, done, _ := c.parser.Parse(raw)
	if !done {
		panic("fault: the machine's output is no reply")
	}
	return reply, raw[:n]
}

// action returns what to do in place of the next reply of the machine.
func (c *core) action() Action {
	cmd := c.pending
	switch {
	case cmd == nil || cmd.challenged:
		return Action{}
	case cmd.start, cmd.last && (cmd.action == Action{} || c.message.answers > 0):
		return c.message.action(c.injector, c.message.answers)
	}
	return cmd.action
}

// say says what an action makes of a reply of the machine: own, which raw are the
// octets of. It reports whether the conversation goes on, and at once.
func (c *core) say(now time.Time, a Action, own wire.Reply, raw []byte) bool {
	if a.Delay > 0 && !c.waited {
		c.due = now.Add(a.Delay)
		return false
	}
	c.waited = false
	if a.Break != NoBreak && a.After == 0 {
		c.breakOff(now, a.Break)
		return false
	}
	octets := bytes.Clone(raw)
	if a != (Action{}) {
		octets = a.AppendReply(nil, own)
	}
	for line := range bytes.Lines(octets) {
		line = bytes.TrimRight(line, "\r\n")
		if own.Code == wire.CodeAuthChallenge && a.Reply == (wire.Reply{}) {
			line = []byte("334 ***")
		}
		c.injector.trace(now, protocol.TraceSent, string(line))
	}
	c.out = append(c.out, piece{octets, a.Split})
	if a.Reply.Code == wire.CodeNotAvailable {
		c.breakOff(now, Drop)
		return false
	}
	return true
}

// answered is what follows a reply of the machine.
func (c *core) answered(now time.Time, reply wire.Reply) {
	cmd := c.pending
	switch {
	case cmd == nil:
		return
	case cmd.start || cmd.last:
		c.message.answers++
		c.injector.counts[Content]++
		if !c.decided(now) {
			return
		}
		c.message = message{}
	case cmd.step == Data && reply.Code == wire.CodeStartMailInput:
		cmd.start = true
		c.in.mode, c.in.octets = inputContent, 0
		c.in.dot.Reset()
		return
	case cmd.step == Auth && reply.Code == wire.CodeAuthChallenge:
		cmd.challenged, cmd.asked = true, true
		return
	case cmd.step == Lhlo:
		c.lmtp = c.lmtp || reply.Positive()
	}
	c.pending, c.alone = nil, false
	if cmd.ends {
		c.breakOff(now, Drop)
	}
}

// decided reports whether there is no further verdict on the message. A chunk that was
// refused as a command has but one answer, whatever the number of recipients is.
func (c *core) decided(now time.Time) bool {
	m := &c.message
	if m.answers >= m.recipients(c.injector) {
		return true
	}
	return m.request.Kind() == 0 && len(c.Core.Output(now, c.chunks[:0], 1)) == 0
}
