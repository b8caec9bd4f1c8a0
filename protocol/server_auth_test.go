package protocol_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// mechanisms is a server that offers XTEST, and PLAIN and LOGIN under TLS.
func mechanisms(tls protocol.TLSState) []string {
	if tls.Active() {
		return []string{"XTEST", "PLAIN", "LOGIN"}
	}
	return []string{"XTEST"}
}

var loginServer = protocol.ServerConfig{TLS: true, Mechanisms: mechanisms, Requests: forMail | protocol.RequestAuth}

var openedForLogin = offering(plus("STARTTLS", "AUTH XTEST")...)

// securedForLogin is a session behind STARTTLS.
var securedForLogin = "S: 220 mx.example ESMTP\n" + startTLSAccepted + helloed("EHLO", plus("AUTH XTEST PLAIN LOGIN")...)

// george, in base64: "\x00george\x00abracadabra".
const georgePlain = "AGdlb3JnZQBhYnJhY2FkYWJyYQ=="

// dialog is a mechanism as a list of what it says to the responses.
type dialog struct {
	s     *serving
	steps []string // a challenge, "done", "done: " and a challenge, or "fail"
	err   error    // of "fail"
}

func (d *dialog) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil {
		d.s.note("= no initial response")
	} else {
		d.s.note("= response %q", response)
	}
	step := d.steps[0]
	d.steps = d.steps[1:]
	if rest, is := strings.CutPrefix(step, "done: "); is {
		return []byte(rest), true, nil
	}
	switch step {
	case "done":
		return nil, true, nil
	case "fail":
		return nil, false, d.err
	}
	return []byte(step), false, nil
}

// scriptedLogin is an act that makes an exchange by dialog.
func scriptedLogin(err error, steps ...string) map[string]func(*serving, protocol.Request) {
	return map[string]func(*serving, protocol.Request){"script": func(s *serving, r protocol.Request) {
		watchServed(s, "auth", r.AcceptAuth(&dialog{s, steps, err}), wire.Reply.String)
	}}
}

func TestServerLogin(t *testing.T) { // C88 C89 C91 C99 H-A6 H-A7 P32
	const twice = `
C: AUTH PLAIN ` + georgePlain + `
S: 503 5.5.1 authenticated already
C: AUTH
S: 503 5.5.1 authenticated already
A: do in
C: RSET
S: 250 2.0.0 ok
` + contentFollows + inContentEnd + bye
	acts := map[string]func(*serving, protocol.Request){"in": func(s *serving, _ protocol.Request) {
		if !s.Authenticated() {
			t.Errorf("%v: it is not authenticated", s.mode)
		}
	}}
	for _, how := range []string{
		"C: AUTH PLAIN " + georgePlain + "\n? AUTH PLAIN\n",
		"C: auth plain " + georgePlain + "\n? AUTH PLAIN\n",
		"C: AUTH PLAIN\n? AUTH PLAIN\nS: 334\\x20\nC: " + georgePlain + "\n",
		"C: AUTH LOGIN\n? AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: Z2Vvcmdl\nS: 334 UGFzc3dvcmQ6\nC: YWJyYWNhZGFicmE=\n",
		"C: AUTH LOGIN Z2Vvcmdl\n? AUTH LOGIN\nS: 334 UGFzc3dvcmQ6\nC: YWJyYWNhZGFicmE=\n",
	} {
		playServer(t, service{cfg: loginServer, acts: acts, text: securedForLogin + how + "= auth: 235 2.7.0 authenticated\nS: 235 2.7.0 authenticated\n" + twice})
	}
	playServer(t, service{cfg: loginServer, acts: scriptedLogin(nil, "first", "", "done"), text: openedForLogin + `
C: AUTH XTEST =
? AUTH XTEST -> do script
= response ""
S: 334 Zmlyc3Q=
C: YQ==
= response "a"
S: 334\x20
C:
= response ""
= auth: 235 2.7.0 authenticated
S: 235 2.7.0 authenticated
`})
	// What a mechanism says with its success has to be answered by nothing.
	playServer(t, service{cfg: loginServer, acts: scriptedLogin(nil, "done: v=1"), text: openedForLogin + `
C: AUTH XTEST YQ==
? AUTH XTEST -> do script
= response "a"
S: 334 dj0x
C:
= auth: 235 2.7.0 authenticated
S: 235 2.7.0 authenticated
` + bye})
}

