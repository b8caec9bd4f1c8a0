package protocol_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

const (
	sevenBit = "A: b\r\n\r\nc\r\n"
	eightBit = "A: b\r\n\r\n\xfc\r\n"
	utf8Head = "A: \u00fc\r\n\r\nc\r\n"
	latin1   = "A: \xfc\r\n\r\nc\r\n"
)

// What the content holds decides what MAIL says of it, and what the server has to
// offer for it. What it does not offer is refused before anything is written.
func TestContentDecides(t *testing.T) { // C61, C62, C71, C73
	const from, to, data = "MAIL FROM:<a@me.example>", "\r\nRCPT TO:<b@mx.example>", "\r\nDATA\r\n"
	body7 := wire.MailParams{Body: wire.Body7Bit}
	allow := protocol.ClientConfig{Allow8Bit: true}
	all := []string{"8BITMIME", "SMTPUTF8"}
	mime, utf8 := []string{"8BITMIME"}, []string{"SMTPUTF8"}
	for _, test := range []struct {
		name     string
		cfg      protocol.ClientConfig
		params   wire.MailParams
		content  string
		keywords []string
		want     string
		err      string
	}{
		{name: "plain", content: sevenBit, keywords: all, want: " BODY=8BITMIME"},
		{name: "sevenBit, nothing offered", content: sevenBit},
		{name: "8-bit", content: eightBit, keywords: all, want: " BODY=8BITMIME"},
		{name: "8-bit, not offered", content: eightBit, err: "8BITMIME: not offered by the server"},
		{name: "8-bit, disabled", cfg: protocol.ClientConfig{Disable: wire.EightBitMIME}, content: eightBit, keywords: all, err: "8BITMIME: not offered by the server"},
		{name: "8-bit, not offered, allowed", cfg: allow, content: eightBit},
		{name: "8-bit as 7BIT", params: body7, content: eightBit, keywords: all, err: "BODY: 7BIT, but the content has octets outside US-ASCII"},
		{name: "8-bit as 7BIT, not offered", params: body7, content: eightBit, err: "BODY: 7BIT, but the content has octets outside US-ASCII"},
		{name: "8-bit as 7BIT, allowed", cfg: allow, params: body7, content: eightBit, err: "BODY: 7BIT, but the content has octets outside US-ASCII"},
		{name: "plain as 7BIT", params: body7, content: sevenBit, keywords: all, want: " BODY=7BIT"},
		{name: "UTF-8", content: utf8Head, keywords: all, want: " BODY=8BITMIME SMTPUTF8"},
		{name: "UTF-8, not offered", content: utf8Head, keywords: mime, err: "SMTPUTF8: not offered by the server"},
		{name: "UTF-8, without 8BITMIME", content: utf8Head, keywords: utf8, err: "8BITMIME: not offered by the server"},
		{name: "UTF-8, not offered, allowed", cfg: allow, content: utf8Head, keywords: mime, want: " BODY=8BITMIME"},
		{name: "UTF-8, nothing offered, allowed", cfg: allow, content: utf8Head},
		{name: "UTF-8, offered and allowed", cfg: allow, content: utf8Head, keywords: all, want: " BODY=8BITMIME SMTPUTF8"},
		{name: "Latin-1", content: latin1, keywords: all, want: " BODY=8BITMIME"},
		{name: "Latin-1, not offered", content: latin1, err: "8BITMIME: not offered by the server"},
		{name: "SMTPUTF8 by the caller", params: wire.MailParams{SMTPUTF8: true}, content: sevenBit, keywords: all, want: " BODY=8BITMIME SMTPUTF8"},
		{name: "SMTPUTF8 by the caller, not offered, allowed", cfg: allow, params: wire.MailParams{SMTPUTF8: true}, content: sevenBit, err: "SMTPUTF8: not offered by the server"},
	} {
		for kind, body := range map[string]protocol.Body{
			"bytes":  protocol.BodyText(test.content),
			"reader": protocol.BodyFrom(strings.NewReader(test.content), -1),
		} {
			env := envelope("a@me.example", "b@mx.example")
			env.Params = test.params
			out, err := group(t, test.cfg, false, env, body, test.keywords...)
			switch want := from + test.want + to + data; {
			case test.err == "" && (out != want || err != nil):
				t.Errorf("%s as %s: wrote %q, %v\nwant %q", test.name, kind, out, err, want)
			case test.err != "" && (out != "" || err == nil || err.Error() != "not delivered: "+test.err):
				t.Errorf("%s as %s: wrote %q, %v\nwant %s", test.name, kind, out, err, test.err)
			case test.err != "":
				asError[*protocol.ConfigError](t, err)
			}
		}
	}
}

