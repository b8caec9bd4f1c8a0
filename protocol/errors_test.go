package protocol_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Every error is one line, says what matters, and leads to its cause.
func TestErrors(t *testing.T) { // P15, F7
	cause := errors.New("the cause")
	no := wire.Reply{Code: 550, Enhanced: wire.EnhancedCode{Class: 5, Subject: 1, Detail: 1}, Text: "no\nsuch user\x1b"}
	refused := &protocol.ReplyError{Reply: no, Command: "RCPT", Recipient: "<b@mx.example>"}
	later := &protocol.ReplyError{Reply: wire.Reply{Code: 450}, Command: "RCPT"}
	for _, test := range []struct {
		err   error
		want  string
		cause error
	}{
		{refused, `RCPT <b@mx.example>: 550 5.1.1 no / such user\x1b`, nil},
		{&protocol.ReplyError{Reply: no, Command: "X", Want: want(250, 251)}, `X: 550 5.1.1 no / such user\x1b (want 250 or 251)`, nil},
		{&protocol.ProtocolError{Err: cause}, "protocol error: the cause", cause},
		{&protocol.ProtocolError{Step: "s", Reason: "r", Reply: &no, Want: want(220)}, `protocol error at the s: r: 550 5.1.1 no / such user\x1b (want 220)`, nil},
		{&protocol.TimeoutError{Step: "s", Limit: time.Second}, "timeout: no s within 1s", nil},
		{&protocol.TimeoutError{Step: "overall deadline"}, "timeout: overall deadline passed", nil},
		{&protocol.ConnectionError{Err: cause}, "connection lost: the cause", cause},
		{&protocol.ConnectionError{Step: "s", Err: cause}, "connection lost before the s: the cause", cause},
		{&protocol.TLSError{Err: cause}, "TLS: the cause", cause},
		{&protocol.AuthError{Mechanism: "M", Err: cause}, "AUTH M: the cause", cause},
		{&protocol.ConfigError{Field: "F", Reason: "r"}, "F: r", nil},
		{&protocol.ConfigError{Field: "F", Err: cause}, "F: the cause", cause},
		{&protocol.ConfigError{Field: "F", Reason: "r", Err: cause}, "F: r: the cause", cause},
		{&protocol.LimitError{Limit: "SIZE", Have: 2, Max: 1}, "SIZE limit of the server: 2 is over 1", nil},
		{&protocol.BodyError{Err: cause}, "message content: the cause", cause},
		{&protocol.RecipientsError{Refused: []*protocol.ReplyError{later}}, "RCPT: 450", later},
		{&protocol.RecipientsError{Refused: []*protocol.ReplyError{later, refused, refused}}, "RCPT: 450; 3 recipients refused in all", refused},
		{&protocol.DeliveryError{Err: cause}, "not delivered: the cause", cause},
		{&protocol.DeliveryError{Receipt: protocol.Receipt{Outcome: protocol.Unknown}, Err: cause}, "outcome unknown, a retry may duplicate: the cause", cause},
	} {
		if got := test.err.Error(); got != test.want || strings.ContainsAny(got, "\r\n") {
			t.Errorf("%T: %q, want %q", test.err, got, test.want)
		}
		if test.cause != nil && !errors.Is(test.err, test.cause) {
			t.Errorf("%v does not lead to %v", test.err, test.cause)
		}
	}
	timeout := &protocol.TimeoutError{}
	var _ net.Error = timeout
	if !timeout.Timeout() || !timeout.Temporary() {
		t.Error("a TimeoutError is none in the sense of net.Error")
	}
}

// What makes another try worth while, and what makes it safe, are two questions.
func TestDeliveryErrorTemporary(t *testing.T) { // F7
	later := &protocol.ReplyError{Reply: wire.Reply{Code: 450}}
	never := &protocol.ReplyError{Reply: wire.Reply{Code: 550}}
	for _, test := range []struct {
		err  error
		want bool
	}{
		{later, true}, {never, false},
		{&protocol.RecipientsError{Refused: []*protocol.ReplyError{never, later}}, true},
		{&protocol.RecipientsError{Refused: []*protocol.ReplyError{never, never}}, false},
		{&protocol.ConfigError{}, false}, {&protocol.LimitError{}, false}, {&protocol.BodyError{Err: io.EOF}, false},
		{&protocol.TimeoutError{}, true}, {&protocol.ConnectionError{Err: io.EOF}, true}, {protocol.ErrCanceled, true},
	} {
		if got := (&protocol.DeliveryError{Err: test.err}).Temporary(); got != test.want {
			t.Errorf("%T: %v", test.err, got)
		}
	}
	for o, want := range map[protocol.Outcome]struct {
		text string
		safe bool
	}{
		protocol.NotDelivered: {"not delivered", true}, protocol.Refused: {"refused", true},
		protocol.Accepted: {"accepted", false}, protocol.Unknown: {"unknown", false}, 9: {"invalid outcome", false},
	} {
		if o.String() != want.text || o.RetrySafe() != want.safe {
			t.Errorf("%v: %v", o, o.RetrySafe())
		}
	}
}
