package protocol_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// application answers the requests of a service by its script. Without an answer
// behind the request's line it takes what comes: RCPT gets a bare 250, content is
// kept and gets a bare 250 once it is complete, AUTH goes by the mechanisms of
// an auth.Server that knows george, and all else has its default. The other answers are
//
//	? MAIL FROM:<a@me.example> -> 452 4.3.1 no room   this reply
//	? … -> default                                    AnswerDefault
//	? … -> as mail                                    none yet; A lines call it mail
//	? DATA -> accept as one                           the content, but no verdict yet
//	? DATA -> accept: 250 2.0.0 queued                this verdict at the end
//	? DATA -> early: 250 2.0.0 queued                 this verdict at once
//	? DATA -> each: 250 | 550 5.2.2 full              a verdict for each, at the end
//	? DATA -> sink 3: 250                             the sink takes 3 octets at a time
//	? DATA -> fails 3: 250                            the sink fails behind 3 octets
//	? DATA -> fails 3 with 452 4.3.1 full             … with a reply of its own
//	? DATA -> fails 3 by 2: 250                       … and takes 2 octets at a time
//	? … -> do name                                    an act of the test
//
// An A line is "name answer", where the answer is one of those, or "name each 1
// 250 ok"; or one of resume, shutdown, "end 421 4.3.2 bye", "deadline 10m" and "do
// name".
type application struct {
	s       *serving
	acts    map[string]func(*serving, protocol.Request)
	answers []string
	named   map[string]protocol.Request
	pending map[string]int // futures that have not settled, by name
	ended   bool           // RequestClosed was seen
	users   *auth.Server
	sinks   []*mailSink
}

func (a *application) begin(s *serving, acts map[string]func(*serving, protocol.Request)) {
	a.s, a.acts = s, acts
	a.named = map[string]protocol.Request{}
	a.pending = map[string]int{}
	a.users = &auth.Server{Password: knowsGeorge}
}

// shown is a request as its line in a service has it.
func (s *serving) shown(r protocol.Request) string {
	switch r.Kind() {
	case protocol.RequestConnect:
		return "connect"
	case protocol.RequestClosed:
		return "closed"
	}
	if want := kindOf(r.Verb()); r.Kind() != want {
		s.t.Errorf("%v: kind of %s is %v, want %v", s.mode, r.Verb(), r.Kind(), want)
	}
	if r.Args() == "" {
		return r.Verb()
	}
	return r.Verb() + " " + r.Args()
}

func kindOf(verb string) protocol.RequestSet {
	switch verb {
	case "EHLO", "HELO", "LHLO":
		return protocol.RequestHello
	case "STARTTLS":
		return protocol.RequestStartTLS
	case "AUTH":
		return protocol.RequestAuth
	case "MAIL":
		return protocol.RequestMail
	case "RCPT":
		return protocol.RequestRcpt
	case "DATA", "BDAT":
		return protocol.RequestData
	case "RSET":
		return protocol.RequestReset
	case "XCLIENT":
		return protocol.RequestXClient
	case "QUIT":
		return protocol.RequestQuit
	}
	return protocol.RequestOther
}

// knowsGeorge knows one user and the password.
func knowsGeorge(username, password string) error {
	if username != "george" || password != "abracadabra" {
		return auth.ErrCredentials
	}
	return nil
}

// request is a request that Next returned.
func (s *serving) request(r protocol.Request) {
	if s.ended {
		s.t.Errorf("%v: %s behind RequestClosed", s.mode, s.shown(r))
	}
	s.note("? %s", s.shown(r))
	switch mail, rcpt := r.Mail(), r.Recipient(); r.Kind() {
	case protocol.RequestClosed:
		s.ended = true
		if s.Err() == nil {
			s.t.Errorf("%v: RequestClosed while Err is nil", s.mode)
		}
	case protocol.RequestMail, protocol.RequestData:
		if mail == nil || rcpt != nil {
			s.t.Errorf("%v: %s has mail %v, recipient %v", s.mode, r.Verb(), mail, rcpt)
		}
	case protocol.RequestRcpt:
		if mail == nil || rcpt == nil {
			s.t.Errorf("%v: RCPT has mail %v, recipient %v", s.mode, mail, rcpt)
		}
	default:
		if mail != nil || rcpt != nil {
			s.t.Errorf("%v: %s has mail %v, recipient %v", s.mode, r.Verb(), mail, rcpt)
		}
	}
	answer := ""
	if len(s.answers) > 0 {
		answer, s.answers = s.answers[0], s.answers[1:]
	}
	s.answer(r, answer)
}

