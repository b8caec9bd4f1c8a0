package main

import (
	"errors"
	"strings"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// The exit codes, with their names in sysexits.h.
const (
	exitOK          = 0
	exitExpectation = 1  // of serve: fewer messages than --expect says
	exitUsage       = 64 // EX_USAGE
	exitData        = 65 // EX_DATAERR
	exitNoInput     = 66 // EX_NOINPUT
	exitRecipients  = 67 // EX_NOUSER
	exitUnavailable = 69 // EX_UNAVAILABLE
	exitIO          = 74 // EX_IOERR
	exitTemporary   = 75 // EX_TEMPFAIL
	exitProtocol    = 76 // EX_PROTOCOL
	exitPolicy      = 77 // EX_NOPERM
	exitConfig      = 78 // EX_CONFIG
)

// failure is an error with its exit code.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// exitCode is the one place that says what an outcome is to a shell.
func (a *attempt) exitCode(err error, interrupted bool) int {
	if err == nil {
		return exitOK
	}
	code := a.errorExit(err)
	if code == exitIO && interrupted {
		return exitTemporary // the interrupt is what broke off the reading
	}
	return code
}

func (a *attempt) errorExit(err error) int {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	if a.receipt.Outcome == protocol.Unknown {
		return exitTemporary
	}
	step := netasync.StepSend
	if host, ok := errors.AsType[*netasync.HostError](err); ok {
		step = host.Step
	}
	access := step == netasync.StepStartTLS || step == netasync.StepAuth
	switch netasync.KindOf(err) {
	case netasync.KindReply:
		return a.replyExit(err, access)
	case netasync.KindTimeout, netasync.KindCanceled:
		return exitTemporary
	case netasync.KindTLS, netasync.KindAuth:
		return exitPolicy
	case netasync.KindNotOffered:
		if access {
			return exitPolicy
		}
		return exitUnavailable
	case netasync.KindProtocol:
		return exitProtocol
	case netasync.KindConfig:
		return exitConfig
	}
	return exitIO // connecting, the connection, the message's source
}

func (a *attempt) replyExit(err error, access bool) int {
	switch reply, _ := errors.AsType[*protocol.ReplyError](err); {
	case reply.Command == wire.VerbRcpt || reply.Command == endOfData && a.isLMTP():
		return recipientsExit(a.receipt)
	case reply.Temporary():
		return exitTemporary
	case access:
		return exitPolicy
	}
	return exitUnavailable
}

// recipientsExit judges refusals of single recipients: the same command never
// reaches one that was refused for good.
func recipientsExit(receipt protocol.Receipt) int {
	for _, r := range receipt.Recipients {
		if r.Outcome == protocol.Refused && r.Reply.Permanent() {
			return exitRecipients
		}
	}
	return exitTemporary
}

// oneLine keeps what is printed about an error to one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
