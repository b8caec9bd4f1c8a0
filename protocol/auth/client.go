package auth

import (
	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
)

var _ interface {
	protocol.Concluder
	protocol.OfferReader
} = client{}

// client is a sasl.Client that keeps its secrets in closures, where no printing
// of values finds them (H-A9).
type client struct {
	start func() (mechanism string, initial []byte, err error)
	next  func(challenge []byte) ([]byte, error)

	// Both are nil where the mechanism has no use for them.
	offered  func(mechanisms []string)
	conclude func(accepted bool) error
}

func (c client) Start() (string, []byte, error) { return c.start() }

func (c client) Next(challenge []byte) ([]byte, error) { return c.next(challenge) }

// Offered implements protocol.OfferReader.
func (c client) Offered(mechanisms []string) {
	if c.offered != nil {
		c.offered(mechanisms)
	}
}

// Conclude implements protocol.Concluder.
func (c client) Conclude(accepted bool) error {
	if c.conclude == nil {
		return nil
	}
	return c.conclude(accepted)
}

// waitFirst is the start of a mechanism in which the server speaks first.
func waitFirst(mechanism string) func() (string, []byte, error) {
	return func() (string, []byte, error) { return mechanism, nil, nil }
}

// hide keeps the secrets of another client from being printed.
func hide(c sasl.Client) client { return client{start: c.Start, next: c.Next} }
