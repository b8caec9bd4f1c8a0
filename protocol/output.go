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
	// open: the last segment ends where the arena does, so that a command can
	// lengthen it.
	open bool
	// broken: the arena does not hold all that is planned, one octet behind the other.
	broken bool

	planned int64
	lent    int64 // a watermark: Output may lend less the next time
	acked   int64
}

// room returns the arena to append a command to; pass the result to command.
func (o *output) room() []byte { return o.mem.arena }

// command takes the arena with one or more command lines appended to it.
func (o *output) command(arena []byte) {
	start := len(o.mem.arena)
	n := len(arena) - start
	moved := cap(arena) != cap(o.mem.arena)
	o.mem.arena = arena
	if moved && !o.broken && o.lent == o.acked {
		// Nobody holds anything of the old array: all of it is one piece again.
		clear(o.mem.segs)
		o.mem.segs, o.head, o.off, o.open = o.mem.segs[:0], 0, 0, true
		o.mem.segs = append(o.mem.segs, arena[start-int(o.planned-o.acked):])
	} else if o.open && !moved {
		last := &o.mem.segs[len(o.mem.segs)-1]
		*last = (*last)[:len(*last)+n]
	} else {
		o.mem.segs = append(o.mem.segs, arena[start:])
		o.open = true
	}
	o.planned += int64(n)
}

// content accounts for segments that were appended to segs behind the first n.
func (o *output) content(segs [][]byte, n int) {
	o.mem.segs = segs
	o.broken = true
	for _, s := range segs[n:] {
		o.planned += int64(len(s))
	}
	o.open = false
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
	o.open, o.broken = false, true
	if !o.pending() {
		o.reset()
	}
}

// drop forgets what was not acknowledged. Nothing is lent from then on, and what
// is planned goes to mem: a driver may still be writing from the old buffers.
func (o *output) drop(mem *buffers) {
	o.mem, o.head, o.off, o.open, o.broken = mem, 0, 0, false, true
}

func (o *output) reset() {
	clear(o.mem.segs)
	o.mem.segs, o.mem.arena = o.mem.segs[:0], o.mem.arena[:0]
	o.head, o.off, o.open, o.broken = 0, 0, false, false
}
