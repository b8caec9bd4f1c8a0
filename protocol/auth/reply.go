package auth

import "github.com/sansmtp/sansmtp/protocol/wire"

// AuthReply is what a client is told of a response that breaks the rules: 501 5.5.2.
func (e *MessageError) AuthReply() wire.Reply {
	return wire.Reply{
		Code: wire.CodeArgumentSyntaxError, Enhanced: wire.EnhancedCode{Class: 5, Subject: 5, Detail: 2},
		Text: "malformed authentication message",
	}
}

// refused is the error of a login that failed for what the client has shown.
type refused struct{ reason string }

func (e *refused) Error() string { return e.reason }

// AuthReply is 535 5.7.8 (RFC 4954 §6), the same for every reason: who guesses
// passwords learns nothing.
func (e *refused) AuthReply() wire.Reply {
	return wire.Reply{
		Code: wire.CodeAuthInvalid, Enhanced: wire.EnhancedCode{Class: 5, Subject: 7, Detail: 8},
		Text: "authentication failed",
	}
}
