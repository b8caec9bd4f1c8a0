package protocol_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// inClear lets logins in clear happen, as in the ancestors' own tests.
var inClear = protocol.ClientConfig{AllowCleartextAuth: true}

var (
	plain  = auth.Plain("", "george", "abracadabra")
	login2 = auth.Login("george", "abracadabra")
	cram   = auth.CRAMMD5("tim", "tanstaaftanstaaf")
)

func login(mechanisms ...protocol.Mechanism) func(*session) {
	return func(s *session) { watch(s, "login", s.Login(mechanisms...)) }
}

// exchange plays the part of a conversation that is a login, and then one more
// command, which shows that the queue goes on.
type exchange struct {
	name       string
	cfg        protocol.ClientConfig
	mechanisms []protocol.Mechanism
	offer      string
	text       string
	over       bool // the connection is
}

func (x exchange) play(t *testing.T) {
	t.Helper()
	t.Run(x.name, func(t *testing.T) {
		c := conversation{cfg: x.cfg, begin: does(hello, login(x.mechanisms...)), text: opening(x.offer) + x.text}
		if !x.over {
			c.begin = does(hello, login(x.mechanisms...), noop)
			c.text += "\nC: NOOP\nS: 250 ok\n= noop: 250 ok\n"
		}
		play(t, c)
	})
}

// Each mechanism to its end. Only 235 is success, with any text or none.
func TestLogin(t *testing.T) { // P9
	for _, x := range []exchange{
		{name: "PLAIN", cfg: inClear, mechanisms: []protocol.Mechanism{plain}, offer: "AUTH PLAIN LOGIN", text: `
			C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
			S: 235 welcome
			= login: 235 welcome`}, // P32, F17
		{name: "PLAIN, as somebody", cfg: inClear, mechanisms: []protocol.Mechanism{auth.Plain("Ursel", "Kurt", "xipj3plmq")}, offer: "AUTH PLAIN", text: `
			C: AUTH PLAIN VXJzZWwAS3VydAB4aXBqM3BsbXE=
			S: 235 welcome
			= login: 235 welcome`}, // F17
		{name: "LOGIN", cfg: inClear, mechanisms: []protocol.Mechanism{login2}, offer: "AUTH LOGIN", text: `
			C: AUTH LOGIN
			S: 334 VXNlcm5hbWU6
			C: Z2Vvcmdl
			S: 334 UGFzc3dvcmQ6
			C: YWJyYWNhZGFicmE=
			S: 235-welcome
			S: 235 to mx.example
			= login: 235 welcome / to mx.example`}, // F5
		{name: "LOGIN, prompts of another kind", cfg: inClear, mechanisms: []protocol.Mechanism{login2}, offer: "AUTH LOGIN", text: `
			C: AUTH LOGIN
			S: 334
			C: Z2Vvcmdl
			S: 334\x20
			C: YWJyYWNhZGFicmE=
			S: 235
			= login: 235`}, // F5
		{name: "CRAM-MD5", mechanisms: []protocol.Mechanism{cram}, offer: "AUTH CRAM-MD5", text: `
			C: AUTH CRAM-MD5
			S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
			C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
			S: 235 welcome
			= login: 235 welcome`}, // C99
		{name: "the old form of the keyword", mechanisms: []protocol.Mechanism{cram}, offer: "AUTH=LOGIN CRAM-MD5", text: `
			C: AUTH CRAM-MD5
			S: 535 no
			= login: AUTH: 535 no (want 235)`}, // F13, H-A11, C88
		{name: "lower case", mechanisms: []protocol.Mechanism{cram}, offer: "auth cram-md5", text: `
			C: AUTH CRAM-MD5
			S: 535 no
			= login: AUTH: 535 no (want 235)`}, // F13
	} {
		x.play(t)
	}
}

