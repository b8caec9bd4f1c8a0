package protocol

// output holds what a machine has planned to send and the driver has not yet
// acknowledged. Three offsets into the stream of all octets ever sent mark how far
// it is: acked ≤ lent ≤ planned.
//
// Commands are encoded into one arena, so that a group is one piece; content is
// referred to where it lies. The arena only grows while anything of it may be
// lent: growing leaves the old array to those who hold it.
type output struct {
	mem  *buffers // the same as its machine's
	head int      // of mem.segs: what is planned and not acknowledged
	off  int      // octets of mem.segs[head] that are acknowledged

	reserved int // octets of mem.arena that are not planned yet

	planned int64
	lent    int64 // a watermark: Output may lend less the next time
	acked   int64
}

// room returns the arena to append a command to; pass the result to command or to
// reserve. An arena that is never written out in full does not grow for ever: those
// who hold pieces of the old one keep it.
func (o *output) room() []byte {
	if len(o.mem.arena) >= maxPooled {
		o.mem.arena = make([]byte, 0, maxPooled)
	}
	return o.mem.arena
}

// command takes the arena with one or more command lines appended to it.
func (o *output) command(arena []byte) { o.attach(o.reserve(arena)) }

// reserve takes the arena like command, but plans nothing yet: what was appended
// goes to attach when its turn comes.
func (o *output) reserve(arena []byte) []byte {
	lines := arena[len(o.mem.arena):]
	o.mem.arena = arena
	o.reserved += len(lines)
	return lines
}

// discard gives up lines that were reserved and not attached.
func (o *output) discard(lines []byte) { o.reserved -= len(lines) }

// attach plans command lines of the arena. Those which lie behind each other there
// become one segment.
func (o *output) attach(lines []byte) {
	o.planned += int64(len(lines))
	o.reserved -= len(lines)
	if n := len(o.mem.segs); n > o.head {
		last := o.mem.segs[n-1]
		if end := len(last); end < cap(last) && len(lines) > 0 && &last[:end+1][end] == &lines[0] {
			o.mem.segs[n-1] = last[:end+len(lines)]
			return
		}
	}
	o.mem.segs = append(o.mem.segs, lines)
}

// content accounts for segments that were appended to segs behind the first n.
func (o *output) content(segs [][]byte, n int) {
	o.mem.segs = segs
	for _, s := range segs[n:] {
		o.planned += int64(len(s))
	}
}

// lend appends up to limit octets from the first unacknowledged one.
func (o *output) lend(dst []Chunk, limit int) []Chunk {
	at, off := o.acked, o.off
	for i := o.head; i < len(o.mem.segs) && limit > 0; i++ {
		p := o.mem.segs[i][off:]
		off = 0
		if len(p) > limit {
			p = p[:limit]
		}
		limit -= len(p)
		at += int64(len(p))
		dst = append(dst, Chunk{Bytes: p[:len(p):len(p)]})
	}
	o.lent = max(o.lent, at)
	return dst
}

// wrote acknowledges n octets.
func (o *output) wrote(n int64) {
	if n < 0 || n > o.lent-o.acked {
		panic("protocol: rule 3: Wrote past what was lent")
	}
	if n == 0 {
		return
	}
	o.acked += n
	if o.acked == o.planned {
		o.reset()
		return
	}
	left := o.off + int(n)
	for left >= len(o.mem.segs[o.head]) {
		left -= len(o.mem.segs[o.head])
		o.mem.segs[o.head] = nil
		o.head++
	}
	o.off = left
	if o.head >= 64 && o.head > len(o.mem.segs)/2 {
		n := copy(o.mem.segs, o.mem.segs[o.head:])
		clear(o.mem.segs[n:])
		o.mem.segs, o.head = o.mem.segs[:n], 0
	}
}

// pending reports whether anything waits to be written.
func (o *output) pending() bool { return o.acked < o.planned }

// withdraw takes back all that was planned from offset at on, of which nothing
// has been lent.
func (o *output) withdraw(at int64) {
	n := int(o.planned - at)
	o.planned = at
	for n > 0 {
		last := &o.mem.segs[len(o.mem.segs)-1]
		k := min(n, len(*last))
		*last = (*last)[:len(*last)-k]
		n -= k
		if len(*last) == 0 {
			o.mem.segs = o.mem.segs[:len(o.mem.segs)-1]
		}
	}
	// The arena keeps its length: what it held there is never lent again.
	if !o.pending() {
		o.reset()
	}
}

// drop forgets what was not acknowledged. Nothing is lent from then on, and what
// is planned goes to mem: a driver may still be writing from the old buffers.
func (o *output) drop(mem *buffers) {
	o.mem, o.head, o.off, o.reserved = mem, 0, 0, 0
}

func (o *output) reset() {
	clear(o.mem.segs)
	o.mem.segs = o.mem.segs[:0]
	if o.reserved == 0 {
		o.mem.arena = o.mem.arena[:0]
	}
	o.head, o.off = 0, 0
}
