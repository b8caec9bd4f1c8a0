package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// surveyed is what a Survey shows, in the order of its methods.
type surveyed struct {
	octets, size               int64
	bare, eightBit, utf8, ends bool
	plain                      bool
}

func shown(s Survey) surveyed {
	return surveyed{s.Octets(), s.Size(), s.Bare(), s.EightBit(), s.HeaderUTF8(), s.HeaderEnded(), s.Plain()}
}

// surveyReference looks through content octet by octet, all of it at once.
func surveyReference(content string) surveyed {
	r := surveyed{octets: int64(len(content)), eightBit: strings.IndexFunc(content, func(r rune) bool { return r >= 0x80 }) >= 0}
	fixed := strings.ReplaceAll(content, "\r\n", "\x00")
	r.bare = strings.ContainsAny(fixed, "\r\n")
	r.plain = !r.bare && !strings.Contains("\x00"+fixed, "\x00.")
	fixed = strings.NewReplacer("\r", "\x00", "\n", "\x00").Replace(fixed)
	if fixed != "" && !strings.HasSuffix(fixed, "\x00") {
		r.size = 2
	}
	r.size += int64(len(fixed) + strings.Count(fixed, "\x00"))
	header, _, ended := strings.Cut("\x00"+fixed, "\x00\x00")
	r.ends = ended
	r.utf8 = utf8.ValidString(header) && strings.IndexFunc(header, func(r rune) bool { return r >= 0x80 }) >= 0
	return r
}

// Every content of up to seven octets of these, whole, in two pieces cut anywhere and
// octet by octet: line ends of all kinds, dots, UTF-8 and what only looks like it.
func TestSurvey(t *testing.T) { // C58, C62, C73
	const alphabet = "\r\n.\xc3\xa9\xf0"
	var content [7]byte
	var try func(n int)
	cases := 0
	try = func(n int) {
		p := content[:n]
		// The end of the header in a CRLF that is cut in two is seen at its CR.
		want := surveyReference(string(p))
		check := func(how string, s Survey) {
			if got := shown(s); got != want {
				t.Fatalf("%q, %s: %+v, want %+v", p, how, got, want)
			}
		}
		check("whole", SurveyOf(p))
		var bytewise Survey
		for i := range p {
			s := SurveyOf(p[:i])
			s.Write(p[i:])
			check(fmt.Sprint("cut at ", i), s)
			bytewise.Write(p[i : i+1])
		}
		check("octet by octet", bytewise)
		cases++
		if n == len(content) {
			return
		}
		for i := range len(alphabet) {
			content[n] = alphabet[i]
			try(n + 1)
		}
	}
	try(0)
	if cases != (6*6*6*6*6*6*6*6-1)/5 {
		t.Errorf("%d cases", cases)
	}
}

// Content that is longer than a word or a block, with what matters anywhere in it.
func TestSurveyOfLongContent(t *testing.T) { // C58, C62, C73
	line := strings.Repeat("x", 100)
	for _, test := range []struct {
		name, content string
		want          surveyed
	}{
		{"CRLF", strings.Repeat(line+"\r\n", 100) + "\r\n" + line, surveyed{10302, 10304, false, false, false, true, true}},
		{"LF", strings.Repeat(line+"\n", 100) + "\n" + line + "\n", surveyed{10202, 10304, true, false, false, true, false}},
		{"8-bit behind the header", line + "\r\n\r\n" + line + "ö" + line, surveyed{306, 308, false, true, false, true, true}},
		{"UTF-8 in the header", line + "\r\n" + line + "世界\r\n\r\nü\r\n", surveyed{216, 216, false, true, true, true, true}},
		{"Latin-1 in the header", line + "\r\n" + line + "\xfc\r\n\r\nü\r\n", surveyed{211, 211, false, true, false, true, true}},
		{"both", "ü: \xfc\r\n\r\n", surveyed{9, 9, false, true, false, true, true}},
		{"a dot far behind", strings.Repeat(line+"\r\n", 100) + ".\r\n", surveyed{10203, 10203, false, false, false, false, false}},
		{"no header", "\r\nü\r\n", surveyed{6, 6, false, true, false, true, true}},
	} {
		if got := shown(SurveyOf([]byte(test.content))); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
		if want := surveyReference(test.content); want != test.want {
			t.Errorf("%s: the reference says %+v", test.name, want)
		}
	}
}

// BenchmarkSurvey is the cost of looking through content that is sent then.
func BenchmarkSurvey(b *testing.B) {
	for name, line := range map[string]string{"crlf": strings.Repeat("x", 76) + "\r\n", "lf": strings.Repeat("x", 76) + "\n", "short": "x\r\n"} {
		content := bytes.Repeat([]byte(line), (1<<20)/len(line))
		content = append([]byte("Subject: hi\r\n\r\n"), content...)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				SurveyOf(content)
			}
		})
	}
}
