package store

// discard keeps nothing.
type discard struct{}

func (discard) Begin(Envelope) (Message, error) { return &discarded{}, nil }

type discarded struct{ ended bool }

func (m *discarded) Write(p []byte) (int, error) {
	if m.ended {
		return 0, ErrEnded
	}
	return len(p), nil
}

func (m *discarded) Commit() error {
	if m.ended {
		return ErrEnded
	}
	m.ended = true
	return nil
}

func (m *discarded) Abort() { m.ended = true }
