package auth_test

import (
	"crypto"
	"fmt"
	"slices"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

const (
	user   = "tim"
	secret = "tanstaaftanstaaf"
	token  = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
)

// underTLS is a connection with both channel bindings.
var underTLS = protocol.TLSState{
	Version: 0x0304, Exporter: []byte("0123456789abcdef0123456789abcdef"), ServerEndPoint: []byte("end point of the certificate    "),
}

// users is a Server that knows tim. Its key and salts are the same each time.
func users(t testing.TB) *auth.Server {
	t.Helper()
	credentials := map[crypto.Hash]auth.SCRAMCredentials{}
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		c, err := auth.NewSCRAMCredentials(hash, secret, []byte("0123456789abcdef"), 4096)
		if err != nil {
			t.Fatal(err)
		}
		credentials[hash] = c
	}
	s := &auth.Server{
		SCRAM: func(hash crypto.Hash, username string) (auth.SCRAMCredentials, error) {
			if username != user {
				return auth.SCRAMCredentials{}, auth.ErrUnknownUser
			}
			return credentials[hash], nil
		},
		SCRAMHashes:     []crypto.Hash{crypto.SHA256, crypto.SHA1},
		SCRAMKey:        []byte("a key of sixteen"),
		SCRAMIterations: 4096,
		Secret: func(username string) (string, error) {
			if username != user {
				return "", auth.ErrUnknownUser
			}
			return secret, nil
		},
		Token: func(identity, given string) (string, error) {
			if given != token {
				return "", &auth.OAuthError{Status: "invalid_token", Scope: "mail"}
			}
			return user, nil
		},
		External:  func() (string, error) { return user, nil },
		Anonymous: func(string) error { return nil },
	}
	s.Password = s.SCRAMPassword
	return s
}

// conversation is what two sides said, in turn, and how it ended on each.
type conversation struct {
	messages []string // "C: …", "S: …"
	accepted bool
	client   error // of Next, or of Conclude
	server   error
}

// converse lets a client and a server talk as AUTH lets them.
func converse(t testing.TB, c sasl.Client, s sasl.Server) (got conversation) {
	t.Helper()
	_, response, err := c.Start()
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if response != nil {
			got.messages = append(got.messages, "C: "+string(response))
		}
		challenge, done, err := s.Next(response)
		if err != nil || done {
			got.accepted, got.server = done && err == nil, err
			if conclude, is := c.(protocol.Concluder); is {
				got.client = conclude.Conclude(got.accepted)
			}
			return got
		}
		got.messages = append(got.messages, "S: "+string(challenge))
		if response, err = c.Next(challenge); err != nil {
			got.client = err
			return got
		}
	}
	t.Fatalf("it never ends: %q", got.messages)
	return got
}

// client makes the client of a mechanism.
func client(t testing.TB, m protocol.Mechanism, tls protocol.TLSState) sasl.Client {
	t.Helper()
	c, err := m.New(tls)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serving begins an exchange on a Server.
func serving(t testing.TB, s *auth.Server, name string, tls protocol.TLSState) sasl.Server {
	t.Helper()
	exchange, err := s.New(name, tls)
	if err != nil {
		t.Fatal(err)
	}
	return exchange
}

// wantConversation compares everything.
func wantConversation(t *testing.T, got conversation, want []string, client, server string) {
	t.Helper()
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	if !slices.Equal(got.messages, want) || text(got.client) != client || text(got.server) != server || got.accepted != (server == "" && client == "") {
		t.Errorf("said %q\nwant %q\naccepted %v, client: %v, server: %v", got.messages, want, got.accepted, got.client, got.server)
	}
}

// all lists every mechanism with credentials, by the name that is its own.
func all(username, password, token string) map[string]protocol.Mechanism {
	list := auth.Password("", username, password)
	list = append(list, auth.Token(username, "", 0, token)...)
	list = append(list, auth.External(""), auth.Anonymous("sirhc"))
	named := map[string]protocol.Mechanism{}
	for _, m := range list {
		named[m.Name] = m
	}
	return named
}

// Every mechanism that this package has on one side it has on the other.
func TestClientAgainstServer(t *testing.T) { // P9
	s := users(t)
	mechanisms := all(user, secret, token)
	if names := s.Mechanisms(underTLS); len(names) != 11 || len(mechanisms) != 11 {
		t.Fatalf("%q, %d", names, len(mechanisms))
	}
	for _, name := range s.Mechanisms(underTLS) {
		if got := converse(t, client(t, mechanisms[name], underTLS), serving(t, s, name, underTLS)); !got.accepted || got.client != nil {
			t.Errorf("%s: %q, client: %v, server: %v", name, got.messages, got.client, got.server)
		}
	}
}

// A wrong password and a user that does not exist look the same from outside, but
// for what is random.
func TestServerRefuses(t *testing.T) { // H-A9
	s := users(t)
	for _, name := range s.Mechanisms(underTLS) {
		if name == auth.MechanismExternal || name == auth.MechanismAnonymous {
			continue
		}
		wrong := converse(t, client(t, all(user, "wrong", "wrong")[name], underTLS), serving(t, s, name, underTLS))
		unknown := converse(t, client(t, all("tom", "wrong", "wrong")[name], underTLS), serving(t, s, name, underTLS))
		if wrong.accepted || fmt.Sprint(wrong.server, wrong.client) != fmt.Sprint(unknown.server, unknown.client) || len(wrong.messages) != len(unknown.messages) {
			t.Errorf("%s:\n%q, %v, %v\n%q, %v, %v", name, wrong.messages, wrong.server, wrong.client, unknown.messages, unknown.server, unknown.client)
		}
		for i := range wrong.messages {
			if len(wrong.messages[i]) != len(unknown.messages[i]) {
				t.Errorf("%s: %q, %q", name, wrong.messages[i], unknown.messages[i])
			}
		}
	}
}
