package protocol_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/transport"
)

// pair is this project's client in a session with this project's server.
type pair struct {
	client *protocol.Client
	site   *site
	link   *transport.Pipe

	sent    []*posted
	login   error // nil where there was none, or it succeeded
	said    int64 // octets that the client wrote, and the server
	answers int64
	faults  []string
	log     []string
}

// posted is a message of the client's.
type posted struct {
	*protocol.Delivery
	from, content string
	to            []string
	settled       int
	receipt       protocol.Receipt
}

// site is the server with its application, which takes its time.
type site struct {
	*protocol.Server
	p      *pair
	rand   *rand.Rand
	closed int
	begun  int // contents that were accepted
	ended  int // whose futures have settled
	box    map[string][]kept
}

// kept is a message that arrived in full, and what was said of it.
type kept struct {
	content string
	codes   []wire.Code // one for each recipient that was accepted
}

func (p *pair) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// later does f at once or some time.
func (s *site) later(f func()) {
	if s.rand == nil || s.rand.IntN(3) == 0 {
		f()
		return
	}
	s.p.link.AfterFunc(time.Duration(s.rand.IntN(50))*time.Millisecond, func(time.Time) {
		f()
		s.pump()
	})
}

var georges = &auth.Server{Password: func(username, password string) error {
	if username != "george" || password != "abracadabra" {
		return auth.ErrCredentials
	}
	return nil
}}

// pump is called behind every call of the driver's.
func (s *site) pump() {
	for r, ok := s.Next(); ok; r, ok = s.Next() {
		s.request(r)
	}
}

func (s *site) request(r protocol.Request) {
	if s.closed > 0 {
		s.p.fault("%s behind RequestClosed", r.Verb())
	}
	switch r.Kind() {
	case protocol.RequestClosed:
		s.closed++
	case protocol.RequestRcpt:
		code := wire.Code(250)
		if strings.HasPrefix(r.Recipient().Path.Local(), "no") {
			code = 550
		}
		s.later(func() { r.Answer(wire.Reply{Code: code}) })
	case protocol.RequestAuth:
		exchange, err := georges.New(r.Args(), s.TLS())
		if err != nil {
			s.p.fault("%v", err)
			return
		}
		s.later(func() { r.AcceptAuth(exchange) })
	case protocol.RequestData:
		s.later(func() { s.take(r) })
	default:
		s.later(func() { r.AnswerDefault() })
	}
}

// take takes a message. Who the verdict is for stands in the reverse-path.
func (s *site) take(r protocol.Request) {
	from := r.Mail().From.String()
	sink := &store{}
	s.begun++
	settled := false
	r.AcceptContent(sink).OnReady(func(n int64, err error) {
		if s.ended++; settled {
			s.p.fault("content of %s settles twice", from)
		}
		settled = true
		if err != nil {
			return
		}
		if n != int64(len(sink.content)) {
			s.p.fault("content of %s: %d octets, %d were given", from, n, len(sink.content))
		}
		code := wire.Code(250)
		if strings.HasPrefix(from, "<spam") {
			code = 554
		}
		k := kept{content: string(sink.content), codes: slices.Repeat([]wire.Code{code}, r.Recipients())}
		for i := range k.codes {
			if strings.HasPrefix(from, "<part") && i == 0 {
				k.codes[i] = 452
			}
		}
		s.box[from] = append(s.box[from], k)
		s.later(func() {
			for i, code := range k.codes {
				if code != k.codes[len(k.codes)-1] {
					r.AnswerEach(i, wire.Reply{Code: code})
				}
			}
			r.Answer(wire.Reply{Code: k.codes[len(k.codes)-1]})
		})
	})
}

// store is a Sink that keeps everything.
type store struct{ content []byte }

func (s *store) WriteBody(p []byte) (int, error) {
	s.content = append(s.content, p...)
	return len(p), nil
}

func (s *site) Feed(now time.Time, p []byte) (int, error) {
	n, _ := s.Server.Feed(now, p)
	s.pump()
	return n, s.Err() // which an answer may have ended
}

