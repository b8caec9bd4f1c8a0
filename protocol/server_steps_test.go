package protocol_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// opened is a service up to the reply to EHLO, with the extensions that a server has
// of itself.
const opened = `
S: 220 mx.example ESMTP
C: EHLO me.example
S: 250-mx.example
S: 250-PIPELINING
S: 250-SIZE 67108864
S: 250-8BITMIME
S: 250-BINARYMIME
S: 250-CHUNKING
S: 250-SMTPUTF8
S: 250 ENHANCEDSTATUSCODES
`

// openedLMTP is opened for LMTP.
var openedLMTP = strings.NewReplacer("ESMTP", "LMTP", "EHLO", "LHLO").Replace(opened)

// offering is opened with keywords instead of those.
func offering(keywords ...string) string {
	return greetedBy("220 mx.example ESMTP", "EHLO", keywords...)
}

func greetedBy(greeting, verb string, keywords ...string) string {
	return "S: " + greeting + "\n" + helloed(verb, keywords...)
}

// helloed is EHLO and a reply with these keywords.
func helloed(verb string, keywords ...string) string {
	var b strings.Builder
	b.WriteString("C: " + verb + " me.example\n")
	lines := append([]string{"mx.example"}, keywords...)
	for i, line := range lines {
		separator := "-"
		if i == len(lines)-1 {
			separator = " "
		}
		b.WriteString("S: 250" + separator + line + "\n")
	}
	return b.String()
}

// byDefault are the keywords of opened.
var byDefault = []string{"PIPELINING", "SIZE 67108864", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8", "ENHANCEDSTATUSCODES"}

// allButCodes leaves ENHANCEDSTATUSCODES alone when it is disabled.
const allButCodes = protocol.DefaultExtensions &^ wire.EnhancedStatusCodes

// plus returns byDefault with more keywords behind.
func plus(keywords ...string) []string {
	return append(byDefault[:len(byDefault):len(byDefault)], keywords...)
}

// forMail are the requests that an application which takes mail cannot do without.
const forMail = protocol.RequestRcpt | protocol.RequestData

// addressed is a transaction up to its one recipient.
const addressed = `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example>
S: 250 2.1.5 ok
`

// contentFollows is DATA behind it.
const contentFollows = addressed + `
C: DATA
? DATA
S: 354 end data with <CR><LF>.<CR><LF>
`

// bye is the end of a session that is still in step.
const bye = `
C: QUIT
S: 221 2.0.0 mx.example closes the connection
= closed: EOF
`

// replyOf reads a reply as a script has it: "250", "250 2.1.0 ok", "250 two\nlines".
func replyOf(t *testing.T, text string) wire.Reply {
	t.Helper()
	code, rest, _ := strings.Cut(text, " ")
	var r wire.Reply
	for _, c := range code {
		r.Code = r.Code*10 + wire.Code(c-'0')
	}
	if len(code) != 3 {
		t.Fatalf("no reply: %q", text)
	}
	if e, behind, found := wire.CutEnhancedCode(rest); found {
		r.Enhanced, rest = e, behind
	}
	r.Text = strings.ReplaceAll(rest, `\n`, "\n")
	return r
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
