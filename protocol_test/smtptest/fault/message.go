package fault

import "github.com/sansmtp/sansmtp/protocol"

// message is the content that is under way, from its MAIL on.
type message struct {
	request protocol.Request // of it, once there is one
	read    int64            // octets of content, as they are on the wire
	actions []Action         // those at Content that are decided
	answers int              // verdicts that have left
}

// action decides about the verdict on a message, or with LMTP on its nth recipient
// from 0 on. It counts as one that came only once it leaves.
func (m *message) action(i *Injector, n int) Action {
	for len(m.actions) <= n {
		m.actions = append(m.actions, i.decide(Content, i.counts[Content]+len(m.actions)-m.answers+1, ""))
	}
	return m.actions[n]
}

// take refuses a message in the application's place, if nobody is to get it.
func (m *message) take(i *Injector, r protocol.Request) bool {
	m.request = r
	recipients := m.recipients(i)
	for n := range recipients {
		if !refuses(m.action(i, n).Reply) {
			return false
		}
	}
	r.AcceptContent(nil)
	if i.core.lmtp {
		for n := range recipients {
			r.AnswerEach(n, m.action(i, n).Reply)
		}
		return true
	}
	return r.Answer(m.action(i, 0).Reply)
}

// recipients returns how many verdicts there are to be.
func (m *message) recipients(i *Injector) int {
	if i.core.lmtp {
		return m.request.Recipients()
	}
	return 1
}
