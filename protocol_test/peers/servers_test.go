package peers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/emersion/go-smtp"
	"github.com/mhale/smtpd"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// What the names of recipients and senders ask a server for.
const (
	noSuchUser = "nobody"  // its RCPT is refused
	fullUser   = "full"    // with LMTP, it has no room for the content
	spammer    = "spammer" // its content is refused at the end
	virus      = "virus"   // its content is refused before it is read
)

// errand is a message, and what is to become of it.
type errand struct {
	from     string
	to       []string
	content  []byte
	binary   bool // BODY=BINARYMIME
	streamed bool // from a reader, and so by BDAT in several chunks
	verdicts []string
	sent     letter // as it is stored; from "": not at all
}

// taker is a server of somebody else's.
type taker struct {
	name string
	lmtp bool
	// chunks says that it offers CHUNKING.
	chunks bool
	// The replies to a message, and to a recipient, and the refusals.
	ok, noUser, full, spam, virus string
	// serve serves ln, until close, and puts what it takes into the store.
	serve func(t *testing.T, s *store) (serve func(net.Listener) error, close func() error)
}

func takers() []taker {
	return []taker{
		{
			name: "go-smtp", chunks: true, serve: takeByGoSMTP(false),
			ok: "250 2.0.0 OK: queued", noUser: "550 5.1.1 no such user", spam: "554 5.6.0 spam", virus: "554 5.7.1 virus",
		},
		{
			name: "go-smtp LMTP", lmtp: true, chunks: true, serve: takeByGoSMTP(true),
			ok: "250 2.0.0 <EACH> OK: queued", noUser: "550 5.1.1 no such user", full: "452 4.2.2 <EACH> full",
			spam: "554 5.6.0 <EACH> spam", virus: "554 5.7.1 <EACH> virus",
		},
		{
			name: "smtpd", serve: takeBySMTPD,
			ok: "250 2.0.0 Ok: queued", noUser: "550 5.1.0 Requested action not taken: mailbox unavailable", spam: "554 5.6.0 spam", virus: "554 5.7.1 virus",
		},
	}
}

// takerSession is a session of go-smtp's server.
type takerSession struct {
	store *store
	letter
}

func (s *takerSession) Reset()        { s.letter = letter{} }
func (s *takerSession) Logout() error { return nil }

func (s *takerSession) Mail(from string, _ *smtp.MailOptions) error {
	s.letter = letter{from: from}
	return nil
}

func (s *takerSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, noSuchUser) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *takerSession) Data(r io.Reader) error {
	l := s.letter // what comes next may reset the session
	if strings.HasPrefix(l.from, virus) {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "virus"}
	}
	var err error
	if l.content, err = io.ReadAll(r); err != nil {
		return err
	}
	if strings.HasPrefix(l.from, spammer) {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "spam"}
	}
	s.store.add(l)
	return nil
}

// lmtpSession has a verdict for each recipient. It reads the content ahead of any: the
// server would send a verdict that it is given at once, in front of the content, and
// with BDAT a single one for all recipients.
type lmtpSession struct{ takerSession }

func (s *lmtpSession) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	all := s.to
	s.to = nil
	for _, to := range all {
		if strings.HasPrefix(to, fullUser) {
			status.SetStatus(to, &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "full"})
		} else {
			s.to = append(s.to, to)
		}
	}
	return s.Data(bytes.NewReader(content))
}

func takeByGoSMTP(lmtp bool) func(*testing.T, *store) (func(net.Listener) error, func() error) {
	return func(t *testing.T, store *store) (func(net.Listener) error, func() error) {
		s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
			session := takerSession{store: store}
			if lmtp {
				return &lmtpSession{session}, nil
			}
			return &session, nil
		}))
		s.Domain, s.LMTP = host, lmtp
		s.EnableBINARYMIME, s.EnableSMTPUTF8, s.EnableDSN = true, true, true
		s.ErrorLog = log.New(t.Output(), "go-smtp: ", 0)
		return s.Serve, s.Close
	}
}

