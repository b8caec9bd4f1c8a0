package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// What has to be on the disk is there before Commit returns, and in that order.
func TestOrderOfOperations(t *testing.T) { // C31
	toMaildir := []string{"open", "write", "sync", "link", "sync folder"}
	journal := []string{"truncate", "write", "sync"}
	tests := map[string]struct{ first, second []string }{
		kindMaildir: {toMaildir, toMaildir},
		// The folder comes first, while nothing is in the file.
		kindJSONL: {[]string{"open", "sync folder", "write", "sync"}, []string{"open", "write", "sync"}},
		kindMbox: {
			slices.Concat([]string{"open", "sync folder", "open", "sync folder"}, journal, []string{"write", "sync", "open", "truncate"}),
			slices.Concat([]string{"open", "open"}, journal, []string{"write", "sync", "open", "truncate"}),
		},
	}
	for _, k := range kinds {
		var got []string
		d := &disk{}
		s := open(t, k.spec(t.TempDir()), d)
		d.fault = func(operation string) error { got = append(got, operation); return nil }
		for i, want := range [][]string{tests[k.name].first, tests[k.name].second} {
			got = nil
			if err := deliver(s, "content\r\n", 100); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, message %d: %q\nwant %q", k.name, i, got, want)
			}
		}
	}
}

