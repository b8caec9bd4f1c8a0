package netasync_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// P28: the kinds of failure are distinct; whether a later try may do better goes
// with them.
func TestKindOf(t *testing.T) {
	at := func(step string, err error) error { return &netasync.HostError{Host: "h", Step: step, Err: err} }
	refusal := func(code wire.Code) *protocol.ReplyError {
		return &protocol.ReplyError{Reply: wire.Reply{Code: code}, Command: "RCPT"}
	}
	refusals := &protocol.RecipientsError{Refused: []*protocol.ReplyError{refusal(550), refusal(450)}}
	for _, row := range []struct {
		err       error
		want      netasync.Kind
		name      string
		temporary bool
	}{
		{at("send", io.ErrNoProgress), netasync.KindOther, "other", false},
		{at("greeting", refusal(554)), netasync.KindReply, "reply", false},
		{at("greeting", refusal(421)), netasync.KindReply, "reply", true},
		{at("send", &protocol.DeliveryError{Err: refusals}), netasync.KindReply, "reply", true},
		{at("send", &protocol.TimeoutError{}), netasync.KindTimeout, "timeout", true},
		{at("send", context.DeadlineExceeded), netasync.KindTimeout, "timeout", true},
		{at("connect", &net.OpError{Err: syscall.ECONNREFUSED}), netasync.KindConnect, "connect", true},
		{at("bind", syscall.EADDRNOTAVAIL), netasync.KindConnect, "connect", false},
		{at("look-up", &net.DNSError{IsTemporary: true}), netasync.KindConnect, "connect", true},
		{at("look-up", &net.DNSError{IsNotFound: true}), netasync.KindConnect, "connect", false},
		{at("send", &protocol.ConnectionError{Err: io.EOF}), netasync.KindConnection, "connection", true},
		{at("send", &protocol.ConfigError{Field: "To"}), netasync.KindConfig, "config", false},
		{at("send", &protocol.BodyError{Err: os.ErrNotExist}), netasync.KindMessage, "message", false},
		{at("send", &protocol.ProtocolError{}), netasync.KindProtocol, "protocol", false},
		{at("TLS", &protocol.TLSError{Err: io.EOF}), netasync.KindTLS, "tls", false},
		{at("AUTH", &protocol.AuthError{Err: io.EOF}), netasync.KindAuth, "auth", false},
		{at("AUTH", &protocol.ConfigError{Err: protocol.ErrNoMechanism}), netasync.KindNotOffered, "not offered", false},
		{at("AUTH", &protocol.ConfigError{Err: protocol.ErrTLSRequired}), netasync.KindNotOffered, "not offered", false},
		{at("STARTTLS", &protocol.ConfigError{Err: protocol.ErrNotOffered}), netasync.KindNotOffered, "not offered", false},
		{at("send", &protocol.LimitError{}), netasync.KindNotOffered, "not offered", false},
		{at("send", protocol.ErrCanceled), netasync.KindCanceled, "canceled", true},
		{at("connect", context.Canceled), netasync.KindCanceled, "canceled", true},
	} {
		kind := netasync.KindOf(row.err)
		if kind != row.want || kind.String() != row.name {
			t.Errorf("%v: got %v", row.err, kind)
		}
		if got := row.err.(*netasync.HostError).Temporary(); got != row.temporary {
			t.Errorf("%v: temporary %v", row.err, got)
		}
	}
	if got := netasync.KindOf(nil); got != netasync.KindOther {
		t.Errorf("nil: got %v", got)
	}
	if got := netasync.Kind(99).String(); got != "invalid kind" {
		t.Errorf("got %q", got)
	}
}

// The text of a network error does not repeat the address.
func TestHostErrorText(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "h:25: connect: connection refused"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("missing address")}, "h:25: connect: missing address"},
		{errors.New("no proxy"), "h:25: connect: no proxy"},
	} {
		err := &netasync.HostError{Host: "h:25", Step: netasync.StepConnect, Err: row.err}
		if got := err.Error(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
		if !errors.Is(err, row.err) {
			t.Error("the cause is lost")
		}
	}
}
