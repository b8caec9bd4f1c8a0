package protocol_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// walker plays the flights of a client to a server. Its application and its driver act
// at random moments, and from within callbacks; what comes of it must not depend on
// that.
type walker struct {
	*protocol.Server
	t     *testing.T
	now   time.Time
	r     *rand.Rand // nil: everything at once
	lazy  bool       // the application takes its time
	eof   bool       // the client leaves behind the last flight, without waiting for anything
	tls   error      // of every TLS handshake
	havoc *havoc     // nil: nothing unforeseen happens

	house    house
	held     []func() // what the application has not done yet
	pressing bool     // a sink takes something each time
	progress int      // grows with everything that happens
	requests []string
	counts   []int64  // of the octets of content, from the trace
	events   []string // what became of contents and exchanges, and the end
	mail     []string // contents that were whole
	open     int      // futures that are not settled
	closed   int      // RequestClosed

	lent   []protocol.Chunk // by the last Output, without what is written
	octets string           // that lay there then
	out    []byte
}

func newWalker(t *testing.T, cfg protocol.ServerConfig, h house, r *rand.Rand) *walker {
	if cfg.Hostname == "" {
		cfg.Hostname = "mx.example"
	}
	w := &walker{t: t, now: epoch, house: h, r: r}
	cfg.Trace = func(e protocol.TraceEvent) {
		if e.Octets > 0 {
			w.counts = append(w.counts, e.Octets)
		}
	}
	s, err := protocol.NewServer(epoch, cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Server = s
	w.pump()
	return w
}

// chance is true once in n times, and never where everything happens at once.
func (w *walker) chance(n int) bool { return w.r != nil && w.r.IntN(n) == 0 }

// later does what an application does, now or some time.
func (w *walker) later(f func()) {
	if w.chance(2) || w.lazy && !w.chance(8) {
		w.held = append(w.held, f)
		return
	}
	f()
}

// release does one of the things that are held back.
func (w *walker) release() {
	if len(w.held) == 0 {
		return
	}
	i := 0
	if w.r != nil {
		i = w.r.IntN(len(w.held))
	}
	f := w.held[i]
	w.held = slices.Delete(w.held, i, i+1)
	w.progress++
	f()
	w.pump()
}

// within is called from callbacks, which may do all that an application may.
func (w *walker) within() {
	if w.chance(4) {
		w.release()
	}
	if w.chance(6) {
		w.Resume()
	}
	if w.chance(4) {
		w.pump()
	}
}

// feed offers the first n octets of rest, and returns what is left.
func (w *walker) feed(rest []byte, n int) []byte {
	if n == 0 || w.Err() != nil || w.Upgrade() != nil {
		return rest
	}
	n, err := w.Feed(w.now, rest[:n])
	if err != w.Err() {
		w.t.Fatalf("Feed: %v, Err: %v", err, w.Err())
	}
	w.progress += n
	w.pump()
	return rest[n:]
}

// write writes n octets of up to max, or all that are lent if there are fewer. It
// reports whether there were any.
func (w *walker) write(max, n int) bool {
	w.intact()
	w.lent = w.Output(w.now, nil, max)
	w.octets = joined(w.lent)
	w.pump()
	if n = min(n, len(w.octets)); n == 0 {
		return len(w.octets) > 0
	}
	w.intact()
	w.out = append(w.out, w.octets[:n]...)
	w.lent, w.octets = nil, ""
	w.progress += n
	w.Wrote(w.now, int64(n))
	w.pump()
	return true
}

// intact wants what is lent to be as it was.
func (w *walker) intact() {
	if now := joined(w.lent); now != w.octets {
		w.t.Fatalf("lent octets became %q, were %q", now, w.octets)
	}
}

// act does one thing of all that may happen next.
func (w *walker) act(rest []byte) []byte {
	if w.havoc.strikes(w) {
		return w.havoc.strike(w, rest)
	}
	switch w.r.IntN(9) {
	case 0, 1, 2:
		if len(rest) == 0 || !w.WantRead() && !w.chance(3) {
			break
		}
		n := len(rest)
		if !w.chance(5) {
			n = 1 + w.r.IntN(min(n, 60))
		}
		return w.feed(rest, n)
	case 3:
		n := w.r.IntN(200)
		if w.chance(4) {
			n = 0
		}
		w.write(1+w.r.IntN(200), n)
	case 4:
		w.Resume()
		w.pump()
	case 5, 6:
		if !w.lazy || w.chance(8) {
			w.release()
		}
	case 7:
		w.now = w.now.Add(time.Duration(w.r.IntN(20)) * time.Millisecond)
		w.Tick(w.now)
		w.pump()
	case 8:
		w.Output(w.now, nil, 0)
		w.pump()
	}
	return rest
}

// settle lets everything happen that needs no more input than rest, and returns what
// is not taken even then.
func (w *walker) settle(rest []byte) []byte {
	w.pressing = true
	for before := -1; before != w.progress; {
		before = w.progress
		for len(w.held) > 0 {
			w.release()
		}
		w.Resume()
		w.pump()
		for w.write(1<<20, 1<<20) {
		}
		rest = w.feed(rest, len(rest))
	}
	w.pressing = false
	return rest
}

// play plays all flights, each behind the replies to the one before.
func (w *walker) play(flights []string) {
	w.settle(nil)
	for i, flight := range flights {
		rest := []byte(flight)
		if w.r == nil {
			rest = w.feed(rest, len(rest))
		}
		for tries := 0; w.r != nil && len(rest) > 0 && w.Err() == nil && tries < 2000; tries++ {
			rest = w.act(rest)
		}
		leaves := w.eof && i == len(flights)-1
		if !leaves || w.r == nil {
			rest = w.settle(rest)
		}
		if leaves {
			break
		}
		if w.Upgrade() != nil && w.Err() == nil {
			w.upgrade()
		}
		if w.Err() != nil || w.havoc.left() {
			break
		}
		if len(rest) > 0 || !w.WantRead() || w.Deadline().IsZero() {
			w.t.Fatalf("stuck at %q, WantRead %v, Deadline %v", rest, w.WantRead(), w.Deadline())
		}
	}
	if w.eof && w.Err() == nil {
		w.FeedEOF(w.now)
		w.pump()
		for range 20 {
			if w.r != nil {
				w.act(nil)
			}
		}
	}
	w.finish()
}

func (w *walker) upgrade() {
	if w.havoc != nil && w.chance(2) {
		w.havoc.strike(w, nil)
	}
	if w.Err() == nil && w.Upgrade() != nil {
		w.Upgraded(w.now, protocol.TLSState{Version: 0x0304}, w.tls)
		w.pump()
	}
	w.settle(nil)
}

// finish wants everything over once the client or the server has ended the session.
func (w *walker) finish() {
	w.settle(nil)
	switch err := w.Err(); {
	case err != nil:
		w.events = append(w.events, "end: "+err.Error())
	case w.eof || w.havoc.left():
		w.t.Fatalf("stuck at the end of input: wrote %q, requests %q, events %q", w.out, w.requests, w.events)
	default:
		w.Fail(w.now, errBroken)
		w.pump()
		w.settle(nil)
	}
	if w.open != 0 || w.closed > 1 || w.WantRead() || !w.Deadline().IsZero() || w.Upgrade() != nil {
		w.t.Fatalf("it goes on behind its end: %d futures open, closed %d times, WantRead %v, Deadline %v", w.open, w.closed, w.WantRead(), w.Deadline())
	}
}

// replies are all replies that were written; where writing failed the last may be cut.
func (w *walker) replies(cut bool) (all []wire.Reply) {
	parser := wire.ReplyParser{StrictCRLF: true}
	for rest := w.out; len(rest) > 0; {
		n, r, done, err := parser.Parse(rest)
		if err == nil && !done && cut {
			break
		}
		if err != nil || !done {
			w.t.Fatalf("reply: %v, %q", err, rest)
		}
		all = append(all, r)
		rest = rest[n:]
	}
	return all
}