// heals opens a store on a file with some octets, stores one more message and returns
// what is in the file then.
func heals(t *testing.T, k kind, before string) (string, error) {
	t.Helper()
	spec := k.spec(t.TempDir())
	if err := os.WriteFile(spec.path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := spec.Open(Config{Host: "mx.example"})
	if err == nil {
		err = deliver(s, "x\r\n", 100)
	}
	after, readErr := os.ReadFile(spec.path)
	if readErr != nil {
		t.Fatal(readErr)
	}
	return string(after), err
}

func TestJSONLHealsItsLastLine(t *testing.T) {
	const line = `{"id":"4Dx1","received":"2026-11-21T11:19:20Z","from":"a@b.example","to":["c@d.example","e@f.example"],` +
		`"helo":"client.example","protocol":"ESMTP","peer":"192.0.2.1:4321","tls":"","auth":null,"size":3,` +
		`"sha256":"b35e09fa2ced9ebcad9d16336fb961146fe34bfbebc562679da85f8a314c9dca","content":"x\r\n"}` + "\n"
	for cut := range len(line) {
		if got, err := heals(t, kinds[2], "{}\n"+line[:cut]); err != nil || got != "{}\n"+line {
			t.Fatalf("cut at %d: %v, %q", cut, err, got)
		}
	}
	long := lineStart + strings.Repeat("x", 100_000)
	for _, before := range []string{line, ""} {
		if got, err := heals(t, kinds[2], before+long); err != nil || got != before+line {
			t.Errorf("%v, %q", err, got)
		}
	}
	for _, before := range []string{"text", "{}\n{\"x\":1}", "{}\n{\"ix"} {
		if got, err := heals(t, kinds[2], before); !errors.Is(err, ErrForeign) || got != before {
			t.Errorf("%q: %v, %q", before, err, got)
		}
	}
}

func TestMboxBehindOthers(t *testing.T) {
	const line = "From a@b.example Sat Nov 21 11:19:20 2026\nx\r\n\n"
	tests := []struct{ before, want string }{
		{"", line},
		{"From x\n\nbody\n\n", "From x\n\nbody\n\n" + line},
		{"From x\n\nbody\n", "From x\n\nbody\n\n" + line},
		{"From x\n\nbody", "From x\n\nbody\n\n" + line},
	}
	for _, test := range tests {
		if got, err := heals(t, kinds[1], test.before); err != nil || got != test.want {
			t.Errorf("%q: %v\n%q\nwant %q", test.before, err, got, test.want)
		}
	}
	for _, before := range []string{"text", "from x\n", "\nFrom x\n"} {
		if got, err := heals(t, kinds[1], before); !errors.Is(err, ErrForeign) || got != before {
			t.Errorf("%q: %v, %q", before, err, got)
		}
	}
}

// A journal that is left over from an append that went well, or from one that never
// began, or behind which somebody else wrote, takes nothing away.
func TestJournalTakesNothingElse(t *testing.T) {
	const mail = "From x\n\nbody\n\n"
	tests := []struct{ journal, want string }{
		{"0\n14 " + strings.Repeat("00", 32) + "\nend\n", ""},
		{"0\n13 " + strings.Repeat("00", 32) + "\nend\n", mail},
		{"0\n14 c621692ce5fb9c28c5df4977dfcac6ef9273ecd9dc5550fc86481a865fa59ac2\nend\n", mail},
		{"14\n5 " + strings.Repeat("00", 32) + "\nend\n", mail},
		{"0\n14 " + strings.Repeat("00", 32) + "\nen", mail},
		{"0\n14 " + strings.Repeat("00", 31) + "\nend\n", mail},
		{"-1\n14 " + strings.Repeat("00", 32) + "\nend\n", mail},
		{"x\nend\n", mail},
		{"end\n", mail},
	}
	for _, test := range tests {
		spec := kinds[1].spec(t.TempDir())
		name := filepath.Join(filepath.Dir(spec.path), ".mbox.journal")
		for name, text := range map[string]string{spec.path: mail, name: test.journal} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		open(t, spec, &disk{})
		got, _ := os.ReadFile(spec.path)
		left, _ := os.ReadFile(name)
		if string(got) != test.want || len(left) > 0 {
			t.Errorf("%q: %q, %q", test.journal, got, left)
		}
	}
}

// A file that is renamed is not written to any more.
func TestFileMayBeRenamed(t *testing.T) {
	for _, k := range kinds[1:] {
		spec := k.spec(t.TempDir())
		s := open(t, spec, &disk{})
		for _, content := range []string{"one\r\n", "two\r\n"} {
			if err := deliver(s, content, 100); err != nil {
				t.Fatal(err)
			}
			wantKept(t, k, spec, []string{content}, nil)
			if err := os.Rename(spec.path, spec.path+".old"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestLinkIsFollowed(t *testing.T) {
	for _, k := range kinds[1:] {
		dir := t.TempDir()
		spec := k.spec(dir)
		target := filepath.Join(dir, "target")
		if err := os.WriteFile(target, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, spec.path); err != nil {
			t.Fatal(err)
		}
		if err := deliver(open(t, spec, &disk{}), "one\r\n", 100); err != nil {
			t.Fatal(err)
		}
		wantKept(t, k, Spec{k.name, target}, []string{"one\r\n"}, nil)
	}
}

func TestLockIsWaitedFor(t *testing.T) {
	for _, k := range kinds[1:] {
		synctest.Test(t, func(t *testing.T) {
			spec := k.spec(t.TempDir())
			s := open(t, spec, &disk{})
			f, err := os.Open(spec.path)
			if err != nil {
				t.Fatal(err)
			}
			if locked, err := tryLock(f); !locked || err != nil {
				t.Fatal(locked, err)
			}
			start := time.Now()
			if err := deliver(s, "too early\r\n", 100); !errors.Is(err, ErrLocked) {
				t.Errorf("%v", err)
			}
			if waited := time.Since(start); waited != lockTime {
				t.Errorf("waited %v", waited)
			}
			time.AfterFunc(lockTime/2, func() { f.Close() })
			if err := deliver(s, "in time\r\n", 100); err != nil {
				t.Error(err)
			}
			wantKept(t, k, spec, []string{"in time\r\n"}, nil)
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ spec, want string }{
		{"jsonl:" + dir, "store jsonl: open " + dir + ": file holds something else"},
		{"mbox:" + dir, "store mbox: open " + dir + ": file holds something else"},
		{"mbox:" + name, "store mbox: open " + name + ": file holds something else"},
		{"jsonl:" + dir + "/no/file", "store jsonl: open " + dir + "/no/file: no such file or directory"},
		{"maildir:" + name, "store maildir: mkdir " + name + "/tmp: not a directory"},
	}
	for _, test := range tests {
		spec, err := ParseSpec(test.spec)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := spec.Open(Config{}); err == nil || err.Error() != test.want || s != nil {
			t.Errorf("%s: %v, %v\nwant %s", test.spec, s, err, test.want)
		}
	}
}

func TestMboxQuoter(t *testing.T) {
	const in, want = "From a\n>From b\r\n>>>From c\n From\n>Fro\nFrom:\n>\n\r\nFFrom \nFrom From \n>Fro", ">From a\n>>From b\r\n>>>>From c\n From\n>Fro\nFrom:\n>\n\r\nFFrom \n>From From \n>Fro"
	for i := range len(in) + 1 {
		for j := i; j <= len(in); j++ {
			var q mboxQuoter
			got := q.append(nil, []byte(in[:i]))
			got = q.append(got, []byte(in[i:j]))
			got = q.append(got, []byte(in[j:]))
			if got = append(got, q.rest()...); string(got) != want {
				t.Fatalf("cut at %d and %d: %q", i, j, got)
			}
		}
	}
}

func TestUTF8Check(t *testing.T) {
	for _, in := range []string{
		"", "a", "aé€\U0001f600z", "\u00e9", "€", "\U0001f600", "\xe9", "a\xe2\x82", "\xe2\x82a", "\xf0\x9f\x98", "\xc0\x80",
		"\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "é\xff", "\xf0\x9fé",
	} {
		for i := range len(in) + 1 {
			for j := i; j <= len(in); j++ {
				var u utf8Check
				for _, piece := range []string{in[:i], in[i:j], in[j:]} {
					u.write([]byte(piece))
				}
				if got := u.valid(); got != utf8.ValidString(in) {
					t.Fatalf("%q cut at %d and %d: %v", in, i, j, got)
				}
			}
		}
	}
}

func TestJSONEscaper(t *testing.T) {
	var in []byte
	for c := range 0x80 {
		in = append(in, byte(c))
	}
	in = append(in, "é\u2028\U0001f600"...)
	for i := range len(in) + 1 {
		var b bytes.Buffer
		for _, piece := range [][]byte{in[:i], in[i:]} {
			if n, err := (jsonEscaper{&b}).Write(piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		var got string
		if err := json.Unmarshal([]byte(`"`+b.String()+`"`), &got); err != nil || got != string(in) {
			t.Fatalf("cut at %d: %v, %q", i, err, got)
		}
	}
}