// What fails is said by its kind, and another try may follow.
func TestServerLoginFails(t *testing.T) { // C90 C92 C97 H-A3 H-A8
	again := "C: AUTH PLAIN " + georgePlain + "\n? AUTH PLAIN\n= auth: 235 2.7.0 authenticated\nS: 235 2.7.0 authenticated\n" + bye
	for _, text := range []string{
		"C: AUTH PLAIN AGdlb3JnZQB3cm9uZw==\n? AUTH PLAIN\n= auth: authentication credentials invalid\nS: 535 5.7.8 authentication failed\n",
		"C: AUTH PLAIN bm9udWxz\n? AUTH PLAIN\n= auth: PLAIN: malformed message\nS: 501 5.5.2 malformed authentication message\n",
		"C: AUTH PLAIN\n? AUTH PLAIN\nS: 334\\x20\nC: *\n= auth: AUTH: 501 5.7.0 authentication cancelled\nS: 501 5.7.0 authentication cancelled\n",
		"C: AUTH PLAIN\n? AUTH PLAIN\nS: 334\\x20\nC: !!!!\n= auth: AUTH: 501 5.5.2 not base64\nS: 501 5.5.2 not base64\n",
		"C: AUTH PLAIN\n? AUTH PLAIN\nS: 334\\x20\nC: YQ\n= auth: AUTH: 501 5.5.2 not base64\nS: 501 5.5.2 not base64\n",
		"C: AUTH PLAIN\n? AUTH PLAIN\nS: 334\\x20\nC: =\n= auth: AUTH: 501 5.5.2 not base64\nS: 501 5.5.2 not base64\n",
		"C: AUTH PLAIN\n? AUTH PLAIN\nS: 334\\x20\nC: Y=Q=\n= auth: AUTH: 501 5.5.2 not base64\nS: 501 5.5.2 not base64\n",
		"C: AUTH PLAIN\n? AUTH PLAIN\nS: 334\\x20\nC: YQ==\\n\n= auth: AUTH: 501 5.5.2 not base64\nS: 501 5.5.2 not base64\n",
		"C: AUTH PLAIN !!!!\nS: 501 5.5.2 not base64\n",
		"C: AUTH PLAIN YQ== YQ==\nS: 501 5.5.2 not base64\n",
		"C: AUTH\nS: 501 5.5.4 an argument is missing\n",
		"C: AUTH CRAM-MD5\nS: 504 5.5.4 mechanism not supported\n",
		"C: AUTH PLAIN\n? AUTH PLAIN -> 454 4.7.0 the store is down\nS: 454 4.7.0 the store is down\n",
		"C: AUTH PLAIN\n? AUTH PLAIN -> 432 4.7.12 a transition is needed\nS: 432 4.7.12 a transition is needed\n",
		"C: AUTH PLAIN\n? AUTH PLAIN -> 534 5.7.9 too weak\nS: 534 5.7.9 too weak\n",
		"C: AUTH PLAIN " + georgePlain + "\n? AUTH PLAIN -> default\nS: 454 4.7.0 temporary authentication failure\n",
	} {
		playServer(t, service{cfg: loginServer, text: securedForLogin + text + again})
	}
	for _, tt := range []struct {
		err   error
		reply string
	}{
		{auth.ErrCredentials, "535 5.7.8 authentication failed"},
		{fmt.Errorf("george: %w", auth.ErrCredentials), "535 5.7.8 authentication failed"},
		{auth.ErrNotAuthorized, "535 5.7.8 authentication failed"},
		{auth.ErrChannelBinding, "535 5.7.8 authentication failed"},
		{&auth.MessageError{Mechanism: "XTEST", Reason: "no sense"}, "501 5.5.2 malformed authentication message"},
		{errors.New("the store is on fire"), "454 4.7.0 temporary authentication failure"},
		{sasl.ErrUnexpectedClientResponse, "454 4.7.0 temporary authentication failure"},
	} {
		playServer(t, service{cfg: loginServer, acts: scriptedLogin(tt.err, "fail"), text: openedForLogin + `
C: AUTH XTEST YQ==
? AUTH XTEST -> do script
= response "a"
= auth: ` + tt.err.Error() + `
S: ` + tt.reply + `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
`})
	}
}

