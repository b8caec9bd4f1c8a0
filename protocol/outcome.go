package protocol

import (
	"fmt"
	"slices"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Outcome is what is known to have become of a message, or of it for one
// recipient.
type Outcome uint8

const (
	// NotDelivered: the end of data was never handed over, so the server cannot
	// have taken the message. Sending it again is safe.
	NotDelivered Outcome = iota
	// Refused: the server said so, in a reply that is kept. A 4yz is temporary.
	Refused
	// Accepted: the 2yz to the end of this message's content was read.
	Accepted
	// Unknown: the end of data was handed over and no verdict came. The server may
	// have taken the message; sending it again may duplicate it (RFC 1047).
	Unknown
)

var outcomeNames = [...]string{"not delivered", "refused", "accepted", "unknown"}

func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "invalid outcome"
}

// RetrySafe reports whether the message can be sent again without a chance that
// somebody receives it twice.
func (o Outcome) RetrySafe() bool { return o == NotDelivered || o == Refused }

// RecipientResult is what became of a message for one recipient.
type RecipientResult struct {
	Outcome Outcome
	// Reply is the reply that decided it: the refusal of RCPT, or the verdict on the
	// content. Without a verdict it is a 421 that ended the connection, or zero.
	Reply wire.Reply
	// Rcpt is the reply to the RCPT command; zero if none was read.
	Rcpt wire.Reply
}

// Receipt is what became of one message.
type Receipt struct {
	// Outcome is Unknown if that is so for any recipient, else Accepted if any
	// recipient will get the message, else NotDelivered if that is so for any, else
	// Refused.
	Outcome Outcome
	// Reply is the last verdict on the content; zero if none was read.
	Reply wire.Reply
	// Recipients has an element for each recipient of the envelope, in its order.
	// The slice belongs to the receiver of the Receipt.
	Recipients []RecipientResult
}

// DeliveryError says that a message was not accepted for any recipient, or that
// nobody knows. Its text names the outcome; errors.As finds the cause.
type DeliveryError struct {
	Receipt Receipt
	// Err is the cause: a *ReplyError, *RecipientsError, *TimeoutError, *BodyError,
	// ErrCanceled …
	Err error
}

func (e *DeliveryError) Error() string {
	if e.Receipt.Outcome == Unknown {
		return "outcome unknown, a retry may duplicate: " + e.Err.Error()
	}
	return e.Receipt.Outcome.String() + ": " + e.Err.Error()
}

func (e *DeliveryError) Unwrap() error { return e.Err }

// Temporary reports whether the message may be accepted, for any recipient, when
// it is sent again as it is. It says nothing about duplicates: see
// Outcome.RetrySafe.
func (e *DeliveryError) Temporary() bool {
	if e.Receipt.Outcome == Refused {
		return slices.ContainsFunc(e.Receipt.Recipients, func(r RecipientResult) bool { return r.Reply.Temporary() })
	}
	switch err := e.Err.(type) {
	case *ReplyError:
		return err.Temporary()
	case *RecipientsError:
		return err.Temporary()
	case *ConfigError, *LimitError, *BodyError:
		return false
	}
	return true
}

// RecipientsError says that every recipient of a message was refused.
type RecipientsError struct {
	Refused []*ReplyError // one for each recipient, in the envelope's order
}

func (e *RecipientsError) Error() string {
	if n := len(e.Refused); n > 1 {
		return fmt.Sprintf("%v; %d recipients refused in all", e.Refused[0], n)
	}
	return e.Refused[0].Error()
}

// Unwrap returns the refusals, so that errors.As finds the first.
func (e *RecipientsError) Unwrap() []error {
	errs := make([]error, len(e.Refused))
	for i, r := range e.Refused {
		errs[i] = r
	}
	return errs
}

// Temporary reports whether any of the refusals is: a later try may reach that
// recipient.
func (e *RecipientsError) Temporary() bool {
	for _, r := range e.Refused {
		if r.Temporary() {
			return true
		}
	}
	return false
}
