package netasync

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// command is what a Session's goroutine has to do off the loop's lock: a request for the
// handler, or a step of a login.
type command struct {
	session *Session
	request protocol.Request
	public  Request
	content *content   // of protocol.RequestData
	refusal wire.Reply // its default answer, which is the verdict too
	step    func()     // of a login, in place of all the others
	replied atomic.Bool

	// Under the loop's lock.
	each int // how many recipients AnswerEach has answered
	over bool
}

// take sees to a request of the machine's. The caller holds the loop's lock.
func (s *Session) take(r protocol.Request) {
	kind := r.Kind()
	closed := kind == protocol.RequestClosed
	if closed && s.cancel != nil {
		s.cancel(s.pump.Err())
	}
	switch {
	case s.interceptor != nil && s.interceptor.Take(r):
	case wants(s.listener.server.Handler, kind, r.Verb()):
		s.enqueue(&command{session: s, request: r})
	case !closed:
		s.answerDefault(r)
	}
}

// answerDefault is what becomes of a request that no handler answers.
func (s *Session) answerDefault(r protocol.Request) {
	switch kind := r.Kind(); {
	case kind == protocol.RequestAuth && s.listener.server.Auth != nil:
		s.authenticate(r)
		return
	case kind == protocol.RequestXClient:
		s.speakFor(r.Args())
	}
	r.AnswerDefault()
}

func (s *Session) enqueue(c *command) {
	s.queue = append(s.queue, c)
	s.pump.push(true)
	if !s.working {
		s.working = true
		s.workers.Add(1)
		go s.work(nil)
	}
}

// work is a goroutine that lives as long as there are commands. last is one that took
// its goroutine with it.
func (s *Session) work(last *command) {
	defer func() {
		if last != nil {
			go s.work(last)
		} else {
			s.workers.Done()
		}
	}()
	for last = s.next(last); last != nil; last = s.next(last) {
		s.call(last)
	}
}

// next ends one command and begins the next; nil: there is none.
func (s *Session) next(last *command) (c *command) {
	s.loop.Do(func(time.Time) {
		if last != nil {
			last.finish()
			s.pump.requests()
		}
		if len(s.queue) == 0 {
			s.working, s.queue = false, nil
			s.pump.pull()
			return
		}
		c = s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		c.begin()
	})
	return c
}

// begin makes ready what the handler is to see.
func (c *command) begin() {
	if c.step != nil {
		return
	}
	s := c.session
	s.observe()
	c.public = Request{
		Kind: c.request.Kind(), Verb: c.request.Verb(), Args: c.request.Args(),
		Session: s, Recipient: c.request.Recipient(), command: c,
	}
	switch c.public.Kind {
	case protocol.RequestMail, protocol.RequestRcpt, protocol.RequestData:
		if mail := c.request.Mail(); s.transaction == nil || s.transaction.Mail != mail {
			s.transaction = &Transaction{Session: s, Mail: mail}
		}
		c.public.Transaction = s.transaction
	}
	if c.public.Kind == protocol.RequestData {
		c.content = newContent(c)
		c.refusal = c.request.Default()
		c.public.Content = c.content
	}
}

// call calls the handler. What it panics with ends the session.
func (s *Session) call(c *command) {
	returned := false
	defer func() {
		if !returned { // a Goexit does not return either
			s.panicked(c, recover())
		}
	}()
	if c.step != nil {
		c.step()
	} else {
		s.listener.server.Handler.ServeSMTP(c, &c.public)
	}
	returned = true
}

func (s *Session) panicked(c *command, v any) {
	s.log().Error("the handler panicked", "verb", c.public.Verb, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	s.loop.Do(func(time.Time) {
		c.over = true
		if c.content != nil {
			c.content.drop()
		}
		s.pump.End(wire.Reply{
			Code: wire.CodeNotAvailable, Enhanced: wire.EnhancedCode{Class: 4, Subject: 3}, Text: s.Hostname() + " local error",
		})
		s.pump.requests()
	})
}

// finish is what follows from the return of the handler.
func (c *command) finish() {
	if c.over || c.step != nil {
		return
	}
	c.over = true
	switch {
	case c.content != nil:
		if !c.replied.Load() {
			c.request.Answer(c.refusal)
		}
		c.content.drop()
		c.session.transaction = nil
	case !c.replied.Load():
		c.session.answerDefault(c.request)
	}
}

// do calls f under the loop's lock, unless the command is over, or none at all.
func (c *command) do(f func()) {
	c.session.loop.Do(func(time.Time) {
		if c.over || c.public.Kind == protocol.RequestClosed {
			return
		}
		f()
		c.session.pump.requests()
		c.session.pump.push(len(c.session.queue) > 0)
	})
}

// Answer implements ReplyWriter.
func (c *command) Answer(reply wire.Reply) (did bool) {
	c.do(func() {
		reply = c.complete(reply)
		if did = c.request.Answer(reply); did && reply.Positive() && c.public.Recipient != nil {
			t := c.public.Transaction
			t.Recipients = append(t.Recipients, c.public.Recipient)
		}
		c.settled()
	})
	return did
}

// AnswerEach implements ReplyWriter.
func (c *command) AnswerEach(i int, reply wire.Reply) (did bool) {
	if !c.session.listener.config.LMTP {
		return false // and the message is not taken for it
	}
	c.do(func() {
		reply = c.complete(reply)
		if did = c.request.AnswerEach(i, reply); !did {
			return
		}
		if c.each++; c.each == c.request.Recipients() {
			c.settled()
		}
	})
	return did
}

// complete does what has to precede a reply.
func (c *command) complete(reply wire.Reply) wire.Reply {
	switch {
	case c.content != nil && reply.Positive() && !c.replied.Load():
		c.content.accept()
	case c.public.Kind == protocol.RequestConnect && reply.Code == wire.CodeServiceReady && reply.Text != "":
		// RFC 5321 §4.2: the host's name comes first.
		host := c.session.Hostname()
		if name, _, _ := strings.Cut(reply.Text, " "); name != host {
			reply.Text = host + " " + reply.Text
		}
	}
	return reply
}

// standard returns the default reply.
func (c *command) standard() (reply wire.Reply) {
	c.do(func() {
		if reply = c.refusal; c.content == nil {
			reply = c.request.Default()
		}
	})
	return reply
}

// settled notes that the command has its answer, by whomever.
func (c *command) settled() {
	c.replied.Store(true)
	if c.content != nil {
		c.content.drop()
	}
}

// observe notes what the machine is like, for the handler that comes next.
func (s *Session) observe() {
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancelCause(s.listener.ctx)
		if err := s.pump.Err(); err != nil {
			s.cancel(err)
		}
	}
	old := s.state.Load()
	now := *old
	now.verb, now.name = s.pump.Hello()
	now.extensions, now.err = s.pump.Extensions(), s.pump.Err()
	now.who, now.authenticated = s.who, s.pump.Authenticated()
	tls := s.pump.TLS()
	if now.verb != old.verb || now.name != old.name || now.extensions != old.extensions || now.err != old.err ||
		now.who != old.who || now.authenticated != old.authenticated || tls.Version != old.tls.Version {
		now.tls = tls
		s.state.Store(&now)
	}
}
