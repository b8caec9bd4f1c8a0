package protocol

import (
	"errors"
	"io"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

var errBareInMemory = errors.New("bare CR or LF")

// open starts the content before the first command is written, so that a source
// that cannot be opened costs nothing.
func (d *Delivery) open() (BodyReader, error) {
	if _, inMemory := d.body.(*memoryBody); inMemory {
		return nil, nil // the Delivery reads it itself: no reader to allocate
	}
	source, err := d.body.Open()
	if err != nil {
		return nil, &BodyError{Err: err}
	}
	return source, nil
}

// sendContent plans the content, of which Output takes piece after piece, and the
// verdicts on it: one, or with LMTP one for each accepted recipient (RFC 2033
// §4.2).
func (d *Delivery) sendContent(c *Client) {
	d.sending = true
	d.data = c.out.planned
	c.streaming, c.pieceEnd, c.parked = d, d.data, false
	if !c.cfg.LMTP {
		c.expect(d, stepContent, 0, d.data, unplanned)
		return
	}
	for i := range d.recipients {
		if d.recipients[i].Rcpt.Positive() {
			c.expect(d, stepContent, i, d.data, unplanned)
		}
	}
}

// pull plans the next piece of content, of at most max octets before stuffing,
// and reports whether there was one. A piece is valid until the next, so that its
// last octet is acknowledged before the source is asked again.
func (d *Delivery) pull(c *Client, max int) bool {
	if c.out.acked < c.pieceEnd {
		return false
	}
	piece, err := d.nextPiece(c, max)
	if err == ErrNotReady {
		c.parked = true
		return false
	}
	last := err == io.EOF
	d.read += int64(len(piece.Bytes))
	switch {
	case err != nil && !last:
	case len(piece.Bytes) == 0 && !last:
		err = io.ErrNoProgress
	case d.declared >= 0 && (d.read > d.declared || last && d.read < d.declared):
		err = d.notPromised(d.read)
	default:
		if err = d.inspect(c, piece.Bytes, last); err == nil {
			err = d.stuff(c, piece.Bytes, last)
		}
	}
	if err != nil {
		// Rule 10: whatever is planned instead of an end of data would deliver half a
		// message.
		c.end(bodyError(err))
		return false
	}
	return true
}

// stuff plans a piece of content, and behind the last one the end of data.
func (d *Delivery) stuff(c *Client, p []byte, last bool) error {
	if !c.out.pending() {
		c.writeBase = c.now
	}
	before := len(c.mem.segs)
	segs, scratch, err := c.content.Encode(c.mem.segs, c.mem.scratch[:0], p)
	if err == nil && last {
		segs, err = c.content.End(segs)
	}
	if err != nil {
		return err
	}
	c.mem.scratch = scratch
	c.out.content(segs, before)
	c.pieceEnd = c.out.planned
	if last {
		d.endOfData(c)
	}
	return nil
}

func (d *Delivery) sayLoneDot(c *Client) {
	d.data = c.out.planned
	c.out.command(append(c.out.room(), ".\r\n"...))
	c.expect(d, stepLoneDot, 0, d.data, c.out.planned)
	if c.cfg.Trace != nil {
		c.traceEndOfData(c.out.planned - d.data)
	}
}

// endOfData notes where the end of data ends. From its last octet on the server
// may have the message.
func (d *Delivery) endOfData(c *Client) {
	d.end = c.out.planned
	c.streaming = nil
	for i := c.next; i < len(c.mem.awaited); i++ {
		c.mem.awaited[i].end = d.end
	}
	if c.cfg.Trace != nil {
		c.traceEndOfData(d.end - d.data)
	}
}

// contentReplied takes a verdict on the content. It clears the transaction (RFC
// 5321 §4.1.1.4).
func (d *Delivery) contentReplied(c *Client, i int, r wire.Reply, v verdict) {
	d.final = r
	var err error
	if v == refused {
		err = &ReplyError{Reply: r, Command: stepRules[stepContent].command}
	}
	if c.cfg.LMTP {
		d.decide(i, r)
	} else {
		d.decideRest(r)
	}
	switch {
	case c.out.lent < d.end:
		// The server refuses before it has seen the end of data, which it must not see
		// now: nobody knows what it would take it for.
		c.end(err)
	case c.next == len(c.mem.awaited):
		c.dirty = false
		d.finish(c, err)
	}
}