// The first of the caller's mechanisms that the server has is taken; one alone is
// thereby forced.
func TestLoginChoosesTheStrongest(t *testing.T) { // P7, H-A2
	all := []protocol.Mechanism{cram, plain, login2}
	for _, x := range []exchange{
		{name: "all", cfg: inClear, mechanisms: all, offer: "AUTH LOGIN PLAIN CRAM-MD5", text: `
			C: AUTH CRAM-MD5
			S: 535 no
			= login: AUTH: 535 no (want 235)`},
		{name: "the second", cfg: inClear, mechanisms: all, offer: "AUTH LOGIN PLAIN", text: `
			C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
			S: 535 no
			= login: AUTH: 535 no (want 235)`},
		{name: "forced", cfg: inClear, mechanisms: []protocol.Mechanism{login2}, offer: "AUTH LOGIN PLAIN CRAM-MD5", text: `
			C: AUTH LOGIN
			S: 535 no
			= login: AUTH: 535 no (want 235)`},
		{name: "in clear, not the first", mechanisms: []protocol.Mechanism{plain, cram}, offer: "AUTH PLAIN CRAM-MD5", text: `
			C: AUTH CRAM-MD5
			S: 535 no
			= login: AUTH: 535 no (want 235)`}, // H-A1, C98
	} {
		x.play(t)
	}
}

// What cannot be tried fails at once, writes nothing, and leaves the session as it
// is.
func TestLoginNotTried(t *testing.T) {
	broken := protocol.Mechanism{Name: "X-BROKEN", New: func(protocol.TLSState) (sasl.Client, error) { return nil, errors.New("no token") }}
	for _, x := range []exchange{
		{name: "no AUTH", cfg: inClear, mechanisms: []protocol.Mechanism{plain}, offer: "PIPELINING", text: `
			= login: AUTH: not offered by the server`}, // P8
		{name: "AUTH disabled", cfg: protocol.ClientConfig{Disable: wire.Auth}, mechanisms: []protocol.Mechanism{cram}, offer: "AUTH CRAM-MD5", text: `
			= login: AUTH: not offered by the server`}, // F16
		{name: "no common mechanism", cfg: inClear, mechanisms: []protocol.Mechanism{plain}, offer: "AUTH GSSAPI", text: `
			= login: AUTH: no common mechanism that may be used here`}, // P7
		{name: "no mechanism", cfg: inClear, offer: "AUTH PLAIN", text: `
			= login: AUTH: no common mechanism that may be used here`},
		{name: "secret in clear", mechanisms: []protocol.Mechanism{plain, login2}, offer: "AUTH PLAIN LOGIN", text: `
			= login: AUTH: TLS is required`}, // H-A1, C98
		{name: "TLS required", cfg: protocol.ClientConfig{RequireTLS: true}, mechanisms: []protocol.Mechanism{cram}, offer: "AUTH CRAM-MD5", text: `
			= login: AUTH: TLS is required`, over: true}, // H-T3, C84
		{name: "no password", cfg: inClear, mechanisms: []protocol.Mechanism{auth.Plain("", "george", "")}, offer: "AUTH PLAIN", text: `
			= login: AUTH PLAIN: password: empty`}, // P33
		{name: "NUL", cfg: inClear, mechanisms: []protocol.Mechanism{auth.Plain("", "geo\x00rge", "x")}, offer: "AUTH PLAIN", text: `
			= login: AUTH PLAIN: user name: NUL in it`}, // F9, H-A12
		{name: "mechanism fails", cfg: inClear, mechanisms: []protocol.Mechanism{broken}, offer: "AUTH X-BROKEN", text: `
			= login: AUTH X-BROKEN: no token`},
	} {
		x.play(t)
	}
}

// Every refusal is the failure of the login, and temporary where the code is.
func TestLoginRefused(t *testing.T) { // P9, P16, F3, F5, C97
	for code, temporary := range map[string]bool{
		"432": true, "454": true, "451": true, "500": false, "501": false, "504": false,
		"530": false, "534": false, "535": false, "538": false,
	} {
		exchange{name: code, cfg: inClear, mechanisms: []protocol.Mechanism{plain}, offer: "AUTH PLAIN", text: `
			C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
			S: ` + code + `-no
			S: ` + code + ` way
			= login: AUTH: ` + code + ` no / way (want 235)`}.play(t)

		c := newClient(t, inClear)
		c.Hello("me.example")
		f := c.Login(plain)
		feed(c, "220 mx.example\r\n")
		feed(c, "250-mx.example\r\n250 AUTH PLAIN\r\n")
		feed(c, code+" no\r\n")
		_, err, _ := f.Result()
		if e := asError[*protocol.ReplyError](t, err); e.Temporary() != temporary || e.Command != "AUTH" {
			t.Errorf("%s: %+v", code, e)
		}
	}
	exchange{name: "in the middle", cfg: inClear, mechanisms: []protocol.Mechanism{login2}, offer: "AUTH LOGIN", text: `
			C: AUTH LOGIN
			S: 334 VXNlcm5hbWU6
			C: Z2Vvcmdl
			S: 535 who
			= login: AUTH: 535 who (want 235)`}.play(t)
}

