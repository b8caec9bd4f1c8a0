//go:build interop

package interop

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
)

// date is that of a Received field.
const date = `[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000`

// relays take a message from us, and deliver it to us.
func relays() []client {
	return []client{
		{
			name: "Postfix relay", send: relayBy("POSTFIX_RELAY"), relay: "POSTFIX_RELAY", pipelines: true,
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
			name: "Exim relay", send: relayBy("EXIM_RELAY"), relay: "EXIM_RELAY", pipelines: true,
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

// relaysTo is the port where relays expect us.
func relaysTo(mode tlsMode) string {
	key := "RELAYS_TO"
	if mode == implicit {
		key = "RELAYS_TO_TLS"
	}
	_, port, _ := strings.Cut(rig.env[key], ":")
	return port
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

// Fifty messages of 3 to 52 KiB that a relay gets without a pause, and delivers over
// connections side by side, with STARTTLS and login: each is stored once, octet for
// octet.
func TestRelayQueue(t *testing.T) {
	for _, relay := range relays() {
		t.Run(relay.name, func(t *testing.T) {
			const count = 50
			server := serve(t, starttls, relaysTo(starttls), count)
			client, err := netasync.Dial(t.Context(), "smtp://"+address(relay.relay), netasync.Config{
				Hello: "client.test", TLS: netasync.TLSOff,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			to := []string{"first@starttls.test"}
			var tasks []task
			for i := range count {
				tasks = append(tasks, task{newMessage((3 + i) << 10), "sender@client.test", to})
			}
			for i, o := range queued(t.Context(), client, tasks) {
				if o.err != nil {
					t.Errorf("message %d: %v", i, o.err)
				}
			}
			if err := client.Quit(t.Context()); err != nil {
				t.Error(err)
			}
			contents, _ := server.wait(t)
			times := map[string]int{}
			for _, content := range contents {
				times[string(relay.original(t, content, to))]++
			}
			for i, task := range tasks {
				if n := times[string(task.content())]; n != 1 {
					t.Errorf("message %d is stored %d times", i, n)
				}
			}
			if len(contents) != count {
				t.Errorf("%d messages are stored, want %d", len(contents), count)
			}
		})
	}
}