// Content that nobody could look through before is looked at as it goes: what must not
// be sent ends the connection without an end of data, wherever it stands, and however
// the content is cut.
func TestContentDecidesLate(t *testing.T) { // C62, C73
	long := strings.Repeat("line\r\n", 50)
	for _, test := range []struct {
		name     string
		cfg      protocol.ClientConfig
		params   wire.MailParams
		content  string
		keywords string
		err      string
	}{
		{name: "plain", content: sevenBit + long},
		{name: "8-bit", content: sevenBit + long + "\xfc", keywords: "250-8BITMIME\r\n"},
		{name: "8-bit, not offered", content: sevenBit + long + "\xfc", err: "8BITMIME: not offered by the server"},
		{name: "8-bit, not offered, allowed", cfg: protocol.ClientConfig{Allow8Bit: true}, content: eightBit + long},
		{name: "8-bit as 7BIT", params: wire.MailParams{Body: wire.Body7Bit}, content: eightBit + long, keywords: "250-8BITMIME\r\n", err: "BODY: 7BIT, but the content has octets outside US-ASCII"},
		{name: "UTF-8", content: utf8Head + long, keywords: "250-8BITMIME\r\n", err: "SMTPUTF8: not offered by the server"},
		{name: "UTF-8 in all there is", content: "A: \u00fc\r\n", keywords: "250-8BITMIME\r\n", err: "SMTPUTF8: not offered by the server"},
		{name: "UTF-8, offered", content: utf8Head + long, keywords: "250-8BITMIME\r\n250-SMTPUTF8\r\n", err: "SMTPUTF8: not asked for, but the header section has UTF-8"},
		{name: "UTF-8, asked for", params: wire.MailParams{SMTPUTF8: true}, content: utf8Head + long, keywords: "250-8BITMIME\r\n250-SMTPUTF8\r\n"},
		{name: "UTF-8, allowed", cfg: protocol.ClientConfig{Allow8Bit: true}, content: utf8Head + long},
		{name: "UTF-8 behind the header", content: sevenBit + "\u00fc" + long, keywords: "250-8BITMIME\r\n"},
		{name: "Latin-1", content: latin1 + long, keywords: "250-8BITMIME\r\n"},
	} {
		for _, piece := range []int{1, 2, 3, 5, 1000} {
			c := newClient(t, test.cfg)
			c.Hello("me.example")
			env := envelope("a@me.example", "b@mx.example")
			env.Params = test.params
			d := c.Send(env, &source{content: test.content, piece: piece, size: -1})
			feed(c, "220 mx.example\r\n")
			feed(c, "250-mx.example\r\n"+test.keywords+"250 PIPELINING\r\n")
			out := feed(c, "250 ok\r\n250 ok\r\n354 go\r\n")
			ended := strings.HasSuffix(out, "\r\n.\r\n")
			if ended {
				feed(c, "250 queued\r\n")
			}
			_, err := resultOf(t, d)
			switch {
			case test.err == "" && (!ended || err != nil):
				t.Errorf("%s in pieces of %d: wrote %q, %v", test.name, piece, out, err)
			case test.err != "" && (ended || !strings.HasPrefix(test.content, out) || err == nil || err.Error() != "not delivered: message content: "+test.err):
				t.Errorf("%s in pieces of %d: wrote %q, %v\nwant %s", test.name, piece, out, err, test.err)
			case test.err != "":
				asError[*protocol.BodyError](t, err)
				asError[*protocol.ConfigError](t, err)
				if strings.Contains(out, "\xfc") {
					t.Errorf("%s in pieces of %d: wrote %q", test.name, piece, out)
				}
			}
		}
	}
}

