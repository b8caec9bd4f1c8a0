package wire_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestExtensionKeywords(t *testing.T) {
	for _, c := range []struct {
		ext     wire.ExtensionSet
		keyword string
	}{
		{wire.Pipelining, "PIPELINING"}, {wire.Size, "SIZE"}, {wire.EightBitMIME, "8BITMIME"},
		{wire.BinaryMIME, "BINARYMIME"}, {wire.Chunking, "CHUNKING"}, {wire.SMTPUTF8, "SMTPUTF8"},
		{wire.DSN, "DSN"}, {wire.EnhancedStatusCodes, "ENHANCEDSTATUSCODES"}, {wire.StartTLS, "STARTTLS"},
		{wire.Auth, "AUTH"}, {wire.RequireTLS, "REQUIRETLS"}, {wire.Limits, "LIMITS"},
		{wire.DeliverBy, "DELIVERBY"}, {wire.MTPriority, "MT-PRIORITY"}, {wire.FutureRelease, "FUTURERELEASE"},
		{wire.RRVS, "RRVS"}, {wire.XClient, "XCLIENT"},
	} {
		if got := c.ext.String(); got != c.keyword {
			t.Errorf("%d is %q, want %q", c.ext, got, c.keyword)
		}
		for _, keyword := range []string{c.keyword, strings.ToLower(c.keyword)} { // F13
			if got, ok := wire.ExtensionByKeyword(keyword); !ok || got != c.ext {
				t.Errorf("%q is %d, %v, want %d", keyword, got, ok, c.ext)
			}
		}
	}
	for _, keyword := range []string{"", "X", "SIZ", "PIPELINING2", "D\u017fN", "\u212aEYS"} {
		if got, ok := wire.ExtensionByKeyword(keyword); ok || got != 0 {
			t.Errorf("%q is %d, %v", keyword, got, ok)
		}
	}
}

func TestExtensionSet(t *testing.T) {
	set := wire.DSN | wire.Pipelining | wire.XClient | 1<<31
	if got := set.String(); got != "PIPELINING DSN XCLIENT" {
		t.Errorf("got %q", got)
	}
	keywords := set.Keywords()
	for range 2 {
		if got := slices.Collect(keywords); !slices.Equal(got, []string{"PIPELINING", "DSN", "XCLIENT"}) {
			t.Errorf("got %q", got)
		}
	}
	for keyword := range keywords {
		if keyword != "PIPELINING" {
			t.Errorf("first is %q", keyword)
		}
		break
	}
	if !set.Has(wire.DSN|wire.Pipelining) || set.Has(wire.DSN|wire.Size) || !set.Has(0) {
		t.Error("Has is wrong")
	}
	if got := wire.ExtensionSet(0).String(); got != "" {
		t.Errorf("got %q", got)
	}
}
