package peers_test

import (
	"bytes"
	"net"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sansmtp/sansmtp/protocol_test/smtptest"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// suffered is what comes of a fault.
type suffered struct {
	err    string        // what the client says; "": it is content
	stored string        // the recipients of the message, where the server has it
	took   time.Duration // from the connection to what the client says
}

const both = "bob@example.org carol@example.org"

// faults are what a test of a client may want, and what each client makes of it.
var faults = []struct {
	name   string
	script string
	want   map[string]suffered
	// wire looks at what the server wrote, in pieces as it did.
	wire func(written [][]byte) bool
}{
	{
		name: "a recipient refused for now", script: "rcpt:2=450 4.2.1 later",
		want: map[string]suffered{
			"net/smtp": {err: `450 "4.2.1 later"`},
			"go-smtp":  {err: "SMTP error 450: later"},
			"go-mail":  {err: `sending SMTP RCPT TO command: 450 "4.2.1 later", affected recipient(s): <carol@example.org>`},
			"mox":      {stored: "bob@example.org"},
			"sansmtp":  {stored: "bob@example.org"},
		},
	},
	{
		name: "an end in the content", script: "content=drop after 1KiB",
		want: map[string]suffered{
			"net/smtp": {err: "EOF"},
			"go-smtp":  {err: "EOF"},
			"go-mail":  {err: "closing SMTP DATA writer: EOF, affected message ID: <ID>"},
			"mox":      {err: "data: unexpected EOF, transient"},
			"sansmtp":  {err: "outcome unknown, a retry may duplicate: connection lost before the verdict on the content: unexpected EOF"},
		},
	},
	{
		// go-mail gives up 15 seconds after it connected, and calls a message failed
		// that is not.
		name: "a verdict that takes its time", script: "content=delay 20s",
		want: map[string]suffered{
			"net/smtp": {stored: both, took: 20 * time.Second},
			"go-smtp":  {stored: both, took: 20 * time.Second},
			"go-mail":  {err: "closing SMTP DATA writer: i/o timeout, affected message ID: <ID>", stored: both, took: 15 * time.Second},
			"mox":      {stored: both, took: 20 * time.Second},
			"sansmtp":  {stored: both, took: 20 * time.Second},
		},
	},
	{
		name: "replies octet by octet", script: everyReply("split"), want: delivered,
		wire: func(written [][]byte) bool {
			for _, p := range written {
				if len(p) != 1 {
					return false
				}
			}
			return true
		},
	},
	{
		name: "replies with bare LF", script: everyReply("bare-lf"), want: delivered,
		wire: func(written [][]byte) bool {
			all := bytes.Join(written, nil)
			return bytes.HasSuffix(all, []byte("\n")) && !bytes.Contains(all, []byte("\r"))
		},
	},
}

var delivered = map[string]suffered{
	"net/smtp": {stored: both}, "go-smtp": {stored: both}, "go-mail": {stored: both}, "mox": {stored: both}, "sansmtp": {stored: both},
}

// everyReply is a script by which all replies come in a manner.
func everyReply(manner string) string {
	var rules []string
	for _, step := range fault.Steps() {
		rules = append(rules, string(step)+"="+manner)
	}
	return strings.Join(rules, "; ")
}

var messageID = regexp.MustCompile(`ID: <[^>]+>`)

// One and the same test server, and its scripts, show what clients make of what goes
// wrong, whoever made them; a delay takes no time where the connection is in a bubble.
func TestFaultsForClientsOfOthers(t *testing.T) {
	for _, f := range faults {
		for _, c := range clients() {
			t.Run(f.name+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					near, far := link(0)
					server := &recorder{Conn: far}
					srv := smtptest.NewUnstartedServer(smtptest.Config{Faults: fault.MustParse(f.script)})
					srv.Listener.Close()
					srv.Listener = listen(server)
					srv.Start()
					defer srv.Close()

					begun := time.Now()
					var got suffered
					client, err := c.dial(t.Context(), near, nil)
					if err == nil {
						err = client.send(1, strings.Fields(both), message)
					}
					got.took = time.Since(begun)
					if err == nil {
						err = client.close()
					}
					if err != nil {
						got.err = messageID.ReplaceAllString(err.Error(), "ID: <ID>")
					}
					near.Close()
					srv.Close()
					for _, m := range srv.Messages() {
						for _, r := range m.Recipients {
							got.stored += " " + r.Path.Mailbox()
						}
					}
					got.stored = strings.TrimPrefix(got.stored, " ")
					if want := f.want[c.name]; got != want {
						t.Errorf("got %+v, want %+v", got, want)
					}
					if f.wire != nil && !f.wire(server.written) {
						t.Errorf("the server wrote %q", server.written)
					}
					if t.Failed() {
						t.Log(srv.Transcript())
					}
				})
			})
		}
	}
}

// recorder keeps what is written to a connection.
type recorder struct {
	net.Conn
	written [][]byte
}

func (r *recorder) Write(p []byte) (int, error) {
	r.written = append(r.written, bytes.Clone(p))
	return r.Conn.Write(p)
}