// A source that a reader's beginning shows to fail costs nothing, and neither does one
// that is shorter than it said.
func TestReaderIsLookedAtFirst(t *testing.T) { // P24, C58
	play(t, conversation{
		begin: func(s *session) {
			hello(s)
			s.deliver("broken", envelope("", "b@mx.example"), protocol.BodyFrom(io.MultiReader(strings.NewReader("x"), broken{}), -1))
			s.deliver("short", envelope("", "b@mx.example"), protocol.BodyFrom(strings.NewReader("hi\r\n"), 5))
			s.deliver("big", envelope("", "b@mx.example"), protocol.BodyFrom(strings.NewReader("01234567\n"), 9))
			s.deliver("good", envelope("", "b@mx.example"), protocol.BodyFrom(strings.NewReader("hi\n"), -1))
		},
		text: opening("SIZE 9") + `
			= broken: not delivered: message content: disk on fire
			= short: not delivered: message content: source yields 4 octets, but promised 5
			= big: not delivered: SIZE limit of the server: 10 is over 9
			C: MAIL FROM:<> SIZE=4
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			C: hi
			C: .
			S: 250 queued
			= good: accepted: 250 queued
		`,
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// Where SMTPUTF8 cannot be had, a domain goes in its form in US-ASCII. A local part has
// none.
func TestToASCII(t *testing.T) { // C4, C71, C72
	conv := func(domain string) (string, error) {
		switch domain {
		case "bücher.example":
			return "xn--bcher-kva.example", nil
		case "long.ü.example":
			return strings.Repeat("x.", 127) + "ab", nil
		case "injected.ü":
			return "a>\r\nDATA", nil
		}
		return "", errors.New("no such domain")
	}
	cfg := protocol.ClientConfig{ToASCII: conv}
	const data = "DATA\r\n"
	for _, test := range []struct {
		name     string
		cfg      protocol.ClientConfig
		env      protocol.Envelope
		content  string
		keywords []string
		want     string
		err      string
	}{
		{name: "domains", cfg: cfg, env: envelope("a@bücher.example", "b@mx.example", "c@bücher.example"),
			want: "MAIL FROM:<a@xn--bcher-kva.example>\r\nRCPT TO:<b@mx.example>\r\nRCPT TO:<c@xn--bcher-kva.example>\r\n" + data},
		{name: "domains, SMTPUTF8 offered", cfg: cfg, env: envelope("a@bücher.example", "b@mx.example"), keywords: []string{"SMTPUTF8", "8BITMIME"},
			want: "MAIL FROM:<a@bücher.example> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<b@mx.example>\r\n" + data},
		{name: "domains, SMTPUTF8 offered without 8BITMIME", cfg: cfg, env: envelope("a@bücher.example", "b@mx.example"), keywords: []string{"SMTPUTF8"},
			want: "MAIL FROM:<a@xn--bcher-kva.example>\r\nRCPT TO:<b@mx.example>\r\n" + data},
		{name: "null sender", cfg: cfg, env: envelope("", "b@bücher.example"), want: "MAIL FROM:<>\r\nRCPT TO:<b@xn--bcher-kva.example>\r\n" + data},
		{name: "no function", env: envelope("a@bücher.example", "b@mx.example"), err: "SMTPUTF8: not offered by the server"},
		{name: "local part", cfg: cfg, env: envelope("jörg@bücher.example", "b@mx.example"), err: "SMTPUTF8: not offered by the server"},
		{name: "local part of a recipient", cfg: cfg, env: envelope("a@bücher.example", "jörg@mx.example"), err: "SMTPUTF8: not offered by the server"},
		{name: "no form", cfg: cfg, env: envelope("a@me.example", "b@mx.example", "b@ü.example"), err: "To[1]: the domain has no form in US-ASCII: no such domain"},
		{name: "too long", cfg: cfg, env: envelope("a@long.ü.example", "b@mx.example"), err: "From: path: domain of more than 255 octets"},
		{name: "injection", cfg: cfg, env: envelope("a@injected.ü", "b@mx.example"), err: "From: the domain has no form in US-ASCII: path: octet 0x3E does not fit into a domain at offset 1"},
		{name: "UTF-8 in the header", cfg: cfg, env: envelope("a@bücher.example", "b@mx.example"), content: utf8Head, keywords: []string{"8BITMIME"}, err: "SMTPUTF8: not offered by the server"},
		{name: "UTF-8 in the header, allowed", cfg: protocol.ClientConfig{ToASCII: conv, Allow8Bit: true}, env: envelope("a@bücher.example", "b@mx.example"), content: utf8Head,
			want: "MAIL FROM:<a@xn--bcher-kva.example>\r\nRCPT TO:<b@mx.example>\r\n" + data},
	} {
		before := append([]wire.Recipient(nil), test.env.To...)
		out, err := group(t, test.cfg, false, test.env, protocol.BodyText(test.content), test.keywords...)
		switch {
		case test.err == "" && (out != test.want || err != nil):
			t.Errorf("%s: wrote %q, %v\nwant %q", test.name, out, err, test.want)
		case test.err != "" && (out != "" || err == nil || err.Error() != "not delivered: "+test.err):
			t.Errorf("%s: wrote %q, %v\nwant %s", test.name, out, err, test.err)
		}
		for i := range before {
			if before[i].Path != test.env.To[i].Path {
				t.Errorf("%s: the caller's envelope was changed", test.name)
			}
		}
	}
}
