package protocol

import "github.com/sansmtp/sansmtp/protocol/wire"

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
	seq  uint64 // the number of its command
	data bool   // RequestData
	tx   *transaction
	rcpt *wire.Recipient
}

// Sink takes the content of a message as it arrives: without dot-stuffing, without
// the end of data, in pieces of any size. p is lent for the call. n < len(p) without
// an error makes the machine pause until Resume, and offer the rest again; it does not
// read meanwhile, so that the client feels it. An error refuses the message: with the
// reply inside it if it is a *ReplyError, else with 451 4.3.0; what comes of the
// content is dropped. The verdict, or the reply to a chunk, waits until the sink has taken
// the octets ahead of it.
type Sink interface {
	WriteBody(p []byte) (n int, err error)
}
