package protocol

import (
	"errors"
	"io"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

var errBareInMemory = errors.New("bare CR or LF")

// open starts the content before the first command is written, so that a source
// that cannot be opened costs nothing. What lies in memory the Delivery reads
// itself: no reader to allocate.
func (d *Delivery) open() error {
	if _, inMemory := d.body.(*memoryBody); inMemory || d.source != nil {
		return nil
	}
	source, err := d.body.Open()
	if err != nil {
		return &BodyError{Err: err}
	}
	if d.settled { // it was cancelled meanwhile
		source.Release()
		return nil
	}
	d.source = source
	return nil
}

// Lent as they are, and never written to.
var (
	endOfLine = []byte("\r\n")
	loneDot   = []byte(".\r\n")
)

// sendContent plans the content and the verdicts on it. What is not planned at once
// Output takes piece after piece.
func (d *Delivery) sendContent(c *Client) {
	d.phase = phaseContent
	d.data = c.out.planned
	c.expect(d, stepContent, c.verdicts(), d.data, unplanned)
	c.forward()
}

// atOnce reports whether the content lies in memory as it is to be sent: by BDAT text
// without bare CR and LF, by DATA what needs no dot-stuffing either.
func (d *Delivery) atOnce() bool {
	b, inMemory := d.body.(*memoryBody)
	return inMemory && (d.chunked && (d.binary() || !b.survey.Bare()) || b.survey.Plain())
}

// sayWhole plans content that lies in memory as it is to be sent: by BDAT one chunk of
// any size, by DATA with the end of data behind it.
func (d *Delivery) sayWhole(c *Client) {
	if d.pieces != nil {
		return
	}
	b := d.body.(*memoryBody)
	n := int64(len(b.octets))
	if !d.binary() {
		n = b.survey.Size()
	}
	if d.chunked {
		d.sayChunk(c, n, true)
	} else {
		c.startWriting()
	}
	before := len(c.mem.segs)
	segs := c.mem.segs
	if len(b.octets) > 0 {
		segs = append(segs, b.octets[:len(b.octets):len(b.octets)])
	}
	if n > int64(len(b.octets)) {
		segs = append(segs, endOfLine)
	}
	if !d.chunked {
		segs = append(segs, loneDot)
	}
	c.out.content(segs, before)
	if d.chunked {
		d.chunkPlanned(c, n, true)
	} else {
		d.endOfData(c)
	}
}

// verdicts is how many verdicts an end of data will bring: one, or with LMTP one
// for each accepted recipient.
func (c *Client) verdicts() int {
	if c.cfg.LMTP {
		return perRecipient
	}
	return 1
}

// pull plans the next piece of content, of at most max octets before stuffing,
// and reports whether there was one. A piece is valid until the next, so that its
// last octet is acknowledged before the source is asked again.
func (d *Delivery) pull(c *Client, max int) bool {
	if c.out.acked < d.pieceEnd {
		return false
	}
	piece, err := d.nextPiece(c, max, false)
	if err == ErrNotReady {
		return false
	}
	last, err := d.account(piece, err)
	if err == nil {
		err = d.inspect(c, piece.Bytes, last)
	}
	if err == nil {
		err = d.stuff(c, piece.Bytes, last)
	}
	if err != nil {
		// Rule 10: whatever is planned instead of an end of data would deliver half a
		// message.
		c.end(bodyError(err))
		return false
	}
	return true
}

// account takes the size of a piece into account, and reports whether it was the
// last and whether the source kept its promise.
func (d *Delivery) account(piece Chunk, err error) (last bool, _ error) {
	last = err == io.EOF
	d.read += piece.Len()
	switch {
	case err != nil && !last:
		return false, err
	case piece.Len() == 0 && !last:
		return false, io.ErrNoProgress
	case d.declared >= 0 && (d.read > d.declared || last && d.read < d.declared):
		return false, notPromised(d.read, d.declared)
	}
	return last, nil
}

// stuff plans a piece of content, and behind the last one the end of data.
func (d *Delivery) stuff(c *Client, p []byte, last bool) error {
	c.startWriting()
	before := len(c.mem.segs)
	segs, scratch, err := d.dots.Encode(c.mem.segs, c.scratch(), p)
	if err == nil && last {
		segs, err = d.dots.End(segs)
	}
	if err != nil {
		return err
	}
	c.mem.scratch = scratch
	c.out.content(segs, before)
	c.scratchEnd = c.out.planned
	if d.source != nil {
		d.pieceEnd, c.pieceEnd = c.out.planned, c.out.planned
	}
	if last {
		d.endOfData(c)
		c.forward()
	}
	return nil
}

// scratch returns the buffer for what is changed of content. What was planned from
// it stays until it is acknowledged: those who hold pieces of the old one keep it.
func (c *Client) scratch() []byte {
	switch {
	case c.out.acked >= c.scratchEnd:
		return c.mem.scratch[:0]
	case len(c.mem.scratch) >= maxPooled:
		return make([]byte, 0, maxPooled)
	}
	return c.mem.scratch
}

func (d *Delivery) sayLoneDot(c *Client) {
	d.data = c.out.planned
	c.out.command(append(c.out.room(), loneDot...))
	c.expect(d, stepLoneDot, 1, d.data, c.out.planned)
	if c.cfg.Trace != nil {
		c.traceContent(c.out.planned - d.data)
	}
}

// endOfData notes where the end of data ends. From its last octet on the server
// may have the message. The commands of the next one follow directly.
func (d *Delivery) endOfData(c *Client) {
	d.end, d.tail, d.phase = c.out.planned, c.out.planned, phasePlanned
	if n := len(c.mem.awaited); n > c.next {
		c.mem.awaited[n-1].end = d.end
	}
	if c.cfg.Trace != nil {
		c.traceContent(d.end - d.data)
	}
}

// contentReplied takes a verdict on the content. It clears the transaction (RFC
// 5321 §4.1.1.4), except that a refused chunk leaves it (RFC 3030 §2).
func (d *Delivery) contentReplied(c *Client, r *wire.Reply, v verdict) {
	nobody, before := d.accepted == 0, d.failed != nil && !c.cfg.LMTP // a chunk was refused
	switch {
	case before && v == refused:
		d.conclude(c) // no more than that it takes no chunk behind the other
		return
	case v == refused:
		d.failed = &ReplyError{Reply: *r, Command: stepRules[stepContent].command}
	case nobody:
	case before || !d.from.Positive():
		d.takenAfterAll(c, r)
		return
	default:
		d.taken = true
	}
	if !nobody { // whom the server says it misses then was refused before
		d.final = *r
	}
	if !c.cfg.LMTP {
		d.decideRest(r)
	} else if !nobody {
		for !d.recipients[d.turn].Rcpt.Positive() {
			d.turn++
		}
		d.decide(int(d.turn), r)
		d.turn++
	}
	if !d.chunked {
		if c.out.lent < d.end {
			// The server refuses before it has seen the end of data, which it must not see
			// now: nobody knows what it would take it for.
			c.end(d.failed)
			return
		}
		c.dirty = false
	} else if v == ok {
		c.dirty = false
	}
	d.conclude(c)
}

// takenAfterAll takes a 2yz to a last chunk of which the sender or a chunk was refused.
// The server took the message from somebody else, or a part of it: the recipients that
// it accepted may get it.
func (d *Delivery) takenAfterAll(c *Client, r *wire.Reply) {
	for i := range d.recipients {
		if to := &d.recipients[i]; to.Rcpt.Positive() {
			to.Outcome, to.Reply = NotDelivered, wire.Reply{}
		}
	}
	c.end(unexpected(stepRules[stepContent].awaited, "content taken behind a refusal", *r))
}
