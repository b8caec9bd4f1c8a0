package wire

import "strconv"

// Code is a reply code: three digits, of which the first tells the outcome, the
// second the category (RFC 5321 §4.2.1).
//
// A program acts on the code alone, and on a code that it does not know by the
// first digit (RFC 5321 §4.2). So compare with a constant only where that one
// code has a meaning of its own, and use the predicates elsewhere.
type Code uint16

// The reply codes of RFC 5321 §4.2.3, RFC 4954 §6, RFC 3207 §4 and RFC 7504.
// Codes with two meanings have two names.
const (
	CodeSystemStatus         Code = 211 // system status, or system help reply
	CodeHelp                 Code = 214 // help message for a human reader
	CodeServiceReady         Code = 220 // service ready: the greeting, and the go-ahead for TLS
	CodeClosing              Code = 221 // service closing the transmission channel
	CodeAuthSucceeded        Code = 235 // authentication succeeded
	CodeOK                   Code = 250 // requested mail action okay, completed
	CodeWillForward          Code = 251 // user not local; will forward
	CodeCannotVerify         Code = 252 // cannot verify user, but will accept the message and try to deliver it
	CodeAuthChallenge        Code = 334 // server challenge of an authentication exchange, in base64
	CodeStartMailInput       Code = 354 // start mail input; end with a lone dot
	CodeNotAvailable         Code = 421 // service not available, closing the transmission channel
	CodePasswordTransition   Code = 432 // a password transition is needed
	CodeMailboxBusy          Code = 450 // mailbox unavailable, temporary: busy, or blocked for policy reasons
	CodeLocalError           Code = 451 // action aborted: local error in processing
	CodeInsufficientStorage  Code = 452 // no storage: insufficient system storage, or too many recipients
	CodeAuthTemporaryFailure Code = 454 // temporary authentication failure
	CodeTLSNotAvailable      Code = 454 // TLS not available due to a temporary reason
	CodeCannotAccommodate    Code = 455 // server unable to accommodate parameters
	CodeSyntaxError          Code = 500 // syntax error, command unrecognized
	CodeArgumentSyntaxError  Code = 501 // syntax error in parameters or arguments
	CodeNotImplemented       Code = 502 // command not implemented
	CodeBadSequence          Code = 503 // bad sequence of commands
	CodeArgNotImplemented    Code = 504 // command parameter not implemented
	CodeHostAcceptsNoMail    Code = 521 // host does not accept mail, ever
	CodeAuthRequired         Code = 530 // authentication required
	CodeMustStartTLS         Code = 530 // must issue a STARTTLS command first
	CodeAuthTooWeak          Code = 534 // authentication mechanism is too weak
	CodeAuthInvalid          Code = 535 // authentication credentials invalid
	CodeEncryptionRequired   Code = 538 // encryption required for the mechanism; historical, RFC 2554 §6
	CodeMailboxUnavailable   Code = 550 // mailbox unavailable: not found, no access, or refused for policy reasons
	CodeUserNotLocal         Code = 551 // user not local; try another path
	CodeExceededStorage      Code = 552 // quota limit: exceeded storage allocation
	CodeMailboxNameError     Code = 553 // mailbox name not allowed
	CodeTransactionFailed    Code = 554 // transaction failed
	CodeNoService            Code = 554 // no SMTP service here, as the greeting
	CodeParamsNotRecognized  Code = 555 // MAIL or RCPT parameters not recognized or not implemented
	CodeDomainAcceptsNoMail  Code = 556 // domain does not accept mail
)

// Class returns the first digit of a valid code: 2, 3, 4 or 5.
func (c Code) Class() int { return int(c) / 100 }

// Positive reports a 2yz code: the requested action has been completed.
func (c Code) Positive() bool { return c.Class() == 2 }

// Intermediate reports a 3yz code: the command was accepted, and the server
// waits for more.
func (c Code) Intermediate() bool { return c.Class() == 3 }

// Temporary reports a 4yz code: the action did not take place, and the same
// command may succeed later.
func (c Code) Temporary() bool { return c.Class() == 4 }

// Permanent reports a 5yz code: the action did not take place, and the same
// command would fail again.
func (c Code) Permanent() bool { return c.Class() == 5 }

// Valid reports whether the code can stand in a reply: 200 to 599.
//
// RFC 5321 §4.2 ends the second digit at 5, yet servers send codes such as 571,
// and §4.2.1 has a client fall back on the first digit. No command of RFC 5321
// has a 1yz reply.
func (c Code) Valid() bool { return c >= 200 && c <= 599 }

// String returns the code's three digits.
func (c Code) String() string {
	if c > 999 {
		return strconv.Itoa(int(c))
	}
	return string(c.appendTo(make([]byte, 0, 3)))
}

func (c Code) appendTo(dst []byte) []byte {
	return append(dst, byte('0'+c/100), byte('0'+c/10%10), byte('0'+c%10))
}