func takeBySMTPD(_ *testing.T, store *store) (func(net.Listener) error, func() error) {
	s := &smtpd.Server{
		Appname: "smtpd", Hostname: host, DisableReverseDNS: true,
		HandlerRcpt: func(_ net.Addr, _, to string) bool { return !strings.HasPrefix(to, noSuchUser) },
		Handler: func(_ net.Addr, from string, to []string, content []byte) error {
			switch {
			case strings.HasPrefix(from, spammer):
				return errors.New("554 5.6.0 spam")
			case strings.HasPrefix(from, virus):
				return errors.New("554 5.7.1 virus")
			}
			// It puts a field of three lines on top.
			for range 3 {
				_, content, _ = bytes.Cut(content, []byte("\r\n"))
			}
			store.add(letter{from: from, to: slices.Clone(to), content: bytes.Clone(content)})
			return nil
		},
	}
	return s.Serve, s.Close
}

// errands are messages for a server, each with a sender of its own, in an order by
// chance that is the same each time. bdat says that they go by BDAT.
func (k taker) errands(n int, bdat bool) []errand {
	chance := rand.New(rand.NewPCG(5321, 3030))
	all := make([]errand, n)
	for i := range all {
		e := &all[i]
		word := "sender"
		recipients := func(words ...string) {
			for j, w := range words {
				e.to = append(e.to, fmt.Sprintf("%s.%d.%d@example.org", w, i, j))
			}
		}
		switch c := chance.IntN(12); {
		case c < 3: // none refused
			recipients("user")
		case c < 4:
			recipients("user", "user", "user")
		case c < 7: // the only one refused
			recipients(noSuchUser)
		case c < 10: // one of three refused
			words := []string{"user", "user", "user"}
			words[chance.IntN(3)] = noSuchUser
			if k.lmtp {
				words[chance.IntN(3)] = fullUser
			}
			recipients(words...)
		case c < 11: // all refused
			recipients(noSuchUser, noSuchUser, noSuchUser)
		default:
			word = []string{spammer, virus}[chance.IntN(2)]
			recipients("user", noSuchUser, "user")
		}
		from := fmt.Sprintf("%s.%d@example.com", word, i)
		e.from = from
		e.content, e.binary = someContent(chance, i, bdat)
		if word != "sender" { // nothing of what comes behind the refusal is a command
			e.content, e.binary, e.streamed = manyLines(i, 4_000), false, true
		}
		verdict, taken := k.ok, true
		switch word {
		case spammer:
			verdict, taken = k.spam, false
		case virus:
			verdict, taken = k.virus, false
		}
		for _, to := range e.to {
			v := verdict
			switch {
			case strings.HasPrefix(to, noSuchUser):
				v = k.noUser
			case strings.HasPrefix(to, fullUser) && taken:
				v = k.full
			case taken:
				e.sent.to = append(e.sent.to, to)
			}
			e.verdicts = append(e.verdicts, strings.ReplaceAll(v, "EACH", to))
		}
		if len(e.sent.to) > 0 {
			e.sent.from, e.sent.content = from, e.content
			if len(e.content) > 0 && !e.binary && !bytes.HasSuffix(e.content, []byte("\r\n")) {
				e.sent.content = append(slices.Clone(e.content), "\r\n"...)
			}
		}
	}
	return all
}

// someContent returns one of several contents that are easy to get wrong, with the
// number of the message in it.
func someContent(chance *rand.Rand, i int, bdat bool) (content []byte, binary bool) {
	head := fmt.Sprintf("Subject: number %d\r\n\r\n", i)
	kinds := 6
	if bdat {
		kinds = 7
	}
	switch chance.IntN(kinds) {
	case 0:
		return []byte(head + ".\r\n..\r\n.x\r\n\r\n.\r\n"), false
	case 1:
		return []byte(head + "no line end, and in front of it\r\n."), false
	case 2:
		return []byte(head + "Grüße, 世界\r\n"), false
	case 3: // a message in a message
		return []byte(head + ".\r\nRSET\r\nMAIL FROM:<mallory@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n"), false
	case 4:
		return []byte{}, false
	case 5:
		lines := 1 + chance.IntN(50)
		if lines < 3 {
			lines = 4_000 // more than goes ahead of the replies to recipients
		}
		return manyLines(i, lines), false
	}
	noise := make([]byte, 1+chance.IntN(1500))
	for j := range noise {
		noise[j] = byte(chance.Uint32())
	}
	return append([]byte(head), noise...), true
}

