package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// kind is a store that keeps content so that it can be had back.
type kind struct {
	name string
	path string                              // in a folder of the test's
	read func(path string) ([][]byte, error) // all contents, by their time if the store knows it
}

var kinds = []kind{
	{kindMaildir, "deep/down/Maildir", readMaildir},
	{kindMbox, "mbox", readMbox},
	{kindJSONL, "mail.jsonl", readJSONL},
}

func (k kind) spec(dir string) Spec { return Spec{k.name, filepath.Join(dir, k.path)} }

func readMaildir(path string) (contents [][]byte, err error) {
	names, err := filepath.Glob(filepath.Join(path, "new", "*"))
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, err
}

var quoted = regexp.MustCompile(`(?m)^>(>*From )`)

// readMbox reads an mboxrd with the ends that are this store's own.
func readMbox(path string) (contents [][]byte, err error) {
	rest, err := os.ReadFile(path)
	for len(rest) > 0 {
		line := bytes.IndexByte(rest, '\n') + 1
		if !bytes.HasPrefix(rest, []byte("From ")) || line == 0 {
			return nil, fmt.Errorf("no message begins with %q", rest[:min(len(rest), 80)])
		}
		rest = rest[line:]
		end := len(rest)
		if bytes.HasPrefix(rest, []byte("From ")) {
			end = 0
		} else if i := bytes.Index(rest, []byte("\nFrom ")); i >= 0 {
			end = i + 1
		}
		content, ok := bytes.CutSuffix(rest[:end], []byte("\n"))
		if !ok {
			return nil, fmt.Errorf("%q does not end", rest[:end])
		}
		rest = rest[end:]
		if len(content) > 0 && !bytes.HasSuffix(content, []byte("\r\n")) {
			content = bytes.TrimSuffix(content, []byte("\n"))
			if bytes.HasSuffix(content, []byte("\r\n")) {
				content = bytes.TrimSuffix(content, []byte("\n"))
			}
		}
		contents = append(contents, quoted.ReplaceAll(content, []byte("$1")))
	}
	return contents, err
}

func readJSONL(path string) (contents [][]byte, err error) {
	text, err := os.ReadFile(path)
	for line := range bytes.Lines(text) {
		var m struct {
			Content *string `json:"content"`
			Base64  []byte  `json:"content_base64"`
			Size    int     `json:"size"`
			SHA256  string  `json:"sha256"`
		}
		if err := json.Unmarshal(line, &m); err != nil || line[len(line)-1] != '\n' {
			return nil, fmt.Errorf("%w: %q", err, line)
		}
		content := m.Base64
		if m.Content != nil {
			content = []byte(*m.Content)
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != m.SHA256 || len(content) != m.Size {
			return nil, fmt.Errorf("sum or size is not that of %q", content)
		}
		contents = append(contents, content)
	}
	return contents, err
}

// path parses a path.
func path(s string) wire.Path {
	p, err := wire.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

var envelope = Envelope{
	ID: "4Dx1", Time: time.Date(2026, 11, 21, 11, 19, 20, 0, time.UTC),
	From: path("a@b.example"), To: []wire.Path{path("c@d.example"), path("e@f.example")},
	Hello: "client.example", Protocol: "ESMTP", Peer: "192.0.2.1:4321",
	Received: "Received: from client.example ([192.0.2.1])\r\n\tby mx.example with ESMTP;\r\n\tSat, 21 Nov 2026 11:19:20 +0000\r\n",
}

// contents are such as a store could get wrong.
var contents = []string{
	"",
	"Subject: one\r\n\r\nbody\r\n",
	"From here on\r\n>From there\r\n>>From everywhere\r\n> From\r\n>Fro",
	"\r\nFrom \nFrom a\n>From ",
	"no end", "no end\n", "no end\r", "no end\r\n", "no end\n\n", "no end\r\n\n", "no end\r\n\n\n", "\n", "\r", "\r\n", "\n\n", "F", "From ", ">",
	"NUL \x00, \x01\x1f\x7f \"quotes\" and \\ slashes\t\r\n",
	"UTF-8: \u00e9\u20ac\U0001f600\u2028\r\n",
	"Latin-1: \xe9\r\n", "cut off: \xe2\x82", "overlong: \xc0\x80", "surrogate: \xed\xa0\x80",
	strings.Repeat("From a line of a large message\r\n", 5000),
	strings.Repeat("\xff", 70_000) + "\r\n",
}

func open(t *testing.T, spec Spec, d *disk) Store {
	t.Helper()
	s, err := spec.open(Config{Host: "mx.example"}, d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// deliver stores a message in pieces of up to n octets.
func deliver(s Store, content string, n int) error {
	m, err := s.Begin(envelope)
	if err != nil {
		return err
	}
	for piece := range slices.Chunk([]byte(content), n) {
		if _, err := m.Write(piece); err != nil {
			m.Abort()
			return err
		}
		clear(piece)
	}
	return m.Commit()
}

// wantKept compares all that is in a store, in any order, with what is to be there, and
// what may be.
func wantKept(t *testing.T, k kind, spec Spec, want, may []string) {
	t.Helper()
	got, err := k.read(spec.path)
	if err != nil {
		t.Fatal(err)
	}
	want, may = slices.Clone(want), slices.Clone(may)
	for _, content := range got {
		if i := slices.Index(want, string(content)); i >= 0 {
			want = slices.Delete(want, i, i+1)
		} else if i := slices.Index(may, string(content)); i >= 0 {
			may = slices.Delete(may, i, i+1)
		} else {
			t.Errorf("%d octets that nobody stored, or not so often: %.200q", len(content), content)
		}
	}
	for _, content := range want {
		t.Errorf("lost: %d octets: %.200q", len(content), content)
	}
}
