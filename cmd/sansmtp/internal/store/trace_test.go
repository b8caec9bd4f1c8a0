package store

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestTrace(t *testing.T) { // C35
	tests := []struct {
		change func(*Envelope)
		want   string
	}{
		{
			func(*Envelope) {},
			"Return-Path: <a@b.example>\r\nReceived: from client.example ([192.0.2.1])\r\n\tby mx.example with ESMTP id 4Dx1;\r\n\tSat, 21 Nov 2026 11:19:20 +0000\r\n",
		},
		{
			func(e *Envelope) {
				e.From, e.To, e.Hello, e.Peer = path(""), []wire.Path{path("é@d.example")}, "[192.0.2.7]", "[2001:db8::1%eth0]:25"
				e.Protocol, e.TLSVersion, e.Mechanism, e.User = "UTF8SMTP", 0x304, "PLAIN", "tim"
			},
			"Return-Path: <>\r\nReceived: from [192.0.2.7] ([IPv6:2001:db8::1])\r\n\tby mx.example with UTF8SMTPSA id 4Dx1\r\n\tfor <é@d.example>;\r\n\tSat, 21 Nov 2026 11:19:20 +0000\r\n",
		},
		{
			func(e *Envelope) {
				e.ID, e.Hello, e.Peer, e.Protocol, e.TLSVersion = "a;b", "x\r\ny", "@", "SMTP (x)", 0x303
			},
			"Return-Path: <a@b.example>\r\nReceived: from unknown\r\n\tby mx.example with SMTP;\r\n\tSat, 21 Nov 2026 11:19:20 +0000\r\n",
		},
		{
			func(e *Envelope) { e.Hello, e.Peer = strings.Repeat("a", 256), "[::ffff:192.0.2.1]:25" },
			"Return-Path: <a@b.example>\r\nReceived: from unknown ([192.0.2.1])\r\n\tby mx.example with ESMTP id 4Dx1;\r\n\tSat, 21 Nov 2026 11:19:20 +0000\r\n",
		},
	}
	for _, test := range tests {
		env := envelope
		test.change(&env)
		if got := string(env.trace("mx.example")); got != test.want {
			t.Errorf("%q\nwant %q", got, test.want)
		}
	}
}

func TestTraceInFrontOfContent(t *testing.T) {
	for _, k := range kinds {
		spec := k.spec(t.TempDir())
		s, err := spec.Open(Config{Host: "mx.example", Trace: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := deliver(s, "From x\r\n", 3); err != nil {
			t.Fatal(err)
		}
		want := "From x\r\n"
		if k.name != kindJSONL {
			want = string(envelope.trace("mx.example")) + want
		}
		wantKept(t, k, spec, []string{want}, nil)
	}
}
