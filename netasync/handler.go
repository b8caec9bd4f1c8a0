package netasync

import (
	"context"
	"io"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Handler answers the commands of a session. ServeSMTP may block, and take as long
// as it likes: the session's replies wait for it, and nothing else does. A session
// calls it for one command at a time, in the order of the wire, each time on a
// goroutine that ends with the commands that are there; sessions call it side by
// side.
//
// A command that ServeSMTP leaves unanswered gets the default answer of its kind: see
// protocol.RequestSet. What it does after it returned no longer counts: neither
// answers nor the content can be had then. A panic ends the session with a 421 and is
// logged.
//
// Lines that are no commands, commands with arguments that are malformed, and those
// that are out of order never get here.
type Handler interface {
	ServeSMTP(w ReplyWriter, r *Request)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(w ReplyWriter, r *Request)

// ServeSMTP calls f.
func (f HandlerFunc) ServeSMTP(w ReplyWriter, r *Request) { f(w, r) }

// ReplyWriter answers one command. A middleware may put one of its own in front.
type ReplyWriter interface {
	// Answer gives the reply, and reports whether it did: false where the command
	// was answered before, or its session is over. A reply with several lines has
	// "\n" between them; a code alone gets a text that suits the command.
	//
	// To content it is the verdict, or the refusal where none of it was read. With
	// LMTP it is the verdict for all recipients that AnswerEach has not answered. If
	// the content is refused by the server itself, for its size for one, that verdict
	// stands, and Answer returns false.
	//
	// A 421 ends the session. Answer panics if the command cannot have the code: a 3yz, or
	// a code that is none.
	Answer(reply wire.Reply) bool
	// AnswerEach gives the verdict on the content for its i-th recipient, with LMTP
	// (RFC 2033 §4.2). It panics if there are not so many.
	AnswerEach(i int, reply wire.Reply) bool
}

// Request is one command, or one of the two events of a session that no client can
// name: its begin, protocol.RequestConnect, whose answer is the greeting, and its end,
// protocol.RequestClosed, which has none. It is of use until ServeSMTP returns.
type Request struct {
	// Kind is the one kind of the request.
	Kind protocol.RequestSet
	// Verb is the command's verb, in upper case, and Args is what followed it, without
	// the blanks around it. Both are "" where there was no command; content that comes by
	// BDAT has "BDAT".
	Verb, Args string
	// Session is the session that it belongs to.
	Session *Session
	// Transaction is that of a MAIL, of a RCPT and of content; else nil.
	Transaction *Transaction
	// Recipient is what a RCPT says; else nil. It is not to be changed.
	Recipient *wire.Recipient
	// Content is the content of the message where Kind is protocol.RequestData; else
	// nil. It comes without dot-stuffing and end of data. The first Read takes the
	// message, by which a client that uses DATA gets its 354.
	//
	// Read blocks until the client has sent more, and returns io.EOF behind the true
	// end of the content alone. Its other errors say why that never came: a
	// *protocol.BodyError around protocol.ErrTooLarge or protocol.ErrBareEOL, or the
	// error that the session ended with. What was read until then is no message.
	// A verdict gives up what was not read.
	Content io.Reader

	command *command
}

// Context ends with the session: when the client is gone, when the server is closed.
// That a client is gone shows when it is read from, which it is not while content that
// was not begun to be read, a login, STARTTLS or QUIT waits for its answer.
func (r *Request) Context() context.Context { return r.command.session.ctx }

// Answered reports whether the command has its answer.
func (r *Request) Answered() bool { return r.command.replied.Load() }

// Default returns the answer that the command gets where nobody gives another.
func (r *Request) Default() wire.Reply { return r.command.standard() }

// Transaction is a mail transaction: what MAIL said, and then RCPT. It is the same one
// in all requests of a transaction.
type Transaction struct {
	Session *Session
	// Mail is what the MAIL command says. It is not to be changed.
	Mail *wire.Mail
	// Recipients are those that were accepted so far, in the order of their commands.
	// They are not to be changed.
	Recipients []*wire.Recipient
	// Value is the application's own.
	Value any

	writer ReplyWriter // while Content of a Backend runs
}

// Middleware puts something in front of a Handler, or behind it, or in its place.
type Middleware func(Handler) Handler

// Chain is several handlers for one command: each is called in turn until one has
// answered. So one that answers stops the chain, and one that leaves it to the next
// just returns. At the end of a session, where there is nothing to answer, all are
// called.
//
// The order is that of the slice, and may be changed until the Server is in use.
type Chain []Handler

// ServeSMTP implements Handler.
func (c Chain) ServeSMTP(w ReplyWriter, r *Request) {
	for _, h := range c {
		if h.ServeSMTP(w, r); r.Answered() {
			return
		}
	}
}

func (c Chain) wants(kind protocol.RequestSet, verb string) bool {
	for _, h := range c {
		if wants(h, kind, verb) {
			return true
		}
	}
	return false
}

// chooser is a Handler that knows which requests it does something about: the others
// get their default answer without a goroutine. The verb is in upper case.
type chooser interface {
	wants(kind protocol.RequestSet, verb string) bool
}

func wants(h Handler, kind protocol.RequestSet, verb string) bool {
	if c, ok := h.(chooser); ok {
		return c.wants(kind, verb)
	}
	return h != nil
}

// verbs are those that belong to one kind each.
var verbs = map[protocol.RequestSet][]string{
	protocol.RequestConnect:  {""},
	protocol.RequestHello:    {wire.VerbEhlo, wire.VerbHelo, wire.VerbLhlo},
	protocol.RequestStartTLS: {wire.VerbStartTLS},
	protocol.RequestAuth:     {wire.VerbAuth},
	protocol.RequestMail:     {wire.VerbMail},
	protocol.RequestRcpt:     {wire.VerbRcpt},
	protocol.RequestData:     {wire.VerbData, wire.VerbBdat},
	protocol.RequestReset:    {wire.VerbRset},
	protocol.RequestXClient:  {wire.VerbXClient},
	protocol.RequestQuit:     {wire.VerbQuit},
	protocol.RequestClosed:   {""},
}

// wantsKind reports whether a handler may do something about requests of a kind.
func wantsKind(h Handler, kind protocol.RequestSet) bool {
	own, known := verbs[kind]
	if !known { // RequestOther
		return h != nil
	}
	for _, verb := range own {
		if wants(h, kind, verb) {
			return true
		}
	}
	return false
}