func manyLines(i, n int) []byte {
	return fmt.Appendf(nil, "Subject: number %d\r\n\r\n%s", i, strings.Repeat(".a line of the text\r\n", n))
}

// Our client has 300 messages taken by servers of others, between messages that these
// refuse, whatever it sends ahead: each outcome is that of its message, and what is
// stored is what was sent, by who sent it. // P16, F6, F11
func TestServersOfOthers(t *testing.T) {
	for _, k := range takers() {
		ways := map[string]wire.ExtensionSet{"DATA": wire.Chunking}
		if k.chunks {
			ways["BDAT"] = 0
		}
		for way, disable := range ways {
			for _, window := range []int{0, 1, 64} {
				t.Run(fmt.Sprintf("%s/%s/%d", k.name, way, window), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						k.run(t, k.errands(300, way == "BDAT"), netasync.Config{
							Hello: "me.example", Disable: disable, Window: protocol.Window{Messages: window},
							// smtpd takes eight bits and does not say so.
							Allow8Bit: !k.chunks,
						})
					})
				})
			}
		}
	}
}

// run sends the errands and compares what becomes of them.
func (k taker) run(t *testing.T, errands []errand, cfg netasync.Config) {
	near, far := link(latency)
	store := &store{}
	serve, closeServer := k.serve(t, store)
	ln := listen(far)
	served := make(chan struct{})
	go func() {
		serve(ln) // its error is that ln is closed
		close(served)
	}()
	defer func() {
		closeServer()
		ln.Close()
		<-served
	}()
	scheme := "smtp"
	if k.lmtp {
		scheme = "lmtp"
	}
	cfg.DialContext = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	var trace []string
	cfg.Trace = func(e protocol.TraceEvent) { trace = append(trace, e.String()) }
	defer func() {
		if t.Failed() {
			t.Log(strings.Join(trace[max(0, len(trace)-40):], "\n"))
		}
	}()
	c, err := netasync.Dial(t.Context(), scheme+"://"+host, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	deliveries := make([]*protocol.Delivery, len(errands))
	var want []letter
	for i, e := range errands {
		env := protocol.Envelope{From: path(t, e.from)}
		for _, to := range e.to {
			env.To = append(env.To, wire.Recipient{Path: path(t, to)})
		}
		if e.binary {
			env.Params.Body = wire.BodyBinaryMIME
		}
		body := protocol.BodyBytes(e.content)
		if e.streamed {
			body = netasync.BodyFrom(bytes.NewReader(e.content), -1)
		}
		deliveries[i] = c.SendAsync(env, body)
		if e.sent.from != "" {
			want = append(want, e.sent)
		}
	}
	for i, d := range deliveries {
		receipt, err := d.Result().Await(t.Context())
		if failed, is := errors.AsType[*protocol.DeliveryError](err); is {
			receipt = failed.Receipt
		}
		e := errands[i]
		if (err == nil) != (e.sent.from != "") {
			t.Fatalf("message %d to %q: %v", i, e.to, err)
		}
		var verdicts []string
		for _, r := range receipt.Recipients {
			if (r.Outcome == protocol.Accepted) != r.Reply.Code.Positive() || r.Outcome != protocol.Accepted && r.Outcome != protocol.Refused {
				t.Fatalf("message %d: %v by %v: %v", i, r.Outcome, r.Reply, err)
			}
			verdicts = append(verdicts, r.Reply.String())
		}
		if !slices.Equal(verdicts, e.verdicts) {
			t.Fatalf("message %d to %q: %q, want %q", i, e.to, verdicts, e.verdicts)
		}
	}
	if err := c.Quit(t.Context()); err != nil {
		t.Error(err)
	}
	store.compare(t, want)
}

func path(t *testing.T, mailbox string) wire.Path {
	t.Helper()
	p, err := wire.ParsePath(mailbox)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
