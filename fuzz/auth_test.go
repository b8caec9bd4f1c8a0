package fuzz

import (
	"bytes"
	"crypto"
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

const (
	authSecret = "open sesame 40 thieves"
	authToken  = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
)

// bound is a connection with both channel bindings.
var bound = protocol.TLSState{Version: 0x0304, Exporter: []byte("exporter"), ServerEndPoint: []byte("end point")}

// FuzzAuthClient gives the client of a mechanism the lines of a text as challenges:
// it answers or fails, never shows the secret in an error, and SCRAM is never content
// with a server that does not know the password.
func FuzzAuthClient(f *testing.F) {
	list := append(auth.Password("", "ali", authSecret), auth.Token("ali", "mx.example", 587, authToken)...)
	list = append(list, auth.External(""), auth.Anonymous("ali"))
	f.Fuzz(func(t *testing.T, which byte, challenges []byte) {
		m := list[int(which)%len(list)]
		c, err := m.New(bound)
		if err != nil {
			t.Fatal(err)
		}
		_, initial, err := c.Start()
		if err != nil {
			t.Fatal(err)
		}
		// RFC 5802 §5.1: a server's nonce begins with the client's.
		_, nonce, _ := bytes.Cut(initial, []byte(",r="))
		answered := 0
		for challenge := range bytes.SplitSeq(challenges, []byte("\n")) {
			challenge = bytes.ReplaceAll(challenge, []byte("NONCE"), nonce)
			response, err := c.Next(challenge)
			if err != nil {
				quiet(t, err)
				break
			}
			if answered++; answered > 2 {
				t.Fatalf("%s answers %d challenges, now with %q", m.Name, answered, response)
			}
		}
		end := c.(protocol.Concluder)
		if err := end.Conclude(true); err == nil && strings.HasPrefix(m.Name, "SCRAM") {
			t.Fatalf("%s believes %q", m.Name, challenges)
		}
		if err := end.Conclude(false); err != nil {
			quiet(t, err)
		}
	})
}

// quiet wants an error to be one line without control characters or secrets.
func quiet(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.Contains(text, authSecret) || strings.Contains(text, authToken) {
		t.Fatalf("error %q", text)
	}
}

// FuzzAuthServer gives the server of a mechanism the lines of a text as responses:
// nobody logs in unless the user was authorized, and every failure is of a kind that
// has a reply.
func FuzzAuthServer(f *testing.F) {
	stored, err := auth.NewSCRAMCredentials(crypto.SHA256, authSecret, nil, auth.MinSCRAMIterations)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which byte, responses []byte) {
		authorized := 0
		s := &auth.Server{
			Authorize: func(string, string) error { authorized++; return nil },
			Password: func(_, password string) error {
				if password != authSecret {
					return auth.ErrCredentials
				}
				return nil
			},
			Secret:    func(string) (string, error) { return authSecret, nil },
			SCRAM:     func(crypto.Hash, string) (auth.SCRAMCredentials, error) { return stored, nil },
			SCRAMKey:  make([]byte, 16),
			Anonymous: func(string) error { authorized++; return nil },
			External:  func() (string, error) { return "ali", nil },
			Token: func(_, token string) (string, error) {
				if token != authToken {
					return "", auth.ErrCredentials
				}
				return "ali", nil
			},
		}
		names := s.Mechanisms(bound)
		name := names[int(which)%len(names)]
		exchange, err := s.New(name, bound)
		if err != nil {
			t.Fatal(err)
		}
		over := false
		for response := range bytes.SplitSeq(responses, []byte("\n")) {
			if string(response) == "-" {
				response = nil // no initial response
			}
			challenge, done, err := exchange.Next(response)
			var message *auth.MessageError
			switch {
			case over && !errors.Is(err, sasl.ErrUnexpectedClientResponse):
				t.Fatalf("%s goes on: %q, %v, %v", name, challenge, done, err)
			case err != nil && !over && !errors.As(err, &message) && !errors.Is(err, auth.ErrCredentials) && !errors.Is(err, auth.ErrChannelBinding):
				t.Fatalf("%s: %v", name, err)
			case err != nil:
				quiet(t, err)
			}
			if done != (err == nil && authorized == 1 && !over) || authorized > 1 || strings.HasPrefix(name, "SCRAM") && done {
				t.Fatalf("%s: done %v, %v, authorized %d times by %q", name, done, err, authorized, responses)
			}
			over = over || done || err != nil
		}
	})
}
