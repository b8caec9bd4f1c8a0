package protocol_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// smuggler puts a value of the caller's into one place of a command line.
type smuggler struct {
	name string
	put  func(s *session, value string)
}

// smugglers are all the places in which a caller's string can reach the wire,
// content aside.
func smugglers() []smuggler {
	message := func(name string, put func(env *protocol.Envelope, value string)) smuggler {
		return smuggler{name, func(s *session, value string) {
			env := envelope("a@me.example", "b@mx.example")
			put(&env, value)
			watch(s, "it", s.Send(env, protocol.BodyText("hi\r\n")).Result())
		}}
	}
	return []smuggler{
		{"EHLO name", func(s *session, value string) { watch(s, "it", s.Hello(value)) }},
		{"verb", func(s *session, value string) { watch(s, "it", s.Do(protocol.Command{Verb: value})) }},
		{"arguments", func(s *session, value string) { watch(s, "it", s.Do(protocol.Command{Verb: "VRFY", Args: value})) }},
		{"line of a task", func(s *session, value string) { watch(s, "it", s.AddTask(&lines{value})) }},
		{"name of a mechanism", func(s *session, value string) {
			m := scripted(nil, nil)
			m.Name = value
			watch(s, "it", s.Login(m))
		}},
		message("ENVID", func(env *protocol.Envelope, value string) { env.Params.EnvID = value }),
		message("AUTH", func(env *protocol.Envelope, value string) { env.Params.Auth = value }),
		message("keyword of MAIL", func(env *protocol.Envelope, value string) { env.Params.Extra = []wire.Param{{Keyword: value}} }),
		message("value of MAIL", func(env *protocol.Envelope, value string) {
			env.Params.Extra = []wire.Param{{Keyword: "X", Value: value}}
		}),
		message("ORCPT type", func(env *protocol.Envelope, value string) {
			env.To[0].ORCPT = wire.OriginalRecipient{Type: value, Addr: "b@mx.example"}
		}),
		message("ORCPT", func(env *protocol.Envelope, value string) {
			env.To[0].ORCPT = wire.OriginalRecipient{Type: "rfc822", Addr: value}
		}),
		message("keyword of RCPT", func(env *protocol.Envelope, value string) { env.To[0].Extra = []wire.Param{{Keyword: value}} }),
		message("value of RCPT", func(env *protocol.Envelope, value string) {
			env.To[0].Extra = []wire.Param{{Keyword: "X", Value: value}}
		}),
	}
}

// smuggle queues value in its place, on a server that offers keywords, and returns
// what was written of it. A NOOP behind it shows that the session goes on.
func (g smuggler) smuggle(t *testing.T, value string, keywords ...string) (out string, s *session) {
	t.Helper()
	offer := "250-mx.example\n"
	for _, keyword := range keywords {
		offer += "250-" + keyword + "\n"
	}
	p := stop{name: g.name, begin: hello, flights: []string{"220 mx.example\n", offer + "250 HELP\n"}}
	s = p.reach(t)
	g.put(s, value)
	noop(s)
	s.drain()
	return string(s.out), s
}

// No control octet gets into a command line, wherever the caller puts it: it is
// refused before anything is written, and the next command goes.
func TestHazardControlOctets(t *testing.T) { // H-I1, C4
	for _, g := range smugglers() {
		for octet := range 0x80 {
			if octet >= ' ' && octet != 0x7f {
				continue
			}
			for _, value := range []string{"%c", "a%c", "%ca", "a.b%cRCPT TO:<evil@mx.example>", "a%[1]c\nMAIL FROM:<>\r\n"} {
				value := fmt.Sprintf(value, octet)
				mechanism := strings.NewReplacer("\r", "", "\n", "").Replace(value)
				out, s := g.smuggle(t, value, "DSN", "SMTPUTF8", "8BITMIME", "AUTH "+mechanism)
				if out != "NOOP\r\n" || len(s.settled) != 1 || s.Err() != nil {
					t.Fatalf("%s of %q: wrote %q, settled %q", g.name, value, out, s.settled)
				}
			}
		}
	}
}

