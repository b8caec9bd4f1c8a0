package netasync

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestReceived(t *testing.T) { // C35
	at := time.Date(2026, 11, 1, 9, 8, 7, 0, time.FixedZone("", -3*3600))
	to, err := wire.ParsePath("b@mx.example")
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := wire.ParsePath(`<"a) from evil; (b"@mx.example>`)
	if err != nil {
		t.Fatal(err)
	}
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	const date = ";\r\n\tSun, 1 Nov 2026 09:08:07 -0300\r\n"
	for _, row := range []struct {
		r    received
		want string
	}{
		{received{from: "me.example", peer: v4, by: "mx.example", with: "ESMTP", id: "7", to: to},
			"Received: from me.example ([192.0.2.1])\r\n\tby mx.example with ESMTP id 7\r\n\tfor <b@mx.example>" + date},
		{received{from: "[192.0.2.1]", peer: v6, by: "mx.example", with: "LMTP"},
			"Received: from [192.0.2.1] ([IPv6:2001:db8::1])\r\n\tby mx.example with LMTP" + date},
		{received{from: "me.example", by: "mx.example", with: "SMTP"},
			"Received: from me.example\r\n\tby mx.example with SMTP" + date},
		// What is no token.
		{received{from: "x\r\nBcc: y", peer: v4, by: "mx.example", with: "SMTP", id: "a b;\r\n(c)é<d>"},
			"Received: from [192.0.2.1] ([192.0.2.1])\r\n\tby mx.example with SMTP id abcd" + date},
		{received{from: "a (b", by: "mx.example", with: "SMTP", id: " \r\n"},
			"Received: from unknown\r\n\tby mx.example with SMTP" + date},
		{received{from: strings.Repeat("a", 256), peer: netip.MustParseAddr("2001:db8::1%eth0"), by: "mx.example", with: "SMTP"},
			"Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n\tby mx.example with SMTP" + date},
		{received{from: "", by: "mx.example", with: "SMTP", to: quoted},
			"Received: from unknown\r\n\tby mx.example with SMTP\r\n\tfor <\"a) from evil; (b\"@mx.example>" + date},
	} {
		row.r.at = at
		if got := row.r.String(); got != row.want {
			t.Errorf("got\n%q, want\n%q", got, row.want)
		}
	}
}

func TestProtocolName(t *testing.T) { // RFC 3848, RFC 6531 §4.3
	secure, login := protocol.TLSState{Version: 0x0304}, Login{Mechanism: "PLAIN"}
	for _, row := range []struct {
		verb  string
		utf8  bool
		tls   protocol.TLSState
		login Login
		want  string
	}{
		{verb: "HELO", want: "SMTP"},
		{verb: "HELO", tls: secure, want: "SMTP"},
		{verb: "EHLO", want: "ESMTP"},
		{verb: "EHLO", tls: secure, want: "ESMTPS"},
		{verb: "EHLO", login: login, want: "ESMTPA"},
		{verb: "EHLO", tls: secure, login: login, want: "ESMTPSA"},
		{verb: "EHLO", utf8: true, want: "UTF8SMTP"},
		{verb: "EHLO", utf8: true, tls: secure, login: login, want: "UTF8SMTPSA"},
		{verb: "LHLO", want: "LMTP"},
		{verb: "LHLO", tls: secure, want: "LMTPS"},
		{verb: "LHLO", utf8: true, login: login, want: "UTF8LMTPA"},
	} {
		if got := protocolName(row.verb, row.utf8, row.tls, row.login); got != row.want {
			t.Errorf("%+v: got %s", row, got)
		}
	}
}
