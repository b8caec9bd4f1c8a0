package protocol

import (
	"strings"
	"unicode/utf8"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func status(class, subject, detail uint16) wire.EnhancedCode {
	return wire.EnhancedCode{Class: class, Subject: subject, Detail: detail}
}

// What a server says by itself. The host name goes in front of texts that begin with a
// blank.
var (
	replyOK             = wire.Reply{Code: wire.CodeOK, Enhanced: status(2, 0, 0), Text: "ok"}
	replyMailOK         = wire.Reply{Code: wire.CodeOK, Enhanced: status(2, 1, 0), Text: "ok"}
	replyRcptOK         = wire.Reply{Code: wire.CodeOK, Enhanced: status(2, 1, 5), Text: "ok"}
	replyStart          = wire.Reply{Code: wire.CodeStartMailInput, Text: "end data with <CR><LF>.<CR><LF>"}
	replyClosing        = wire.Reply{Code: wire.CodeClosing, Enhanced: status(2, 0, 0), Text: " closes the connection"}
	replyCannotVerify   = wire.Reply{Code: wire.CodeCannotVerify, Enhanced: status(2, 1, 5), Text: "cannot verify the user"}
	replyHelp           = wire.Reply{Code: wire.CodeHelp, Enhanced: status(2, 0, 0), Text: "EHLO HELO MAIL RCPT DATA RSET NOOP QUIT HELP VRFY"}
	replyReadyTLS       = wire.Reply{Code: wire.CodeServiceReady, Enhanced: status(2, 0, 0), Text: "ready to start TLS"}
	replyAuthenticated  = wire.Reply{Code: wire.CodeAuthSucceeded, Enhanced: status(2, 7, 0), Text: "authenticated"}
	replyNoRecipient    = wire.Reply{Code: wire.CodeMailboxUnavailable, Enhanced: status(5, 7, 1), Text: "no mail is taken for this recipient"}
	replyNoContent      = wire.Reply{Code: wire.CodeTransactionFailed, Enhanced: status(5, 3, 2), Text: "no mail is taken here"}
	replyNotImplemented = wire.Reply{Code: wire.CodeNotImplemented, Enhanced: status(5, 5, 1), Text: "command not implemented"}
	replyNotRecognized  = wire.Reply{Code: wire.CodeSyntaxError, Enhanced: status(5, 5, 2), Text: "command not recognized"}
	replyLongLine       = wire.Reply{Code: wire.CodeSyntaxError, Enhanced: status(5, 5, 2), Text: "line too long"}
	replyLongResponse   = wire.Reply{Code: wire.CodeSyntaxError, Enhanced: status(5, 5, 6), Text: "line too long"}
	replyNoArguments    = wire.Reply{Code: wire.CodeArgumentSyntaxError, Enhanced: status(5, 5, 4), Text: "no arguments are allowed"}
	replyArguments      = wire.Reply{Code: wire.CodeArgumentSyntaxError, Enhanced: status(5, 5, 4), Text: "an argument is missing"}
	replyWrongHello     = wire.Reply{Code: wire.CodeSyntaxError, Enhanced: status(5, 5, 1), Text: "not the greeting of this protocol"}

	replyNoService       = outOfOrder("no service here")
	replyHelloFirst      = outOfOrder("say EHLO first")
	replyLhloFirst       = outOfOrder("say LHLO first")
	replyMailFirst       = outOfOrder("MAIL first")
	replyNoRecipients    = outOfOrder("no valid recipients")
	replyTransactionOpen = outOfOrder("a transaction is open")
	replyChunksUnderWay  = outOfOrder("content by BDAT is under way")
	replyChunkRefused    = outOfOrder("a chunk of this message was refused")
	replyAuthTwice       = outOfOrder("authenticated already")
	replyTLSTwice        = outOfOrder("TLS is active already")
	replyBinary          = outOfOrder("BINARYMIME content needs BDAT")

	replyTLSRequired     = wire.Reply{Code: wire.CodeMustStartTLS, Enhanced: status(5, 7, 0), Text: "must issue a STARTTLS command first"}
	replyAuthRequired    = wire.Reply{Code: wire.CodeAuthRequired, Enhanced: status(5, 7, 0), Text: "authentication required"}
	replyEncryption      = wire.Reply{Code: wire.CodeEncryptionRequired, Enhanced: status(5, 7, 11), Text: "encryption required for this mechanism"}
	replyNoMechanism     = wire.Reply{Code: wire.CodeArgNotImplemented, Enhanced: status(5, 5, 4), Text: "mechanism not supported"}
	replyAuthFailed      = wire.Reply{Code: wire.CodeAuthInvalid, Enhanced: status(5, 7, 8), Text: "authentication failed"}
	replyAuthUnavailable = wire.Reply{Code: wire.CodeAuthTemporaryFailure, Enhanced: status(4, 7, 0), Text: "temporary authentication failure"}
	replyAuthEncoding    = wire.Reply{Code: wire.CodeArgumentSyntaxError, Enhanced: status(5, 5, 2), Text: "not base64"}
	replyAuthMessage     = wire.Reply{Code: wire.CodeArgumentSyntaxError, Enhanced: status(5, 5, 2), Text: "malformed authentication message"}
	replyAuthCancelled   = wire.Reply{Code: wire.CodeArgumentSyntaxError, Enhanced: status(5, 7, 0), Text: "authentication cancelled"}

	replyTooManyRecipients = wire.Reply{Code: wire.CodeInsufficientStorage, Enhanced: status(4, 5, 3), Text: "too many recipients"}
	replyTooManyDomains    = wire.Reply{Code: wire.CodeInsufficientStorage, Enhanced: status(4, 5, 3), Text: "too many domains"}
	replyTooManyMessages   = wire.Reply{Code: wire.CodeInsufficientStorage, Enhanced: status(4, 5, 3), Text: "too many messages in this session"}
	replyTooLarge          = wire.Reply{Code: wire.CodeExceededStorage, Enhanced: status(5, 3, 4), Text: "message too large"}
	replyBareEOL           = wire.Reply{Code: wire.CodeMailboxUnavailable, Enhanced: status(5, 6, 0), Text: "bare CR or LF in the content"}
	replySinkFailed        = wire.Reply{Code: wire.CodeLocalError, Enhanced: status(4, 3, 0), Text: "local error in processing"}
	replyHoldFor           = wire.Reply{Code: wire.CodeArgumentSyntaxError, Enhanced: status(5, 5, 4), Text: "HOLDFOR: over the limit"}
	replyHoldUntil         = wire.Reply{Code: wire.CodeArgumentSyntaxError, Enhanced: status(5, 5, 4), Text: "HOLDUNTIL: over the limit"}
	replyDeliverBy         = wire.Reply{Code: wire.CodeMailboxUnavailable, Enhanced: status(5, 5, 4), Text: "BY: less than the server's least time"}

	replyBehindSTARTTLS = wire.Reply{Code: wire.CodeTransactionFailed, Enhanced: status(5, 5, 0), Text: "octets behind STARTTLS"}
	replyContentAhead   = wire.Reply{Code: wire.CodeTransactionFailed, Enhanced: status(5, 5, 0), Text: "content ahead of the 354"}
	replyEarlyTalker    = wire.Reply{Code: wire.CodeTransactionFailed, Enhanced: status(5, 5, 0), Text: "octets ahead of the reply"}
	replyHTTP           = wire.Reply{Code: wire.CodeTransactionFailed, Enhanced: status(5, 5, 0), Text: "this is no HTTP server"}

	replyTimeout       = wire.Reply{Code: wire.CodeNotAvailable, Enhanced: status(4, 4, 2), Text: " timed out"}
	replyTooSlow       = wire.Reply{Code: wire.CodeNotAvailable, Enhanced: status(4, 4, 2), Text: " content comes too slowly"}
	replyTooManyErrors = wire.Reply{Code: wire.CodeNotAvailable, Enhanced: status(4, 7, 0), Text: " too many errors"}
	replyEndlessLine   = wire.Reply{Code: wire.CodeNotAvailable, Enhanced: status(4, 7, 0), Text: " line too long"}
	replyShutdown      = wire.Reply{Code: wire.CodeNotAvailable, Enhanced: status(4, 3, 2), Text: " is shutting down"}
)

func outOfOrder(reason string) wire.Reply {
	return wire.Reply{Code: wire.CodeBadSequence, Enhanced: status(5, 5, 1), Text: reason}
}

// byDefault returns the answer that a command gets unless the application gives one.
func (s *Server) byDefault(c *slot) wire.Reply {
	switch c.kind {
	case RequestConnect, RequestXClient:
		return wire.Reply{Code: wire.CodeServiceReady, Text: s.greeting()}
	case RequestHello:
		return wire.Reply{Code: wire.CodeOK}
	case RequestStartTLS:
		return replyReadyTLS
	case RequestAuth:
		return replyAuthUnavailable
	case RequestMail:
		return replyMailOK
	case RequestRcpt:
		return replyNoRecipient
	case RequestData:
		return replyNoContent
	case RequestQuit:
		return s.named(replyClosing)
	case RequestOther:
		return otherByDefault(c.verb)
	}
	return replyOK
}

func otherByDefault(verb string) wire.Reply {
	switch verb {
	case wire.VerbNoop:
		return replyOK
	case wire.VerbHelp:
		return replyHelp
	case wire.VerbVrfy:
		return replyCannotVerify
	}
	return replyNotImplemented
}

func (s *Server) greeting() string {
	if s.cfg.LMTP {
		return s.cfg.Hostname + " LMTP"
	}
	return s.cfg.Hostname + " ESMTP"
}

// named puts the host name in front of a reply's text.
func (s *Server) named(r wire.Reply) wire.Reply {
	r.Text = s.cfg.Hostname + r.Text
	return r
}

// plan plans a reply.
func (s *Server) plan(r *wire.Reply) {
	if s.dropped {
		return
	}
	s.wake()
	if s.cfg.Disable.Has(wire.EnhancedStatusCodes) {
		r = &wire.Reply{Code: r.Code, Text: r.Text}
	}
	if !s.out.pending() {
		s.clock.writeBegins = true
	}
	s.out.command(s.mem.appendReply(s.out.room(), r))
	if s.cfg.Trace != nil {
		s.traceReply(*r)
	}
}

// fit makes a reply of the application's one that can be sent. utf8Too: the client reads
// UTF-8.
func (s *Server) fit(r wire.Reply, utf8Too bool) wire.Reply {
	// RFC 2034 §4: every line has one, of the class of its code.
	if int(r.Enhanced.Class) != r.Code.Class() || !r.Enhanced.Valid() {
		r.Enhanced = status(uint16(r.Code.Class()), 0, 0)
	}
	if r.Text == "" {
		r.Text = phrase(r.Code)
	}
	clean := strings.IndexFunc(r.Text, func(c rune) bool { return c < ' ' && c != '\n' || c >= 0x7f }) < 0
	if clean || utf8Too && utf8.ValidString(r.Text) && strings.IndexFunc(r.Text, isSteering) < 0 {
		return r
	}
	var b strings.Builder
	for _, c := range r.Text {
		switch {
		case c == '\n' || c == '\r':
			b.WriteRune(c)
		case c < ' ' || c == 0x7f:
			b.WriteByte(' ')
		case c > 0x7f && (!utf8Too || isSteering(c) || c == utf8.RuneError):
			b.WriteByte('?')
		default:
			b.WriteRune(c)
		}
	}
	r.Text = b.String()
	return r
}

// isSteering reports the control characters, line ends apart.
func isSteering(c rune) bool { return c < ' ' && c != '\n' && c != '\r' || 0x7f <= c && c < 0xa0 }