// Octets outside ASCII are for servers that offer SMTPUTF8, and must be UTF-8 there.
// Names, verbs and keywords have none at all.
func TestHazardEightBit(t *testing.T) { // H-I1, C4, C72
	const refused = "NOOP\r\n"
	for _, g := range smugglers() {
		for _, test := range []struct {
			value    string
			keywords []string
		}{
			{"jörg.example", nil},
			{"j\xf6rg.example", nil},
			{"jörg.example", []string{"DSN", "AUTH jörg.example"}},
			{"j\xf6rg.example", []string{"DSN", "SMTPUTF8", "8BITMIME", "AUTH j\xf6rg.example"}},
			{"jörg.example", []string{"DSN", "SMTPUTF8", "8BITMIME", "AUTH jörg.example"}},
		} {
			out, _ := g.smuggle(t, test.value, test.keywords...)
			switch {
			case strings.Contains(out, "\xf6"):
				t.Errorf("%s of %q: wrote %q", g.name, test.value, out)
			case g.name == "arguments" && len(test.keywords) > 2 && test.value == "jörg.example":
				if out != "VRFY jörg.example SMTPUTF8\r\n" {
					t.Errorf("%s of %q, SMTPUTF8 offered: wrote %q", g.name, test.value, out)
				}
			case g.name == "AUTH" && test.value == "jörg.example" && len(test.keywords) > 0:
				if out != "MAIL FROM:<a@me.example> AUTH=j+C3+B6rg.example\r\n" && out != "MAIL FROM:<a@me.example> BODY=8BITMIME AUTH=j+C3+B6rg.example\r\n" {
					t.Errorf("%s of %q: wrote %q", g.name, test.value, out)
				}
			case out != refused:
				t.Errorf("%s of %q, offered %q: wrote %q", g.name, test.value, test.keywords, out)
			}
		}
	}
}

// A size is a number in the API, and one that makes no sense is refused.
func TestHazardSize(t *testing.T) { // H-I3
	for size, want := range map[int64]string{
		-1: "", -1 << 63: "",
		1: "MAIL FROM:<a@me.example> SIZE=1\r\n", 1<<63 - 1: "MAIL FROM:<a@me.example> SIZE=9223372036854775807\r\n",
	} {
		g := smuggler{"SIZE", func(s *session, _ string) {
			env := envelope("a@me.example", "b@mx.example")
			env.Params.Size = size
			watch(s, "it", s.Send(env, protocol.BodyText("hi\r\n")).Result())
		}}
		if want == "" {
			want = "NOOP\r\n"
		}
		if out, s := g.smuggle(t, "", "SIZE"); out != want {
			t.Errorf("%d: wrote %q, settled %q", size, out, s.settled)
		}
	}
}

// Parameters that carry strings of people go in xtext: no blank, no equals sign, no
// octet outside ASCII gets out as it is.
func TestHazardXtext(t *testing.T) { // H-I4
	env := envelope("a@me.example", "b@mx.example")
	env.Params.EnvID = "a+b =c\\"
	env.Params.Auth = "a+b=c@me.example"
	env.To[0].ORCPT = wire.OriginalRecipient{Type: "rfc822", Addr: "\"b> NOTIFY=NEVER\"+=@mx.example"}
	out, err := group(t, protocol.ClientConfig{}, false, env, protocol.BodyText("hi\r\n"), "DSN", "AUTH PLAIN")
	const want = "MAIL FROM:<a@me.example> ENVID=a+2Bb+20+3Dc\\ AUTH=a+2Bb+3Dc@me.example\r\n" +
		"RCPT TO:<b@mx.example> ORCPT=rfc822;\"b>+20NOTIFY+3DNEVER\"+2B+3D@mx.example\r\nDATA\r\n"
	if out != want || err != nil {
		t.Errorf("wrote %q, %v\nwant  %q", out, err, want)
	}
}

