package protocol

import (
	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// RequestSet is a set of kinds of requests. Each constant is a set of one.
type RequestSet uint16

// The kinds of requests, with what becomes of them by default: where the kind is not
// in ServerConfig.Requests, or by AnswerDefault.
const (
	// RequestConnect asks for the greeting: 220. A 554 or 521 refuses the client, and
	// everything but QUIT gets a 503 then (RFC 5321 §3.1).
	RequestConnect RequestSet = 1 << iota
	// RequestHello is EHLO, HELO or LHLO: 250, with the extensions. An answer's own text
	// replaces what stands behind the host name in the first line; the list of
	// extensions is always the machine's.
	RequestHello
	// RequestStartTLS is STARTTLS: 220.
	RequestStartTLS
	// RequestAuth is AUTH: 454 4.7.0. See AcceptAuth.
	RequestAuth
	// RequestMail is MAIL: 250.
	RequestMail
	// RequestRcpt is RCPT: 550 5.7.1. Nobody's mail is taken unasked.
	RequestRcpt
	// RequestData is the content of a message, whether it comes by DATA or by BDAT:
	// 554 5.3.2. See AcceptContent.
	RequestData
	// RequestReset is RSET: 250. A transaction also ends with EHLO, STARTTLS and the end
	// of the session, each of which has a request of its own.
	RequestReset
	// RequestOther is any other verb: NOOP 250, HELP 214, VRFY 252, EXPN 502, TURN 502,
	// ETRN 502; a verb that this machine does not know 502, and a line that is no verb
	// at all never gets here: 500.
	RequestOther
	// RequestXClient is XCLIENT of a trusted peer, its attributes in Args: 220, and the
	// session begins anew.
	RequestXClient
	// RequestQuit is QUIT: 221.
	RequestQuit
	// RequestClosed says that the session is over, however it ended: Err has the reason.
	// It comes last, exactly once, and there is nothing to answer.
	RequestClosed

	// AllRequests are all of them.
	AllRequests = 1<<iota - 1
)

// Request is a command that waits for its answer. It is a small value: keep it as
// long as you like. Answers may come late and in any order; replies leave in the
// order of the commands. Once a request is answered, or the session over, every
// further answer returns false and does nothing.
type Request struct {
	s    *Server
	slot int32
	gen  uint32
}

// Sink takes the content of a message as it arrives: without dot-stuffing, without
// the end of data, in pieces of any size. p is lent for the call. n < len(p) without
// an error makes the machine pause until Resume, and offer the rest again; it does not
// read meanwhile, so that the client feels it. An error refuses the message: with the
// reply inside it if it is a *ReplyError, else with 451 4.3.0; what comes of the
// content is dropped.
type Sink interface {
	WriteBody(p []byte) (n int, err error)
}

// AuthStep takes the client's next response: nil where the client sent no initial
// response. answer wants the next challenge, or done, or why the login fails; it may
// be called at once or later, on the machine's goroutine, and counts once.
type AuthStep func(response []byte, answer func(challenge []byte, done bool, err error))

// Kind returns the one kind of the request. A request that is over has none.
func (r Request) Kind() RequestSet { panic("TODO") }

// Verb returns the command's verb, in upper case; "" for RequestConnect and
// RequestClosed. A message that comes by BDAT has "BDAT".
func (r Request) Verb() string { panic("TODO") }

// Args returns what followed the verb, without the blanks around it. The initial
// response of AUTH is not part of it.
func (r Request) Args() string { panic("TODO") }

// Mail returns what a MAIL command said; nil for other requests. On a RequestRcpt and
// RequestData it is the MAIL command of the transaction. It is not to be changed, and
// stays as it is after the transaction too.
func (r Request) Mail() *wire.Mail { panic("TODO") }

// Recipient returns what a RCPT command said; nil for other requests. Like Mail, it
// stays as it is.
func (r Request) Recipient() *wire.Recipient { panic("TODO") }

// Recipients is, on a RequestData, how many recipients were accepted: what
// AnswerEach counts by.
func (r Request) Recipients() int { panic("TODO") }

// Default returns the reply that AnswerDefault gives.
func (r Request) Default() wire.Reply { panic("TODO") }

// AnswerDefault gives the default answer of the request's kind.
func (r Request) AnswerDefault() bool { panic("TODO") }

// Answer gives the reply to the command, and reports whether it did: false where it
// was answered before or the session is over.
//
// The reply's text may have several lines. Where the reply has no enhanced status code and the
// session has ENHANCEDSTATUSCODES, one that fits the code is added. Control octets in the text
// are made blanks, and octets outside ASCII "?" unless the client uses SMTPUTF8, so that
// nothing in it can become a second reply.
//
// A 421 ends the session behind it, whatever it answers. Answer panics if the code is
// none that the command can have: a 354 or 334, or a 2yz to content that was not
// taken by AcceptContent.
//
// For a RequestData, Answer before AcceptContent refuses the message, and after it is the
// verdict, for LMTP on all recipients that AnswerEach has not answered. A verdict that comes before
// the content is complete is kept until then. If the content turns out to be too large or broken the
// machine gives the verdict itself, and Answer returns false.
func (r Request) Answer(reply wire.Reply) bool { panic("TODO") }

// AnswerEach gives the verdict on the message for its i-th accepted recipient, with
// LMTP (RFC 2033 §4.2). Duplicate recipients count apart.
func (r Request) AnswerEach(i int, reply wire.Reply) bool { panic("TODO") }

// AcceptContent takes the content of a message: by DATA the client gets its 354. The
// future settles with the count of octets once the true end of the content was seen,
// and before the verdict is due; it is rejected with a *BodyError where the content is refused by
// the machine (ErrTooLarge, ErrBareEOL, an error of dst), and with the session's error where it never
// became complete. dst may be nil: the content is dropped.
//
// It panics on a request of another kind, and on one that was answered while the session goes on.
func (r Request) AcceptContent(dst Sink) *future.Future[int64] { panic("TODO") }

// AcceptAuth makes the exchange of a SASL mechanism with s: New of an auth.Server makes one for Args.
// s is called inline. The future settles with the 235, or is rejected with the error of s, or a *ReplyError
// with what the client was told. An error of s gets a reply by its kind: see AuthReply.
func (r Request) AcceptAuth(s sasl.Server) *future.Future[wire.Reply] { panic("TODO") }

// AcceptAuthSteps is AcceptAuth for a mechanism whose steps take time: each may be
// answered later.
func (r Request) AcceptAuthSteps(step AuthStep) *future.Future[wire.Reply] { panic("TODO") }
