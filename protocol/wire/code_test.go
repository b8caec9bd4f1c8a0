package wire_test

import (
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestCodeNames(t *testing.T) { // P47, F29, C97
	for _, tt := range []struct {
		name wire.Code
		want uint16
	}{
		{wire.CodeSystemStatus, 211},
		{wire.CodeHelp, 214},
		{wire.CodeServiceReady, 220},
		{wire.CodeClosing, 221},
		{wire.CodeAuthSucceeded, 235},
		{wire.CodeOK, 250},
		{wire.CodeWillForward, 251},
		{wire.CodeCannotVerify, 252},
		{wire.CodeAuthChallenge, 334},
		{wire.CodeStartMailInput, 354},
		{wire.CodeNotAvailable, 421},
		{wire.CodePasswordTransition, 432},
		{wire.CodeMailboxBusy, 450},
		{wire.CodeLocalError, 451},
		{wire.CodeInsufficientStorage, 452},
		{wire.CodeAuthTemporaryFailure, 454},
		{wire.CodeTLSNotAvailable, 454},
		{wire.CodeCannotAccommodate, 455},
		{wire.CodeSyntaxError, 500},
		{wire.CodeArgumentSyntaxError, 501},
		{wire.CodeNotImplemented, 502},
		{wire.CodeBadSequence, 503},
		{wire.CodeArgNotImplemented, 504},
		{wire.CodeHostAcceptsNoMail, 521},
		{wire.CodeAuthRequired, 530},
		{wire.CodeMustStartTLS, 530},
		{wire.CodeAuthTooWeak, 534},
		{wire.CodeAuthInvalid, 535},
		{wire.CodeEncryptionRequired, 538},
		{wire.CodeMailboxUnavailable, 550},
		{wire.CodeUserNotLocal, 551},
		{wire.CodeExceededStorage, 552},
		{wire.CodeMailboxNameError, 553},
		{wire.CodeTransactionFailed, 554},
		{wire.CodeNoService, 554},
		{wire.CodeParamsNotRecognized, 555},
		{wire.CodeDomainAcceptsNoMail, 556},
	} {
		if uint16(tt.name) != tt.want {
			t.Errorf("%d, want %d", tt.name, tt.want)
		}
	}
}

func TestCode(t *testing.T) { // C27: unlisted codes by first digit
	type verdict struct{ valid, positive, intermediate, temporary, permanent bool }
	for _, tt := range []struct {
		code   wire.Code
		class  int
		string string
		want   verdict
	}{
		{250, 2, "250", verdict{valid: true, positive: true}},
		{299, 2, "299", verdict{valid: true, positive: true}},
		{200, 2, "200", verdict{valid: true, positive: true}},
		{354, 3, "354", verdict{valid: true, intermediate: true}},
		{421, 4, "421", verdict{valid: true, temporary: true}},
		{571, 5, "571", verdict{valid: true, permanent: true}},
		{599, 5, "599", verdict{valid: true, permanent: true}},
		{0, 0, "000", verdict{}},
		{7, 0, "007", verdict{}},
		{199, 1, "199", verdict{}},
		{600, 6, "600", verdict{}},
		{999, 9, "999", verdict{}},
		{1250, 12, "1250", verdict{}},
		{65535, 655, "65535", verdict{}},
	} {
		c := tt.code
		if c.Class() != tt.class || c.String() != tt.string {
			t.Errorf("%d: class %d, string %q", uint16(c), c.Class(), c.String())
		}
		if got := (verdict{c.Valid(), c.Positive(), c.Intermediate(), c.Temporary(), c.Permanent()}); got != tt.want {
			t.Errorf("%d: %+v", uint16(c), got)
		}
		r := wire.Reply{Code: c}
		if got := (verdict{c.Valid(), r.Positive(), r.Intermediate(), r.Temporary(), r.Permanent()}); got != tt.want {
			t.Errorf("reply %d: %+v", uint16(c), got)
		}
	}
}