func (s *site) FeedEOF(now time.Time)                { s.Server.FeedEOF(now); s.pump() }
func (s *site) Fail(now time.Time, err error)        { s.Server.Fail(now, err); s.pump() }
func (s *site) WriteFailed(now time.Time, err error) { s.Server.WriteFailed(now, err); s.pump() }
func (s *site) Tick(now time.Time)                   { s.Server.Tick(now); s.pump() }

func (s *site) Output(now time.Time, dst []protocol.Chunk, max int) []protocol.Chunk {
	defer s.pump()
	return s.Server.Output(now, dst, max)
}

func (s *site) Wrote(now time.Time, n int64) {
	s.p.answers += n
	s.Server.Wrote(now, n)
	s.pump()
}

func (s *site) Upgraded(now time.Time, tls protocol.TLSState, err error) {
	s.Server.Upgraded(now, tls, err)
	s.pump()
}

// counted counts what the client writes.
type counted struct {
	*protocol.Client
	p *pair
}

func (c counted) Wrote(now time.Time, n int64) {
	c.p.said += n
	c.Client.Wrote(now, n)
}

// meeting is a session of the two.
type meeting struct {
	name  string
	lmtp  bool
	tls   bool
	login bool
}

var meetings = []meeting{
	{name: "SMTP"}, {name: "LMTP", lmtp: true}, {name: "STARTTLS", tls: true}, {name: "STARTTLS and login", tls: true, login: true},
}

// run plays a session to its end, and judges it. seed 0: nobody takes any time.
func (c meeting) run(opts transport.PipeOptions, seed uint64, verbose bool) (p *pair) {
	p = &pair{}
	defer func() {
		if v := recover(); v != nil {
			p.fault("panic: %v", v)
		}
	}()
	server, err := protocol.NewServer(start, protocol.ServerConfig{
		LMTP: c.lmtp, Hostname: "mx.example", TLS: c.tls, RequireTLS: c.tls, RequireAuth: c.login, Requests: protocol.AllRequests, Mechanisms: georges.Mechanisms,
	})
	if err != nil {
		p.fault("%v", err)
		return p
	}
	p.site = &site{Server: server, p: p, box: map[string][]kept{}}
	if seed != 0 {
		p.site.rand = rand.New(rand.NewPCG(seed, 7))
	}
	p.client, err = protocol.NewClient(start, protocol.ClientConfig{LMTP: c.lmtp, RequireTLS: c.tls, ServerName: "mx.example"})
	if err != nil {
		p.fault("%v", err)
		return p
	}
	opts.Start = start
	opts.TLS = func(transport.Side, *protocol.Upgrade) (protocol.TLSState, error) {
		return protocol.TLSState{Version: 0x0304, Verified: true}, nil
	}
	if verbose {
		opts.Tap = func(e transport.PipeEvent) { p.log = append(p.log, e.String()) }
	}
	p.link = transport.NewPipe(counted{p.client, p}, p.site, opts)
	p.site.pump()
	p.tasks(c)
	if err := p.link.Run(200_000); err != nil {
		p.fault("%v", err)
	}
	p.judge(c)
	return p
}

func (p *pair) tasks(c meeting) {
	p.client.Hello("me.example")
	if c.tls {
		p.client.StartTLS()
	}
	if c.login {
		p.client.Login(auth.Password("", "george", "abracadabra")...).OnReady(func(_ wire.Reply, err error) { p.login = err })
	}
	for i, from := range []string{"a", "spam", "part", "b"} {
		m := &posted{from: fmt.Sprintf("<%s@me.example>", from), to: []string{"b@mx.example", "no@mx.example", "c@mx.example"}}
		if from == "b" {
			m.to = []string{"no.one@mx.example"}
		}
		m.content = fmt.Sprintf("Subject: %d\r\n\r\n.a dot\r\n..\r\n.\r\nQUIT\r\n", i)
		env := protocol.Envelope{From: mustPath(m.from)}
		for _, to := range m.to {
			env.To = append(env.To, wire.Recipient{Path: mustPath(to)})
		}
		p.sent = append(p.sent, m)
		m.Delivery = p.client.Send(env, protocol.BodyText(m.content))
		m.Result().OnReady(func(r protocol.Receipt, err error) {
			m.settled++
			m.receipt = r
			if failed := (*protocol.DeliveryError)(nil); err != nil {
				if !asDelivery(err, &failed) {
					p.fault("%s: %T %v", m.from, err, err)
					return
				}
				m.receipt = failed.Receipt
			}
		})
	}
	p.client.Quit()
}

