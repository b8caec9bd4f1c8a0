package protocol

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// AuthStep takes the client's next response: nil where the client sent no initial
// response. answer wants the next challenge, or done, or why the login fails; it may
// be called at once or later, on the machine's goroutine, and counts once.
type AuthStep func(response []byte, answer func(challenge []byte, done bool, err error))

// AuthReplier is an error of an AUTH exchange that knows what the client is told. Any
// other error gets 454 4.7.0. The reply is a 4yz or 5yz.
type AuthReplier interface {
	error
	AuthReply() wire.Reply
}

// authExchange is an AUTH command that is under way (RFC 4954 §4).
type authExchange struct {
	s       *Server
	step    AuthStep
	slot    uint64
	rounds  int
	ending  bool // the last challenge is out, and wants an empty response
	promise future.Promise[wire.Reply]
}

func (s *Server) doAuth(c *slot) {
	mechanism, initial, has := strings.Cut(c.args, " ")
	mechanism = strings.ToUpper(mechanism)
	switch {
	case s.verb == "":
		s.refuse(c, s.helloFirst())
	case !s.offered.Has(wire.Auth):
		s.refuse(c, replyNotImplemented)
	case s.authenticated:
		s.refuse(c, replyAuthTwice)
	case s.tx != nil:
		s.refuse(c, replyTransactionOpen)
	case mechanism == "":
		s.refuse(c, replyArguments)
	case !slices.Contains(s.cfg.Mechanisms(s.TLS()), mechanism):
		s.refuse(c, s.noMechanism(mechanism))
	case len(initial) > maxAuthLine:
		s.refuse(c, replyLongResponse)
	default:
		if has {
			if _, err := decodeResponse(initial); err != nil {
				s.refuse(c, replyAuthEncoding)
				return
			}
		}
		s.ask(c)
	}
}

// noMechanism tells a mechanism that needs TLS from one that there is not at all.
func (s *Server) noMechanism(mechanism string) wire.Reply {
	if s.tls == nil && slices.Contains(s.cfg.Mechanisms(TLSState{Version: 0x0304}), mechanism) {
		return replyEncryption
	}
	return replyNoMechanism
}

// decodeResponse decodes an initial response: "=" is an empty one.
func decodeResponse(s string) ([]byte, error) {
	if s = strings.TrimLeft(s, " "); s == "=" {
		return []byte{}, nil
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}

// take gives the exchange a response.
func (x *authExchange) take(response []byte) {
	if x.ending {
		if len(response) > 0 {
			x.fail(replyAuthMessage, nil)
			return
		}
		x.succeed()
		return
	}
	answered := false
	x.step(response, func(challenge []byte, done bool, err error) {
		if answered || x.s.auth != x {
			return
		}
		answered = true
		x.answer(challenge, done, err)
		x.s.proceed()
	})
}

// answer takes what the mechanism says to a response.
func (x *authExchange) answer(challenge []byte, done bool, err error) {
	switch {
	case err != nil:
		r := replyAuthUnavailable
		if known := AuthReplier(nil); errors.As(err, &known) {
			if said := known.AuthReply(); said.Code.Class() >= 4 {
				r = x.s.fit(said, false)
			}
		}
		x.fail(r, err)
	case done && len(challenge) == 0:
		x.succeed()
	case x.rounds == maxAuthRounds:
		x.fail(replyAuthFailed, nil)
	default:
		x.rounds++
		x.ending = done
		x.s.in.stopped, x.s.in.mode = false, inputResponse
		x.s.clock.clientBegins = true
		x.s.plan(&wire.Reply{Code: wire.CodeAuthChallenge, Text: base64.StdEncoding.EncodeToString(challenge)})
	}
}

func (x *authExchange) succeed() {
	s := x.s
	s.authenticated = true
	x.over(replyAuthenticated)
	x.promise.Resolve(replyAuthenticated)
}

// fail refuses the login. err is why; nil where the client is at fault.
func (x *authExchange) fail(r wire.Reply, err error) {
	if err == nil {
		err = &ReplyError{Reply: r, Command: wire.VerbAuth}
	}
	x.s.count(x.s.at(x.slot), faultCommand)
	x.over(r)
	x.promise.Reject(err)
}

func (x *authExchange) over(r wire.Reply) {
	s := x.s
	s.auth = nil
	s.in.stopped, s.in.mode = false, inputLine
	s.settled(s.at(x.slot), r)
}

// response takes a line of the exchange.
func (s *Server) response(line []byte, tooLong bool) {
	x := s.auth
	s.traceInput("***")
	s.in.stopped = true
	if tooLong {
		x.fail(replyLongResponse, nil)
		return
	}
	line = line[:len(line)-len("\r\n")]
	if string(line) == "*" {
		x.fail(replyAuthCancelled, nil)
		return
	}
	response := make([]byte, base64.StdEncoding.DecodedLen(len(line)))
	n, err := base64.StdEncoding.Strict().Decode(response, line)
	if err != nil || bytes.ContainsAny(line, "\r\n") { // which package base64 skips
		x.fail(replyAuthEncoding, nil)
		return
	}
	x.take(response[:n])
}
