package protocol_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// judge holds what the client said against what was lent, what was read, and what
// the server saw.
func (s *simulation) judge() {
	if s.Err() == nil {
		s.fault("the client never ended: %v", s.link)
	}
	if v := s.server.violations; v != nil {
		s.fault("the server saw %q", v)
	}
	s.judgeOrder()
	if s.server.ahead != nil {
		return // it answered what it never saw whole
	}
	for _, m := range s.messages {
		s.judgeMessage(m)
	}
	for _, line := range s.unsaid {
		if r := s.server.answers[line]; r != (said{}) {
			s.fault("%s was cancelled in its first step, and yet the server saw it", line)
		}
	}
	for _, c := range s.commands {
		switch r, settled := s.heard(s.server.answers[c.line]), c.err; {
		case errors.Is(settled, protocol.ErrCanceled):
		case settled == nil && (r.class() != 2 || int(c.reply.Code) != r.code):
			s.fault("%s succeeded with %v, the server's answer was %v", c.name, c.reply, r)
		case settled != nil && r.class() == 2:
			s.fault("%s failed with %v, the server's answer was %v", c.name, settled, r)
		case r.class() > 3 && !refusedWith(settled, r):
			s.fault("%s failed with %v, the server's answer was %v", c.name, settled, r)
		}
	}
}

// judgeOrder wants every future settled once, in wire order.
func (s *simulation) judgeOrder() {
	place := make(map[*pending]int)
	for i, p := range s.futures {
		place[p] = i
		if p.count != 1 {
			s.fault("%s settled %d times", p.name, p.count)
		}
	}
	last := -1
	for _, p := range s.order {
		if p.outOfTurn {
			continue
		}
		if place[p] < last {
			s.fault("%s settled behind %s", p.name, s.futures[last].name)
		}
		last = max(last, place[p])
	}
}

// heard returns r if the client took all of it, else the zero value.
func (s *simulation) heard(r said) said {
	if r.end > s.monitor.read {
		return said{}
	}
	return r
}

// normal returns content as it stands on the wire, without the doubled dots.
func normal(content string) string {
	content = strings.ReplaceAll(strings.ReplaceAll(content, "\r\n", "\n"), "\n", "\r\n")
	if content != "" && !strings.HasSuffix(content, "\r\n") {
		content += "\r\n"
	}
	return content
}

// onWire returns content and its end of data as they stand on the wire.
func onWire(content string) string {
	lines := strings.SplitAfter(normal(content), "\r\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = "." + line
		}
	}
	return strings.Join(lines, "") + ".\r\n"
}

// arrives returns the content that a server is to find.
func (m *message) arrives() string {
	if m.binary {
		return m.content
	}
	return normal(m.content)
}

// lastChunkLent reports whether all of a message's last chunk was lent.
func lastChunkLent(lent []byte, from string) bool {
	_, rest, _ := strings.Cut(string(lent), "MAIL FROM:"+from)
	rest, _, _ = strings.Cut(rest, "MAIL FROM:")
	for {
		_, behind, _ := strings.Cut(rest, "\r\nBDAT ")
		args, content, _ := strings.Cut(behind, "\r\n")
		n, last, err := wire.ParseBDAT(args)
		if err != nil || n > int64(len(content)) {
			return false
		}
		if last {
			return true
		}
		rest = "\r\n" + content[n:]
	}
}

func (s *simulation) judgeMessage(m *message) {
	truth := s.server.messages[m.from]
	if truth == nil {
		truth = &received{}
	}
	receipt, ok := m.receipt, m.result.err == nil
	if failure := (*protocol.DeliveryError)(nil); errors.As(m.result.err, &failure) {
		receipt = failure.Receipt
	} else if !ok && m.result.err != protocol.ErrCanceled {
		s.fault("%s: %T is no *DeliveryError", m.from, m.result.err)
		return
	}
	s.judgeSteps(m, truth)
	if b := m.source; b != nil && (b.misuse != "" || b.released != b.opened || b.opened > 1) {
		s.fault("%s: opened %d times, released %d times; %s", m.from, b.opened, b.released, b.misuse)
	}
	if m.givenUp && (ok || receipt.Outcome == protocol.Unknown) {
		s.fault("%s: cancelled, and yet %v", m.from, receipt.Outcome)
	}
	if m.result.err == protocol.ErrCanceled {
		return // its future was cancelled: nobody asked what became of it
	}
	s.judgeTruth(m, truth, receipt)
	lent := !m.broken && (bytes.Contains(s.monitor.lent, []byte(onWire(m.content))) || lastChunkLent(s.monitor.lent, m.from))
	var whole protocol.Outcome
	for i, r := range receipt.Recipients {
		s.outcomes[r.Outcome]++
		want := s.outcome(truth, i, lent)
		if r.Outcome != want {
			s.fault("%s, recipient %d: %v, want %v; %+v, end of data lent: %v, %v", m.from, i, r.Outcome, want, *truth, lent, m.result.err)
		}
		if r.Outcome == protocol.Unknown && r.Reply != (wire.Reply{}) && r.Reply.Code != wire.CodeNotAvailable {
			s.fault("%s, recipient %d: unknown with %v", m.from, i, r.Reply)
		}
		if i == 0 || rank(r.Outcome) > rank(whole) {
			whole = r.Outcome
		}
	}
	if receipt.Outcome != whole || ok != (whole == protocol.Accepted) {
		s.fault("%s: %v, want %v; %v", m.from, receipt.Outcome, whole, m.result.err)
	}
}

