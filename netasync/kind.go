package netasync

import (
	"context"
	"errors"

	"github.com/sansmtp/sansmtp/protocol"
)

// Kind sorts errors by what a caller can do about them.
type Kind uint8

const (
	KindOther      Kind = iota // none of the below; nil too
	KindReply                  // the server refused: protocol.ReplyError
	KindTimeout                // a step took too long
	KindConnect                // there was no connection: look-up, bind, connect
	KindConnection             // the connection was lost: reading or writing failed
	KindConfig                 // what was asked for cannot be right
	KindMessage                // the message could not be read, or cannot be sent as it is
	KindProtocol               // the server broke the protocol
	KindTLS                    // TLS could not be had: the handshake, or the certificate
	KindAuth                   // the login failed on this side
	KindNotOffered             // the server offers less than is needed: TLS, a mechanism, an extension, a size
	KindCanceled               // the caller gave it up
)

var kindNames = [...]string{
	"other", "reply", "timeout", "connect", "connection", "config", "message", "protocol", "tls", "auth",
	"not offered", "canceled",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid kind"
}

// KindOf returns the kind of an error of Dial or of a Client, or of a Delivery.
func KindOf(err error) Kind {
	switch {
	case errors.Is(err, protocol.ErrCanceled), errors.Is(err, context.Canceled):
		return KindCanceled
	case is[*protocol.TimeoutError](err), errors.Is(err, context.DeadlineExceeded):
		return KindTimeout
	case is[*protocol.BodyError](err):
		return KindMessage
	case is[*protocol.LimitError](err), errors.Is(err, protocol.ErrNotOffered),
		errors.Is(err, protocol.ErrNoMechanism), errors.Is(err, protocol.ErrTLSRequired):
		return KindNotOffered
	case is[*protocol.TLSError](err):
		return KindTLS
	case is[*protocol.AuthError](err):
		return KindAuth
	case is[*protocol.ConfigError](err):
		return KindConfig
	case is[*protocol.ProtocolError](err):
		return KindProtocol
	case is[*protocol.ReplyError](err):
		return KindReply
	case is[*protocol.ConnectionError](err), errors.Is(err, protocol.ErrClosed):
		return KindConnection
	}
	if host, ok := errors.AsType[*HostError](err); ok {
		switch host.Step {
		case StepLookup, StepBind, StepConnect:
			return KindConnect
		}
	}
	return KindOther
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
