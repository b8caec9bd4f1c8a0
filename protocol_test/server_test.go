package protocol_test

import (
	"errors"
	"io"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// server is a Core that answers a client's session line by line. It is as simple as
// can be, so that what it saw and said can be held against what the client reports.
type server struct {
	conduct conduct

	out         []byte // all that was ever said
	acked, lent int
	muted       bool // writing failed

	line    []byte // the line that has begun
	ahead   *said  // the reply to it that came before its end
	content *received
	decoder wire.DotDecoder
	octets  wire.BDATDecoder
	chunked bool // content is a chunk
	last    bool // and the last one

	before     string // the last command
	pipelining bool   // it may be used now
	chunking   bool   // so may BDAT
	challenged bool   // a line of AUTH is awaited
	unreset    bool   // RSET was refused, and so nothing is sure
	violations []string

	upgrading bool
	upgrade   protocol.Upgrade
	secure    bool
	err       error

	transaction *received
	messages    map[string]*received // by reverse-path
	answers     map[string]said      // to commands of the caller's own, by their line
}

// conduct is how a server behaves.
type conduct struct {
	lmtp   bool
	offers []string // lines of the reply to EHLO behind the first
	// bend may replace the standard reply to a step: "greeting", the verb of a
	// command, "content" for a verdict, "early" for a verdict in mid-content or "ahead"
	// for a refusal in mid-command, which have no standard reply. A reply is its lines without the last CRLF; "" is
	// none. Arg is the command's.
	bend func(step, arg, standard string) string
	// behindSTARTTLS is said behind the 220 in the same write, in clear.
	behindSTARTTLS string
}

// said is a reply, and where it ends in all that the server said.
type said struct {
	code int
	end  int64
}

func (r said) class() int { return r.code / 100 }

// received is what the server knows of one transaction.
type received struct {
	mail, data said
	rcpt       []said
	verdicts   []said // with LMTP one for each accepted recipient
	early      bool   // the first verdict came before the end of data
	content    []byte
	complete   bool // the end of data was seen
}

func (m *received) accepted() (n int) {
	for _, r := range m.rcpt {
		if r.class() == 2 {
			n++
		}
	}
	return n
}

func newServer(c conduct) *server {
	s := &server{conduct: c, messages: make(map[string]*received), answers: make(map[string]said)}
	s.reply("greeting", "", "220 mx.example ESMTP")
	return s
}

// reply says the reply to a step. A 421 is the last.
func (s *server) reply(step, arg, standard string) said {
	if s.ahead != nil {
		r := *s.ahead
		s.ahead = nil
		return r
	}
	text := standard
	if s.conduct.bend != nil {
		text = s.conduct.bend(step, arg, standard)
	}
	if text == "" {
		return said{}
	}
	s.out = append(append(s.out, text...), "\r\n"...)
	code := int(text[0]-'0')*100 + int(text[1]-'0')*10 + int(text[2]-'0')
	if code == 421 && s.err == nil {
		s.err = io.EOF
	}
	return said{code, int64(len(s.out))}
}

func (s *server) Feed(_ time.Time, p []byte) (n int, err error) {
	for n < len(p) && s.err == nil && !s.upgrading {
		if s.content != nil {
			n += s.takeContent(p[n:])
			continue
		}
		s.line = append(s.line, p[n])
		if n++; p[n-1] == '\n' {
			line := string(s.line)
			s.line = s.line[:0]
			s.command(line)
		}
	}
	if len(s.line) > 0 && s.ahead == nil && s.lent == len(s.out) && s.err == nil {
		if r := s.reply("ahead", "", ""); r != (said{}) {
			s.ahead = &r
		}
	}
	return n, s.err
}

func (s *server) violation(text string) { s.violations = append(s.violations, text) }

func (s *server) takeContent(p []byte) int {
	m := s.content
	if s.chunked {
		return s.takeChunk(p)
	}
	if !m.early && s.lent < len(s.out) {
		s.violation("content ahead of the reply to DATA") // H-R14
	}
	pieces, _, n, done := s.decoder.Decode(nil, nil, p)
	for _, piece := range pieces {
		m.content = append(m.content, piece...)
	}
	if done {
		s.content = nil
		m.complete = true
		s.before = "content"
		s.verdicts(m, m.accepted() > 0)
		s.transaction = nil
		return n
	}
	if !m.early {
		if r := s.reply("early", "", ""); r != (said{}) {
			m.early = true
			m.verdicts = append(m.verdicts, r)
		}
	}
	return n
}

// takeChunk takes octets of a chunk, which it may refuse before it has them all.
func (s *server) takeChunk(p []byte) int {
	m := s.content
	piece, done := s.octets.Decode(p)
	m.content = append(m.content, piece...)
	if !m.early && !done {
		if r := s.reply("early", "", ""); r != (said{}) {
			m.early = true
			if s.last {
				m.verdicts = append(m.verdicts, r)
			} else {
				m.chunkAnswered(r)
			}
		}
	}
	if done && s.err == nil {
		s.endChunk()
	}
	return len(piece)
}

// verdicts answers an end of data: once, or with LMTP for each accepted recipient.
func (s *server) verdicts(m *received, open bool) {
	want, standard := 1, "250 queued"
	if s.conduct.lmtp {
		want = max(1, m.accepted())
	}
	if !open {
		standard = "554 no valid recipients"
	}
	for len(m.verdicts) < want && s.err == nil {
		m.verdicts = append(m.verdicts, s.reply("content", string(m.content), standard))
	}
}

func (s *server) FeedEOF(time.Time) {
	if s.err == nil {
		s.err = io.EOF
	}
}

func (s *server) Fail(_ time.Time, err error) {
	if s.err == nil {
		s.err = err
	}
	s.muted = true
}

func (s *server) WriteFailed(time.Time, error) { s.muted = true }

func (s *server) Output(_ time.Time, dst []protocol.Chunk, max int) []protocol.Chunk {
	if s.muted || s.acked == len(s.out) {
		return dst
	}
	end := min(s.acked+max, len(s.out))
	s.lent = end
	return append(dst, protocol.Chunk{Bytes: s.out[s.acked:end]})
}

func (s *server) Wrote(_ time.Time, n int64) {
	if s.acked += int(n); s.acked > s.lent {
		panic("the link wrote more than was lent")
	}
}

func (s *server) WantRead() bool      { return s.err == nil && !s.upgrading }
func (s *server) Deadline() time.Time { return time.Time{} }
func (s *server) Tick(time.Time)      {}

func (s *server) Upgrade() *protocol.Upgrade {
	if !s.upgrading || s.acked < len(s.out) {
		return nil
	}
	return &s.upgrade
}

func (s *server) Upgraded(_ time.Time, _ protocol.TLSState, err error) {
	s.upgrading = false
	s.secure = err == nil
	if err != nil {
		s.err = errors.New("no TLS: " + err.Error())
	}
}

func (s *server) Err() error { return s.err }
