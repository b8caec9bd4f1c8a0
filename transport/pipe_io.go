package transport

import (
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"

	"github.com/sansmtp/sansmtp/protocol"
)

// reads reports whether input is wanted, or must reach a core that waits for TLS
// whether it is wanted or not.
func (e *end) reads() bool {
	return e.core.Err() == nil && (e.core.WantRead() || e.core.Upgrade() != nil)
}

// write puts what the core offers on the wire, as far as there is room, and closes
// the end of a core that is over and offers nothing more.
func (p *Pipe) write(s Side) bool {
	e, w := &p.ends[s], &p.ways[s]
	e.stalled = false
	if e.closed || e.unwrote > 0 {
		return false
	}
	over := e.core.Err() != nil
	var n int64
	if !e.mute {
		p.chunks = e.core.Output(p.now, p.chunks[:0], w.Max)
		defer func() { clear(p.chunks) }()
		n = p.offered(w.Max)
	}
	switch {
	case n == 0 && over:
		p.close(s)
		p.emit(PipeEvent{Side: s, Kind: EventClose, Err: e.core.Err()})
		return true
	case n == 0:
		return false
	case e.failErr != nil && !e.failAt.After(p.now):
		p.writeFailed(s, e.failErr)
		return true
	}
	n = min(n, w.room(p.now))
	if n == 0 {
		e.stalled = true
		return false
	}
	offset := w.written
	n, err := p.lend(s, n)
	if n == 0 {
		p.writeFailed(s, err)
		return true
	}
	// If a file failed behind that, it will do so again.
	p.emit(PipeEvent{Side: s, Kind: EventWrite, Offset: offset, Data: p.seen})
	if w.WriteTime > 0 {
		e.unwrote, e.wroteAt = n, p.now.Add(w.WriteTime)
		e.sum = p.checksum(e.lent)
		return true
	}
	e.core.Wrote(p.now, n)
	return true
}

// offered returns how many of the octets in p.chunks one write may take: all in
// memory, and of a file behind them as many as any other write may.
func (p *Pipe) offered(limit int) int64 {
	n := int64(0)
	for i, c := range p.chunks {
		if c.File != nil && i < len(p.chunks)-1 {
			panic("transport: a File is lent in front of other octets")
		}
		if c.File != nil && n < int64(limit) {
			return n + min(c.N, int64(limit))
		}
		n += c.Len()
	}
	if n > int64(limit) {
		panic(fmt.Sprintf("transport: Output lent %d octets, max is %d", n, limit))
	}
	return n
}

func (p *Pipe) writeFailed(s Side, err error) {
	e := &p.ends[s]
	e.mute = true
	e.core.WriteFailed(p.now, err)
	p.emit(PipeEvent{Side: s, Kind: EventWriteFailed, Err: err})
}

// lend copies the first n octets of the chunks to the wire, and notes them where
// somebody wants to see them again. It returns how many there were: a file may be
// at fault.
func (p *Pipe) lend(s Side, n int64) (lent int64, err error) {
	e := &p.ends[s]
	p.seen = p.seen[:0]
	for _, c := range p.chunks {
		k := min(n-lent, c.Len())
		b := c.Bytes
		if c.File != nil {
			b, err = p.readFile(c, k)
			k = int64(len(b))
		}
		b = b[:k]
		lent += k
		p.put(s, b)
		if p.opts.Tap != nil {
			p.seen = append(p.seen, b...)
		}
		if p.ways[s].WriteTime > 0 && k > 0 {
			if c.File != nil {
				c.N = k
				e.lent = append(e.lent, c)
			} else {
				e.lent = append(e.lent, protocol.Chunk{Bytes: b})
			}
		}
	}
	return lent, err
}

// readFile reads the first n octets of a file's chunk.
func (p *Pipe) readFile(c protocol.Chunk, n int64) ([]byte, error) {
	p.file = slices.Grow(p.file[:0], int(n))[:n]
	k, err := c.Read(p.file)
	return p.file[:k], err
}

// wrote ends a write that takes time.
func (p *Pipe) wrote(s Side) bool {
	e := &p.ends[s]
	if e.closed || e.unwrote == 0 || e.wroteAt.After(p.now) {
		return false
	}
	if p.checksum(e.lent) != e.sum {
		panic("transport: rule 3: octets changed while they were lent")
	}
	n := e.unwrote
	e.unwrote = 0
	clear(e.lent)
	e.lent = e.lent[:0]
	e.core.Wrote(p.now, n)
	p.emit(PipeEvent{Side: s, Kind: EventWrote})
	return true
}

// read delivers the next piece, or what arrived in place of octets.
func (p *Pipe) read(s Side) bool {
	e, w := &p.ends[s], &p.ways[s.Peer()]
	if e.closed || !e.reads() {
		return false
	}
	w.arrive(p.now)
	if w.unread() > 0 {
		if w.nextRead.After(p.now) {
			return false
		}
		p.feed(s)
		return true
	}
	switch kind, ok := w.signalled(p.now); {
	case !ok:
		return false
	case kind == flightReset:
		w.flights.pop()
		e.core.Fail(p.now, ErrReset)
		p.close(s)
		p.emit(PipeEvent{Side: s, Kind: EventFail, Err: ErrReset})
		return true
	case kind != flightEOF:
		return p.handshake(s, kind)
	case e.core.Upgrade() != nil:
		p.upgraded(s, protocol.TLSState{}, io.ErrUnexpectedEOF)
		return true
	}
	w.flights.pop()
	e.core.FeedEOF(p.now)
	p.emit(PipeEvent{Side: s, Kind: EventEOF})
	return true
}

func (p *Pipe) feed(s Side) {
	e, w := &p.ends[s], &p.ways[s.Peer()]
	piece := w.piece()
	n, err := e.core.Feed(p.now, piece)
	if n < 0 || n > len(piece) {
		panic(fmt.Sprintf("transport: Feed took %d of %d octets", n, len(piece)))
	}
	if (err == nil) != (e.core.Err() == nil) {
		panic(fmt.Sprintf("transport: Feed returned %v where Err is %v", err, e.core.Err()))
	}
	p.emit(PipeEvent{Side: s, Kind: EventFeed, Offset: w.base, Data: piece[:n], Err: err})
	w.consume(n, p.now)
}

// close ends all calls of a core. Its peer sees the end of input behind what is
// under way, if that gets through.
func (p *Pipe) close(s Side) {
	p.ends[s].closed = true
	p.ends[s].stalled = false
	if p.ways[s].state == FaultNone {
		p.Break(s, FaultEOF)
	}
	p.ways[s.Peer()].discard()
}

func size(chunks []protocol.Chunk) int64 {
	n := int64(0)
	for _, c := range chunks {
		n += c.Len()
	}
	return n
}

// checksum is over what the chunks hold now, a file's included.
func (p *Pipe) checksum(chunks []protocol.Chunk) uint32 {
	sum := uint32(math.MaxUint32)
	for _, c := range chunks {
		b := c.Bytes
		if c.File != nil {
			b, _ = p.readFile(c, c.N)
		}
		sum = crc32.Update(sum, crc32.IEEETable, b)
	}
	return sum
}
