package smtptest

import (
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Message is a message that a Server accepted. It is shared by all who ask, and not to
// be changed.
type Message struct {
	// Mail is the reverse-path, and the parameters of MAIL.
	Mail wire.Mail
	// Recipients are those that were accepted at RCPT, with their parameters, in that
	// order. What LMTP says of each in the end is in the transcript.
	Recipients []wire.Recipient
	// Content is what came, octet by octet, without dot-stuffing and end of data.
	Content []byte
	// Verb is how it came: "DATA" or "BDAT".
	Verb string
	// Hello is the name in EHLO, HELO or LHLO.
	Hello string
	// TLS is the state of TLS; the zero value in clear.
	TLS protocol.TLSState
	// User is who had logged in; "": nobody.
	User string
	// Session is the number of the session in Transcript, from 0 on.
	Session int
}

// WriteBody implements protocol.Sink.
func (m *Message) WriteBody(p []byte) (int, error) {
	m.Content = append(m.Content, p...)
	return len(p), nil
}
