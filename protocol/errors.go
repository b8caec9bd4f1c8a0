package protocol

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Reasons that callers may want to tell apart with errors.Is.
var (
	// ErrCanceled is the cause of an operation that its caller gave up. It is the
	// same as future.ErrCanceled.
	ErrCanceled = future.ErrCanceled
	// ErrClosed is the cause of an operation begun after Quit or after the end of
	// the connection.
	ErrClosed = errors.New("the connection is closed")
	// ErrAborted is why a connection ended, and what fails everything queued behind,
	// when a message was cancelled in the middle of its content.
	ErrAborted = errors.New("the connection was given up in the middle of a message")
	// ErrReset is why a server's content by BDAT did not become whole: the client ended
	// the transaction, or a chunk of it was refused.
	ErrReset = errors.New("the transaction was reset")
	// ErrHelloFirst says that an operation needs a Hello that succeeded before it
	// in the queue.
	ErrHelloFirst = errors.New("no EHLO has succeeded yet")
	// ErrNotOffered says that the peer does not offer an extension that the
	// operation cannot do without, or that it is disabled here.
	ErrNotOffered = errors.New("not offered by the server")
	// ErrTLSRequired says that the operation is not allowed in clear.
	ErrTLSRequired = errors.New("TLS is required")
	// ErrTLSActive says that TLS is active already: RFC 3207 §4 allows it once.
	ErrTLSActive = errors.New("TLS is active already")
	// ErrPlaintextAfterSTARTTLS says that octets came in clear behind the reply to
	// STARTTLS: somebody on the path injected them (RFC 3207 §6).
	ErrPlaintextAfterSTARTTLS = errors.New("octets in clear behind the reply to STARTTLS")
	// ErrPlaintextBeforeTLS says that a client sent octets in clear where TLS is to
	// begin.
	ErrPlaintextBeforeTLS = errors.New("octets in clear where TLS is to begin")
	// ErrAuthenticated says that the session is authenticated already: RFC 4954
	// §4 allows it once.
	ErrAuthenticated = errors.New("authenticated already")
	// ErrNoMechanism says that the client and the server share no mechanism that
	// may be used on this connection.
	ErrNoMechanism = errors.New("no common mechanism that may be used here")
	// ErrTooLarge says that content is over the limit of the server.
	ErrTooLarge = errors.New("more octets than the server takes")
	// ErrBareEOL says that content by DATA has a CR or LF that is not part of a CRLF
	// (RFC 5321 §2.3.8).
	ErrBareEOL = errors.New("bare CR or LF")
)

// ReplyError is a reply that is not what the operation wanted: a refusal, or a
// well-formed reply that was not asked for. It holds the whole reply.
type ReplyError struct {
	Reply     wire.Reply
	Command   string      // what the reply answers: "MAIL", "end of data", "greeting"
	Recipient string      // the forward-path of RCPT, with angle brackets; else ""
	Want      []wire.Code // what was expected, where that is not just any 2yz
	Err       error       // what the SASL mechanism was told of the reason; else nil
}

