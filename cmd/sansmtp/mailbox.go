package main

import (
	"context"
	"crypto/rand"
	"io"
	"sync"
	"time"

	"github.com/sansmtp/sansmtp/cmd/sansmtp/internal/store"
	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// mailbox takes every message, and keeps it before it says so.
type mailbox struct {
	store    store.Store
	complete chan struct{} // closed once as many were stored as are expected

	mu       sync.Mutex
	count    int
	expect   int
	sessions int
	left     chan struct{} // closed and made anew when a session ends
}

// newMailbox returns a mailbox that is complete with its nth message, or never if n is
// 0.
func newMailbox(s store.Store, n int) *mailbox {
	return &mailbox{store: s, expect: n, complete: make(chan struct{}), left: make(chan struct{})}
}

func (m *mailbox) backend() *netasync.Backend {
	return &netasync.Backend{
		Connect:    m.enter,
		Disconnect: m.leave,
		Recipient: func(context.Context, *netasync.Transaction, *wire.Recipient) (wire.Reply, error) {
			return wire.Reply{}, nil
		},
		Content: m.take,
	}
}

func (m *mailbox) enter(_ context.Context, s *netasync.Session) (wire.Reply, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.SetValue(m, true)
	m.sessions++
	return wire.Reply{}, nil
}

// leave is the end of any session: of those too that ended in the TLS handshake, or had
// their greeting from a fault, and never entered.
func (m *mailbox) leave(s *netasync.Session) {
	if s.Value(m) == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions--
	close(m.left)
	m.left = make(chan struct{})
}

// deserted waits until no session is open, or ctx ends.
func (m *mailbox) deserted(ctx context.Context) {
	for {
		m.mu.Lock()
		sessions, left := m.sessions, m.left
		m.mu.Unlock()
		if sessions == 0 {
			return
		}
		select {
		case <-left:
		case <-ctx.Done():
			return
		}
	}
}

// take keeps one message. The reply is given once it is on the disk.
func (m *mailbox) take(_ context.Context, t *netasync.Transaction, content io.Reader) (wire.Reply, error) {
	env := envelopeOf(t)
	message, err := m.store.Begin(env)
	if err != nil {
		return wire.Reply{}, storeError(err)
	}
	defer message.Abort()
	if _, err := io.Copy(message, content); err != nil {
		return wire.Reply{}, storeError(err)
	}
	if err := message.Commit(); err != nil {
		return wire.Reply{}, storeError(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count++; m.count == m.expect {
		close(m.complete)
	}
	return wire.Reply{Code: wire.CodeOK, Enhanced: wire.EnhancedCode{Class: 2}, Text: "stored as " + env.ID}, nil
}

func (m *mailbox) stored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// storeError tells the client where the trouble is one of space (RFC 5321 §4.2.2), so
// that it waits longer.
func storeError(err error) error {
	if !store.IsFull(err) {
		return err
	}
	return &protocol.ReplyError{
		Reply:   wire.Reply{Code: wire.CodeInsufficientStorage, Enhanced: wire.EnhancedCode{Class: 4, Subject: 3, Detail: 1}, Text: "no space left"},
		Command: endOfData,
		Err:     err,
	}
}

func envelopeOf(t *netasync.Transaction) store.Envelope {
	s := t.Session
	_, hello := s.Hello()
	env := store.Envelope{
		ID: newID(), Time: time.Now(),
		From: t.Mail.From, Hello: hello, Protocol: t.Protocol(),
		Peer: s.RemoteAddr().String(), TLSVersion: s.TLS().Version,
		Mechanism: s.Login().Mechanism, User: s.Login().Username,
	}
	for _, to := range t.Recipients {
		env.To = append(env.To, to.Path)
	}
	env.Received = t.Received(env.ID, env.Time)
	return env
}

// newID names a message for replies and logs.
func newID() string { return rand.Text()[:12] }
