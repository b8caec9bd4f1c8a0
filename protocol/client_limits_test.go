package protocol_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// What the server says it would refuse is not offered to it: nothing is written, and
// the error names the limit.
func TestLimits(t *testing.T) { // C112, C115, C116, C117
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	mail := func(p wire.MailParams) protocol.Envelope {
		env := envelope("a@me.example", "b@mx.example")
		env.Params = p
		return env
	}
	const tail = "\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n"
	for _, test := range []struct {
		name     string
		cfg      protocol.ClientConfig
		env      protocol.Envelope
		keywords []string
		want     string // of MAIL
		limit    protocol.LimitError
		err      string
	}{
		{name: "BY", env: mail(wire.MailParams{By: wire.DeliverByTime{Seconds: 120, Mode: wire.ByReturn}}), keywords: []string{"DELIVERBY 120"}, want: " BY=120;R"},
		{name: "BY, too soon", env: mail(wire.MailParams{By: wire.DeliverByTime{Seconds: 119, Mode: wire.ByReturn}}), keywords: []string{"DELIVERBY 120"},
			limit: protocol.LimitError{Limit: "DELIVERBY", Have: 119, Min: 120}, err: "DELIVERBY limit of the server: 119 is under 120"},
		{name: "BY with a notification", env: mail(wire.MailParams{By: wire.DeliverByTime{Seconds: -5, Mode: wire.ByNotify, Trace: true}}), keywords: []string{"DELIVERBY 120"}, want: " BY=-5;NT"},
		{name: "BY without a least time", env: mail(wire.MailParams{By: wire.DeliverByTime{Seconds: 1, Mode: wire.ByReturn}}), keywords: []string{"DELIVERBY"}, want: " BY=1;R"},
		{name: "BY, not offered", env: mail(wire.MailParams{By: wire.DeliverByTime{Seconds: 1, Mode: wire.ByReturn}}), err: "DELIVERBY: not offered by the server"},
		{name: "HOLDFOR", env: mail(wire.MailParams{HoldFor: 3600}), keywords: []string{"FUTURERELEASE 3600 2030-01-02T03:04:05Z"}, want: " HOLDFOR=3600"},
		{name: "HOLDFOR, too long", env: mail(wire.MailParams{HoldFor: 3601}), keywords: []string{"FUTURERELEASE 3600 2030-01-02T03:04:05Z"},
			limit: protocol.LimitError{Limit: "HOLDFOR", Have: 3601, Max: 3600}, err: "HOLDFOR limit of the server: 3601 is over 3600"},
		{name: "HOLDUNTIL", env: mail(wire.MailParams{HoldUntil: at}), keywords: []string{"FUTURERELEASE 3600 2030-01-02T03:04:05Z"}, want: " HOLDUNTIL=2030-01-02T03:04:05Z"},
		{name: "HOLDUNTIL, too late", env: mail(wire.MailParams{HoldUntil: at.Add(time.Second)}), keywords: []string{"FUTURERELEASE 3600 2030-01-02T03:04:05Z"},
			limit: protocol.LimitError{Limit: "HOLDUNTIL", Have: at.Unix() + 1, Max: at.Unix()},
			err:   "HOLDUNTIL limit of the server: 2030-01-02T03:04:06Z is over 2030-01-02T03:04:05Z"},
		{name: "HOLDFOR without limits", env: mail(wire.MailParams{HoldFor: 1e6}), keywords: []string{"FUTURERELEASE"}, want: " HOLDFOR=1000000"},
		{name: "HOLDFOR, not offered", env: mail(wire.MailParams{HoldFor: 1}), err: "FUTURERELEASE: not offered by the server"},
		{name: "both", env: mail(wire.MailParams{HoldFor: 1, HoldUntil: at}), keywords: []string{"FUTURERELEASE"}, err: "MAIL: HOLDFOR: given with HOLDUNTIL"},
		{name: "MT-PRIORITY", env: mail(wire.MailParams{Priority: wire.Priority{Given: true, Level: -9}}), keywords: []string{"MT-PRIORITY MIXER"}, want: " MT-PRIORITY=-9"}, // C114
		{name: "RCPTMAX", env: envelope("a@me.example", "b@mx.example"), keywords: []string{"LIMITS RCPTMAX=1"}, want: ""},
		{name: "over RCPTMAX", env: envelope("a@me.example", "b@mx.example", "c@mx.example"), keywords: []string{"LIMITS RCPTMAX=1 MAILMAX=5"},
			limit: protocol.LimitError{Limit: "RCPTMAX", Have: 2, Max: 1}, err: "RCPTMAX limit of the server: 2 is over 1"},
		{name: "over RCPTDOMAINMAX", env: envelope("a@me.example", "b@mx.example", "c@MX.example", "d@other.example"), keywords: []string{"LIMITS RCPTDOMAINMAX=1"},
			limit: protocol.LimitError{Limit: "RCPTDOMAINMAX", Have: 2, Max: 1}, err: "RCPTDOMAINMAX limit of the server: 2 is over 1"},
		{name: "LIMITS disabled", cfg: protocol.ClientConfig{Disable: wire.Limits}, env: envelope("a@me.example", "b@mx.example", "b@mx.example"), keywords: []string{"LIMITS RCPTMAX=1"},
			want: "\r\nRCPT TO:<b@mx.example>"},
		{name: "malformed limits", env: envelope("a@me.example", "b@mx.example"), keywords: []string{"LIMITS RCPTMAX=0 MAILMAX=x X=1"}, want: ""}, // C113
	} {
		out, err := group(t, test.cfg, false, test.env, protocol.BodyText(""), test.keywords...)
		want := "MAIL FROM:<a@me.example>" + test.want + tail
		switch {
		case test.err == "" && (out != want || err != nil):
			t.Errorf("%s: wrote %q, %v\nwant %q", test.name, out, err, want)
		case test.err != "" && (out != "" || err == nil || err.Error() != "not delivered: "+test.err):
			t.Errorf("%s: wrote %q, %v\nwant %s", test.name, out, err, test.err)
		case test.limit.Limit != "":
			if e := asError[*protocol.LimitError](t, err); *e != test.limit {
				t.Errorf("%s: %+v", test.name, *e)
			}
		}
	}
}

