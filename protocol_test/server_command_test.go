package protocol_test

import (
	"io"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// command answers a command line, its CRLF included.
func (s *server) command(line string) {
	line, whole := strings.CutSuffix(line, "\r\n")
	verb, arg, _ := strings.Cut(line, " ")
	s.inTurn(verb)
	switch {
	case s.challenged:
		standard := "235 2.7.0 welcome"
		if line == "*" {
			standard = "501 5.7.0 cancelled"
		}
		s.challenged = s.reply("AUTH", line, standard).code == 334
	case !whole:
		s.violation("bare LF behind " + line)
	case verb == "EHLO" || verb == "LHLO" || verb == "HELO":
		s.hello(verb, arg)
	case verb == "STARTTLS":
		s.startTLS(arg)
	case verb == "MAIL":
		s.mail(arg)
	case verb == "RCPT":
		s.rcpt(arg)
	case verb == "DATA":
		s.data(arg)
	case verb == "BDAT":
		s.bdat(arg)
	case verb == "RSET":
		r := s.reply(verb, arg, "250 reset")
		if s.unreset = r.class() != 2; !s.unreset {
			s.transaction = nil
		}
		s.answers[line] = r
	case verb == "AUTH":
		s.challenged = s.reply(verb, arg, "235 2.7.0 welcome").code == 334
	case verb == "QUIT":
		s.reply(verb, arg, "221 bye")
		s.err = io.EOF
	case verb != "NOOP" && verb != "XPAIR":
		s.violation("it said " + line)
	default:
		s.answers[line] = s.reply(verb, arg, "250 ok")
		if verb == "XPAIR" && s.err == nil {
			s.answers[line+" again"] = s.reply(verb, arg, "250 and once more")
		}
	}
}

// inTurn holds a client that pipelines to what was offered, and to groups.
func (s *server) inTurn(verb string) {
	grouped := false
	switch s.before {
	case "MAIL", "RCPT", "RSET", "content":
		switch verb {
		case "MAIL", "RCPT", "DATA", "BDAT", "RSET":
			grouped = s.pipelining
		}
	}
	if s.lent < len(s.out) && !grouped && s.ahead == nil {
		s.violation(verb + " ahead of the reply to " + s.before) // H-R13 H-R14
	}
	s.before = verb
}

func (s *server) hello(verb, arg string) {
	s.transaction = nil
	standard := "250 mx.example"
	if verb != "HELO" {
		standard = s.offer()
	}
	from := len(s.out)
	r := s.reply(verb, arg, standard)
	offered := func(keyword string) bool {
		return r.code == 250 && verb != "HELO" && strings.Contains(string(s.out[from:]), keyword)
	}
	s.pipelining, s.chunking = offered("PIPELINING"), offered("CHUNKING")
}

func (s *server) offer() string {
	lines := append([]string{"mx.example"}, s.conduct.offers...)
	var b strings.Builder
	for i, line := range lines {
		if s.secure && line == "STARTTLS" {
			line = "X-SECURE"
		}
		separator := "-"
		if i == len(lines)-1 {
			separator = " "
		}
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("250" + separator + line)
	}
	return b.String()
}

func (s *server) startTLS(arg string) {
	if s.reply("STARTTLS", arg, "220 go ahead").code == 220 {
		s.out = append(s.out, s.conduct.behindSTARTTLS...)
		s.upgrading = true
		s.transaction = nil
	}
}

// mail opens a transaction even if MAIL is refused: what follows in a pipelined
// group belongs to it.
func (s *server) mail(arg string) {
	from, _, _ := strings.Cut(strings.TrimPrefix(arg, "FROM:"), " ")
	standard := "250 sender ok"
	if s.transaction != nil && s.transaction.mail.class() == 2 {
		standard = "503 5.5.1 nested MAIL"
		if !s.unreset {
			s.violation("MAIL inside a transaction") // F4
		}
	}
	m := &received{}
	s.transaction, s.messages[from] = m, m
	m.mail = s.reply("MAIL", arg, standard)
}

func (s *server) rcpt(arg string) {
	m := s.transaction
	if m == nil {
		s.reply("orphan", arg, "503 5.5.1 MAIL first")
		return
	}
	standard := "250 recipient ok"
	switch {
	case m.mail.class() != 2:
		standard = "503 5.5.1 MAIL first"
	case strings.HasPrefix(arg, "TO:<no"):
		standard = "550 5.1.1 no such user"
	}
	m.rcpt = append(m.rcpt, s.reply("RCPT", arg, standard))
}

func (s *server) data(arg string) {
	m := s.transaction
	if m == nil {
		s.reply("orphan", arg, "503 5.5.1 MAIL first")
		return
	}
	standard := "354 go"
	switch {
	case m.mail.class() != 2:
		standard = "503 5.5.1 MAIL first"
	case m.accepted() == 0:
		standard = "554 5.5.1 no valid recipients"
	}
	m.data = s.reply("DATA", arg, standard)
	if m.data.code == 354 {
		s.content = m
		s.decoder.Reset()
	}
}

// bdat takes the octets of a chunk, whatever becomes of it (RFC 3030 §2).
func (s *server) bdat(arg string) {
	n, last, err := wire.ParseBDAT(arg)
	if err != nil || !s.chunking {
		s.violation("it said BDAT " + arg)
		s.err = io.EOF
		return
	}
	if s.transaction == nil {
		s.violation("BDAT without MAIL")
		s.transaction = &received{}
	}
	s.content, s.last, s.chunked = s.transaction, last, true
	s.transaction.early = false
	s.octets.Begin(n)
	if n == 0 {
		s.endChunk()
	}
}

// endChunk answers a chunk, unless that was done early. The last one that is taken
// ends the transaction.
func (s *server) endChunk() {
	m := s.content
	s.content, s.chunked = nil, false
	s.before = "content"
	open := m.mail.class() == 2 && m.accepted() > 0 && m.data.class() < 4
	if s.last {
		m.complete = true
		s.verdicts(m, open)
		for _, r := range m.verdicts {
			if r.class() == 2 {
				s.transaction = nil
			}
		}
		return
	}
	if !m.early {
		standard := "250 go on"
		if !open {
			standard = "503 5.5.1 no chunk of anything"
		}
		m.chunkAnswered(s.reply("BDAT", "", standard))
	}
}

// chunkAnswered notes the reply to a chunk that is not the last. The first refusal
// stays.
func (m *received) chunkAnswered(r said) {
	if m.data.class() < 4 {
		m.data = r
	}
}