// judge holds what the client reports against what the server has.
func (p *pair) judge(c meeting) {
	if p.client.Err() == nil || p.site.Err() == nil {
		p.fault("client %v, server %v: %v", p.client.Err(), p.site.Err(), p.link)
	}
	if p.site.closed != 1 || p.site.begun != p.site.ended {
		p.fault("RequestClosed came %d times; %d of %d contents settled", p.site.closed, p.site.ended, p.site.begun)
	}
	for _, m := range p.sent {
		box := p.site.box[m.from]
		if m.settled != 1 || len(box) > 1 {
			p.fault("%s settled %d times and arrived %d times", m.from, m.settled, len(box))
		}
		if len(box) == 1 && box[0].content != m.content {
			p.fault("%s arrived as %q", m.from, box[0].content)
		}
		taken := 0 // of the recipients that RCPT accepted
		for i, r := range m.receipt.Recipients {
			refused := strings.HasPrefix(m.to[i], "no")
			var code wire.Code
			if len(box) == 1 && !refused {
				code = box[0].codes[taken]
				taken++
				if !c.lmtp { // one verdict for all, the last that is given
					code = box[0].codes[len(box[0].codes)-1]
				}
			}
			switch r.Outcome {
			case protocol.Accepted:
				if code != 250 {
					p.fault("%s for %s is accepted, the server said %d", m.from, m.to[i], code)
				}
			case protocol.NotDelivered:
				if code != 0 {
					p.fault("%s for %s is not delivered, the server said %d", m.from, m.to[i], code)
				}
			case protocol.Refused:
				if code == 250 {
					p.fault("%s for %s is refused, the server said 250", m.from, m.to[i])
				}
			}
		}
	}
}

// outcomes counts what became of the recipients.
func (p *pair) outcomes(t *tally) {
	for _, m := range p.sent {
		for _, r := range m.receipt.Recipients {
			t[r.Outcome]++
		}
	}
}

// The two agree on a session that nothing disturbs, over any link.
func TestPair(t *testing.T) { // C82 C85 C107
	for _, c := range meetings {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(300) {
				p := c.run(shape(seed), seed, false)
				var got tally
				p.outcomes(&got)
				want := tally{protocol.Accepted: 4, protocol.Refused: 6}
				if c.lmtp {
					want = tally{protocol.Accepted: 3, protocol.Refused: 7}
				}
				if p.faults != nil || got != want || p.login != nil || p.site.Authenticated() != c.login || p.site.TLS().Active() != c.tls {
					t.Fatalf("seed %d: %v, login %v, want %v: %q\n%s", seed, got, p.login, want, p.faults, strings.Join(c.run(shape(seed), seed, true).log, "\n"))
				}
			}
		})
	}
}

// A session that is cut at any octet, in either direction, in any way: what the
// client reports is never at odds with what the server has.
func TestPairFaultSweep(t *testing.T) { // C18 C31 C34 C47 H-R9 H-R11
	var outcomes tally
	total := 0
	for _, c := range meetings {
		t.Run(c.name, func(t *testing.T) {
			whole := c.run(transport.PipeOptions{}, 0, false)
			if whole.faults != nil {
				t.Fatalf("%q", whole.faults)
			}
			for side, octets := range []int64{whole.said, whole.answers} {
				for at := range octets + 1 {
					for _, kind := range faultKinds {
						seed := uint64(total)
						opts := shape(seed)
						way := &opts.AtoB
						if side == 1 {
							way = &opts.BtoA
						}
						way.Fault = transport.Fault{At: at, Kind: kind}
						total++
						p := c.run(opts, seed, false)
						p.outcomes(&outcomes)
						if p.faults != nil {
							t.Fatalf("%v at octet %d of %v: %q\n%s", kind, at, transport.Side(side), p.faults, strings.Join(c.run(opts, seed, true).log, "\n"))
						}
					}
				}
			}
		})
	}
	t.Logf("%d cut sessions; recipients: %v", total, outcomes)
}

func asDelivery(err error, target **protocol.DeliveryError) bool {
	d, is := err.(*protocol.DeliveryError)
	*target = d
	return is
}
