package protocol_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// model is a server as the RFCs have it, with no octets and no time: it says which
// codes answer a command, and nothing else. What the application decides stands in
// the addresses.
type model struct {
	lmtp     bool
	hello    string // the verb
	open     bool
	from     string
	accepted []string // forward-paths
	chunks   bool     // BDAT was taken
	refused  bool     // a chunk was refused
	binary   bool
	content  string
	messages []string // contents that were whole
}

const modelLimit = 60 // octets of content

func (m *model) end() { *m = model{lmtp: m.lmtp, hello: m.hello, messages: m.messages} }

// line answers a command without content. 354 says that content follows.
func (m *model) line(line string) wire.Code {
	verb, args, _ := strings.Cut(line, " ")
	switch verb {
	case "EHLO", "HELO", "LHLO":
		if (verb == "LHLO") != m.lmtp {
			return 500
		}
		m.end()
		m.hello = verb
		return 250
	case "NOOP":
		return 250
	case "VRFY":
		return 252
	case "HELP":
		return 214
	case "XYZZY", "EXPN":
		return 502
	case "RSET":
		m.end()
		return 250
	case "QUIT":
		return 221
	}
	if m.hello == "" {
		return 503
	}
	switch verb {
	case "MAIL":
		switch {
		case m.open:
			return 503
		case strings.Contains(args, "BODY") && m.hello == "HELO":
			return 555
		case strings.HasPrefix(args, "FROM:x"):
			return 501
		case strings.HasPrefix(args, "FROM:<later"):
			return 451
		}
		m.open, m.from, m.binary = true, args, strings.Contains(args, "BINARYMIME")
		return 250
	case "RCPT":
		switch {
		case !m.open || m.chunks || m.refused:
			return 503
		case len(m.accepted) == 3:
			return 452
		case strings.HasPrefix(args, "TO:x"):
			return 501
		case strings.HasPrefix(args, "TO:<no"):
			return 550
		}
		m.accepted = append(m.accepted, args)
		return 250
	case "DATA":
		switch {
		case !m.open || m.chunks || m.refused || m.binary || len(m.accepted) == 0:
			return 503
		case strings.HasPrefix(m.from, "FROM:<nodata"):
			m.end()
			return 451
		}
		return 354
	}
	panic(line)
}

// verdicts are the answers to content that is whole, and end the transaction.
func (m *model) verdicts(content string) []wire.Code {
	code := wire.Code(250)
	switch {
	case len(content) > modelLimit:
		code = 552
	case !m.chunks && strings.ContainsAny(strings.ReplaceAll(content, "\r\n", ""), "\r\n"):
		code = 550
	default:
		m.messages = append(m.messages, content)
		if strings.HasPrefix(m.from, "FROM:<spam") {
			code = 554
		}
	}
	n := 1
	if m.lmtp {
		n = len(m.accepted)
	}
	m.end()
	return slices.Repeat([]wire.Code{code}, n)
}

// chunk answers BDAT.
func (m *model) chunk(content string, last bool) []wire.Code {
	code := wire.Code(503)
	switch {
	case m.hello == "":
	case m.hello == "HELO":
		code = 502
	case !m.open, m.refused, len(m.accepted) == 0:
	case !m.chunks && strings.HasPrefix(m.from, "FROM:<nodata"):
		code = 451
	default:
		m.chunks = true
		m.content += content
		if last {
			return m.verdicts(m.content)
		}
		if len(m.content) <= modelLimit {
			return []wire.Code{250}
		}
		m.refused = true
		return []wire.Code{552}
	}
	if m.open {
		m.refused = !last
		if last && len(m.accepted) > 0 {
			n := 1
			if m.lmtp {
				n = len(m.accepted)
			}
			m.end()
			return slices.Repeat([]wire.Code{code}, n)
		}
	}
	return []wire.Code{code}
}

// sensible makes of a number one for a command that a client would say next.
func (m *model) sensible(n int) int {
	switch {
	case m.hello == "":
		return 0
	case m.refused:
		return 4 // among others RSET
	case !m.open:
		return 14
	case len(m.accepted) == 0:
		return 34
	case m.chunks || m.binary:
		return 80
	}
	return 34 + n*66/100
}

// walk is a session at random: flights that the client sends without waiting, and
// the codes that answer them.
type walk struct {
	flights []string
	codes   []wire.Code
	model   model
}

