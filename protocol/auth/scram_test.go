package auth_test

import (
	"crypto"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// scramVectors are the exchanges of RFC 5802 §5 and RFC 7677 §3. The channel is
// bound to nothing in them.
var scramVectors = []struct {
	name, clientNonce, serverNonce, salt string
	hash                                 crypto.Hash
	messages                             []string
}{
	{auth.MechanismSCRAMSHA1, "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92", crypto.SHA1, []string{
		"C: n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
		"S: r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
		"C: c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"S: v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		"C: ",
	}},
	{auth.MechanismSCRAMSHA256, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "W22ZaJ0SNY7soEsUEjb6gQ==", crypto.SHA256, []string{
		"C: n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
		"S: r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"C: c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"S: v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		"C: ",
	}},
}

func TestSCRAM(t *testing.T) {
	for _, v := range scramVectors {
		salt, err := base64.StdEncoding.DecodeString(v.salt)
		if err != nil {
			t.Fatal(err)
		}
		credentials, err := auth.NewSCRAMCredentials(v.hash, "pencil", salt, 4096)
		if err != nil {
			t.Fatal(err)
		}
		logins := 0
		s := &auth.Server{
			SCRAM: func(hash crypto.Hash, username string) (auth.SCRAMCredentials, error) {
				if hash != v.hash || username != "user" {
					t.Errorf("looked up %v, %q", hash, username)
				}
				return credentials, nil
			},
			Authorize: func(identity, username string) error {
				logins++
				if identity != "" || username != "user" {
					t.Errorf("authorizes %q, %q", identity, username)
				}
				return nil
			},
			SCRAMKey: make([]byte, 16),
		}
		c, err := auth.SCRAMClient(v.name, "", "user", "pencil", v.clientNonce, protocol.TLSState{})
		if err != nil {
			t.Fatal(err)
		}
		wantConversation(t, converse(t, c, s.SCRAMServer(v.name, v.serverNonce, protocol.TLSState{})), v.messages, "", "")
		if logins != 1 {
			t.Errorf("authorized %d times", logins)
		}
		if again, err := c.Next(nil); again != nil || !errors.Is(err, sasl.ErrUnexpectedServerChallenge) {
			t.Errorf("a third challenge: %q, %v", again, err)
		}
	}
}

// A client takes nothing from a server that is out of bounds or has not proven
// itself.
func TestSCRAMClientRefuses(t *testing.T) { // H-A4
	const nonce = "rOprNGfwEbeRWgbNEkqO"
	first := strings.TrimPrefix(scramVectors[1].messages[1], "S: ")
	for _, test := range []struct {
		want       string // of the last challenge
		challenges []string
	}{
		{"malformed server-first-message", []string{""}},
		{"malformed server-first-message", []string{"r=" + nonce + "x,s=c2FsdA=="}},
		{"malformed server-first-message", []string{"x=" + nonce + "x,s=c2FsdA==,i=4096"}},
		{"malformed server-first-message", []string{"r=" + nonce + "x,s=,i=4096"}},
		{"malformed server-first-message", []string{"r=" + nonce + "x,s=?,i=4096"}},
		{"malformed server-first-message", []string{"r=" + nonce + "x,i=4096,s=c2FsdA=="}},
		{"malformed server-first-message", []string{"r=" + nonce + "x,s=c2FsdA==,i=\x1b[2J"}},
		{"malformed server-first-message", []string{"r=" + nonce + "x,s=c2FsdA==,i=-4096"}},
		{"malformed server-first-message", []string{"r=" + nonce + "x,s=c2FsdA==,i=99999999999999999999"}},
		{"malformed server-first-message", []string{"m=must,r=" + nonce + "x,s=c2FsdA==,i=4096"}},
		{"the server's nonce does not extend the client's", []string{"r=" + nonce + ",s=c2FsdA==,i=4096"}},
		{"the server's nonce does not extend the client's", []string{"r=another-nonce-that-is-longer,s=c2FsdA==,i=4096"}},
		{"iteration count 4095 is not in 4096 to 1000000", []string{"r=" + nonce + "x,s=c2FsdA==,i=4095"}},
		{"iteration count 0 is not in 4096 to 1000000", []string{"r=" + nonce + "x,s=c2FsdA==,i=0"}},
		{"iteration count 1000001 is not in 4096 to 1000000", []string{"r=" + nonce + "x,s=c2FsdA==,i=1000001"}},
		{"the server did not prove that it knows the password", []string{first, ""}},
		{"the server did not prove that it knows the password", []string{first, "v=AAAA"}},
		{"the server did not prove that it knows the password", []string{first, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="}},
		{"the server did not prove that it knows the password", []string{first, "v=\x1b[2J"}},
		{"sasl: unexpected server challenge", []string{"e=unknown-user", first}},
	} {
		c, err := auth.SCRAMClient(auth.MechanismSCRAMSHA256, "", "user", "pencil", nonce, protocol.TLSState{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for i, challenge := range test.challenges {
			response, err := c.Next([]byte(challenge))
			if last := i == len(test.challenges)-1; last && (response != nil || err == nil || err.Error() != test.want) || !last && err != nil {
				t.Errorf("%q: %q, %v, want %s", challenge, response, err, test.want)
			}
		}
		// Whatever happened: a server that has not proven itself is not believed.
		if err := c.(protocol.Concluder).Conclude(true); !errors.Is(err, auth.ErrServerNotVerified) {
			t.Errorf("%q: a 235 gives %v", test.challenges, err)
		}
	}
}

// A server may say why, in place of either of its messages. The answer is empty, and
// the reason comes with the refusal.
func TestSCRAMServerError(t *testing.T) {
	first := strings.TrimPrefix(scramVectors[1].messages[1], "S: ")
	for _, challenges := range [][]string{{"e=invalid-proof"}, {first, "e=invalid-proof"}, {first, "e=invalid-proof,x=y"}} {
		c, err := auth.SCRAMClient(auth.MechanismSCRAMSHA256, "", "user", "pencil", "rOprNGfwEbeRWgbNEkqO", protocol.TLSState{})
		if err != nil {
			t.Fatal(err)
		}
		c.Start()
		var response []byte
		for _, challenge := range challenges {
			if response, err = c.Next([]byte(challenge)); err != nil {
				t.Fatal(err)
			}
		}
		reason := c.(protocol.Concluder).Conclude(false)
		if e := (*auth.SCRAMError)(nil); len(response) != 0 || !errors.As(reason, &e) || e.Value != "invalid-proof" || e.Error() != `server error "invalid-proof"` {
			t.Errorf("%q, %v", response, reason)
		}
	}
}

// Names and passwords are prepared, and escaped on their way.
func TestSCRAMPreparation(t *testing.T) {
	for _, test := range []struct{ identity, username, password, stored, looksUp, want string }{
		{"", "a=b,c", "pencil", "pencil", "a=b,c", "n,,n=a=3Db=2Cc,r=x"},
		{"boss,=", "user", "pencil", "pencil", "user", "n,a=boss=2C=3D,n=user,r=x"},
		{"", "ｕｓｅｒ", "pencil", "pencil", "user", "n,,n=user,r=x"},               // RFC 8265 §3.4.1: width
		{"", "User One", "pencil", "pencil", "User One", "n,,n=User One,r=x"},   // case is kept
		{"", "e\u0301", "cafe\u0301", "caf\u00e9", "\u00e9", "n,,n=\u00e9,r=x"}, // NFC
		{"", "user", "a\u00a0b", "a b", "user", "n,,n=user,r=x"},                // RFC 8265 §4.2.1: blanks
	} {
		c, err := auth.SCRAMClient(auth.MechanismSCRAMSHA256, test.identity, test.username, test.password, "x", protocol.TLSState{})
		if err != nil {
			t.Fatal(err)
		}
		if _, initial, err := c.Start(); string(initial) != test.want || err != nil {
			t.Errorf("%q, %v, want %q", initial, err, test.want)
		}
		credentials, err := auth.NewSCRAMCredentials(crypto.SHA256, test.stored, nil, 4096)
		if err != nil {
			t.Fatal(err)
		}
		s := users(t)
		s.Authorize = func(identity, username string) error {
			if identity != test.identity || username != test.looksUp {
				t.Errorf("authorizes %q, %q", identity, username)
			}
			return nil
		}
		s.SCRAM = func(_ crypto.Hash, username string) (auth.SCRAMCredentials, error) {
			if username != test.looksUp {
				t.Errorf("looked up %q, want %q", username, test.looksUp)
			}
			return credentials, nil
		}
		c, _ = auth.SCRAMClient(auth.MechanismSCRAMSHA256, test.identity, test.username, test.password, "x", protocol.TLSState{})
		if got := converse(t, c, s.SCRAMServer(auth.MechanismSCRAMSHA256, "y", protocol.TLSState{})); !got.accepted {
			t.Errorf("%q: %v, %v", got.messages, got.client, got.server)
		}
	}
	for _, test := range []struct{ identity, username, password, want string }{
		{"", "", "pencil", "user name: empty"}, // P33
		{"", "user", "", "password: empty"},
		{"", "us\x00er", "pencil", "user name: NUL in it"}, // H-A12
		{"\x00", "user", "pencil", "authorization identity: NUL in it"},
		{"", "user ", "pencil", "user name: not as RFC 8265 allows"},
		{"", "us\ter", "pencil", "user name: not as RFC 8265 allows"},
		{"", "user", "pen\tcil", "password: not as RFC 8265 allows"},
	} {
		for _, m := range []protocol.Mechanism{
			auth.SCRAMSHA1(test.identity, test.username, test.password), auth.SCRAMSHA256(test.identity, test.username, test.password),
			auth.SCRAMSHA1Plus(test.identity, test.username, test.password), auth.SCRAMSHA256Plus(test.identity, test.username, test.password),
		} {
			c, err := m.New(underTLS)
			if config := (*protocol.ConfigError)(nil); c != nil || !errors.As(err, &config) || err.Error() != test.want {
				t.Errorf("%s: %v, want %s", m.Name, err, test.want)
			}
		}
	}
}