// rank orders outcomes for recipients by their weight for the message.
func rank(o protocol.Outcome) int {
	return slices.Index([]protocol.Outcome{protocol.Refused, protocol.NotDelivered, protocol.Accepted, protocol.Unknown}, o)
}

// outcome is what recipient i's must be: the last word that was read, and without
// one what was lent.
func (s *simulation) outcome(truth *received, i int, lent bool) protocol.Outcome {
	var rcpt, verdict said
	if i < len(truth.rcpt) {
		rcpt = s.heard(truth.rcpt[i])
	}
	turn := 0
	if s.server.conduct.lmtp {
		for _, r := range truth.rcpt[:min(i, len(truth.rcpt))] {
			if r.class() == 2 {
				turn++
			}
		}
	}
	if turn < len(truth.verdicts) {
		verdict = s.heard(truth.verdicts[turn])
	}
	mail, data := s.heard(truth.mail), s.heard(truth.data)
	switch {
	case data.class() > 3 && rcpt.class() == 2 && verdict.class() == 2:
		return protocol.Unknown // it took what is left behind a refused chunk
	case s.server.chunking && mail.class() > 3 && rcpt.class() == 2:
		// What it makes of a recipient without a sender only its verdict tells, and not
		// if that is a good one.
		switch {
		case data.class() > 3 || verdict.class() > 3:
			return protocol.Refused
		case lent:
			return protocol.Unknown
		}
		return protocol.NotDelivered
	case mail.class() > 3 || rcpt.class() > 3 || data.class() > 3 || rcpt.class() == 2 && verdict.class() > 3:
		return protocol.Refused
	case rcpt.class() == 2 && verdict.class() == 2:
		return protocol.Accepted
	case lent && (rcpt.class() == 2 || s.server.chunking):
		return protocol.Unknown // a last chunk does not wait for the replies to RCPT
	}
	return protocol.NotDelivered
}

// judgeSteps wants each step settled by its own reply.
func (s *simulation) judgeSteps(m *message, truth *received) {
	step := func(p *pending, r said) {
		r = s.heard(r)
		switch {
		case p.err == nil != (r.class() == 2), r.class() > 3 && !refusedWith(p.err, r):
			s.fault("%s: %v, the server's answer was %v", p.name, p.err, r)
		}
	}
	step(m.mail, truth.mail)
	for i, p := range m.rcpt {
		var r said
		if i < len(truth.rcpt) {
			r = truth.rcpt[i]
		}
		step(p, r)
	}
}

// judgeTruth holds the outcome against what the server has.
func (s *simulation) judgeTruth(m *message, truth *received, receipt protocol.Receipt) {
	if !truth.complete || truth.accepted() == 0 {
		return
	}
	if m.broken || string(truth.content) != m.arrives() {
		s.fault("%s: the server took %q for the message", m.from, truth.content)
	}
	if m.givenUp {
		s.fault("%s: cancelled, and yet the server has it", m.from) // F23
	}
	turn := 0
	for i, r := range truth.rcpt {
		if r.class() != 2 {
			continue
		}
		taken := truth.verdicts[min(turn, len(truth.verdicts)-1)].class() == 2
		if s.server.conduct.lmtp {
			turn++
		}
		switch outcome := receipt.Recipients[i].Outcome; {
		case outcome == protocol.NotDelivered, taken && outcome == protocol.Refused, !taken && outcome == protocol.Accepted:
			s.fault("%s, recipient %d: %v, but the server has it: %+v", m.from, i, outcome, *truth)
		}
	}
}
