package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// group returns what is written behind the reply to EHLO for one message, and what
// the message came to if that is known then.
func group(t *testing.T, cfg protocol.ClientConfig, tls bool, env protocol.Envelope, body protocol.Body, keywords ...string) (string, error) {
	t.Helper()
	c := newClient(t, cfg)
	if tls {
		c.Upgraded(start, verified, nil)
	}
	c.Hello("me.example")
	d := c.Send(env, body)
	feed(c, "220 mx.example\r\n")
	out := feed(c, "250-"+strings.Join(append([]string{"mx.example"}, append(keywords, "PIPELINING")...), "\r\n250-")+"\r\n250 X\r\n")
	_, err, _ := d.Result().Result()
	return out, err
}

// Parameters go out only where the server offers what they need; BODY, SIZE and
// SMTPUTF8 by themselves. What it does not offer is refused before anything is
// written.
func TestParameters(t *testing.T) { // P11, F16, C23, C58, C61, C71
	mail := func(p wire.MailParams) protocol.Envelope {
		env := envelope("a@me.example", "b@mx.example")
		env.Params = p
		return env
	}
	rcpt := func(p wire.RcptParams) protocol.Envelope {
		env := envelope("a@me.example", "b@mx.example")
		env.To[0].RcptParams = p
		return env
	}
	const (
		from = "MAIL FROM:<a@me.example>"
		to   = "\r\nRCPT TO:<b@mx.example>"
		data = "\r\nDATA\r\n"
	)
	text := protocol.BodyText("hi\n")
	long := strings.Repeat("hi\n", 20_000)
	for _, test := range []struct {
		name     string
		cfg      protocol.ClientConfig
		tls      bool
		env      protocol.Envelope
		body     protocol.Body
		keywords []string
		want     string
		err      string
	}{
		{name: "nothing offered", env: mail(wire.MailParams{}), want: from + to + data},
		{name: "BODY", env: mail(wire.MailParams{}), keywords: []string{"8bitmime"}, want: from + " BODY=8BITMIME" + to + data},
		{name: "BODY disabled", cfg: protocol.ClientConfig{Disable: wire.EightBitMIME}, env: mail(wire.MailParams{}), keywords: []string{"8BITMIME"}, want: from + to + data},
		{name: "BODY=7BIT", env: mail(wire.MailParams{Body: wire.Body7Bit}), keywords: []string{"8BITMIME"}, want: from + " BODY=7BIT" + to + data},
		{name: "BODY=7BIT, not offered", env: mail(wire.MailParams{Body: wire.Body7Bit}), want: from + to + data},
		{name: "BODY=8BITMIME, not offered", env: mail(wire.MailParams{Body: wire.Body8BitMIME}), err: "8BITMIME: not offered by the server"},                                                                        // C62
		{name: "BODY=BINARYMIME", env: mail(wire.MailParams{Body: wire.BodyBinaryMIME}), keywords: []string{"8BITMIME", "BINARYMIME", "CHUNKING"}, want: from + " BODY=BINARYMIME" + to + "\r\nBDAT 3 LAST\r\nhi\n"}, // C68
		{name: "BODY=BINARYMIME without CHUNKING", env: mail(wire.MailParams{Body: wire.BodyBinaryMIME}), keywords: []string{"8BITMIME", "BINARYMIME"}, err: "CHUNKING: not offered by the server"},
		{name: "SIZE", env: mail(wire.MailParams{}), keywords: []string{"SIZE"}, want: from + " SIZE=4" + to + data},
		{name: "SIZE of dots", env: mail(wire.MailParams{}), body: protocol.BodyText(".\r\n.\n."), keywords: []string{"SIZE 9"}, want: from + " SIZE=9" + to + data},
		{name: "SIZE of nothing", env: mail(wire.MailParams{}), body: protocol.BodyText(""), keywords: []string{"SIZE 9"}, want: from + to + data},
		{name: "SIZE of the unknown", env: mail(wire.MailParams{}), body: protocol.BodyFrom(strings.NewReader(long), -1), keywords: []string{"SIZE 9"}, want: from + to + data},
		{name: "SIZE of a reader's that is short", env: mail(wire.MailParams{}), body: protocol.BodyFrom(strings.NewReader("hi\n"), -1), keywords: []string{"SIZE 9"}, want: from + " SIZE=4" + to + data},
		{name: "SIZE of a reader with bare LF", env: mail(wire.MailParams{}), body: protocol.BodyFrom(strings.NewReader("a\nb\n"), 4), keywords: []string{"SIZE 9"}, want: from + " SIZE=6" + to + data},
		{name: "SIZE of a reader", env: mail(wire.MailParams{}), body: protocol.BodyFrom(strings.NewReader("hi\r\n"), 4), keywords: []string{"SIZE 9"}, want: from + " SIZE=4" + to + data},
		{name: "SIZE by the caller", env: mail(wire.MailParams{Size: 5}), keywords: []string{"SIZE 5"}, want: from + " SIZE=5" + to + data},
		{name: "SIZE by the caller, not offered", env: mail(wire.MailParams{Size: 5}), want: from + to + data},
		{name: "SIZE 0 is no limit", env: mail(wire.MailParams{Size: 1 << 40}), keywords: []string{"SIZE 0"}, want: from + " SIZE=1099511627776" + to + data}, // C57
		{name: "over SIZE", env: mail(wire.MailParams{}), keywords: []string{"SIZE 3"}, err: "SIZE limit of the server: 4 is over 3"},                         // C59
		{name: "over SIZE by the caller", env: mail(wire.MailParams{Size: 10}), keywords: []string{"SIZE 9"}, err: "SIZE limit of the server: 10 is over 9"},  // C59
		{name: "over SIZE, disabled", cfg: protocol.ClientConfig{Disable: wire.Size}, env: mail(wire.MailParams{}), keywords: []string{"SIZE 3"}, want: from + to + data},
		{name: "SMTPUTF8", env: envelope("jörg@me.example", "b@mx.example"), keywords: []string{"SMTPUTF8", "8BITMIME"}, want: "MAIL FROM:<jörg@me.example> BODY=8BITMIME SMTPUTF8" + to + data},
		{name: "SMTPUTF8 for a recipient", env: envelope("a@me.example", "jörg@mx.example"), keywords: []string{"SMTPUTF8", "8BITMIME"}, want: from + " BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<jörg@mx.example>" + data},
		{name: "SMTPUTF8, not offered", env: envelope("a@me.example", "jörg@mx.example"), keywords: []string{"8BITMIME"}, err: "SMTPUTF8: not offered by the server"}, // C4
		{name: "SMTPUTF8 without 8BITMIME", env: envelope("a@me.example", "jörg@mx.example"), keywords: []string{"SMTPUTF8"}, err: "8BITMIME: not offered by the server"},
		{name: "DSN", env: mail(wire.MailParams{Ret: wire.RetHeaders, EnvID: "a b"}), keywords: []string{"DSN"}, want: from + " RET=HDRS ENVID=a+20b" + to + data},                     // C80
		{name: "DSN, not offered", env: mail(wire.MailParams{EnvID: "x"}), err: "DSN: not offered by the server"},                                                                      // C80
		{name: "DSN for a recipient", env: rcpt(wire.RcptParams{Notify: wire.NotifyNever}), keywords: []string{"DSN"}, want: from + to + " NOTIFY=NEVER" + data},                       // C80
		{name: "DSN for a recipient, not offered", env: rcpt(wire.RcptParams{Notify: wire.NotifyNever}), err: "DSN: not offered by the server"},                                        // C80
		{name: "REQUIRETLS", tls: true, env: mail(wire.MailParams{RequireTLS: true}), keywords: []string{"REQUIRETLS"}, want: from + " REQUIRETLS" + to + data},                        // C110
		{name: "REQUIRETLS in clear", env: mail(wire.MailParams{RequireTLS: true}), keywords: []string{"REQUIRETLS"}, err: "REQUIRETLS: the server's certificate was not verified"},    // C110
		{name: "REQUIRETLS, not offered", tls: true, env: mail(wire.MailParams{RequireTLS: true}), err: "REQUIRETLS: not offered by the server"},                                       // C111
		{name: "MT-PRIORITY, not offered", env: mail(wire.MailParams{Priority: wire.Priority{Given: true}}), err: "MT-PRIORITY: not offered by the server"},                            // C114
		{name: "injection", env: mail(wire.MailParams{EnvID: "x\r\nDATA"}), keywords: []string{"DSN"}, err: "MAIL: ENVID: not printable US-ASCII"},                                     // F9, H-I1
		{name: "injection into an extra parameter", env: mail(wire.MailParams{Extra: []wire.Param{{Keyword: "X", Value: "1\r\nDATA"}}}), err: "MAIL: control octet 0x0D at offset 28"}, // F9, H-I1
		{name: "injection for a recipient", env: rcpt(wire.RcptParams{Extra: []wire.Param{{Keyword: "X", Value: "1\r\nDATA"}}}), err: "RCPT: control octet 0x0D at offset 26"},         // F9, H-I1
	} {
		if test.body == nil {
			test.body = text
		}
		out, err := group(t, test.cfg, test.tls, test.env, test.body, test.keywords...)
		switch {
		case test.err == "" && (out != test.want || err != nil):
			t.Errorf("%s: wrote %q, %v\nwant %q", test.name, out, err, test.want)
		case test.err != "" && (out != "" || err == nil || err.Error() != "not delivered: "+test.err):
			t.Errorf("%s: wrote %q, %v\nwant %s", test.name, out, err, test.err)
		}
	}
}

