package protocol

// fault says what a refusal counts as.
type fault uint8

const (
	faultNone    fault = iota
	faultCommand       // the command is refused for what it is
	faultUnknown       // it is none here
)

// refusals are the commands that were refused for what they are. There is a limit to
// them (H-R28): the one that is too many gets a 421. They count in the order in which the
// replies leave, whenever they were given.
type refusals struct {
	given, left               int // refusals in all; those that left
	unknownGiven, unknownLeft int // of commands that are none
	open                      int // commands that the application may still refuse as unknown
}

// count notes that a command is refused.
func (s *Server) count(c *slot, f fault) {
	c.fault = f
	s.refusals.given++
	if f == faultUnknown {
		s.refusals.unknownGiven++
	}
}

// leave counts a refusal that leaves, and reports whether it is one too many.
func (r *refusals) leave(f fault, cfg *ServerConfig) bool {
	r.left++
	if f == faultUnknown {
		r.unknownLeft++
	}
	return r.left > cfg.MaxErrors || r.unknownLeft > cfg.MaxUnknown
}

// exhaust reports whether the session has come to its limit, or may have once the
// application has answered: nothing further is done then.
func (r *refusals) exhaust(cfg *ServerConfig) bool {
	return r.given+r.open > cfg.MaxErrors || r.unknownGiven+r.open > cfg.MaxUnknown
}