// MAILMAX counts every MAIL that was written, whatever it came to, and RCPTDOMAINMAX
// the domains of all messages. A message that was taken back does not count.
func TestSessionLimits(t *testing.T) { // C112
	play(t, conversation{
		begin: does(hello, sendTo("one", "", "b@mx.example"), sendTo("two", "", "b@MX.example"), sendTo("elsewhere", "", "b@other.example"),
			sendTo("three", "", "<postmaster>"), sendTo("four", "", "b@mx.example")),
		text: opening("LIMITS MAILMAX=2 RCPTDOMAINMAX=1") + `
			C: MAIL FROM:<a@me.example>
			S: 451 later
			= one: refused: MAIL: 451 later
			C: RSET
			S: 250 ok
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@MX.example>
			S: 550 no
			= two: refused: RCPT <b@MX.example>: 550 no
			= elsewhere: not delivered: MAILMAX limit of the server: 3 is over 2
			= three: not delivered: MAILMAX limit of the server: 3 is over 2
			= four: not delivered: MAILMAX limit of the server: 3 is over 2
		`,
	})
	play(t, conversation{
		begin: does(hello, sendTo("one", "", "b@mx.example"), sendTo("elsewhere", "", "c@MX.example", "b@other.example"), sendTo("two", "", "<postmaster>")),
		text: opening("LIMITS RCPTDOMAINMAX=1") + `
			C: MAIL FROM:<a@me.example>
			S: 421 later
			= one: refused: MAIL: 421 later
			= elsewhere: not delivered: MAIL: 421 later
			= two: not delivered: MAIL: 421 later
			= closed: MAIL: 421 later
		`,
	})
	play(t, conversation{
		begin: does(hello, sendTo("one", "", "b@mx.example"), sendTo("elsewhere", "", "c@MX.example", "b@other.example"), sendTo("two", "", "<postmaster>")),
		text: opening("LIMITS RCPTDOMAINMAX=1") + `
			C: MAIL FROM:<a@me.example>
			S: 550 no
			= one: refused: MAIL: 550 no
			= elsewhere: not delivered: RCPTDOMAINMAX limit of the server: 2 is over 1
			C: RSET
			S: 250 ok
			C: MAIL FROM:<a@me.example>
			S: 550 no
			= two: refused: MAIL: 550 no
		`,
	})
	c := newClient(t, protocol.ClientConfig{})
	c.Hello("me.example")
	feed(c, "220 mx.example\r\n")
	feed(c, "250-mx.example\r\n250 LIMITS MAILMAX=1\r\n")
	for range 3 {
		if d := c.Send(envelope("", "b@mx.example"), protocol.BodyText("")); !d.Cancel() {
			t.Error("not cancelled")
		}
	}
	if d := c.Send(envelope("", "b@mx.example"), &source{openErr: errors.New("no such file")}); !d.Result().Settled() {
		t.Error("not settled")
	}
	d := c.Send(envelope("", "b@mx.example"), protocol.BodyText(""))
	if out := flush(c); out != "MAIL FROM:<>\r\n" || d.Result().Settled() {
		t.Errorf("wrote %q behind messages that were taken back", out)
	}
}