func newWalk(r *rand.Rand, lmtp bool) *walk {
	w := &walk{model: model{lmtp: lmtp}}
	m := &w.model
	var flight strings.Builder
	wait := func() {
		if flight.Len() > 0 {
			w.flights = append(w.flights, flight.String())
			flight.Reset()
		}
	}
	say := func(line string) wire.Code {
		code := m.line(line)
		flight.WriteString(line + "\r\n")
		w.codes = append(w.codes, code)
		return code
	}
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	hello := "EHLO"
	if lmtp {
		hello = "LHLO"
	}
	if r.IntN(10) > 0 {
		say(hello + " me.example")
	}
	for range 5 + r.IntN(40) {
		n := r.IntN(100)
		if r.IntN(4) > 0 {
			n = m.sensible(n)
		}
		switch {
		case n < 4:
			say(pick("EHLO", "HELO", "LHLO", hello) + " me.example")
		case n < 14:
			say(pick("NOOP", "NOOP x", "VRFY b", "HELP", "XYZZY", "EXPN l", "RSET"))
		case n < 34:
			say("MAIL FROM:" + pick("<a@me.example>", "<a@me.example>", "<>", "<later@me.example>", "<nodata@me.example>", "<spam@me.example>", "x", "<a@me.example> BODY=8BITMIME", "<a@me.example> BODY=BINARYMIME"))
		case n < 62:
			say("RCPT TO:" + pick("<b@mx.example>", "<c@mx.example>", "<postmaster>", "<no@mx.example>", "x"))
		case n < 80:
			if say("DATA") != 354 {
				wait()
				continue
			}
			content := pick("", "hi\r\n", "..\r\n", "QUIT\r\nRSET\r\n", "a\nb\r\n", "\r\r\n", ".\n.\r\n", strings.Repeat("0123456789\r\n", 1+r.IntN(8)))
			if r.IntN(2) == 0 {
				wait() // else it comes ahead of the 354, and is content all the same
			}
			flight.WriteString(strings.TrimPrefix(strings.ReplaceAll("\r\n"+content, "\r\n.", "\r\n.."), "\r\n") + ".\r\n")
			w.codes = append(w.codes, m.verdicts(content)...)
		default:
			content := pick("", "hi\r\n", ".\r\n", "QUIT\r\n", "\n\r\x00", "BDAT 5\r\n", strings.Repeat("x", r.IntN(80)))
			last := r.IntN(2) == 0
			line := fmt.Sprintf("BDAT %d", len(content))
			if last {
				line += " LAST"
			}
			flight.WriteString(line + "\r\n" + content)
			w.codes = append(w.codes, m.chunk(content, last)...)
		}
		if r.IntN(6) == 0 {
			wait()
		}
	}
	say("QUIT")
	flight.WriteString(pick("", "NOOP\r\n", "MAIL FROM:<x@y.example>\r\n"))
	wait()
	return w
}

// Whatever a client says, and however slow and disorderly the application answers,
// each command has the replies that the model gives it, in order, and the application
// sees the same.
func TestServerAgreesWithModel(t *testing.T) { // C12 C32 C54 C55 C56 C63 C65 C107 C118 F26 F27
	const sessions = 4000
	total := map[wire.Code]int{}
	for seed := range uint64(sessions) {
		r := rand.New(rand.NewPCG(seed, 1))
		lmtp := r.IntN(3) == 0
		script := newWalk(r, lmtp)
		var seen []string
		for timing := range uint64(3) {
			cfg := protocol.ServerConfig{LMTP: lmtp, MaxContent: modelLimit, MaxRecipients: 3, MaxUnknown: 1000, MaxErrors: 1000}
			cfg.Requests = protocol.AllRequests &^ protocol.RequestClosed
			if timing == 2 {
				cfg.MaxPipelined = 1 + r.IntN(4)
			}
			var slow *rand.Rand
			if timing > 0 {
				slow = rand.New(rand.NewPCG(seed, timing+1))
			}
			w := newWalker(t, cfg, modelHouse{}, slow)
			w.play(script.flights)
			var codes []wire.Code
			for _, reply := range w.replies(false) {
				codes = append(codes, reply.Code)
			}
			if want := append([]wire.Code{220}, script.codes...); !slices.Equal(codes, want) {
				t.Fatalf("seed %d, timing %d, LMTP %v:\n%q\nreplies %v\n   want %v", seed, timing, lmtp, script.flights, codes, want)
			}
			if !slices.Equal(w.mail, script.model.messages) {
				t.Fatalf("seed %d, timing %d:\n%q\nmessages %q\n    want %q", seed, timing, script.flights, w.mail, script.model.messages)
			}
			if timing == 0 {
				seen = w.requests
			} else if !slices.Equal(w.requests, seen) {
				t.Fatalf("seed %d, timing %d:\n%q\nrequests %q\n    want %q", seed, timing, script.flights, w.requests, seen)
			}
			for _, code := range codes {
				total[code]++
			}
		}
	}
	for _, code := range []wire.Code{214, 220, 221, 250, 252, 354, 450 + 1, 452, 500, 501, 502, 503, 550, 552, 554, 555} {
		if total[code] < 100 {
			t.Errorf("%d came %d times", code, total[code])
		}
	}
	t.Logf("%d sessions; replies: %v", 3*sessions, total)
}
