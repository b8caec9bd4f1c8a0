package auth_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// taints are all the forms in which the secrets of this file must not be seen: as
// they are, in what SCRAM makes of them, and each in hexadecimal, in base64 at every
// alignment, and as fmt prints slices of octets.
func taints(t *testing.T) []string {
	t.Helper()
	raw := [][]byte{[]byte(secret), []byte(token), []byte("a key of sixteen")}
	for _, new := range []func() hash.Hash{sha1.New, sha256.New} {
		salted, err := pbkdf2.Key(new, secret, []byte("0123456789abcdef"), 4096, new().Size())
		if err != nil {
			t.Fatal(err)
		}
		keyed := func(label string) []byte {
			mac := hmac.New(new, salted)
			mac.Write([]byte(label))
			return mac.Sum(nil)
		}
		client := keyed("Client Key")
		stored := new()
		stored.Write(client)
		raw = append(raw, salted, client, keyed("Server Key"), stored.Sum(nil))
	}
	var forms []string
	for _, b := range raw {
		list := strings.Trim(fmt.Sprint(b), "[]")
		typed := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}")
		forms = append(forms, string(b), list, typed, hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)))
		for shift := range 3 {
			// The digits that other octets beside b have no part in.
			text := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), b...))
			forms = append(forms, text[(shift*8+5)/6:len(text)-1])
		}
	}
	return forms
}

// sighting collects all that somebody could see.
type sighting struct{ text bytes.Buffer }

func (s *sighting) add(values ...any) {
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&s.text, verb+"\n", v)
		}
	}
}

func (s *sighting) check(t *testing.T, name string, forms []string) {
	t.Helper()
	for _, form := range forms {
		if at := strings.Index(s.text.String(), form); at >= 0 {
			t.Errorf("%s shows %q: %.200s", name, form, s.text.String()[max(at-80, 0):])
		}
	}
}

// No secret, in no form, is in traces, in errors, or in what printing any value
// shows, for every mechanism, in success, in refusal and in every way to break off.
func TestSecretsAreNowhere(t *testing.T) { // F5, H-A9
	forms := taints(t)
	var control sighting
	control.add([]byte(secret), base64.StdEncoding.EncodeToString([]byte("\x00tim\x00"+secret)), token)
	for _, form := range []string{forms[0], forms[1], forms[2], forms[3], forms[4], forms[8]} {
		if !strings.Contains(control.text.String(), form) {
			t.Fatalf("the search itself does not find %q", form)
		}
	}
	for name, m := range all(user, secret, token) {
		for _, end := range []string{"accepted", "refused", "garbage", "early 235", "EOF"} {
			var seen sighting
			s := users(t)
			talk(t, &seen, s, m, end)
			c, err := auth.NewSCRAMCredentials(crypto.SHA256, secret, []byte("0123456789abcdef"), 4096)
			seen.add(s, *s, c, &c, struct{ C auth.SCRAMCredentials }{c}, m, auth.List{m}, err)
			seen.check(t, name+", "+end, forms)
		}
	}
	var seen sighting
	for _, m := range all(user+"\x00"+secret, secret+"\x00", token+"\x00") {
		_, err := m.New(underTLS)
		seen.add(err)
	}
	for _, m := range all(secret+"\xff", secret, token+"\xff") {
		_, err := m.New(underTLS)
		seen.add(err)
	}
	seen.check(t, "configuration", forms)
}

// talk plays a login of a Client, under TLS, with a server that ends it in a way,
// and notes all that can be seen at every point.
func talk(t *testing.T, seen *sighting, s *auth.Server, m protocol.Mechanism, end string) {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c, err := protocol.NewClient(now, protocol.ClientConfig{Trace: func(e protocol.TraceEvent) { seen.add(e) }})
	if err != nil {
		t.Fatal(err)
	}
	c.Upgraded(now, underTLS, nil)
	c.Hello("client.example")
	login := c.Login(m)
	exchange := serving(t, s, m.Name, underTLS)
	seen.add(exchange)
	c.Feed(now, []byte("220 mx.example\r\n"))
	replies := []string{"250-mx.example\r\n250 AUTH " + strings.Join(s.Mechanisms(underTLS), " ") + "\r\n"}
	for rounds := 0; c.Err() == nil && rounds < 12; rounds++ {
		var written []byte
		for _, chunk := range c.Output(now, nil, 1<<16) {
			written = append(written, chunk.Bytes...)
		}
		seen.add(c)
		c.Wrote(now, int64(len(written)))
		reply := ""
		switch line := strings.TrimSuffix(string(written), "\r\n"); {
		case len(replies) > 0:
			reply, replies = replies[0], replies[1:]
		case len(written) == 0:
			rounds = 12
		case line == "*":
			reply = "501 cancelled\r\n"
		case end == "garbage":
			reply = "334 AAAA\r\n"
		case end == "early 235":
			reply = "235 welcome\r\n"
		case end == "refused":
			reply = "535 5.7.8 no\r\n"
		case end == "EOF":
			c.FeedEOF(now)
		default:
			reply = answer(t, exchange, line)
		}
		c.Feed(now, []byte(reply))
		seen.add(c, c.Err(), login, exchange)
	}
	r, err, settled := login.Result()
	if !settled || end == "accepted" && (err != nil || r.Code != wire.CodeAuthSucceeded) {
		t.Errorf("%s, %s: %v", m.Name, end, err)
	}
	seen.add(r, err)
	if replied := (*protocol.ReplyError)(nil); err != nil {
		seen.add(replied, err.Error())
	}
}

// answer is the server's reply to a line of the exchange.
func answer(t *testing.T, exchange interface {
	Next([]byte) ([]byte, bool, error)
}, line string) string {
	t.Helper()
	var response []byte
	if args, is := strings.CutPrefix(line, "AUTH "); is {
		_, initial, has := strings.Cut(args, " ")
		if line = initial; has && initial == "=" {
			line, response = "", []byte{}
		}
		if !has {
			line = "-"
		}
	}
	if line != "-" {
		var err error
		if response, err = base64.StdEncoding.AppendDecode([]byte{}, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	challenge, done, err := exchange.Next(response)
	switch {
	case err != nil:
		return "535 5.7.8 " + err.Error() + "\r\n"
	case done:
		return "235 2.7.0 welcome\r\n"
	}
	return "334 " + base64.StdEncoding.EncodeToString(challenge) + "\r\n"
}
