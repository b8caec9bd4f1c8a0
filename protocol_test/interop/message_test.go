//go:build interop

package interop

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// message is one that no other test sends.
type message struct {
	id     string
	octets []byte
}

var messages int

// ofAnotherRun reports whether a message is from tests in another process, which may
// use the same servers.
func ofAnotherRun(id string) bool {
	process, _, is := strings.Cut(id, ".")
	return is && process != strconv.Itoa(os.Getpid())
}

// newMessage makes a MIME message of that many octets, with LF, which has what
// transports stumble over. Its last line is a lone dot without a line end.
func newMessage(size int) message {
	messages++
	id := fmt.Sprintf("%d.%d", os.Getpid(), messages)
	head := `From: Sender <sender@client.test>
To: undisclosed-recipients:;
Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=
Date: Sat, 21 Nov 2026 08:00:00 +0000
Message-ID: <` + id + `@client.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="boundary"

`
	text := `
--boundary
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

.a dot in front
..two dots
...three
.
..

` + "blanks and a tab behind  \t" + `
From the beginning of a line
QUIT
Grüße, Καλημέρα, 世界, 👋🏽
` + strings.Repeat("x", 998) + `
.` + strings.Repeat("ü", 498) + `

--boundary
Content-Type: text/plain; charset=us-ascii

`
	const tail = "--boundary--\n."
	const line = 76 + 1
	rest := size - len(head) - len(text) - len(tail)
	if rest < 0 {
		panic("too small for a message")
	}
	random := rand.NewChaCha8([32]byte{byte(messages)})
	var b strings.Builder
	b.WriteString(head)
	b.WriteString(strings.Repeat("-", rest%line)) // what the whole lines of the last part leave over
	b.WriteString(text)
	raw := make([]byte, line/4*3)
	for i := range rest / line {
		random.Read(raw) // which never fails
		octets := []byte(base64.StdEncoding.EncodeToString(raw) + "\n")
		if i%16 == 0 {
			octets[0] = '.' // wherever the content may be cut into pieces
		}
		b.Write(octets)
	}
	b.WriteString(tail)
	return message{id: id, octets: []byte(b.String())}
}

// file writes the message to a file.
func (m message) file(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "message.eml")
	if err := os.WriteFile(name, m.octets, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// withCRLF is the same message from a system with other line ends.
func (m message) withCRLF() message {
	m.octets = bytes.ReplaceAll(m.octets, []byte("\n"), []byte("\r\n"))
	return m
}

// lines are the message's, without their ends. The wire has CRLF behind each, the
// last one too.
func (m message) lines() []string {
	return strings.Split(strings.ReplaceAll(string(m.octets), "\r\n", "\n"), "\n")
}

// content is what arrives of the message.
func (m message) content() []byte { return []byte(strings.Join(m.lines(), "\r\n") + "\r\n") }

// wire is how many octets the content takes on the way to the server: with DATA by
// RFC 5321 §4.5.2.
func (m message) wire(s *server) int {
	n := len(m.content())
	if s.chunked != nil {
		return n
	}
	for _, line := range m.lines() {
		if strings.HasPrefix(line, ".") {
			n++
		}
	}
	return n + len(".\r\n")
}

// delivered wants exactly these recipients to have the message, once each, and the
// very content.
func (m message) delivered(t *testing.T, s *server, to ...string) []stored {
	t.Helper()
	files := s.store.await(t, m.id, s.files(to))
	m.check(t, s, files, to)
	return files
}

// files is how many files a message to them comes to.
func (s *server) files(to []string) int {
	if s.fileEach || len(to) == 0 {
		return len(to)
	}
	return 1
}

// check holds what is stored against the message.
func (m message) check(t *testing.T, s *server, files []stored, to []string) {
	t.Helper()
	trace := s.trace
	if s.dovecot && len(to) == 1 {
		trace = slices.Insert(slices.Clone(trace), 1, "Delivered-To")
	}
	content := m.content()
	want := sha256.Sum256(content)
	var got []string
	for _, f := range files {
		got = append(got, f.to...)
		if sha256.Sum256(f.content) != want {
			t.Errorf("stored for %v: %s", f.to, difference(f.content, content))
		}
		if !slices.Equal(f.trace, trace) {
			t.Errorf("trace fields %q, want %q", f.trace, trace)
		}
	}
	slices.Sort(got)
	if want := slices.Sorted(slices.Values(to)); !slices.Equal(got, want) {
		t.Errorf("stored for %v, want %v", got, want)
	}
}

// difference shows where contents part.
func difference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	near := func(p []byte) []byte { return p[min(max(0, i-20), len(p)):min(i+60, len(p))] }
	return fmt.Sprintf("%d octets, want %d; different from octet %d on: %q, want %q", len(got), len(want), i, near(got), near(want))
}
