//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// store is a folder where a server puts what it accepted.
type store struct {
	pattern string // of the names of the files
	read    func(name string, raw []byte) (stored, error)
	seen    map[string]bool     // files that were there before, or that files has
	files   map[string][]stored // by the message they hold
	awaited map[string]int      // how many files each message was to come to
}

// stored is one file of a store.
type stored struct {
	from     string // without brackets
	to       []string
	envelope envelope // where the server keeps that
	trace    []string // the names of the fields that servers put in front
	content  []byte   // without them, with CRLF
}

// envelope is what aiosmtpd and smtp-server write beside the content.
type envelope struct {
	From           string   `json:"from"`
	To             []string `json:"to"`
	MailParameters any      `json:"mailParameters"`
	RcptParameters any      `json:"rcptParameters"`
	TLS            bool     `json:"tls"`
	Login          *string  `json:"login"`
}

// openStore returns the one store by that pattern.
func openStore(pattern string, read func(string, []byte) (stored, error)) *store {
	if s := rig.stores[pattern]; s != nil {
		return s
	}
	s := &store{pattern: pattern, read: read, seen: map[string]bool{}, files: map[string][]stored{}, awaited: map[string]int{}}
	rig.stores[pattern] = s
	return s
}

// look reads the files that are new.
func (s *store) look() error {
	names, err := filepath.Glob(s.pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		if s.seen[name] {
			continue
		}
		s.seen[name] = true
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := s.read(name, raw)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		id := idOf(file.content)
		s.files[id] = append(s.files[id], file)
	}
	return nil
}

// forget is done with all that is there already.
func (s *store) forget() error {
	names, err := filepath.Glob(s.pattern)
	for _, name := range names {
		s.seen[name] = true
	}
	return err
}

// The patience with a store: a minute in all.
const (
	looks       = 3000
	betweenLook = 20 * time.Millisecond
)

// await returns the files of a message once there are as many as there should be.
func (s *store) await(t *testing.T, id string, count int) []stored {
	t.Helper()
	s.awaitAll(t, map[string]int{id: count})
	return s.files[id]
}

// awaitAll returns once there are as many files of each message as there should be. A
// test that has failed already gets no patience.
//
// It looks and looks again: Postfix, Exim and OpenSMTPD deliver after their 250, and
// none of them tells anybody when.
func (s *store) awaitAll(t *testing.T, counts map[string]int) {
	t.Helper()
	for id, count := range counts {
		s.awaited[id] += count
	}
	missing := maps.Clone(counts)
	for i := 0; i == 0 || i < looks && !t.Failed(); i++ {
		if i > 0 {
			time.Sleep(betweenLook)
		}
		if err := s.look(); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(missing, func(id string, count int) bool { return len(s.files[id]) >= count })
		if len(missing) == 0 {
			break
		}
	}
	for id, count := range counts {
		if n := len(s.files[id]); n != count {
			t.Fatalf("message %s: %d files in %s, want %d", id, n, s.pattern, count)
		}
	}
}

// tally holds the whole store against what was awaited of it. What was refused or
// never sent must not have come, and nothing twice.
func (s *store) tally() error {
	if err := s.look(); err != nil {
		return err
	}
	for id, files := range s.files {
		if ofAnotherRun(id) {
			continue
		}
		if len(files) != s.awaited[id] {
			return fmt.Errorf("message %q: %d files in %s in the end, want %d", id, len(files), s.pattern, s.awaited[id])
		}
	}
	return nil
}

var messageID = regexp.MustCompile(`(?m)^Message-ID: <(.*)@client\.test>\r$`)

// idOf returns "" for what no test sent.
func idOf(content []byte) string {
	if id := messageID.FindSubmatch(content); id != nil {
		return string(id[1])
	}
	return ""
}

// readDovecot knows the recipient by the folder.
func readDovecot(name string, raw []byte) (stored, error) {
	s, values := splitTrace(raw)
	s.from = bare(values["Return-Path"])
	user := filepath.Base(filepath.Dir(filepath.Dir(name)))
	s.to = []string{user + "@example.test"}
	return s, nil
}

func readExim(_ string, raw []byte) (stored, error) {
	s, values := splitTrace(raw)
	s.from = bare(values["Return-path"])
	for to := range strings.SplitSeq(values["Envelope-to"], ",") {
		s.to = append(s.to, strings.TrimSpace(to))
	}
	return s, nil
}

func readOpenSMTPD(_ string, raw []byte) (stored, error) {
	s, values := splitTrace(raw)
	s.from = bare(values["Return-Path"])
	s.to = []string{values["Delivered-To"]}
	return s, nil
}

// readEML reads content as it came, with the envelope beside it.
func readEML(name string, raw []byte) (stored, error) {
	s := stored{content: raw}
	beside, err := os.ReadFile(strings.TrimSuffix(name, ".eml") + ".json")
	if err == nil {
		err = json.Unmarshal(beside, &s.envelope)
	}
	s.from, s.to = bare(s.envelope.From), s.envelope.To
	return s, err
}

// bare takes the brackets off a path.
func bare(path string) string { return strings.TrimSuffix(strings.TrimPrefix(path, "<"), ">") }

var traceFields = []string{"Return-Path", "Return-path", "Received", "Envelope-to", "Delivered-To"}

// splitTrace takes the trace fields off the front, and gives the rest CRLF: Maildirs
// have LF.
func splitTrace(raw []byte) (s stored, values map[string]string) {
	values = map[string]string{}
	for {
		end := 0
		for { // to the end of the field, which goes on where a line begins with a blank
			end += bytes.IndexByte(raw[end:], '\n') + 1
			if end == len(raw) || raw[end] != ' ' && raw[end] != '\t' {
				break
			}
		}
		name, value, _ := strings.Cut(string(raw[:end]), ":")
		if !slices.Contains(traceFields, name) {
			s.content = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
			return s, values
		}
		s.trace = append(s.trace, name)
		values[name] = strings.TrimSpace(value)
		raw = raw[end:]
	}
}
