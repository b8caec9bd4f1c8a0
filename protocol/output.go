package protocol

import "bytes"

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
	file int      // of mem.files: the first that is not acknowledged in full
	off  int64    // octets of mem.segs[head] that are acknowledged

	reserved int // octets of mem.arena that are not planned yet

	planned int64
	lent    int64 // a watermark: Output may lend less the next time
	acked   int64
}

// fileSegment is a segment that lies in a file. It has an empty place among the
// segments.
type fileSegment struct {
	at    int // of segs
	chunk Chunk
}

// maxFilePiece is how much of a file is lent at once, in octets: enough that a call
// of the system costs nothing by comparison, and little enough that a connection
// that is lost halfway has nearly always kept its end of data to itself.
const maxFilePiece = 1 << 20

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
		if n == o.head+1 && o.off < int64(len(last)) && o.moved(last[o.off:], lines) {
			return
		}
	}
	o.mem.segs = append(o.mem.segs, lines)
}

// moved makes one segment of lines and the only one before them, where that was moved to
// stand in front of lines as the arena grew. Nobody may hold it yet.
func (o *output) moved(before, lines []byte) bool {
	arena := o.mem.arena
	at := len(arena) - len(lines)
	start := at - len(before)
	if o.lent != o.acked || len(lines) == 0 || start < 0 || &arena[at] != &lines[0] || !bytes.Equal(arena[start:at], before) {
		return false
	}
	o.mem.segs[o.head], o.off = arena[start:], 0
	return true
}

// content accounts for segments that were appended to segs behind the first n.
func (o *output) content(segs [][]byte, n int) {
	o.mem.segs = segs
	for _, s := range segs[n:] {
		o.planned += int64(len(s))
	}
}

// contentFile plans a piece of content that lies in a file, and goes out as it is.
func (o *output) contentFile(c Chunk) {
	o.mem.files = append(o.mem.files, fileSegment{at: len(o.mem.segs), chunk: c})
	o.mem.segs = append(o.mem.segs, nil)
	o.planned += c.N
}

// fileAt returns the segment i if that is the first in a file.
func (o *output) fileAt(i int) (f *fileSegment, is bool) {
	if o.file == len(o.mem.files) || o.mem.files[o.file].at != i {
		return nil, false
	}
	return &o.mem.files[o.file], true
}

// lend appends up to limit octets from the first unacknowledged one, and a piece of
// a file if they lead up to one.
func (o *output) lend(dst []Chunk, limit int) []Chunk {
	at, off := o.acked, o.off
	for i := o.head; i < len(o.mem.segs) && limit > 0; i++ {
		if f, is := o.fileAt(i); is {
			c := f.chunk.Skip(off)
			c.N = min(c.N, maxFilePiece)
			at += c.N
			dst = append(dst, c)
			break
		}
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
	o.off += n
	for {
		size := int64(len(o.mem.segs[o.head]))
		f, is := o.fileAt(o.head)
		if is {
			size = f.chunk.N
		}
		if o.off < size {
			break
		}
		if is {
			f.chunk = Chunk{}
			o.file++
		}
		o.off -= size
		o.mem.segs[o.head] = nil
		o.head++
	}
	if o.head >= 64 && o.head > len(o.mem.segs)/2 {
		o.compact()
	}
}

// compact makes room at the end of what is planned.
func (o *output) compact() {
	n := copy(o.mem.segs, o.mem.segs[o.head:])
	clear(o.mem.segs[n:])
	o.mem.segs = o.mem.segs[:n]
	n = copy(o.mem.files, o.mem.files[o.file:])
	clear(o.mem.files[n:])
	o.mem.files = o.mem.files[:n]
	for i := range o.mem.files {
		o.mem.files[i].at -= o.head
	}
	o.head, o.file = 0, 0
}

// failed says that nothing is out but what was acknowledged, lent or not.
func (o *output) failed() { o.lent = o.acked }

// pending reports whether anything waits to be written.
func (o *output) pending() bool { return o.acked < o.planned }

// withdraw takes back all that was planned from offset at on, of which nothing
// has been lent.
func (o *output) withdraw(at int64) {
	n := o.planned - at
	o.planned = at
	for n > 0 {
		end := len(o.mem.segs) - 1
		last := &o.mem.segs[end]
		if i := len(o.mem.files) - 1; i >= o.file && o.mem.files[i].at == end {
			n -= o.mem.files[i].chunk.N // whole: no command ends inside
			o.mem.files[i].chunk = Chunk{}
			o.mem.files = o.mem.files[:i]
		} else {
			k := min(n, int64(len(*last)))
			*last = (*last)[:int64(len(*last))-k]
			n -= k
		}
		if len(*last) == 0 {
			o.mem.segs = o.mem.segs[:end]
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
	o.mem, o.head, o.file, o.off, o.reserved = mem, 0, 0, 0, 0
}

func (o *output) reset() {
	clear(o.mem.segs)
	clear(o.mem.files)
	o.mem.segs, o.mem.files = o.mem.segs[:0], o.mem.files[:0]
	if o.reserved == 0 {
		o.mem.arena = o.mem.arena[:0]
	}
	o.head, o.file, o.off = 0, 0, 0
}
