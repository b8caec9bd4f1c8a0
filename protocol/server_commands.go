package protocol

import (
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// A server does one command after the other, in the order in which they came. The
// table below says for each verb what it waits for, whether input stops behind it, and
// what does it. Whatever is answered late by the application holds up what waits for
// it, and nothing else.

// gate is what a command waits for before it is done.
type gate uint8

const (
	gateNone  gate = iota
	gateMail       // the answer to its MAIL
	gateRcpts      // that, and the answers to every RCPT of the transaction
	gateAlone      // every answer; and nothing is done behind it before its own
)

// command names a row of the table.
type serverCommand uint8

const (
	isConnect serverCommand = iota // no command: the connection itself
	isHello                        // EHLO, HELO, LHLO
	isMail
	isRcpt
	isData
	isBdat
	isReset
	isStartTLS
	isAuth
	isXClient
	isQuit
	isNoop
	isVerify // VRFY, EXPN
	isOther
	isHTTP   // a request line of HTTP
	isField  // a line like a header field
	isBroken // any other line that is no command
	isFinal  // what the session ends with
	commands
)

// commandRule is a row of the table.
type commandRule struct {
	kind  RequestSet // what the application is asked
	gate  gate
	stops bool // how input goes on behind it depends on its answer
	clear bool // allowed where TLS is required and is not active (RFC 3207 §4)
}

var commandRules = [commands]commandRule{
	isConnect:  {kind: RequestConnect, gate: gateAlone, clear: true},
	isHello:    {kind: RequestHello, gate: gateAlone, clear: true},
	isMail:     {kind: RequestMail, gate: gateRcpts},
	isRcpt:     {kind: RequestRcpt, gate: gateMail},
	isData:     {kind: RequestData, gate: gateRcpts, stops: true},
	isBdat:     {kind: RequestData, gate: gateRcpts, stops: true},
	isReset:    {kind: RequestReset},
	isStartTLS: {kind: RequestStartTLS, gate: gateAlone, stops: true, clear: true},
	isAuth:     {kind: RequestAuth, gate: gateAlone, stops: true},
	isXClient:  {kind: RequestXClient, gate: gateAlone, stops: true},
	isQuit:     {kind: RequestQuit, gate: gateAlone, stops: true, clear: true},
	isNoop:     {kind: RequestOther, clear: true},
	isVerify:   {kind: RequestOther},
	isOther:    {kind: RequestOther},
	isHTTP:     {clear: true},
	isField:    {clear: true},
	isBroken:   {},
	isFinal:    {clear: true},
}

// commandOf returns the row of a verb.
func commandOf(verb string) serverCommand {
	switch verb {
	case wire.VerbMail:
		return isMail
	case wire.VerbRcpt:
		return isRcpt
	case wire.VerbData:
		return isData
	case wire.VerbBdat:
		return isBdat
	case wire.VerbRset:
		return isReset
	case wire.VerbEhlo, wire.VerbHelo, wire.VerbLhlo:
		return isHello
	case wire.VerbQuit:
		return isQuit
	case wire.VerbNoop:
		return isNoop
	case wire.VerbStartTLS:
		return isStartTLS
	case wire.VerbAuth:
		return isAuth
	case wire.VerbXClient:
		return isXClient
	case wire.VerbVrfy, wire.VerbExpn:
		return isVerify
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		return isHTTP // RFC 9110 §9
	}
	return isOther
}

// open reports whether a command may be done.
func (s *Server) open(c *slot) bool {
	if s.alone || s.refusals.exhaust(&s.cfg) {
		return false
	}
	t := s.tx
	switch commandRules[c.is].gate {
	case gateMail:
		return t == nil || !t.mailPending && s.roomIsKnown(t)
	case gateRcpts:
		return t == nil || !t.mailPending && t.pending == 0
	case gateAlone:
		return s.head == s.next
	}
	return true
}

// do does a command whose gate is open.
func (s *Server) do(c *slot) {
	s.alone = commandRules[c.is].gate == gateAlone
	switch {
	case c.is == isFinal:
		c.state = slotAnswered
	case c.is == isConnect || c.is == isQuit && c.args == "":
		s.ask(c)
	case !s.greeted:
		s.refuse(c, replyNoService)
	case s.cfg.RequireTLS && s.tls == nil && !commandRules[c.is].clear:
		s.refuse(c, replyTLSRequired)
	default:
		s.run(c)
	}
}

// run does a command that may come here.
func (s *Server) run(c *slot) {
	switch c.is {
	case isHello:
		s.doHello(c)
	case isMail:
		s.doMail(c)
	case isRcpt:
		s.doRcpt(c)
	case isData:
		s.doData(c)
	case isBdat:
		s.doBdat(c)
	case isReset:
		s.doReset(c)
	case isStartTLS:
		s.doStartTLS(c)
	case isAuth:
		s.doAuth(c)
	case isXClient:
		s.doXClient(c)
	case isQuit:
		s.refuse(c, replyNoArguments)
	case isNoop:
		s.ask(c)
	case isVerify:
		s.doVerify(c)
	case isOther:
		s.ask(c)
	case isHTTP:
		s.fatal(c, replyHTTP, reasonHTTP)
	case isField:
		if s.verb == "" {
			s.fatal(c, replyHTTP, reasonHTTP)
			return
		}
		s.refuseUnknown(c, c.reply)
	case isBroken:
		s.refuseUnknown(c, c.reply)
	}
}

// ask surfaces a command, or gives it its default answer where the application did not
// ask for its kind.
func (s *Server) ask(c *slot) {
	c.kind = commandRules[c.is].kind
	if c.is == isOther {
		s.refusals.open++
	}
	if s.cfg.Requests&c.kind == 0 {
		s.answer(c, s.byDefault(c))
		return
	}
	c.state = slotAsked
}

// refuse answers a command that is refused for what it is.
func (s *Server) refuse(c *slot, r wire.Reply) {
	c.kind = 0
	s.count(c, faultCommand)
	s.settled(c, r)
}

// refuseUnknown is refuse for what is no command here.
func (s *Server) refuseUnknown(c *slot, r wire.Reply) {
	c.kind = 0
	s.count(c, faultUnknown)
	s.settled(c, r)
}

// fatal answers a command behind whose reply the session ends.
func (s *Server) fatal(c *slot, r wire.Reply, reason string) {
	c.kind, c.last, c.broken = 0, true, true
	s.in.closing, s.in.cause = true, &ProtocolError{Reason: reason}
	s.settled(c, r)
}

// settled gives a command its reply.
func (s *Server) settled(c *slot, r wire.Reply) {
	decides := commandRules[c.is].stops && c.state < slotContent
	if c.is == isConnect || c.is == isHello {
		r.Enhanced = wire.EnhancedCode{} // RFC 2034 §4: not there
	}
	c.reply, c.state = r, slotAnswered
	if r.Code == wire.CodeNotAvailable && !c.last {
		c.last, s.in.closing = true, true
	}
	if c.last {
		s.alone = true
	}
	if decides && !s.in.closing {
		s.goOn(c)
	}
}

// goOn lets input go on behind a command that stopped it and was refused.
func (s *Server) goOn(c *slot) {
	s.in.stopped = false
	switch c.is {
	case isData:
		// F26: what comes ahead of the refusal can only be content.
		if s.in.ahead {
			s.final(replyContentAhead, reasonContentAhead)
			return
		}
		c.guarded = true
		s.in.guard(guardContent)
	case isBdat:
		// RFC 3030 §2: the octets come nevertheless.
		s.in.beginChunk(c.size, inputDrop)
		s.clock.content()
	}
}

// final queues what the session ends with. No further input is taken.
func (s *Server) final(r wire.Reply, reason string) {
	s.in.closing, s.in.cause = true, &ProtocolError{Reason: reason}
	c := s.push(isFinal)
	c.reply, c.last, c.broken = r, true, true
}

// Why a session ended, where there are two ways to it.
const (
	reasonContentAhead   = "content ahead of the reply to DATA"
	reasonBehindSTARTTLS = "octets behind STARTTLS"
	reasonGreeting       = "octets ahead of the greeting"
	reasonHTTP           = "HTTP on the SMTP port"
	reasonEndlessLine    = "line too long"
)

func (s *Server) doReset(c *slot) {
	if c.args != "" {
		s.refuse(c, replyNoArguments)
		return
	}
	s.dropTransaction()
	s.ask(c)
}

// doVerify is VRFY and EXPN.
func (s *Server) doVerify(c *slot) {
	switch {
	case s.cfg.RequireAuth && !s.authenticated:
		s.refuse(c, replyAuthRequired)
	case c.args == "":
		s.refuse(c, replyArguments)
	default:
		s.ask(c)
	}
}

// likeField reports whether a line looks like a header field, as of an HTTP request.
func likeField(line string) bool {
	name, _, colon := strings.Cut(line, ":")
	return colon && name != "" && !strings.ContainsAny(name, " \t")
}
