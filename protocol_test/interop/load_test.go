//go:build interop

package interop

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A thousand messages over twenty connections at a time, by Postfix's smtp-source:
// each is stored once, octet for octet, whether it has a connection of its own or not.
// It says HELO, and does without TLS and login.
func TestLoad(t *testing.T) {
	const count, size = 1000, 10_000
	for name, flags := range map[string][]string{
		"a connection for each": nil,
		"connections kept":      {"-d"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, inClear, "0", count)
			inside(t, nil, "/usr/sbin/smtp-source", append(flags,
				"-s", "20", "-m", strconv.Itoa(count), "-l", strconv.Itoa(size), "-M", "client.test",
				"-f", "sender@client.test", "-t", "ok@plain.test", "-S", "load", "inet:127.0.0.1:"+server.port)...)
			contents, _ := server.wait(t)
			times := map[string]int{} // by Message-Id
			for _, content := range contents {
				head, body, _ := bytes.Cut(content, []byte("\r\n\r\n"))
				if m := sourceHead.FindSubmatch(head); m == nil {
					t.Errorf("head %q, want %v", head, sourceHead)
				} else {
					times[string(m[1])]++
				}
				if want := sourceBody(size); !bytes.Equal(body, want) {
					t.Error(difference(body, want))
				}
			}
			for id, n := range times {
				if n != 1 {
					t.Errorf("message %s is stored %d times", id, n)
				}
			}
			if len(times) != count {
				t.Errorf("%d messages are stored, want %d", len(times), count)
			}
		})
	}
}

// sourceHead is the header of smtp-source. The Message-Id is made of its process, the
// connection's descriptor, and how many messages are yet to begin, which is less than
// nothing for the last ones: no two messages of a run have the same.
var sourceHead = regexp.MustCompile(`^From: <sender@client\.test>\r
To: <ok@plain\.test>\r
Date: ` + date + ` \(UTC\)\r
Message-Id: <([0-9a-f]{4,}\.[0-9a-f]{4}\.[0-9a-f]{4,})@client\.test>\r
Subject: load$`)

// sourceBody is the body that smtp-source makes: lines of 80 octets, each with the last
// digit of its number in front; the last line has none, and an end of its own.
func sourceBody(size int) []byte {
	const line = 80
	var b strings.Builder
	lines := (size - 1) / line
	for i := range lines {
		b.WriteString(strconv.Itoa((i + 1) % 10))
		b.WriteString(strings.Repeat("X", line-len("1\r\n")) + "\r\n")
	}
	b.WriteString(strings.Repeat("X", size-lines*line) + "\r\n")
	return []byte(b.String())
}
