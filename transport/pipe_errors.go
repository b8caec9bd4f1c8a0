package transport

import "fmt"

// QuiescentError says that a link has nothing left to do: no octets under way that
// anybody reads, no deadline, no handshake.
type QuiescentError struct {
	State string // the link's state, in one line
}

func (e *QuiescentError) Error() string { return "nothing is left to happen " + e.State }

// LivelockError says that a link took more steps than it was allowed, as when two
// machines answer each other for ever.
type LivelockError struct {
	Steps int    // how many steps were taken
	State string // the link's state, in one line
}

func (e *LivelockError) Error() string {
	return fmt.Sprintf("no end in %d steps, %s", e.Steps, e.State)
}
