package protocol

import "github.com/sansmtp/sansmtp/protocol/wire"

// Content by BDAT (RFC 3030). The octets of a chunk are at hand before its command
// is planned, so that the two cannot disagree (H-I11). Text follows the same policy
// for bare CR and LF as by DATA, and ends in a CRLF: what arrives does not depend on
// what a server offers. BODY=BINARYMIME goes as it is.
const (
	// chunkSize is how much of a source is gathered for a chunk, in octets, about.
	chunkSize = 64 << 10
	// maxChunks is how many chunks of a message may be unanswered.
	maxChunks = 32
)

// pullChunk gathers the next chunk from a source and plans it, and reports whether
// there was one.
func (d *Delivery) pullChunk(c *Client) bool {
	// With LMTP the replies to a last chunk behind a refused one cannot be counted, and
	// without PIPELINING nothing may follow a command.
	if d.chunks == maxChunks || d.chunks > 0 && (c.cfg.LMTP || !d.pipelined) || c.out.acked < d.pieceEnd {
		return false
	}
	if d.read > 0 && c.out.acked < c.scratchEnd {
		return false // the chunk before is in the buffer
	}
	scratch := c.scratch()
	from := len(scratch)
	for last := false; !last && len(scratch)-from < chunkSize; {
		inFile := len(scratch) == from && d.asItLies()
		piece, err := d.nextPiece(c, chunkSize-(len(scratch)-from), inFile)
		if d.phase != phaseContent || c.err != nil {
			return c.err == nil // the source gave the message up
		}
		if err == ErrNotReady {
			if len(scratch) == from {
				return false
			}
			break
		}
		last, err = d.account(piece, err)
		switch {
		case err != nil:
		case piece.File != nil:
			if err = d.sayFile(c, piece, last); err == nil {
				return true
			}
		default:
			if err = d.inspect(c, piece.Bytes, last); err == nil {
				scratch, err = d.convert(c, scratch, piece.Bytes, last)
			}
		}
		if err != nil {
			// Rule 10: no last chunk, and RSET clears the rest away.
			d.failed = bodyError(err)
			d.stop(c)
			return true
		}
		if last {
			d.phase = phasePlanned
		}
	}
	n, last := len(scratch)-from, d.phase == phasePlanned
	c.mem.scratch = scratch
	d.sayChunk(c, int64(n), last)
	if n > 0 {
		before := len(c.mem.segs)
		c.out.content(append(c.mem.segs, scratch[from:len(scratch):len(scratch)]), before)
	}
	c.scratchEnd = c.out.planned
	d.chunkPlanned(c, int64(n), last)
	c.forward()
	return true
}

// asItLies reports whether content that lies in a file may go out from there: if no
// octets of it are to be looked at, and text only if none were, because what ends
// them decides how the next ones begin.
func (d *Delivery) asItLies() bool {
	return !d.only7Bit && !d.asciiHeader && (d.binary() || d.read == d.inFile)
}

// sayFile plans a chunk of content that lies in a file.
func (d *Delivery) sayFile(c *Client, piece Chunk, last bool) error {
	n, unended := piece.N, false
	if !d.binary() {
		var end [1]byte
		if _, err := piece.Skip(n - 1).Read(end[:]); err != nil {
			return err
		}
		unended = end[0] != '\n'
	}
	// What may come in memory goes on from there.
	d.ends.Reset()
	if unended && !last {
		if _, err := d.ends.Append(nil, []byte{'x'}); err != nil {
			return err
		}
	}
	if unended && last {
		n += int64(len(endOfLine))
	}
	d.inFile += piece.N
	d.sayChunk(c, n, last)
	c.out.contentFile(piece)
	if unended && last {
		c.out.content(append(c.mem.segs, endOfLine), len(c.mem.segs))
	}
	d.pieceEnd = c.out.planned
	d.chunkPlanned(c, n, last)
	c.forward()
	return nil
}

// convert appends a piece of content as it is to be sent.
func (d *Delivery) convert(c *Client, dst, p []byte, last bool) ([]byte, error) {
	if d.binary() {
		return append(dst, p...), nil
	}
	dst, err := d.ends.Append(dst, p)
	if err == nil && last {
		dst, err = d.ends.AppendEnd(dst)
	}
	return dst, err
}

// sayChunk plans the command for a chunk of n octets and the reply to it.
func (d *Delivery) sayChunk(c *Client, n int64, last bool) {
	d.data = c.out.planned
	c.plan(d, c.out.reserve(wire.AppendBDAT(c.out.room(), n, last)))
	end := c.out.planned + n
	if last {
		c.expect(d, stepContent, c.verdicts(), d.data, end)
	} else {
		c.expect(d, stepBDAT, 1, d.data, end)
		d.chunks++
	}
}

// chunkPlanned notes that a chunk of n octets is planned. From the last octet of the
// last one on the server may have the message.
func (d *Delivery) chunkPlanned(c *Client, n int64, last bool) {
	d.tail = c.out.planned
	if last {
		d.end, d.phase = d.tail, phasePlanned
	}
	if c.cfg.Trace != nil {
		c.traceContent(n)
	}
}

// chunkReplied takes the reply to a chunk that is not the last. No chunk follows a
// refusal (C65), except those on their way. The first one decides, even if the source
// has failed at a later chunk since: what becomes of the message does not depend on
// which of the two was seen first.
func (d *Delivery) chunkReplied(c *Client, r *wire.Reply, v verdict) {
	d.chunks--
	if v == refused && d.final.Code == 0 {
		d.final = *r
		d.failed = &ReplyError{Reply: *r, Command: wire.VerbBdat}
		d.decideRest(r)
	}
	if v == refused && d.phase == phaseContent {
		d.stop(c)
		return
	}
	d.conclude(c)
}
