package netasync

import (
	"context"
	"errors"
	"io"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Backend is a Handler for those who take mail: a function for each question. Its
// zero value takes none. Functions may block, as a Handler may.
//
// Each answers with a reply, the zero Reply standing for 250, or with an error. A
// *protocol.ReplyError with a 4yz or 5yz in it is passed on to the client as it is;
// any other error is logged, and the client is told no more than 451 4.3.0. ctx ends
// with the session.
type Backend struct {
	// Connect is asked at the begin of a session: a reply of 220 is the greeting, a
	// 421, 521 or 554 turns the client away. nil: everybody is welcome.
	Connect func(ctx context.Context, s *Session) (wire.Reply, error)
	// Sender is asked whether the sender t.Mail is welcome. nil: everybody is.
	Sender func(ctx context.Context, t *Transaction) (wire.Reply, error)
	// Recipient is asked whether mail is taken for to. nil: for nobody.
	Recipient func(ctx context.Context, t *Transaction, to *wire.Recipient) (wire.Reply, error)
	// Content takes a message: see Request.Content. Its answer is the verdict. It may
	// accept the message only after it has read io.EOF: a positive reply before that
	// is taken for a mistake, and becomes a 451. For verdicts that differ between
	// recipients see Transaction.Verdict. nil: nothing is taken.
	Content func(ctx context.Context, t *Transaction, content io.Reader) (wire.Reply, error)
	// Disconnect is called at the end of a session, however it ended. nil: nothing
	// is done.
	Disconnect func(s *Session)
}

// ServeSMTP implements Handler.
func (b *Backend) ServeSMTP(w ReplyWriter, r *Request) {
	ctx := r.Context()
	var reply wire.Reply
	var err error
	switch {
	case !b.wants(r.Kind, r.Verb):
		return
	case r.Kind == protocol.RequestConnect:
		w.Answer(b.connect(ctx, r.Session))
		return
	case r.Kind == protocol.RequestMail:
		reply, err = b.Sender(ctx, r.Transaction)
	case r.Kind == protocol.RequestRcpt:
		reply, err = b.Recipient(ctx, r.Transaction, r.Recipient)
	case r.Kind == protocol.RequestData:
		if reply, err = b.content(ctx, w, r); r.command.content.failed(err) {
			return // there is nothing to answer, and nothing wrong on this side
		}
	case r.Kind == protocol.RequestClosed:
		b.Disconnect(r.Session)
		return
	}
	w.Answer(r.Session.verdict(reply, err))
}

func (b *Backend) connect(ctx context.Context, s *Session) wire.Reply {
	reply, err := b.Connect(ctx, s)
	if err == nil && reply == (wire.Reply{}) {
		reply.Code = wire.CodeServiceReady
	}
	if reply = s.verdict(reply, err); reply == localError {
		reply.Code = wire.CodeNotAvailable // RFC 5321 §3.8: no session follows
	}
	return reply
}

func (b *Backend) content(ctx context.Context, w ReplyWriter, r *Request) (wire.Reply, error) {
	r.Transaction.writer = w
	defer func() { r.Transaction.writer = nil }()
	reply, err := b.Content(ctx, r.Transaction, r.Content)
	if err == nil && (reply.Code == 0 || reply.Positive()) && !r.command.content.seen {
		return wire.Reply{}, errUnread
	}
	return reply, err
}

var errUnread = errors.New("content was accepted before its end was read")

func (b *Backend) wants(kind protocol.RequestSet, _ string) bool {
	switch kind {
	case protocol.RequestConnect:
		return b.Connect != nil
	case protocol.RequestMail:
		return b.Sender != nil
	case protocol.RequestRcpt:
		return b.Recipient != nil
	case protocol.RequestData:
		return b.Content != nil
	case protocol.RequestClosed:
		return b.Disconnect != nil
	}
	return false
}

// Verdict gives the verdict on the content for the i-th of Recipients, and reports
// whether it did. It is for LMTP, from within Content of a Backend, whose own answer
// is then that for all other recipients; with SMTP there is but one verdict, and
// Verdict does nothing. It panics if there are not so many recipients.
func (t *Transaction) Verdict(i int, reply wire.Reply, err error) bool {
	return t.writer != nil && t.Session.listener.config.LMTP && t.writer.AnswerEach(i, t.Session.verdict(reply, err))
}

// verdict is the reply of a Backend.
func (s *Session) verdict(reply wire.Reply, err error) wire.Reply {
	if err == nil {
		if reply == (wire.Reply{}) {
			reply.Code = wire.CodeOK
		}
		return reply
	}
	if refusal, ok := errors.AsType[*protocol.ReplyError](err); ok && (refusal.Reply.Temporary() || refusal.Reply.Permanent()) {
		return refusal.Reply
	}
	s.log().Error("the backend failed", "err", err)
	return localError
}

var localError = wire.Reply{
	Code: wire.CodeLocalError, Enhanced: wire.EnhancedCode{Class: 4, Subject: 3}, Text: "local error, try again later",
}
