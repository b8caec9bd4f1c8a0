package protocol

import (
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// slot returns the command that waits for its answer; nil where it was answered, or the
// session is over.
func (r Request) slot() *slot {
	if r.s == nil || r.s.err != nil || r.seq < r.s.head || r.seq >= r.s.next {
		return nil
	}
	if c := r.s.at(r.seq); c.state == slotAsked {
		return c
	}
	return nil
}

// undecided reports whether r is a message that was accepted and waits for its verdict.
func (r Request) undecided() bool {
	return r.data && r.s.err == nil && (r.tx.content == contentTaking || r.tx.content == contentComplete) && !r.tx.decided(r.s.cfg.LMTP)
}

// Kind returns the one kind of the request. A request that is over has none.
func (r Request) Kind() RequestSet {
	if r.s != nil && r.seq == closedRequest {
		return RequestClosed
	}
	if c := r.slot(); c != nil {
		return c.kind
	}
	if r.undecided() {
		return RequestData
	}
	return 0
}

// Verb returns the command's verb, in upper case; "" for RequestConnect and
// RequestClosed, and for a request that is over. A message that comes by BDAT has "BDAT".
func (r Request) Verb() string {
	if r.data {
		if r.tx.byChunks {
			return wire.VerbBdat
		}
		return wire.VerbData
	}
	if c := r.slot(); c != nil {
		return c.verb
	}
	return ""
}

// Args returns what followed the verb, without the blanks around it; "" for a request
// that is over. The initial response of AUTH is not part of it.
func (r Request) Args() string {
	c := r.slot()
	switch {
	case c == nil:
		return ""
	case c.is == isAuth:
		mechanism, _, _ := strings.Cut(c.args, " ")
		return strings.ToUpper(mechanism)
	}
	return c.args
}

// Mail returns what a MAIL command said; nil for other requests. On a RequestRcpt and
// RequestData it is the MAIL command of the transaction. It is not to be changed, and
// stays as it is after the transaction too.
func (r Request) Mail() *wire.Mail {
	if r.tx == nil {
		return nil
	}
	return &r.tx.mail
}

// Recipient returns what a RCPT command said; nil for other requests. Like Mail, it
// stays as it is.
func (r Request) Recipient() *wire.Recipient { return r.rcpt }

// Recipients is, on a RequestData, how many recipients were accepted: what
// AnswerEach counts by.
func (r Request) Recipients() int {
	if !r.data {
		return 0
	}
	return r.tx.accepted
}

// Default returns the reply that AnswerDefault gives.
func (r Request) Default() wire.Reply {
	if c := r.slot(); c != nil {
		return r.s.byDefault(c)
	}
	return wire.Reply{}
}

// AnswerDefault gives the default answer of the request's kind.
func (r Request) AnswerDefault() bool {
	if c := r.slot(); c != nil {
		r.s.answer(c, r.s.byDefault(c))
		r.s.proceed()
		return true
	}
	return false
}

// Answer gives the reply to the command, and reports whether it did: false where it
// was answered before or the session is over.
//
// The reply's text may have several lines; a code without a text gets one that fits.
// Where the reply has no enhanced status code and the session has ENHANCEDSTATUSCODES,
// one that fits the code is added. Control octets in the text are made blanks, and
// octets outside ASCII "?" unless the client uses SMTPUTF8, so that nothing in it can
// become a second reply.
//
// A 421 ends the session behind it, whatever it answers. Answer panics if the code is
// none that the command can have: a 354 or 334, or a 2yz to content that was not
// taken by AcceptContent.
//
// For a RequestData, Answer before AcceptContent refuses the message, and after it is
// the verdict, for LMTP on all recipients that AnswerEach has not answered. A verdict
// that comes before the content is complete is kept until then. If the content turns
// out to be too large or broken the machine gives the verdict itself, and Answer
// returns false.
func (r Request) Answer(reply wire.Reply) bool {
	checkAnswer(reply)
	if r.undecided() {
		r.s.decideRest(r.tx, r.s.fitVerdict(r.tx, reply))
		r.s.proceed()
		return true
	}
	c := r.slot()
	if c == nil {
		return false
	}
	if c.kind == RequestData && reply.Positive() {
		panic("protocol: a 2yz to content that was not accepted")
	}
	r.s.answer(c, r.s.fitAnswer(c, reply))
	r.s.proceed()
	return true
}

// AnswerEach gives the verdict on the message for its i-th accepted recipient, with
// LMTP (RFC 2033 §4.2): once it was accepted, and for i from 0 to below Recipients; it
// panics beyond. Duplicate recipients count apart.
func (r Request) AnswerEach(i int, reply wire.Reply) bool {
	checkAnswer(reply)
	if !r.undecided() || !r.s.cfg.LMTP {
		return false
	}
	r.s.roomForVerdicts(r.tx)
	if r.tx.verdicts[i].Code != 0 {
		return false
	}
	r.tx.verdicts[i] = r.s.fitVerdict(r.tx, reply)
	r.s.proceed()
	return true
}

func checkAnswer(reply wire.Reply) {
	if !reply.Code.Valid() || reply.Intermediate() {
		panic("protocol: no command can be answered with " + reply.Code.String())
	}
}

// AcceptContent takes the content of a message: by DATA the client gets its 354. The
// future settles with the count of octets once the true end of the content was seen,
// and before the verdict is due; it is rejected with a *BodyError where the content is
// refused by the machine (ErrTooLarge, ErrBareEOL, an error of dst), and with the
// session's error where it never became complete. dst may be nil: the content is
// dropped.
//
// It panics on a request of another kind, and on one that was answered while the
// session goes on.
func (r Request) AcceptContent(dst Sink) *future.Future[int64] {
	if !r.data {
		panic("protocol: AcceptContent on a request that is no RequestData")
	}
	if r.s.err != nil {
		r.tx.completed.Reject(r.s.endOf(r.s.err))
		return r.tx.completed.Future()
	}
	if r.slot() == nil {
		panic("protocol: AcceptContent on a request that was answered")
	}
	r.s.accept(r.tx, dst)
	r.s.proceed()
	return r.tx.completed.Future()
}

// AcceptAuth makes the exchange of a SASL mechanism with s: New of an auth.Server makes
// one for Args. s is called inline. The future settles with the 235, or is rejected
// with the error of s, or a *ReplyError with what the client was told. An error of s
// gets a reply by its kind: see AuthReplier.
func (r Request) AcceptAuth(s sasl.Server) *future.Future[wire.Reply] {
	return r.AcceptAuthSteps(func(response []byte, answer func([]byte, bool, error)) {
		answer(s.Next(response))
	})
}

// AcceptAuthSteps is AcceptAuth for a mechanism whose steps take time: each may be
// answered later.
func (r Request) AcceptAuthSteps(step AuthStep) *future.Future[wire.Reply] {
	c := r.slot()
	switch {
	case r.s.err != nil:
		return future.Rejected[wire.Reply](r.s.endOf(r.s.err))
	case c == nil || c.kind != RequestAuth:
		panic("protocol: AcceptAuth on a request that is no RequestAuth, or was answered")
	}
	_, initial, has := strings.Cut(c.args, " ")
	var response []byte
	if has {
		response, _ = decodeResponse(initial) // checked by doAuth
	}
	x := &authExchange{s: r.s, step: step, slot: r.seq}
	c.state = slotContent
	r.s.auth = x
	x.take(response)
	r.s.proceed()
	return x.promise.Future()
}

// fitAnswer makes the application's answer one that can be sent.
func (s *Server) fitAnswer(c *slot, r wire.Reply) wire.Reply {
	if r.Positive() && r.Enhanced.IsZero() {
		switch c.kind {
		case RequestMail:
			r.Enhanced = replyMailOK.Enhanced
		case RequestRcpt:
			r.Enhanced = replyRcptOK.Enhanced
		default:
			r.Enhanced = replyOK.Enhanced
		}
	}
	if r.Code == wire.CodeOK && r.Text == "" && c.kind != RequestHello {
		r.Text = replyOK.Text
		if r.Enhanced.Class == 2 {
			return r
		}
	}
	switch {
	case r.Text != "" || !r.Positive():
	case c.kind == RequestHello:
		return r // its text is what stands behind the host's name
	case c.kind == RequestConnect || c.kind == RequestQuit:
		r.Text = s.byDefault(c).Text
	}
	return s.fit(r, c.tx != nil && c.tx.mail.SMTPUTF8)
}

func (s *Server) fitVerdict(t *transaction, r wire.Reply) wire.Reply {
	return s.fit(r, t.mail.SMTPUTF8)
}

// answer does what an answer means, and gives it to the client.
func (s *Server) answer(c *slot, r wire.Reply) {
	good := r.Positive()
	t := c.tx
	switch c.kind {
	case RequestConnect:
		if s.greeted = good; good {
			r.Code = wire.CodeServiceReady
		}
		if r.Text == "" {
			r.Text = s.greeting()
		}
	case RequestHello:
		if good {
			r = s.hello(c, r)
		}
	case RequestStartTLS:
		if s.in.ahead {
			// They came while the application made up its mind.
			s.fatal(c, replyBehindSTARTTLS, reasonBehindSTARTTLS)
			return
		}
		if s.upgrading = good; good {
			r.Code = wire.CodeServiceReady
		}
	case RequestAuth:
		if s.authenticated = good; good {
			r.Code = wire.CodeAuthSucceeded
		}
	case RequestXClient:
		if good {
			s.beginAnew()
			r.Code, r.Enhanced = wire.CodeServiceReady, wire.EnhancedCode{}
		}
	case RequestMail:
		t.mailPending = false
		if !good && s.tx == t {
			s.tx = nil
		}
	case RequestRcpt:
		t.pending--
		if good {
			t.accepted++
		}
	case RequestData:
		t.content = contentOver
		if t.byChunks {
			s.refuseChunk(c)
		} else if s.tx == t {
			s.tx = nil
		}
	case RequestOther:
		if c.is == isOther {
			s.refusals.open--
		}
		if c.is == isOther && (r.Code == wire.CodeNotImplemented || r.Code == wire.CodeSyntaxError) {
			s.refuseUnknown(c, r)
			return
		}
	case RequestQuit:
		s.in.closing = true
		c.last = true
	}
	s.settled(c, r)
}
