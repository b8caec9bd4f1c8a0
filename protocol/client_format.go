package protocol

import "fmt"

// Format implements fmt.Formatter. Whatever the verb, it prints how far the session
// has come and nothing of its buffers, which hold the secrets of a login while that
// is under way.
func (c *Client) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "protocol.Client{hello: %q, TLS: %t, authenticated: %t, busy: %t, queued: %d, err: %v}",
		c.hello, c.tls.Active(), c.authenticated, c.Busy(), c.Queued(), c.err)
}
