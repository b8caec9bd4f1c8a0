package wire_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestReplyAppendTo(t *testing.T) {
	x := strings.Repeat("x", 600)
	words := strings.Repeat("abcdefg ", 70) // 560 octets
	for _, tt := range []struct {
		reply wire.Reply
		want  string
	}{
		{plainReply(250, ""), "250 \r\n"},                                                                         // C28
		{plainReply(250, "ok"), "250 ok\r\n"},                                                                     // C28
		{plainReply(250, "mx\nSIZE\n\nDSN"), "250-mx\r\n250-SIZE\r\n250-\r\n250 DSN\r\n"},                         // C29
		{plainReply(250, "a\n"), "250-a\r\n250 \r\n"},                                                             // C29
		{enhancedReply(250, 2, 1, 5, "ok"), "250 2.1.5 ok\r\n"},                                                   // C100
		{enhancedReply(550, 5, 7, 1, "a\nb\n"), "550-5.7.1 a\r\n550-5.7.1 b\r\n550 5.7.1 \r\n"},                   // C100
		{enhancedReply(421, 4, 999, 999, ""), "421 4.999.999 \r\n"},                                               // C100
		{enhancedReply(550, 4, 7, 1, "class"), "550 class\r\n"},                                                   // C100
		{enhancedReply(354, 3, 0, 0, "go"), "354 go\r\n"},                                                         // C100
		{enhancedReply(550, 5, 1000, 1, "range"), "550 range\r\n"},                                                // C101
		{plainReply(250, "a\r\n550 b"), "250-a\r\n250 550 b\r\n"},                                                 // H-I8
		{plainReply(250, "a\n550 b"), "250-a\r\n250 550 b\r\n"},                                                   // H-I8
		{plainReply(250, "a\r550 b"), "250-a\r\n250 550 b\r\n"},                                                   // H-I8
		{plainReply(250, "a\r\n\r\r\nb\r"), "250-a\r\n250-\r\n250-\r\n250-b\r\n250 \r\n"},                         // H-I8
		{plainReply(250, "\x00a\tb\x1b[2J\x7f\x08"), "250 ?a\tb?[2J??\r\n"},                                       // H-I8
		{plainReply(550, "gr\u00fc\u00dfe \xff"), "550 gr\u00fc\u00dfe \xff\r\n"},                                 // C75
		{plainReply(250, x[:506]), "250 " + x[:506] + "\r\n"},                                                     // C40
		{plainReply(250, x[:507]), "250-" + x[:506] + "\r\n250 x\r\n"},                                            // C40
		{enhancedReply(250, 2, 1, 0, x[:501]), "250-2.1.0 " + x[:500] + "\r\n250 2.1.0 x\r\n"},                    // C40
		{plainReply(250, "a "+x[:506]), "250-a\r\n250 " + x[:506] + "\r\n"},                                       // C40
		{plainReply(250, " "+x[:506]), "250- " + x[:505] + "\r\n250 x\r\n"},                                       // C40: no empty line
		{plainReply(250, x[:506]+" y"), "250-" + x[:506] + "\r\n250 y\r\n"},                                       // C40
		{plainReply(250, words), "250-" + words[:503] + "\r\n250 " + words[504:] + "\r\n"},                        // C40
		{plainReply(250, x+"\nb"), "250-" + x[:506] + "\r\n250-" + x[:94] + "\r\n250 b\r\n"},                      // C40
		{plainReply(250, x[:505]+"\u00fc"), "250-" + x[:505] + "\r\n250 \u00fc\r\n"},                              // C40, C75
		{plainReply(250, x[:503]+"\U0001f4e7"), "250-" + x[:503] + "\r\n250 \U0001f4e7\r\n"},                      // C40, C75
		{plainReply(250, x[:502]+"\U0001f4e7"), "250 " + x[:502] + "\U0001f4e7\r\n"},                              // C40, C75
		{plainReply(250, strings.Repeat("\x80", 507)), "250-" + strings.Repeat("\x80", 506) + "\r\n250 \x80\r\n"}, // C40, C75
		{wire.Reply{}, "451 \r\n"},                                                                                // C28
		{plainReply(199, "a\nb"), "451-a\r\n451 b\r\n"},                                                           // C28
		{enhancedReply(65535, 2, 0, 0, "a"), "451 a\r\n"},                                                         // C28
	} {
		got := tt.reply.AppendTo([]byte("421 before\r\n"))
		if want := "421 before\r\n" + tt.want; string(got) != want {
			t.Errorf("%q:\n got %q\nwant %q", tt.reply.Text, got, want)
		}
	}
}

