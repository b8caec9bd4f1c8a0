package store

import (
	"errors"
	"io"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Store keeps messages. Any number of goroutines may use it, and any number of
// processes may use the same files.
type Store interface {
	// Begin opens a message. The caller ends it with Commit or Abort.
	Begin(env Envelope) (Message, error)
}

// Message is one that is coming in. One goroutine at a time may use it.
type Message interface {
	// Write takes the next octets of the content, and keeps none of p. Its error stays:
	// the message can only be aborted.
	io.Writer
	// Commit keeps the message. It waits for the disk, and for others who use the store.
	// After an error the message is not kept, and needs no Abort. IsFull tells an error
	// that is one of space.
	Commit() error
	// Abort drops the message. After Commit, or another Abort, it does nothing.
	Abort()
}

// Envelope is what a server knows of a message besides its content.
type Envelope struct {
	ID         string    // names the message in replies and logs; letters, digits, "-", "_" and "."
	Time       time.Time // when it was received
	From       wire.Path // the reverse-path
	To         []wire.Path
	Hello      string // the argument of EHLO, HELO or LHLO, which is but a claim
	Protocol   string // ESMTP, LMTPS, UTF8SMTPSA …, as RFC 3848 and RFC 6531 §4.3 call it
	Peer       string // address and port
	TLSVersion uint16 // as in protocol.TLSState; 0: no TLS
	Mechanism  string // of AUTH; "" without
	User       string // who logged in
	Received   string // the field Received, with its last CRLF, for Config.Trace
}

// ErrEnded is the error of a message that was committed or aborted before.
var ErrEnded = errors.New("message has ended")

// ErrLocked says that another program held the lock of a file for too long.
var ErrLocked = errors.New("file is locked by another program")

// ErrForeign says that a file holds something else than the store would keep in it.
var ErrForeign = errors.New("file holds something else")