// Where AUTH has no place.
func TestServerLoginOrder(t *testing.T) { // C91 H-A7 H-A1 C98
	playServer(t, service{cfg: loginServer, text: "S: 220 mx.example ESMTP\nC: AUTH XTEST\nS: 503 5.5.1 say EHLO first\n"})
	playServer(t, service{cfg: loginServer, text: openedForLogin + `
C: MAIL FROM:<a@me.example>
S: 250 2.1.0 ok
C: AUTH XTEST
S: 503 5.5.1 a transaction is open
C: RSET
S: 250 2.0.0 ok
C: AUTH XTEST
? AUTH XTEST -> 454 4.7.0 no
S: 454 4.7.0 no
` + bye})
	// In clear no password is taken, not even one that was sent unasked.
	playServer(t, service{cfg: loginServer, text: openedForLogin + `
C: AUTH PLAIN
S: 538 5.7.11 encryption required for this mechanism
C: AUTH PLAIN ` + georgePlain + `
S: 538 5.7.11 encryption required for this mechanism
C: AUTH LOGIN
S: 538 5.7.11 encryption required for this mechanism
` + bye})
}

// TLS ends a login's session; nothing of it is left, and a new login is possible.
func TestServerSTARTTLSForgetsLogin(t *testing.T) { // C82 H-T5
	playServer(t, service{cfg: loginServer, acts: scriptedLogin(nil, "done"), text: openedForLogin + `
C: AUTH XTEST YQ==
? AUTH XTEST -> do script
= response "a"
= auth: 235 2.7.0 authenticated
S: 235 2.7.0 authenticated
` + startTLSAccepted + helloed("EHLO", plus("AUTH XTEST PLAIN LOGIN")...) + `
C: AUTH PLAIN ` + georgePlain + `
? AUTH PLAIN
= auth: 235 2.7.0 authenticated
S: 235 2.7.0 authenticated
` + bye})
}

// A server for submission takes mail from users only.
func TestServerRequiresLogin(t *testing.T) { // C105 C97
	cfg := loginServer
	cfg.RequireAuth = true
	playServer(t, service{cfg: cfg, text: securedForLogin + `
C: MAIL FROM:<a@me.example>
S: 530 5.7.0 authentication required
C: RCPT TO:<b@me.example>
S: 503 5.5.1 MAIL first
C: VRFY b
S: 530 5.7.0 authentication required
C: EXPN b
S: 530 5.7.0 authentication required
C: NOOP
S: 250 2.0.0 ok
C: RSET
S: 250 2.0.0 ok
C: AUTH PLAIN ` + georgePlain + `
? AUTH PLAIN
= auth: 235 2.7.0 authenticated
S: 235 2.7.0 authenticated
` + contentFollows + inContentEnd + bye})
}

// Lines of AUTH may have 12,288 octets; longer ones end the exchange, not the session.
func TestServerLoginLineLength(t *testing.T) { // C93 H-A4
	cfg := loginServer
	cfg.MaxLine = 600
	within := strings.Repeat("YWJj", 3072)
	for _, tt := range []struct{ line, then string }{
		{within, "= response " + `"` + strings.Repeat("abc", 3072) + `"` + "\n= auth: 235 2.7.0 authenticated\nS: 235 2.7.0 authenticated\n"},
		{within + "YWJj", "= auth: AUTH: 500 5.5.6 line too long\nS: 500 5.5.6 line too long\n"},
		{strings.Repeat("YWJj", 5000), "= auth: AUTH: 500 5.5.6 line too long\nS: 500 5.5.6 line too long\n"},
	} {
		s := service{cfg: cfg, acts: scriptedLogin(nil, "who?", "done"), text: openedForLogin + `
C: AUTH XTEST
? AUTH XTEST -> do script
= no initial response
S: 334 d2hvPw==
C: ` + tt.line + "\n" + tt.then + bye}
		playServerAt(t, s, 12_200)
	}
	within = "AUTH XTEST " + strings.Repeat("YWJj", 3069)
	s := service{cfg: cfg, acts: scriptedLogin(nil, "done"), text: openedForLogin + "C: " + within + "\n? AUTH XTEST -> do script\n= response \"" +
		strings.Repeat("abc", 3069) + "\"\n= auth: 235 2.7.0 authenticated\nS: 235 2.7.0 authenticated\n" + bye}
	playServerAt(t, s, 12_200)
	playServerAt(t, service{cfg: cfg, text: openedForLogin + "C: " + within + "YWJj\nS: 500 5.5.6 line too long\n" + bye}, 12_200)
}