func TestReplyLines(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"a", []string{"a"}},
		{"a\n", []string{"a", ""}},
		{"a\n\nb", []string{"a", "", "b"}},
	} {
		if got := slices.Collect(plainReply(250, tt.text).Lines()); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q", tt.text, got)
		}
	}
}

func TestReplyString(t *testing.T) {
	for _, tt := range []struct {
		reply wire.Reply
		want  string
	}{
		{plainReply(250, ""), "250"},
		{plainReply(250, "Ok"), "250 Ok"},
		{enhancedReply(550, 5, 1, 1, ""), "550 5.1.1"},
		{enhancedReply(550, 5, 1, 1, "no such user\nsee https://example.com"), "550 5.1.1 no such user / see https://example.com"},
		{wire.Reply{}, "000"},
		{plainReply(250, `"a\b"`), `250 "a\b"`},
		{plainReply(250, "gr\u00fc\u00dfe \U0001f4e7 \ufffd"), "250 gr\u00fc\u00dfe \U0001f4e7 \ufffd"}, // C75
		{plainReply(250, "\x1b[2J\x07\x00\x7f\t\r"), `250 \x1b[2J\a\x00\x7f\t\r`},
		{plainReply(250, "\u009b2J"), `250 \u009b2J`},                             // CSI of eight bits
		{plainReply(250, "a\u202eb\u2028c\u00a0d"), `250 a\u202eb\u2028c\u00a0d`}, // direction, line separator
		{plainReply(250, "\xff \xe2\x82 \x9b"), `250 \xff \xe2\x82 \x9b`},         // C75
	} {
		if got := tt.reply.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// Whatever an application puts into a reply, one reply goes out: no second one,
// none that is not ended, no line too long, no control octet.
func TestReplyWrittenIsOneReply(t *testing.T) { // H-I8, C28, C30, C40
	text := rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.StringOfN(rapid.SampledFrom([]rune("ab \r\n\t\x00\u00fc\U0001f4e7")), 0, 1500, -1),
	)
	rapid.Check(t, func(t *rapid.T) {
		r := wire.Reply{
			Code: wire.Code(rapid.Uint16().Draw(t, "code") % 700),
			Enhanced: wire.EnhancedCode{
				Class:   rapid.Uint16Range(0, 6).Draw(t, "class"),
				Subject: rapid.Uint16Range(0, 1010).Draw(t, "subject"),
				Detail:  rapid.Uint16Range(0, 1010).Draw(t, "detail"),
			},
			Text: text.Draw(t, "text"),
		}
		raw := r.AppendTo(nil)
		for line := range bytes.SplitAfterSeq(raw, []byte("\r\n")) {
			if len(line) > 512 || bytes.IndexFunc(bytes.TrimSuffix(line, []byte("\r\n")), func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) >= 0 {
				t.Fatalf("line %q", line)
			}
			if utf8.ValidString(r.Text) && !utf8.Valid(line) {
				t.Fatalf("line %q cuts a character", line)
			}
		}
		written := len(r.Enhanced.AppendTo(nil)) > 0 && r.Enhanced.Valid() && r.Code.Valid() && int(r.Enhanced.Class) == r.Code.Class()
		p := wire.ReplyParser{StrictCRLF: true, Enhanced: written, MaxLine: 512, MaxLines: 1 << 20, MaxSize: 1 << 30}
		n, back, done, err := p.Parse(raw)
		if n != len(raw) || !done || err != nil {
			t.Fatalf("%q: %d of %d octets, done %v, %v", raw, n, len(raw), done, err)
		}
		if r.Code.Valid() && back.Code != r.Code || written && back.Enhanced != r.Enhanced {
			t.Fatalf("%v came back as %v", r, back)
		}
		if again := back.AppendTo(nil); !bytes.Equal(again, raw) {
			t.Fatalf("%q written again as %q", raw, again)
		}
	})
}
