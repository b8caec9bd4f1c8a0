package protocol_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/future"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/transport"
)

// simulation is one session of a client with a server over the link, and what is
// needed to judge afterwards what the client said of it.
type simulation struct {
	*protocol.Client
	monitor *monitor
	server  *server
	link    *transport.Pipe
	rand    *rand.Rand

	futures  []*pending
	order    []*pending // as they settled
	adding   bool       // what settles now was refused at once
	canceled any        // the task that is being cancelled
	messages []*message
	commands []*command
	unsaid   []string                  // lines that are not to go out
	outcomes [protocol.Unknown + 1]int // of recipients
	faults   []string
	log      []string
}

// pending is a future that somebody waits for. Futures are watched in wire order.
type pending struct {
	name  string
	task  any // what it belongs to
	count int
	// outOfTurn: it settled by a cancellation, or because its task was refused at once.
	outOfTurn bool
	err       error
}

// message is a Send.
type message struct {
	*protocol.Delivery
	from    string
	content string
	source  *source // nil: the content lay in memory
	broken  bool    // the source does not keep its promise
	binary  bool    // BODY=BINARYMIME
	givenUp bool    // Cancel returned true
	mail    *pending
	rcpt    []*pending
	result  *pending
	receipt protocol.Receipt
}

// command is a Do, or a WaitFor.
type command struct {
	line   string // under which the server notes its answer
	future *future.Future[wire.Reply]
	*pending
	reply wire.Reply
}

func (s *simulation) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

var errHadEnough = errors.New("a callback had enough")

var start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// simulate runs a session, and reports what is wrong with it. tasks queues what the
// client is to do.
func simulate(cfg protocol.ClientConfig, c conduct, opts transport.PipeOptions, calm bool, verbose bool, tasks func(*simulation)) (s *simulation) {
	s = &simulation{rand: rand.New(rand.NewPCG(opts.Seed, 3))}
	defer func() {
		if p := recover(); p != nil {
			s.fault("panic: %v", p)
		}
	}()
	opts.Start = start
	opts.TLS = func(transport.Side, *protocol.Upgrade) (protocol.TLSState, error) {
		return protocol.TLSState{Version: 0x0304, Verified: true}, nil
	}
	if verbose {
		opts.Tap = func(e transport.PipeEvent) { s.log = append(s.log, e.String()) }
	}
	client, err := protocol.NewClient(start, cfg)
	if err != nil {
		s.fault("%v", err)
		return s
	}
	s.Client = client
	s.monitor = &monitor{Core: client}
	if !calm {
		s.monitor.rand = s.rand
	}
	s.server = newServer(c)
	s.link = transport.NewPipe(s.monitor, s.server, opts)
	watch(s, client, "greeting", client.Greeting(), nil)
	tasks(s)
	if err := s.link.Run(100_000); err != nil {
		s.fault("%v", err)
	}
	s.judge()
	return s
}

// watch notes how f settles.
func watch[T any](s *simulation, task any, name string, f *future.Future[T], got func(T)) *pending {
	p := &pending{name: name, task: task}
	s.futures = append(s.futures, p)
	f.OnReady(func(v T, err error) {
		p.count++
		p.err = err
		p.outOfTurn = s.adding || s.canceled != nil && s.canceled == task
		s.order = append(s.order, p)
		if s.log != nil {
			s.log = append(s.log, fmt.Sprintf("   %s: %v", name, err))
		}
		if err == nil && got != nil {
			got(v)
		}
	})
	return p
}

// add queues a task.
func (s *simulation) add(f func()) {
	was := s.adding
	s.adding = true
	f()
	s.adding = was
}

func (s *simulation) hello() { watch(s, new(int), "hello", s.Hello("me.example"), nil) }

func (s *simulation) startTLS() { watch(s, new(int), "starttls", s.StartTLS(), nil) }

func (s *simulation) quit() { s.add(func() { watch(s, new(int), "quit", s.Quit(), nil) }) }

func (s *simulation) login() {
	watch(s, new(int), "login", s.Login(protocol.Mechanism{
		Name: sasl.Plain,
		New: func(protocol.TLSState) (sasl.Client, error) {
			return sasl.NewPlainClient("", "george", "abracadabra"), nil
		},
	}), nil)
}

