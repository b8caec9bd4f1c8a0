package protocol_test

import (
	"errors"
	"fmt"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// house is what a walker's application decides. None of it depends on when it is asked.
type house interface {
	// reply answers a request. The zero Reply is the default; a DATA or BDAT is
	// accepted unless it is refused.
	reply(protocol.Request) wire.Reply
	// sink says behind how many octets a sink fails, and how; a nil error is never.
	// There may be no sink at all.
	sink(protocol.Request) (behind int, err error, none bool)
	// verdict answers content that is whole: for recipient i, or as a whole if i is
	// q.Recipients().
	verdict(q protocol.Request, i int) wire.Reply
	// challenge goes on with an exchange.
	challenge(round int, response string) (challenge []byte, done bool, err error)
}

// walkerSink takes as much as it likes.
type walkerSink struct {
	w       *walker
	content []byte
	fails   int // behind so many octets
	err     error
	over    bool // it failed, or its future has settled
}

func (k *walkerSink) WriteBody(p []byte) (int, error) {
	if len(p) == 0 || k.over {
		k.w.t.Fatalf("WriteBody of %d octets, over: %v", len(p), k.over)
	}
	n := len(p)
	if k.w.chance(2) {
		if n = k.w.r.IntN(len(p) + 1); k.w.pressing {
			n = max(n, 1)
		}
	}
	k.w.within()
	if k.err != nil && len(k.content)+n >= k.fails {
		k.over = true
		k.w.progress++
		return k.fails - len(k.content), k.err
	}
	k.content = append(k.content, p[:n]...)
	k.w.progress += n
	if n > 0 && n < len(p) && k.w.chance(4) {
		k.w.Resume()
	}
	return n, nil
}

func (w *walker) event(format string, args ...any) {
	w.events = append(w.events, fmt.Sprintf(format, args...))
	w.progress++
}

func (w *walker) pump() {
	for q, ok := w.Next(); ok; q, ok = w.Next() {
		w.request(q)
	}
}

func (w *walker) request(q protocol.Request) {
	line := fmt.Sprintf("%s %s %d", q.Verb(), q.Args(), q.Recipients())
	if m := q.Mail(); m != nil {
		line += " " + m.From.String()
	}
	w.requests = append(w.requests, line)
	w.progress++
	if w.closed > 0 {
		w.t.Fatalf("%s behind RequestClosed", line)
	}
	switch q.Kind() {
	case protocol.RequestClosed:
		if w.closed++; w.Err() == nil {
			w.t.Fatal("RequestClosed while Err is nil")
		}
	case protocol.RequestData:
		w.later(func() { w.data(q) })
	case protocol.RequestAuth:
		w.later(func() { w.auth(q) })
	default:
		w.later(func() {
			reply := w.house.reply(q)
			did := false
			if reply == (wire.Reply{}) {
				did = q.AnswerDefault()
			} else {
				did = q.Answer(reply)
			}
			if !did && w.Err() == nil {
				w.t.Fatalf("the answer to %s came too late", line)
			}
			if q.Answer(wire.Reply{Code: wire.CodeOK}) {
				w.t.Fatalf("%s was answered twice", line)
			}
		})
	}
}

func (w *walker) auth(q protocol.Request) {
	w.open++
	round, settled := 0, 0
	q.AcceptAuthSteps(func(response []byte, answer func([]byte, bool, error)) {
		said := string(response)
		w.event("response %q", said)
		round++
		challenge, done, err := w.house.challenge(round, said)
		w.later(func() {
			w.within()
			answer(challenge, done, err)
			if w.chance(3) {
				answer(nil, true, nil) // which is no answer to anything
			}
		})
	}).OnReady(func(_ wire.Reply, err error) {
		if settled++; settled > 1 {
			w.t.Fatal("an exchange settles twice")
		}
		w.open--
		w.event("exchange: %v", err)
		w.within()
	})
}

// data takes content or refuses it. The verdicts may come before the content.
func (w *walker) data(q protocol.Request) {
	if r := w.house.reply(q); (r.Temporary() || r.Permanent()) && w.Err() == nil {
		q.Answer(r)
		return
	}
	from := q.Mail().From.String()
	k := &walkerSink{w: w}
	var sink protocol.Sink = k
	none := false
	if k.fails, k.err, none = w.house.sink(q); none {
		sink = nil
	}
	w.open++
	settled := 0
	f := q.AcceptContent(sink)
	verdicts := w.verdicts(q)
	next := func() {
		if len(verdicts) > 0 {
			verdict := verdicts[0]
			verdicts = verdicts[1:]
			verdict()
		}
	}
	if w.chance(3) {
		for range w.r.IntN(len(verdicts) + 1) {
			w.later(next)
		}
	}
	f.OnReady(func(n int64, err error) {
		if settled++; settled > 1 {
			w.t.Fatal("content settles twice")
		}
		w.open--
		k.over = true
		switch {
		case err != nil:
			w.event("content of %s: %v", from, err)
		case sink != nil && n != int64(len(k.content)):
			w.t.Fatalf("content of %s: %d octets, %d were given", from, n, len(k.content))
		default:
			w.event("content of %s: %d octets, %q", from, n, k.content)
			w.mail = append(w.mail, string(k.content))
		}
		w.within()
		for range len(verdicts) {
			if err == nil {
				w.later(next)
			}
		}
	})
}

// verdicts are the calls that say what becomes of content, the last for all that have
// none of their own.
func (w *walker) verdicts(q protocol.Request) (acts []func()) {
	all := w.house.verdict(q, q.Recipients())
	for i := range q.Recipients() {
		if each := w.house.verdict(q, i); each != all || w.chance(2) {
			acts = append(acts, func() { q.AnswerEach(i, each) }) // false but for LMTP
		}
	}
	return append(acts, func() { q.Answer(all) })
}

// errBroken ends sessions that nobody else ends.
var errBroken = errors.New("broken pipe")

// modelHouse decides as the model has it: by local parts.
type modelHouse struct{}

func (modelHouse) reply(q protocol.Request) wire.Reply {
	switch from := q.Mail(); {
	case q.Kind() == protocol.RequestMail && from.From.Local() == "later",
		q.Kind() == protocol.RequestData && from.From.Local() == "nodata":
		return wire.Reply{Code: 451}
	case q.Kind() == protocol.RequestRcpt && q.Recipient().Path.Local() == "no":
		return wire.Reply{Code: 550}
	case q.Kind() == protocol.RequestMail, q.Kind() == protocol.RequestRcpt:
		return wire.Reply{Code: 250}
	}
	return wire.Reply{}
}

func (modelHouse) sink(protocol.Request) (int, error, bool) { return 0, nil, false }

func (modelHouse) verdict(q protocol.Request, _ int) wire.Reply {
	if q.Mail().From.Local() == "spam" {
		return wire.Reply{Code: 554}
	}
	return wire.Reply{Code: 250}
}

func (modelHouse) challenge(int, string) ([]byte, bool, error) {
	return nil, false, auth.ErrCredentials
}