// What is refused is a typed error that a retry will not help, and the next
// message goes on.
func TestParametersRefused(t *testing.T) { // P16, F3, F16, C59
	play(t, conversation{
		begin: does(hello, sendTo("big", "0123456789", "b@mx.example"), sendTo("utf8", "", "jörg@mx.example"), sendTo("small", "", "b@mx.example")),
		text: opening("SIZE 5", "8BITMIME") + `
			= big: not delivered: SIZE limit of the server: 12 is over 5
			= utf8: not delivered: SMTPUTF8: not offered by the server
			C: MAIL FROM:<a@me.example> BODY=8BITMIME
			S: 552 too much all the same
			= small: refused: MAIL: 552 too much all the same
		`,
	})
	_, err := group(t, protocol.ClientConfig{}, false, envelope("", "b@mx.example"), protocol.BodyText("0123456789"), "SIZE 5")
	if e := asError[*protocol.LimitError](t, err); *e != (protocol.LimitError{Limit: "SIZE", Have: 12, Max: 5}) {
		t.Errorf("%+v", e)
	}
	if asError[*protocol.DeliveryError](t, err).Temporary() {
		t.Error("temporary")
	}
	_, err = group(t, protocol.ClientConfig{}, false, envelope("", "jörg@mx.example"), protocol.BodyText(""))
	asError[*protocol.ConfigError](t, err)
}

// Addresses are written from what was parsed: quoted where that is needed, with one
// unquoted ">", and without a source route.
func TestAddressesAreWrittenAgain(t *testing.T) { // F9, F10, C24, C46, H-I5
	out, err := group(t, protocol.ClientConfig{}, false,
		envelope(`"a@b> ORCPT=x"@me.example`, `"b"@mx.example`, `<@relay.example:c@mx.example>`, `d@[IPv6:2001:db8::1]`), protocol.BodyText(""))
	const want = "MAIL FROM:<\"a@b> ORCPT=x\"@me.example>\r\n" +
		"RCPT TO:<b@mx.example>\r\nRCPT TO:<c@mx.example>\r\nRCPT TO:<d@[IPv6:2001:db8::1]>\r\nDATA\r\n"
	if out != want || err != nil {
		t.Errorf("wrote %q, %v", out, err)
	}
}
