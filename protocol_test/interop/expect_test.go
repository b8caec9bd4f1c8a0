//go:build interop

package interop

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// expect is the report of a message that the server takes for some of the
// recipients or for none, by what is known of the server. RoundTrips, Octets,
// Durations and TLS are not in it. stored are those for whom the content comes to lie
// in the store.
func (s *server) expect(to ...string) (r report, stored []string) {
	var refused []string
	var last *reply
	permanent := false
	for _, address := range to {
		result := recipient{Address: address, Outcome: "accepted"}
		rcpt := s.rcpt(address)
		result.Rcpt = &rcpt
		result.Reply = &rcpt
		command := "RCPT"
		if rcpt.positive() {
			command = "end of data"
			verdict := s.verdict.of(address)
			if s.chunked != nil {
				verdict = s.chunked.of(address)
			}
			if s.second != nil && len(stored)%2 == 1 {
				verdict = *s.second
			}
			stored = append(stored, address)
			result.Reply = &verdict
			last = &verdict
		}
		if !result.Reply.positive() {
			result.Outcome = "refused"
			refused = append(refused, fmt.Sprintf("%s <%s>: %s", command, address, result.Reply))
			r.Temporary = r.Temporary || result.Reply.temporary()
			permanent = permanent || !result.Reply.temporary()
		}
		r.Recipients = append(r.Recipients, result)
	}
	r.Server = s.address
	r.Outcome = "accepted"
	r.Reply = last
	if len(refused) == 0 {
		return r, stored
	}
	r.Exit = 75
	if permanent {
		r.Exit = 67
	}
	r.Kind, r.Step = "reply", "send"
	text := fmt.Sprintf("accepted for %d of %d recipients: ", len(to)-len(refused), len(to))
	if len(refused) == len(to) {
		r.Outcome, r.RetrySafe = "refused", true
		text = "refused: "
	}
	if r.Reply == nil {
		r.Reply = r.Recipients[0].Reply
	}
	r.Error = s.address + ": " + text + refused[0]
	if n := len(refused); n > 1 {
		r.Error += fmt.Sprintf("; %d recipients refused in all", n)
	}
	return r, stored
}

func (s *server) rcpt(address string) reply {
	switch {
	case strings.HasPrefix(address, "bad"):
		return s.bad.of(address)
	case strings.HasPrefix(address, "temp"):
		return s.temp.of(address)
	case strings.HasPrefix(address, "drop"):
		return s.hangsUp.of(address)
	}
	return s.accepted.of(address)
}

// expectTLS is what the report says about TLS where nobody forbids it.
func (s *server) expectTLS() *tlsReport {
	switch {
	case s.tls == noTLS:
		return nil
	case s.network() == "unix":
		// A socket has no name that a certificate could be for.
		return &tlsReport{Version: "TLS 1.3"}
	}
	return &tlsReport{"TLS 1.3", true, "localhost"}
}

// expectSteps are the steps of a session that sends one message, and how often the
// server is waited for in it: 0 where that depends on how fast chunks are answered.
func (s *server) expectSteps(recipients int) (steps []string, roundTrips int) {
	hello := "EHLO"
	if s.lmtp() {
		hello = "LHLO"
	}
	steps = []string{"connect", "greeting", hello, "MAIL", "RCPT", "content", "QUIT"}
	if s.chunked == nil {
		steps = append(steps, "DATA")
	}
	roundTrips = 5 // greeting, EHLO, MAIL to DATA, content, QUIT
	if s.lock {
		roundTrips += recipients + 1
	}
	switch s.tls {
	case startTLS:
		steps = append(steps, "STARTTLS", "TLS")
		roundTrips += 2 // STARTTLS, EHLO
	case implicitTLS:
		steps = append(steps, "TLS")
	}
	if s.chunked != nil {
		roundTrips = 0
	}
	return steps, roundTrips
}

func (r reply) of(address string) reply {
	r.Text = strings.ReplaceAll(r.Text, "RCPT", address)
	return r
}

// wire is the reply as the client has it, but for what scrub does to it.
func (r reply) wire() wire.Reply {
	w := wire.Reply{Code: wire.Code(r.Code), Text: r.Text}
	if r.Enhanced != "" {
		fmt.Sscanf(r.Enhanced, "%d.%d.%d", &w.Enhanced.Class, &w.Enhanced.Subject, &w.Enhanced.Detail)
	}
	return w
}

func (r reply) positive() bool { return r.Code/100 == 2 }

func (r reply) temporary() bool { return r.Code/100 == 4 }

func (r reply) String() string {
	s := strconv.Itoa(r.Code)
	if r.Enhanced != "" {
		s += " " + r.Enhanced
	}
	return s + " " + r.Text
}
