package auth

import (
	"unicode/utf8"

	"github.com/emersion/go-sasl"
)

// maxResponse is the size of a response in octets: what fits into a base64 line of
// 12,288 (RFC 4954 §4).
const maxResponse = 9216

// step takes one response. Without a next step it was the last, and there is no
// challenge.
type step func(response []byte) (challenge []byte, next step, err error)

// server is a sasl.Server that keeps its secrets in a closure.
type server struct {
	take func(response []byte) ([]byte, bool, error)
}

func (s server) Next(response []byte) ([]byte, bool, error) { return s.take(response) }

// serve makes the server's side of a mechanism of its first step. prompt is the
// challenge for a client that sends no initial response; in a mechanism where the
// server speaks first none may.
func serve(mechanism string, prompt []byte, next step) sasl.Server {
	begun := false
	return server{take: func(response []byte) (challenge []byte, done bool, err error) {
		first := !begun
		begun = true
		switch {
		case first && response == nil:
			return prompt, false, nil
		case first && mechanism == MechanismCRAMMD5:
			next, err = nil, &MessageError{mechanism, "initial response"}
		case next == nil:
			return nil, false, sasl.ErrUnexpectedClientResponse
		case len(response) > maxResponse:
			next, err = nil, &MessageError{mechanism, "response too long"}
		default:
			challenge, next, err = next(response)
		}
		if err != nil {
			next = nil
			return nil, false, err
		}
		return challenge, next == nil, nil
	}}
}

// isText reports whether s is a string that names and passwords may be: UTF-8
// without NUL.
func isText(s string) bool { return utf8.ValidString(s) && checkText("", s) == nil }