// A response without an end ends the session, as any other line does.
func TestServerLoginEndlessLine(t *testing.T) { // H-R27 H-A4
	for _, end := range []string{"\\", ""} {
		playServerAt(t, service{cfg: loginServer, acts: scriptedLogin(nil, "who?"), text: openedForLogin + `
C: AUTH XTEST
? AUTH XTEST -> do script
= no initial response
S: 334 d2hvPw==
C: ` + strings.Repeat("A", 4*12290+1) + end + `
= auth: protocol error: line too long
= closed: protocol error: line too long
S: 421 4.7.0 mx.example line too long
`}, 4*12288)
	}
}

// Steps can take their time: nothing else is read, and nothing is said meanwhile.
func TestServerLoginSteps(t *testing.T) { // H-A4
	var answer func([]byte, bool, error)
	acts := map[string]func(*serving, protocol.Request){
		"steps": func(s *serving, r protocol.Request) {
			watchServed(s, "auth", r.AcceptAuthSteps(func(response []byte, a func([]byte, bool, error)) {
				s.note("= response %q", response)
				answer = a
			}), wire.Reply.String)
		},
		"challenge": func(*serving, protocol.Request) { answer([]byte("more?"), false, nil) },
		"done":      func(*serving, protocol.Request) { answer(nil, true, nil) },
		"fail":      func(*serving, protocol.Request) { answer(nil, false, auth.ErrCredentials) },
	}
	begun := openedForLogin + `
C: AUTH XTEST
? AUTH XTEST -> do steps
= response ""
A: do challenge
A: do challenge
S: 334 bW9yZT8=
C: YQ==
= response "a"
WAIT 1h
`
	begun = strings.Replace(begun, "A: do challenge\nA: do challenge\nS:", "A: do challenge\nS:", 1)
	playServer(t, service{cfg: loginServer, acts: acts, text: begun + "A: do done\n= auth: 235 2.7.0 authenticated\nS: 235 2.7.0 authenticated\nA: do fail\n" + bye})
	playServer(t, service{cfg: loginServer, acts: acts, text: begun + "A: do fail\n= auth: authentication credentials invalid\nS: 535 5.7.8 authentication failed\nA: do done\n" + bye})
	playServer(t, service{cfg: loginServer, acts: acts, text: begun + "RESET\n= auth: connection lost before the response to the challenge: connection reset\n= closed: connection lost before the response to the challenge: connection reset\nA: do done\n"})
}

// What comes behind AUTH before its end is a response and never a command.
func TestServerLoginTakesLines(t *testing.T) { // C54
	playServer(t, service{cfg: loginServer, acts: scriptedLogin(auth.ErrCredentials, "who?", "fail"), text: openedForLogin + `
C: AUTH XTEST
? AUTH XTEST -> do script
= no initial response
S: 334 d2hvPw==
C: QUIT
= response "AB\x13"
= auth: authentication credentials invalid
S: 535 5.7.8 authentication failed
` + bye})
}

// A session that ends in an exchange settles it.
func TestServerLoginEnds(t *testing.T) { // H-R9
	playServer(t, service{cfg: loginServer, acts: scriptedLogin(nil, "who?"), text: openedForLogin + `
C: AUTH XTEST
? AUTH XTEST -> do script
= no initial response
S: 334 d2hvPw==
EOF
= auth: connection lost before the response to the challenge: unexpected EOF
= closed: connection lost before the response to the challenge: unexpected EOF
`})
}

// A mechanism that never comes to an end is ended.
func TestServerLoginRounds(t *testing.T) { // C94 H-A4
	steps := make([]string, 40)
	for i := range steps {
		steps[i] = "?"
	}
	round := "S: 334 Pw==\nC: YQ==\n= response \"a\"\n"
	playServer(t, service{cfg: loginServer, acts: scriptedLogin(nil, steps...), text: openedForLogin + "C: AUTH XTEST\n? AUTH XTEST -> do script\n= no initial response\n" +
		strings.Repeat(round, 16) + "= auth: AUTH: 535 5.7.8 authentication failed\nS: 535 5.7.8 authentication failed\n" + bye})
}