// send queues a message with a content of its own.
func (s *simulation) send(shape func(*message), to ...string) *message {
	n := len(s.messages)
	m := &message{from: fmt.Sprintf("<m%d@me.example>", n)}
	m.content = fmt.Sprintf("Subject: message %d\n\n.a dot\r\n..two\n.\nthe end of %d", n, n)
	if n%2 == 1 { // as it is sent, but for its end
		m.content = fmt.Sprintf("Subject: message %d\r\n\r\nno dot\r\nthe end of %d", n, n)
	}
	if s.rand.IntN(2) == 0 {
		m.source = &source{content: m.content, declared: int64(len(m.content)), piece: 1 + s.rand.IntN(40)}
	}
	if shape != nil {
		shape(m)
	}
	if m.source != nil && s.rand.IntN(3) == 0 {
		m.liesInFile()
	}
	body := protocol.BodyText(m.content)
	if m.source != nil {
		body = m.source
	}
	env := protocol.Envelope{From: mustPath(m.from)}
	if m.binary {
		env.Params.Body = wire.BodyBinaryMIME
	}
	for _, to := range to {
		env.To = append(env.To, wire.Recipient{Path: mustPath(to)})
	}
	s.messages = append(s.messages, m)
	s.add(func() {
		m.Delivery = s.Send(env, body)
		m.mail = watch(s, m, m.from+" mail", m.Mail(), nil)
		for i := range to {
			m.rcpt = append(m.rcpt, watch(s, m, fmt.Sprintf("%s rcpt %d", m.from, i), m.Rcpt(i), nil))
		}
		m.result = watch(s, m, m.from, m.Result(), func(r protocol.Receipt) { m.receipt = r })
	})
	return m
}

// liesInFile has the content come from a file, where nothing but CRLF ends a line
// unless it is binary.
func (m *message) liesInFile() {
	before := len(m.content)
	if !m.binary {
		m.content = strings.ReplaceAll(strings.ReplaceAll(m.content, "\r\n", "\n"), "\n", "\r\n")
	}
	m.source.inFile, m.source.content = true, m.content
	if m.source.declared >= 0 {
		m.source.declared += int64(len(m.content) - before)
	}
}

// cancelDo cancels a command that has one reply.
func (s *simulation) cancelDo(c *command) {
	if c.future != nil && strings.HasPrefix(c.line, "NOOP") {
		s.cancel(c, c.future.Cancel)
	}
}

// do queues a command of the caller's own that the server can tell from all others.
func (s *simulation) do(verb string) *command {
	args := fmt.Sprint(len(s.commands))
	c := &command{line: verb + " " + args}
	s.add(func() {
		c.future = s.Do(protocol.Command{Verb: verb, Args: args})
		c.pending = watch(s, c, c.line, c.future, func(r wire.Reply) { c.reply = r })
	})
	s.commands = append(s.commands, c)
	return c
}

// pair queues a command with two replies.
func (s *simulation) pair() {
	first := s.do("XPAIR")
	c := &command{line: first.line + " again"}
	s.add(func() {
		c.future = s.WaitFor()
		c.pending = watch(s, c, c.line, c.future, func(r wire.Reply) { c.reply = r })
	})
	s.commands = append(s.commands, c)
}

// cancel cancels a task by f.
func (s *simulation) cancel(task any, f func() bool) bool {
	was := s.canceled
	s.canceled = task
	defer func() { s.canceled = was }()
	return f()
}

// giveUp cancels a message.
func (s *simulation) giveUp(m *message) {
	if s.cancel(m, m.Cancel) {
		m.givenUp = true
	}
}

func mustPath(s string) wire.Path {
	p, err := wire.ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

// trouble describes everything that is wrong; "" if nothing is.
func (s *simulation) trouble() string {
	faults := s.faults
	if s.monitor != nil {
		faults = append(faults, s.monitor.faults...)
	}
	return strings.Join(faults, "\n")
}

// refusedWith reports whether err is the reply r.
func refusedWith(err error, r said) bool {
	var reply *protocol.ReplyError
	return errors.As(err, &reply) && int(reply.Reply.Code) == r.code
}
