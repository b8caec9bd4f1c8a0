//go:build interop

package interop

import (
	"regexp"
	"strings"
	"testing"
)

// date is that of a Received field.
const date = `[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000`

// relays take a message from us, and deliver it to us.
func relays() []client {
	return []client{
		{
			name: "Postfix relay", send: relayBy("POSTFIX_RELAY"), later: relaysTo(),
			adds: func(to []string) string {
				s := `Received: from client\.test \(localhost \[127\.0\.0\.1\]\)\r
	by postfix-relay\.test \(Postfix\) with ESMTP id [0-9A-F]+`
				if len(to) == 1 {
					s += "\r\n\tfor <" + regexp.QuoteMeta(to[0]) + ">; "
				} else {
					s += ";\r\n\t"
				}
				return s + date + ` \(UTC\)` + "\r\n"
			},
			hello: "EHLO postfix-relay.test",
			login: []string{"AUTH SCRAM-SHA-256 ***", "***", "***"},
			transaction: []string{
				"MAIL FROM:<sender@client.test> SIZE=N BODY=8BITMIME", "RCPT TO:<EACH>", "DATA", "(N octets of content)",
			},
		},
		{
			name: "Exim relay", send: relayBy("EXIM_RELAY"), later: relaysTo(),
			adds: func(to []string) string {
				s := `Received: from \[127\.0\.0\.1\] \(helo=client\.test\)\r
	by exim-relay\.test with esmtp \(Exim 4\.96\)\r
	\(envelope-from <sender@client\.test>\)\r
	id [0-9A-Za-z-]+`
				if len(to) == 1 {
					s += "\r\n\tfor " + regexp.QuoteMeta(to[0])
				}
				return s + ";\r\n\t" + date + "\r\n"
			},
			hello: "EHLO exim-relay.test",
			login: []string{"AUTH PLAIN ***"},
			// The header is a chunk of its own.
			transaction: []string{
				"MAIL FROM:<sender@client.test> SIZE=N", "RCPT TO:<EACH>", "BDAT N", "BDAT N LAST", "(N octets of content)",
			},
			// This all, with the content and QUIT, is one write.
			small: []string{
				"MAIL FROM:<sender@client.test> SIZE=N", "RCPT TO:<EACH>", "BDAT N LAST", "(N octets of content)",
			},
		},
	}
}

// relaysTo are the ports where relays expect us.
func relaysTo() map[tlsMode]string {
	port := func(key string) string {
		_, p, _ := strings.Cut(rig.env[key], ":")
		return p
	}
	return map[tlsMode]string{
		inClear: port("RELAYS_TO"), starttls: port("RELAYS_TO"), implicit: port("RELAYS_TO_TLS"),
	}
}

// relayBy hands a message to a relay.
func relayBy(key string) func(*testing.T, message, tlsMode, string, []string) {
	return func(t *testing.T, m message, _ tlsMode, _ string, to []string) {
		t.Helper()
		args := []string{"--server", "smtp://" + address(key), "--tls", "off"}
		for _, address := range to {
			args = append(args, "--to", address)
		}
		if got := send(t, nil, append(args, m.file(t))...); got.Outcome != "accepted" {
			t.Fatal(indent(got.report))
		}
	}
}
