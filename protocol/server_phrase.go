package protocol

import "github.com/sansmtp/sansmtp/protocol/wire"

// phrase is the text of an answer that has none: RFC 5321 §4.2 wants some.
func phrase(code wire.Code) string {
	switch code {
	case wire.CodeOK:
		return replyOK.Text
	case wire.CodeWillForward:
		return "user not local, will forward"
	case wire.CodeCannotVerify:
		return replyCannotVerify.Text
	case wire.CodeNotAvailable:
		return "service not available"
	case wire.CodeMailboxBusy:
		return "mailbox unavailable for now"
	case wire.CodeLocalError:
		return replySinkFailed.Text
	case wire.CodeInsufficientStorage:
		return "insufficient storage"
	case wire.CodeTLSNotAvailable:
		return "not available for now"
	case wire.CodeCannotAccommodate:
		return "unable to accommodate the parameters"
	case wire.CodeSyntaxError:
		return replyNotRecognized.Text
	case wire.CodeArgumentSyntaxError:
		return "syntax error in the arguments"
	case wire.CodeNotImplemented:
		return replyNotImplemented.Text
	case wire.CodeBadSequence:
		return "bad sequence of commands"
	case wire.CodeArgNotImplemented:
		return "argument not implemented"
	case wire.CodeHostAcceptsNoMail:
		return "this host takes no mail"
	case wire.CodeAuthRequired:
		return replyAuthRequired.Text
	case wire.CodeAuthInvalid:
		return replyAuthFailed.Text
	case wire.CodeMailboxUnavailable:
		return "mailbox unavailable"
	case wire.CodeUserNotLocal:
		return "user not local"
	case wire.CodeExceededStorage:
		return "storage allocation exceeded"
	case wire.CodeMailboxNameError:
		return "mailbox name not allowed"
	case wire.CodeTransactionFailed:
		return "transaction failed"
	case wire.CodeParamsNotRecognized:
		return "parameters not recognized"
	case wire.CodeDomainAcceptsNoMail:
		return "this domain takes no mail"
	}
	switch code.Class() {
	case 2:
		return replyOK.Text
	case 4:
		return "not now"
	}
	return "refused"
}