// Whatever the local part holds, the command line has one unquoted ">", which ends
// the path, and what a server reads is what was meant. Unquoted blanks never get so
// far.
func TestHazardLocalParts(t *testing.T) { // H-I5, H-I6, C24, C25
	const alphabet = `a>< "\@.`
	tried := 0
	var try func(local string)
	try = func(local string) {
		if len(local) < 4 {
			for i := range alphabet {
				try(local + alphabet[i:i+1])
			}
		}
		if local == "" {
			return
		}
		tried++
		p, err := wire.NewPath(local, "me.example")
		if err != nil {
			t.Fatalf("%q: %v", local, err)
		}
		to, err := wire.NewPath(local, "mx.example")
		if err != nil {
			t.Fatalf("%q: %v", local, err)
		}
		c := newClient(t, protocol.ClientConfig{})
		c.Hello("me.example")
		c.Send(protocol.Envelope{From: p, To: []wire.Recipient{{Path: to}}}, protocol.BodyText(""))
		feed(c, "220 mx.example\r\n")
		commands := strings.Split(feed(c, "250-mx.example\r\n250 PIPELINING\r\n"), "\r\n")
		if len(commands) != 4 || commands[2] != "DATA" || commands[3] != "" {
			t.Fatalf("%q: wrote %q", local, commands)
		}
		for i, prefix := range []string{"MAIL FROM:", "RCPT TO:"} {
			arg, found := strings.CutPrefix(commands[i], prefix)
			back, rest, err := wire.ScanPath(arg)
			if !found || err != nil || rest != "" || back.Local() != local || unquoted(arg, '>') != 1 || unquoted(arg, ' ') != 0 {
				t.Fatalf("%q: wrote %q, read %q and %q behind it, %v", local, commands[i], back.Local(), rest, err)
			}
		}
	}
	try("")
	t.Logf("%d local parts", tried)

	for _, s := range []string{"a b@mx.example", "a@mx example", " a@mx.example", "a@mx.example ", "<a @mx.example>", "<a@mx.example >", "a\t@mx.example", "a@mx.example> <b@mx.example"} {
		if p, err := wire.ParsePath(s); err == nil {
			t.Errorf("%q is taken for %v", s, p)
		}
	}
}

// unquoted counts the octets c outside quoted strings (RFC 5321 §4.1.2).
func unquoted(s string, c byte) (n int) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == c && !quoted:
			n++
		}
	}
	return n
}

// What a mechanism says is base64 on the wire, so that no secret can end its line.
func TestHazardResponse(t *testing.T) { // H-I1
	evil := []byte("x\r\nMAIL FROM:<>\r\n\x00\xff")
	play(t, conversation{
		begin: does(hello, login(protocol.Mechanism{Name: "X-TEST", New: func(protocol.TLSState) (sasl.Client, error) { return script{evil, evil}, nil }})),
		text: opening("AUTH X-TEST") + `
			C: AUTH X-TEST eA0KTUFJTCBGUk9NOjw+DQoA/w==
			S: 334
			C: eA0KTUFJTCBGUk9NOjw+DQoA/w==
			S: 535 no
			= login: AUTH: 535 no (want 235)
		`,
	})
}

// stuffed is what content comes to on the wire, by the plainest means: its lines,
// each ended by CRLF and with a dot more where it begins with one.
func stuffed(content string) string {
	var b strings.Builder
	rest := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(content)
	for rest != "" {
		line, next, _ := strings.Cut(rest, "\n")
		if strings.HasPrefix(line, ".") {
			b.WriteByte('.')
		}
		b.WriteString(line + "\r\n")
		rest = next
	}
	return b.String() + ".\r\n"
}

// composed is a body that yields content in pieces: cuts has a bit for each octet
// that one ends behind.
type composed struct {
	content string
	cuts    uint
	from    int
}

func (b *composed) Size() int64                        { return -1 }
func (b *composed) Open() (protocol.BodyReader, error) { return b, nil }
func (b *composed) Release()                           {}