func (s *serving) answer(r protocol.Request, answer string) {
	first, rest, _ := strings.Cut(answer, " ")
	first, _ = strings.CutSuffix(first, ":")
	switch {
	case first == "":
		s.take(r)
	case first == "default":
		s.done(r.AnswerDefault())
	case first == "as":
		s.named[rest] = r
	case first == "do":
		act := s.acts[rest]
		if act == nil {
			s.t.Fatalf("no act %q", rest)
		}
		act(s, r)
	case first == "each" && !strings.HasPrefix(answer, "each:"):
		n, reply, _ := strings.Cut(rest, " ")
		i, _ := strconv.Atoi(n)
		s.done(r.AnswerEach(i, replyOf(s.t, reply)))
	case first == "each":
		s.content(r, &mailSink{}, func() {
			for i, reply := range strings.Split(rest, " | ") {
				s.done(r.AnswerEach(i, replyOf(s.t, reply)))
			}
		})
	case first == "accept" && rest == "":
		s.content(r, &mailSink{}, nil)
	case first == "accept" && strings.HasPrefix(rest, "as "):
		s.named[strings.TrimPrefix(rest, "as ")] = r
		s.content(r, &mailSink{}, nil)
	case first == "accept":
		s.content(r, &mailSink{}, s.verdict(r, rest))
	case first == "early":
		s.content(r, &mailSink{}, nil)
		s.verdict(r, rest)()
	case first == "sink":
		n, reply, _ := strings.Cut(rest, ": ")
		size, _ := strconv.Atoi(n)
		s.content(r, &mailSink{short: size}, s.verdict(r, reply))
	case first == "fails":
		n, reply, _ := strings.Cut(rest, ": ")
		n, with, has := strings.Cut(n, " with ")
		n, by, _ := strings.Cut(n, " by ")
		size, _ := strconv.Atoi(n)
		short, _ := strconv.Atoi(by)
		sink := &mailSink{short: short, fails: size + 1, err: errors.New("disk on fire")}
		if has {
			sink.err = fmt.Errorf("store: %w", &protocol.ReplyError{Reply: replyOf(s.t, with)})
		}
		s.content(r, sink, s.verdict(r, reply))
	default:
		s.done(r.Answer(replyOf(s.t, answer)))
	}
}

// done notes an answer that came too late.
func (s *serving) done(did bool) {
	if !did {
		s.note("= too late")
	}
}

// verdict is a function that gives r a verdict; "" is none.
func (s *serving) verdict(r protocol.Request, text string) func() {
	return func() {
		if text != "" {
			s.done(r.Answer(replyOf(s.t, text)))
		}
	}
}

// take does what an application does that wants all mail.
func (s *serving) take(r protocol.Request) {
	switch r.Kind() {
	case protocol.RequestRcpt:
		s.done(r.Answer(wire.Reply{Code: wire.CodeOK}))
	case protocol.RequestData:
		s.content(r, &mailSink{}, func() { s.done(r.Answer(wire.Reply{Code: wire.CodeOK})) })
	case protocol.RequestAuth:
		mechanism, _, _ := strings.Cut(r.Args(), " ")
		exchange, err := s.users.New(mechanism, s.TLS())
		if err != nil {
			s.t.Fatal(err)
		}
		watchServed(s, "auth", r.AcceptAuth(exchange), func(reply wire.Reply) string { return reply.String() })
	case protocol.RequestClosed:
	default:
		s.done(r.AnswerDefault())
	}
}

// content takes the content of a message into a sink, and calls complete, if not
// nil, once it is whole.
func (s *serving) content(r protocol.Request, sink *mailSink, complete func()) {
	s.sinks = append(s.sinks, sink)
	f := r.AcceptContent(sink)
	watchServed(s, "content", f, func(n int64) string {
		if n != int64(len(sink.content)) {
			s.t.Errorf("%v: content of %d octets, %d were given", s.mode, n, len(sink.content))
		}
		return strconv.Quote(string(sink.content))
	})
	f.OnReady(func(_ int64, err error) {
		if err == nil && complete != nil {
			complete()
		}
	})
}

// watchServed notes how a future settles.
func watchServed[T any](s *serving, name string, f *future.Future[T], text func(T) string) {
	s.pending[name]++
	settled := false
	f.OnReady(func(v T, err error) {
		if settled {
			s.t.Errorf("%v: %s settles twice", s.mode, name)
		}
		settled = true
		s.pending[name]--
		if err != nil {
			s.note("= %s: %v", name, err)
			return
		}
		s.note("= %s: %s", name, text(v))
	})
}

// act does what an A line says.
func (s *serving) act(line int, arg string) {
	name, rest, _ := strings.Cut(arg, " ")
	switch name {
	case "resume":
		for _, sink := range s.sinks {
			sink.taken = 0
		}
		s.Resume()
	case "shutdown":
		s.Shutdown()
	case "end":
		s.End(replyOf(s.t, rest))
	case "deadline":
		s.SetDeadline(s.now.Add(duration(s.t, rest)))
	case "do":
		s.answer(protocol.Request{}, arg)
	default:
		r, ok := s.named[name]
		if !ok {
			s.t.Fatalf("line %d: %v: no request %q", line, s.mode, name)
		}
		s.answer(r, rest)
	}
}

// over looks at what is left when the text is at its end.
func (s *serving) over() {
	for name, n := range s.pending {
		if n != 0 && s.Err() != nil {
			s.t.Errorf("%v: %s never settled", s.mode, name)
		}
	}
}

// mailSink keeps content. short and fails are 0 where it takes all.
type mailSink struct {
	content []byte
	short   int // takes so many octets, and no more until resumed
	taken   int // since it was
	fails   int // fails at this octet, counted from 1
	err     error
}

func (k *mailSink) WriteBody(p []byte) (int, error) {
	n := len(p)
	if k.short > 0 {
		n = min(n, k.short-k.taken)
	}
	var err error
	if k.fails > 0 && len(k.content)+n >= k.fails {
		n, err = k.fails-1-len(k.content), k.err
	}
	k.content = append(k.content, p[:n]...)
	k.taken += n
	return n, err
}
