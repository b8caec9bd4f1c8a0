package auth

import "github.com/emersion/go-sasl"

// client is a sasl.Client that keeps its secrets in closures, where no printing
// of values finds them (H-A9).
type client struct {
	start func() (mechanism string, initial []byte, err error)
	next  func(challenge []byte) ([]byte, error)
}

func (c client) Start() (string, []byte, error) { return c.start() }

func (c client) Next(challenge []byte) ([]byte, error) { return c.next(challenge) }

// hide keeps the secrets of another client from being printed.
func hide(c sasl.Client) sasl.Client { return client{start: c.Start, next: c.Next} }

// waitFirst is the start of a mechanism in which the server speaks first.
func waitFirst(mechanism string) func() (string, []byte, error) {
	return func() (string, []byte, error) { return mechanism, nil, nil }
}