func (b *composed) Next(max int) (protocol.Chunk, error) {
	to := b.from
	for to < len(b.content) && to-b.from < max {
		to++
		if b.cuts>>(to-1)&1 != 0 {
			break
		}
	}
	p := []byte(b.content[b.from:to])
	b.from = to
	if to == len(b.content) {
		return protocol.Chunk{Bytes: p}, io.EOF
	}
	return protocol.Chunk{Bytes: p}, nil
}

// Every string up to five octets over CR, LF, dot and x, in every way to cut it into
// pieces: no bare CR or LF, no dot in front of a line that is not doubled, and one
// end of data, at the end. The encoder alone is tested with longer ones in package
// wire.
func TestHazardEndOfData(t *testing.T) { // H-I9, H-I10, C1, C2, C37
	tried := 0
	var try func(content string)
	try = func(content string) {
		if len(content) < 5 {
			for _, c := range "\r\n.x" {
				try(content + string(c))
			}
		}
		want := stuffed(content)
		for cuts := range uint(1) << max(len(content)-1, 0) {
			tried++
			got, err := contentOf(t, protocol.ClientConfig{}, &composed{content: content, cuts: cuts}, 1<<16)
			if got != want || err != nil {
				t.Fatalf("%q cut %b: wrote %q, %v\nwant %q", content, cuts, got, err, want)
			}
		}
		if got, err := contentOf(t, protocol.ClientConfig{}, protocol.BodyText(content), 1); got != want || err != nil {
			t.Fatalf("%q, octet by octet: wrote %q, %v\nwant %q", content, got, err, want)
		}
		// RFC 5321 §4.1.1.4: the reference is held to what matters, too.
		if all := "\r\n" + want; strings.Index(all, "\r\n.\r\n") != len(all)-5 ||
			strings.Count(want, "\r") != strings.Count(want, "\r\n") || strings.Count(want, "\n") != strings.Count(want, "\r\n") {
			t.Fatalf("%q comes to %q", content, want)
		}
	}
	try("")
	t.Logf("%d bodies", tried)
}

// With EOLStrict no string with a bare CR or LF is sent, and every other one is, as
// it stands, with the end of its last line where that is missing.
func TestHazardEndOfDataStrict(t *testing.T) { // H-I10, C2
	cfg := protocol.ClientConfig{EOL: wire.EOLStrict}
	var try func(content string)
	try = func(content string) {
		if len(content) < 5 {
			for _, c := range "\r\n.x" {
				try(content + string(c))
			}
		}
		bare := strings.ContainsAny(strings.ReplaceAll(content, "\r\n", ""), "\r\n")
		for cuts := range uint(1) << max(len(content)-1, 0) {
			got, err := contentOf(t, cfg, &composed{content: content, cuts: cuts}, 1<<16)
			if bare {
				if err == nil || strings.HasSuffix(got, ".\r\n") && !strings.HasPrefix(stuffed(content), got) {
					t.Fatalf("%q cut %b: wrote %q, %v", content, cuts, got, err)
				}
				asError[*protocol.BodyError](t, err)
			} else if want := stuffed(content); got != want || err != nil {
				t.Fatalf("%q cut %b: wrote %q, %v\nwant %q", content, cuts, got, err, want)
			}
		}
	}
	try("")
}

// Where CHUNKING is not on offer nothing of BDAT is ever written: its octets would
// run as commands. By hand it cannot be said at all.
func TestHazardNoBDAT(t *testing.T) { // H-S, C63
	play(t, conversation{
		begin: does(hello, do("bdat", protocol.Command{Verb: "BDAT", Args: "4 LAST"}), send("send")),
		text: "= bdat: BDAT: the command has a method of its own\n" + opening("PIPELINING", "BINARYMIME") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: DATA
			S: 550 no
			S: 503 no
			S: 503 no
			= send: refused: MAIL: 550 no
		`,
	})
}