func (e *ReplyError) Error() string {
	var b strings.Builder
	b.WriteString(e.Command)
	if e.Recipient != "" {
		b.WriteByte(' ')
		b.WriteString(e.Recipient)
	}
	b.WriteString(": ")
	b.WriteString(e.Reply.String())
	writeWant(&b, e.Want)
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

func (e *ReplyError) Unwrap() error { return e.Err }

// writeWant writes which replies were expected.
func writeWant(b *strings.Builder, want []wire.Code) {
	for i, code := range want {
		if i == 0 {
			b.WriteString(" (want ")
		} else {
			b.WriteString(" or ")
		}
		b.WriteString(code.String())
	}
	if len(want) > 0 {
		b.WriteByte(')')
	}
}

// Temporary reports whether the reply is 4yz: the same command may succeed later.
func (e *ReplyError) Temporary() bool { return e.Reply.Code.Temporary() }

// ProtocolError says that the peer broke the protocol. The connection is over.
type ProtocolError struct {
	Step   string      // what was awaited: "reply to MAIL"; "" when nothing was
	Reason string      // what came instead
	Reply  *wire.Reply // the reply at fault, if one was read
	Want   []wire.Code // what was expected, where that is not just any 2yz
	Err    error       // the cause, if any: a *wire.SyntaxError, ErrPlaintextAfterSTARTTLS
}

func (e *ProtocolError) Error() string {
	var b strings.Builder
	b.WriteString("protocol error")
	if e.Step != "" {
		b.WriteString(" at the ")
		b.WriteString(e.Step)
	}
	if e.Reason != "" {
		b.WriteString(": ")
		b.WriteString(e.Reason)
	}
	if e.Reply != nil {
		b.WriteString(": ")
		b.WriteString(e.Reply.String())
		writeWant(&b, e.Want)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

func (e *ProtocolError) Unwrap() error { return e.Err }

// unexpected returns the error about a reply. It takes the reply by value, so that
// those which are as expected stay off the heap.
func unexpected(step, reason string, r wire.Reply, want ...wire.Code) *ProtocolError {
	return &ProtocolError{Step: step, Reason: reason, Reply: &r, Want: want}
}

// TimeoutError says that a step took longer than its limit (RFC 5321 §4.5.3.2).
// The connection is over.
type TimeoutError struct {
	Step  string        // what was waited for: "reply to MAIL", "write", "TLS handshake", "overall deadline"
	Limit time.Duration // the limit that was exceeded; 0 for the overall deadline
}

func (e *TimeoutError) Error() string {
	if e.Limit == 0 {
		return "timeout: " + e.Step + " passed"
	}
	return fmt.Sprintf("timeout: no %s within %v", e.Step, e.Limit)
}

// Timeout is true. It makes the error one in the sense of net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary is true: a later try may find the peer faster.
func (e *TimeoutError) Temporary() bool { return true }

// ConnectionError says that the connection ended while something was under way.
type ConnectionError struct {
	Step string // what was awaited: "reply to MAIL"; "" when nothing was
	Err  error  // io.ErrUnexpectedEOF, or what the driver reported
}

func (e *ConnectionError) Error() string {
	if e.Step == "" {
		return "connection lost: " + e.Err.Error()
	}
	return "connection lost before the " + e.Step + ": " + e.Err.Error()
}

func (e *ConnectionError) Unwrap() error { return e.Err }

// ConfigError is a request that cannot be right, or not on this connection. It is
// found before anything is written.
type ConfigError struct {
	Field  string // what is wrong: "To", "HELO name", "AUTH"
	Reason string // why, where Err does not say it
	Err    error  // the cause, if any: a *wire.SyntaxError, ErrNotOffered
}

func (e *ConfigError) Error() string {
	switch {
	case e.Err == nil:
		return e.Field + ": " + e.Reason
	case e.Reason != "":
		return e.Field + ": " + e.Reason + ": " + e.Err.Error()
	case strings.HasPrefix(e.Err.Error(), e.Field+": "):
		return e.Err.Error() // a *wire.SyntaxError that names it already
	}
	return e.Field + ": " + e.Err.Error()
}

func (e *ConfigError) Unwrap() error { return e.Err }

// LimitError is a message that the server said it would refuse. It is found
// before anything is written.
type LimitError struct {
	// Limit is SIZE, of the content, in octets (RFC 1870 §4); RCPTMAX, of the recipients
	// of a message, MAILMAX, of the messages of a session, or RCPTDOMAINMAX, of the
	// domains that a session's recipients have (RFC 9422 §4); HOLDFOR, in seconds, or
	// HOLDUNTIL, in seconds since 1970 (RFC 4865 §3); DELIVERBY, the least time to
	// deliver a message in, in seconds (RFC 2852 §3).
	//
	// MAILMAX and RCPTDOMAINMAX are over with the connection.
	Limit     string
	Have, Max int64
	Min       int64 // where Have is too little; Max is 0 then
}

func (e *LimitError) Error() string {
	if e.Have < e.Min {
		return fmt.Sprintf("%s limit of the server: %d is under %d", e.Limit, e.Have, e.Min)
	}
	if e.Limit == "HOLDUNTIL" {
		stamp := func(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }
		return fmt.Sprintf("%s limit of the server: %s is over %s", e.Limit, stamp(e.Have), stamp(e.Max))
	}
	return fmt.Sprintf("%s limit of the server: %d is over %d", e.Limit, e.Have, e.Max)
}

// BodyError is content that cannot be sent as promised: its source failed, or
// was shorter or longer than it said, or breaks the end-of-line policy.
type BodyError struct {
	Err error
}

func (e *BodyError) Error() string { return "message content: " + e.Err.Error() }

func (e *BodyError) Unwrap() error { return e.Err }
