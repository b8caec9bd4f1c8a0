package netasync

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// The steps of a HostError.
const (
	StepLookup   = "look-up"  // of the host's name
	StepBind     = "bind"     // of the address to connect from
	StepConnect  = "connect"  // to the host
	StepTLS      = "TLS"      // the handshake
	StepGreeting = "greeting" // the server's first reply
	StepHello    = "EHLO"     // EHLO, LHLO or HELO
	StepStartTLS = "STARTTLS" // the command, and the EHLO behind it
	StepAuth     = "AUTH"     // the login
	StepSend     = "send"     // a message
	StepQuit     = "QUIT"     // the end that the caller wished
	StepSession  = "session"  // an end that nobody here wished
)

// HostError says which host something failed with, and at which step. Its text is
// one line.
type HostError struct {
	Host  string // host and port, or the path of a socket
	Step  string // one of the constants
	Err   error  // the cause: mostly an error of package protocol, which names the command
	Stats Stats  // what the connection had cost by then
}

func (e *HostError) Error() string {
	switch e.Step {
	case StepLookup, StepBind, StepConnect:
		return e.Host + ": " + e.Step + ": " + reason(e.Err)
	}
	return e.Host + ": " + e.Err.Error()
}

func (e *HostError) Unwrap() error { return e.Err }

// Timeout reports whether the cause is a timeout. It makes the error one in the
// sense of net.Error, with Temporary.
func (e *HostError) Timeout() bool {
	return KindOf(e) == KindTimeout
}

// Temporary reports whether a later try may succeed. It says nothing about
// duplicates: see protocol.Outcome.
func (e *HostError) Temporary() bool {
	switch KindOf(e) {
	case KindConnect:
		dns, ok := errors.AsType[*net.DNSError](e.Err)
		return e.Step == StepConnect || ok && !dns.IsNotFound
	case KindConnection, KindTimeout, KindCanceled:
		return true
	case KindReply:
		// Of the outermost error: one refusal of many may be temporary.
		var t interface{ Temporary() bool }
		return errors.As(e.Err, &t) && t.Temporary()
	}
	return false
}

// endedError is the end of a context: by its cause, and by what kind of end it was.
type endedError struct {
	cause, kind error // kind is context.Canceled or context.DeadlineExceeded
}

// ended returns the error of a context that has ended.
func ended(ctx context.Context) error { return &endedError{context.Cause(ctx), ctx.Err()} }

func (e *endedError) Error() string { return e.cause.Error() }

func (e *endedError) Unwrap() []error { return []error{e.cause, e.kind} }

// reason is the text of a network error without the addresses, which the
// HostError gives.
func reason(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err.Error()
	}
	return err.Error()
}

// networkStep tells the steps of connecting apart.
func networkStep(err error) string {
	if is[*net.DNSError](err) {
		return StepLookup
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok && call.Syscall == "bind" {
		return StepBind
	}
	return StepConnect
}
