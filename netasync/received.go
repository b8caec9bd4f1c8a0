package netasync

import (
	"net/netip"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Received returns the Received header field for the transaction's message (RFC 5321
// §4.4), folded and with its last CRLF: what a server that passes mail on puts on top
// of it. id is the message's name in the server's own logs; what cannot stand in it is
// left out, and "" leaves it out as a whole. A recipient is named where there is only
// one, so that none learns of another.
//
// What the client said stands in it as far as it is a token of the grammar: it cannot
// bring a line, a comment or a clause of its own.
func (t *Transaction) Received(id string, at time.Time) string {
	s := t.Session
	_, hello := s.Hello()
	r := received{
		from: hello, peer: ipOf(s.RemoteAddr()), by: s.Hostname(), with: t.Protocol(), id: id, at: at,
	}
	if len(t.Recipients) == 1 {
		r.to = t.Recipients[0].Path
	}
	return r.String()
}

// Protocol returns the name of the protocol by which the message came, as trace fields
// have it: "ESMTPS" (RFC 3848), "UTF8LMTP" (RFC 6531 §4.3).
func (t *Transaction) Protocol() string {
	verb, _ := t.Session.Hello()
	return protocolName(verb, t.Mail.SMTPUTF8, t.Session.TLS(), t.Session.Login())
}

// maxHello is how long a name may be that is repeated in Received: as a domain may be
// (RFC 5321 §4.5.3.1.2).
const maxHello = 255

// received is what a Received field says.
type received struct {
	from     string // the name that the client gave
	peer     netip.Addr
	by, with string
	id       string
	to       wire.Path // null: not said
	at       time.Time
}

func (r received) String() string {
	var b strings.Builder
	b.WriteString("Received: from ")
	from := r.from
	if len(from) > maxHello || wire.CheckDomain(from) != nil {
		from = "unknown"
		if r.peer.IsValid() {
			from = literal(r.peer)
		}
	}
	b.WriteString(from)
	if r.peer.IsValid() {
		b.WriteString(" (" + literal(r.peer) + ")")
	}
	b.WriteString("\r\n\tby " + r.by + " with " + r.with)
	if id := strings.Map(atom, r.id); id != "" {
		b.WriteString(" id " + id)
	}
	if !r.to.IsNull() {
		b.WriteString("\r\n\tfor " + r.to.String())
	}
	b.WriteString(";\r\n\t" + r.at.Format("Mon, 2 Jan 2006 15:04:05 -0700") + "\r\n")
	return b.String()
}

// atom keeps what may stand in an atom (RFC 5322 §3.2.3), and dots.
func atom(c rune) rune {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", c):
		return c
	}
	return -1
}

func protocolName(verb string, utf8 bool, tls protocol.TLSState, login Login) string {
	name := "SMTP"
	switch {
	case verb == wire.VerbLhlo && utf8:
		name = "UTF8LMTP"
	case verb == wire.VerbLhlo:
		name = "LMTP"
	case utf8:
		name = "UTF8SMTP"
	case verb == wire.VerbEhlo:
		name = "ESMTP"
	default:
		return name
	}
	if tls.Active() {
		name += "S"
	}
	if login.Mechanism != "" {
		name += "A"
	}
	return name
}