// A reply that makes no sense in an exchange leaves nobody knowing who is logged
// in: the connection is over.
func TestLoginProtocolError(t *testing.T) { // F5, F19, H-T12, C120
	for code, text := range map[string]string{
		"250": "250 ok", "354": "354 go", "220": "220 mx", "335": "335 VXNlcm5hbWU6",
	} {
		exchange{name: code, cfg: inClear, mechanisms: []protocol.Mechanism{plain}, offer: "AUTH PLAIN", over: true, text: strings.ReplaceAll(`
			C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
			S: TEXT
			= login: protocol error at the reply to AUTH: unexpected reply: TEXT (want 235 or 334)
			= closed: protocol error at the reply to AUTH: unexpected reply: TEXT (want 235 or 334)`, "TEXT", text)}.play(t)
	}
}

// An exchange that cannot go on is cancelled with "*"; whatever refusal comes
// then, the connection goes on.
func TestLoginCancelled(t *testing.T) { // F5, C90, H-A3
	for _, x := range []exchange{
		{name: "challenge is not base64", cfg: inClear, mechanisms: []protocol.Mechanism{login2}, offer: "AUTH LOGIN", text: `
			C: AUTH LOGIN
			S: 334 User name:
			C: *
			S: 501 cancelled
			= login: AUTH LOGIN: challenge is not base64`}, // H-A4
		{name: "challenge of two lines", cfg: inClear, mechanisms: []protocol.Mechanism{login2}, offer: "AUTH LOGIN", text: `
			C: AUTH LOGIN
			S: 334-VXNl
			S: 334 cm5hbWU6
			C: *
			S: 504 cancelled
			= login: AUTH LOGIN: challenge is not base64`}, // H-A4, S
		{name: "334 out of turn", cfg: inClear, mechanisms: []protocol.Mechanism{plain}, offer: "AUTH PLAIN", text: `
			C: AUTH PLAIN AGdlb3JnZQBhYnJhY2FkYWJyYQ==
			S: 334 bW9yZQ==
			C: *
			S: 501 cancelled
			= login: AUTH PLAIN: sasl: unexpected server challenge`}, // F5, H-A4
		{name: "a third prompt", cfg: inClear, mechanisms: []protocol.Mechanism{login2}, offer: "AUTH LOGIN", text: `
			C: AUTH LOGIN
			S: 334
			C: Z2Vvcmdl
			S: 334
			C: YWJyYWNhZGFicmE=
			S: 334
			C: *
			S: 501 cancelled
			= login: AUTH LOGIN: sasl: unexpected server challenge`}, // F5, H-A4
		{name: "235 to *", cfg: inClear, mechanisms: []protocol.Mechanism{login2}, offer: "AUTH LOGIN", over: true, text: `
			C: AUTH LOGIN
			S: 334 ?
			C: *
			S: 235 welcome
			= login: protocol error at the reply to AUTH: unexpected reply: 235 welcome
			= closed: protocol error at the reply to AUTH: unexpected reply: 235 welcome`}, // H-T12
		{name: "334 to *", cfg: inClear, mechanisms: []protocol.Mechanism{login2}, offer: "AUTH LOGIN", over: true, text: `
			C: AUTH LOGIN
			S: 334 ?
			C: *
			S: 334 VXNlcm5hbWU6
			= login: protocol error at the reply to AUTH: unexpected reply: 334 VXNlcm5hbWU6
			= closed: protocol error at the reply to AUTH: unexpected reply: 334 VXNlcm5hbWU6`}, // H-A4
	} {
		x.play(t)
	}
}
