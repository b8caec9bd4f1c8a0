package protocol_test

import (
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

var (
	tempoScripts = flag.Int("tempo.scripts", 3000, "random scripts to play to a server at several tempos")
	tempoFirst   = flag.Uint64("tempo.first", 0, "seed of the first of them")
)

// tempoScript is a session at random: what a client says, and an application that
// answers anything.
type tempoScript struct {
	seed    uint64
	cfg     protocol.ServerConfig
	flights []string // behind each it waits for all replies
	eof     bool     // and it leaves behind the last, without waiting
	tls     error
	// ends: the application may answer 421, and so end the session. What of the
	// commands behind it was handed over by then is a matter of time.
	ends bool
	r    *rand.Rand
	said strings.Builder // since the last wait
}

func newTempoScript(seed uint64) *tempoScript {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &tempoScript{seed: seed, r: r, eof: r.IntN(2) == 0, ends: r.IntN(6) == 0}
	s.cfg = protocol.ServerConfig{
		LMTP: r.IntN(3) == 0, TLS: r.IntN(4) == 0, Trusted: r.IntN(6) == 0, RefuseEarlyTalkers: r.IntN(6) == 0,
		MaxUnknown: 5, MaxErrors: 10, MaxPipelined: s.number(0, 0, 1, 2, 4), Requests: protocol.AllRequests,
	}
	if r.IntN(2) == 0 {
		s.cfg.MaxContent, s.cfg.MaxRecipients, s.cfg.MaxLine = 40, 2, 64
		s.cfg.Limits = wire.SessionLimits{MailMax: 4, RcptDomainMax: 2}
	}
	if r.IntN(4) == 0 {
		s.cfg.BareEOL = protocol.BareEOLVerbatim
	}
	if r.IntN(3) == 0 {
		s.cfg.Mechanisms = func(protocol.TLSState) []string { return []string{"XSTEP"} }
	}
	if r.IntN(4) == 0 {
		s.cfg.Requests = protocol.RequestSet(r.IntN(1<<16))&protocol.AllRequests | protocol.RequestClosed
	}
	if r.IntN(4) == 0 {
		s.tls = errors.New("bad certificate")
	}
	s.hello()
	if s.cfg.TLS && r.IntN(3) > 0 {
		s.say("STARTTLS")
		s.wait()
		s.hello()
	}
	for range 4 + r.IntN(20) {
		s.step()
		if r.IntN(6) == 0 {
			s.wait()
		}
	}
	switch r.IntN(3) {
	case 0:
		s.say("QUIT")
	case 1:
		s.wait()
		s.mail()
		s.rcpt()
		s.chunks()
	}
	s.wait()
	if r.IntN(3) == 0 {
		// It breaks off.
		i := r.IntN(len(s.flights))
		s.flights = append(s.flights[:i:i], s.flights[i][:r.IntN(len(s.flights[i]))])
	}
	return s
}

// say says lines. It waits behind a greeting where the server ends the session of a
// client that does not.
func (s *tempoScript) say(lines ...string) {
	for _, line := range lines {
		s.said.WriteString(line + "\r\n")
		if s.cfg.RefuseEarlyTalkers && (strings.Contains(line, "HLO") || strings.HasPrefix(line, "HELO")) {
			s.wait()
		}
	}
}

// wait ends a flight.
func (s *tempoScript) wait() {
	if s.said.Len() > 0 {
		s.flights = append(s.flights, s.said.String())
		s.said.Reset()
	}
}

func (s *tempoScript) pick(of ...string) string { return of[s.r.IntN(len(of))] }
func (s *tempoScript) number(of ...int) int     { return of[s.r.IntN(len(of))] }
func (s *tempoScript) letter(of string) string  { i := s.r.IntN(len(of)); return of[i : i+1] }

func (s *tempoScript) hello() {
	verb := "EHLO"
	if s.cfg.LMTP {
		verb = "LHLO"
	}
	if s.r.IntN(10) > 0 {
		s.say(verb + " me.example")
	}
}

// step says one thing, which may be out of order or nonsense.
func (s *tempoScript) step() {
	switch n := s.r.IntN(24); {
	case n == 0:
		s.say(s.pick("EHLO me.example", "EHLO other.example", "HELO me", "LHLO me", "EHLO no.example", "EHLO"))
	case n == 1:
		s.say(s.pick("NOOP", "NOOP x", "HELP", "RSET", "RSET x", "EXPN l", "VRFY"))
	case n == 2:
		for range 1 + s.r.IntN(3) {
			s.say("VRFY " + s.pick("a", "b", "c", "no"))
		}
	case n == 3:
		for range 1 + s.r.IntN(8) {
			s.say("X" + s.letter("ABCDEFZ") + " q")
		}
	case n == 4:
		s.say(s.pick("\x01bad", " MAIL", "", "MAIL\tFROM", "héé", "MAIL FROM:<a@x> FOO=1", strings.Repeat("y", 70), "NOOP "+strings.Repeat("y", 70), "a\nNOOP", "MAIL FROM:<\xff@x>"))
	case n == 5 && s.r.IntN(4) == 0:
		s.say(s.pick("QUIT", "QUIT x", "GET / HTTP/1.1", "Host: a", strings.Repeat("z", 300)))
	case n == 6 && s.cfg.Trusted:
		s.say(s.pick("XCLIENT NAME=a", "XCLIENT NAME=no"))
	case n == 7 && (s.cfg.Mechanisms != nil || s.r.IntN(5) == 0):
		s.say(s.pick("AUTH XSTEP", "AUTH XSTEP =", "AUTH XSTEP YWJj", "AUTH XSTEP !!", "AUTH NONE"))
		for range s.r.IntN(5) {
			s.say(s.pick("YWJj", "YQ==", "", "*", "!!", "ZG9uZQ==", strings.Repeat("z", 50_000)))
		}
	case n == 8 && s.r.IntN(3) == 0:
		s.say("STARTTLS" + s.pick("", "", " x"))
		s.wait()
	case n < 13:
		s.mail()
		switch s.r.IntN(8) {
		case 0, 1:
			s.data()
		case 2, 3:
			s.chunks()
		case 4:
			s.say(s.pick("GET / HTTP/1.1", "Host: a", "QUIT", "NOOP"), "NOOP")
		}
	case n < 15:
		s.rcpt()
	case n < 19:
		s.data()
	default:
		s.chunks()
	}
}

func (s *tempoScript) mail() {
	s.say("MAIL FROM:<" + s.letter("abcdefgh") + "@" + s.letter("xyz") + ">" + s.pick("", "", "", " BODY=BINARYMIME", " SIZE=30", " SIZE=3000"))
	for range s.r.IntN(5) {
		s.rcpt()
	}
}

func (s *tempoScript) rcpt() { s.say("RCPT TO:<" + s.letter("abcdef") + "@" + s.letter("xyzw") + ">") }

func (s *tempoScript) content() (content string) {
	for range s.r.IntN(5) {
		content += s.pick("a", "hello\r\n", "..b\r\n", "\n", "\r", "x\r\n.y\r\n", "QUIT\r\n", "0123456789", "0123456789012345678901234567890\r\n", ".\n", "\x00")
	}
	return content
}

func (s *tempoScript) data() {
	s.say("DATA")
	s.wait()
	if content := s.content(); content != "" {
		s.said.WriteString(strings.TrimSuffix(content, "\r\n") + "\r\n")
	}
	s.say(".")
}

// chunks says BDAT some times, and sometimes commands behind it in the same flight.
func (s *tempoScript) chunks() {
	for range 1 + s.r.IntN(3) {
		content := s.content()
		size := strconv.Itoa(len(content))
		if s.r.IntN(30) == 0 {
			size = s.pick("-1", "x", "99999999999999999999999")
		}
		s.say("BDAT " + size + s.pick("", "", " LAST", " FOO"))
		s.said.WriteString(content)
		if s.r.IntN(4) == 0 {
			s.wait()
		}
		if s.r.IntN(3) == 0 {
			s.say(strings.Split(s.pick("VRFY a", "VRFY a/LHLO no", "VRFY b/LHLO no/BDAT 0 LAST", "XA q", "EHLO me.example", "EHLO no.example", "RSET", "RCPT TO:<a@x>", "MAIL FROM:<a@x>"), "/")...)
		}
	}
}

// toss is a number below n that depends on the script and on what it is for alone.
func (s *tempoScript) toss(n int, what ...any) int {
	h := fnv.New32a()
	fmt.Fprint(h, append(what, s.seed)...)
	return int(h.Sum32()>>3) % n
}

// says answers something with good, or otherwise.
func (s *tempoScript) says(good wire.Code, what ...any) wire.Reply {
	switch s.toss(16, what...) {
	case 0:
		return wire.Reply{Code: 450}
	case 1:
		return wire.Reply{Code: 550, Text: "no\nnever"}
	case 2:
		if s.ends {
			return wire.Reply{Code: wire.CodeNotAvailable}
		}
	case 3:
		return wire.Reply{Code: 552}
	case 4:
		return wire.Reply{Code: 502}
	}
	return wire.Reply{Code: good}
}

func (s *tempoScript) reply(q protocol.Request) wire.Reply {
	switch q.Kind() {
	case protocol.RequestMail, protocol.RequestRcpt, protocol.RequestOther:
		return s.says(wire.CodeOK, q.Verb(), q.Args())
	case protocol.RequestData:
		if s.toss(8, "data", q.Mail().From) == 0 {
			return s.says(wire.CodeTransactionFailed, "refused", q.Mail().From)
		}
	case protocol.RequestStartTLS:
		if s.toss(7) == 0 {
			return wire.Reply{Code: 454}
		}
	case protocol.RequestHello, protocol.RequestXClient:
		if strings.Contains(q.Args(), "no") {
			return wire.Reply{Code: 550}
		}
	}
	return wire.Reply{}
}

func (s *tempoScript) sink(q protocol.Request) (behind int, err error, none bool) {
	from := q.Mail().From
	behind = s.toss(30, "behind", from)
	switch s.toss(12, "sink", from) {
	case 0, 1, 2:
		err = errors.New("disk on fire")
	case 3:
		err = fmt.Errorf("store: %w", &protocol.ReplyError{Reply: wire.Reply{Code: 452, Text: "full"}})
	case 4:
		if s.ends {
			err = fmt.Errorf("store: %w", &protocol.ReplyError{Reply: wire.Reply{Code: wire.CodeNotAvailable}})
		}
	}
	return behind, err, s.toss(9, "none", from) == 0
}

func (s *tempoScript) verdict(q protocol.Request, i int) wire.Reply {
	from := q.Mail().From
	if i < q.Recipients() && s.toss(3, "each", i, from) > 0 {
		i = q.Recipients()
	}
	return s.says(wire.CodeOK, "verdict", i, from)
}

func (s *tempoScript) challenge(round int, response string) (challenge []byte, done bool, err error) {
	n := s.toss(10, round, response)
	switch {
	case response == "done", n == 0:
		return nil, true, nil
	case n == 1:
		return []byte("v=1"), true, nil
	case n == 2:
		return nil, false, auth.ErrCredentials
	case n == 3:
		return nil, false, errors.New("no database")
	}
	return []byte("more"), false, nil
}

// play plays the script; at tempo 0 everything happens at once.
func (s *tempoScript) play(t *testing.T, tempo uint64, h *havoc) *walker {
	var r *rand.Rand
	if tempo > 0 {
		r = rand.New(rand.NewPCG(s.seed, tempo+1))
	}
	w := newWalker(t, s.cfg, s, r)
	w.eof, w.tls, w.havoc = s.eof, s.tls, h
	w.lazy = tempo == 1
	defer func() {
		if p := recover(); p != nil || t.Failed() {
			t.Logf("seed %d, tempo %d, EOF %v, LMTP %v:\n%q\nwrote %q\nrequests %q\nevents %q", s.seed, tempo, s.eof, s.cfg.LMTP, s.flights, w.out, w.requests, w.events)
			if p != nil {
				panic(p)
			}
		}
	}()
	w.play(s.flights)
	return w
}

// result is what must not depend on the tempo.
func (s *tempoScript) result(w *walker) string {
	out := string(w.out)
	if s.eof {
		// What asks the client for more is not said to one that has left.
		for before := ""; before != out; {
			before = out
			out = strings.TrimSuffix(out, "354 end data with <CR><LF>.<CR><LF>\r\n")
			out = strings.TrimSuffix(out, "334 bW9yZQ==\r\n")
			out = strings.TrimSuffix(out, "334 dj0x\r\n")
		}
	}
	if s.ends {
		return out
	}
	events := strings.Join(w.events, "\n")
	if s.eof {
		// Content that an EHLO, a QUIT or an error too many gives up is lost for that if
		// it was answered when the end of input came, and else for the end of input.
		for _, why := range []string{"connection lost", "the connection is closed", "protocol error", "message content: the transaction was reset"} {
			events = reworded(events, ": "+why, ": lost")
		}
	}
	return fmt.Sprintf("%s\n%q\n%s\n%v", out, w.requests, events, w.counts)
}

// reworded has lines end in instead, from why on.
func reworded(text, why, instead string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if before, _, found := strings.Cut(line, why); found {
			lines[i] = before + instead
		}
	}
	return strings.Join(lines, "\n")
}

// However small the writes and late the answers, and whatever callbacks do, a script
// has the same replies, the same requests and the same contents in the same order.
func TestServerTempos(t *testing.T) { // F26 F27
	for seed := range uint64(*tempoScripts) {
		script := newTempoScript(seed + *tempoFirst)
		want := script.result(script.play(t, 0, nil))
		for tempo := range uint64(4) {
			w := script.play(t, tempo+1, nil)
			if got := script.result(w); got != want {
				t.Fatalf("seed %d, tempo %d, EOF %v, LMTP %v, Requests %d:\n%q\n%s\nwant\n%s", script.seed, tempo+1, script.eof, script.cfg.LMTP, script.cfg.Requests, script.flights, got, want)
			}
		}
	}
}
