package protocol

import "time"

// serverClock is time, as far as the machine was told. A zero base is set by the next
// call that says what time it is.
type serverClock struct {
	now      time.Time // what the last call said
	command  time.Time // since when a command is awaited
	content  time.Time // the last octets of content
	began    time.Time // since when the content comes
	octets   int64     // of the content, since then
	write    time.Time // the last progress in writing
	tls      time.Time
	drain    time.Time
	deadline time.Time
	restart  bool // the client's time begins anew with the next call
}

func (k *serverClock) stamp(now time.Time) {
	k.now = now
	if k.restart {
		k.command, k.tls, k.restart = now, now, false
	}
	if k.content.IsZero() {
		k.content = now
	}
	if k.began.IsZero() {
		k.began = now
	}
	if k.write.IsZero() {
		k.write = now
	}
}

func (k *serverClock) contentBegins() {
	k.content, k.began, k.octets = time.Time{}, time.Time{}, 0
}

// received notes progress in content.
func (k *serverClock) received(s *Server, n int) {
	k.content = k.now
	k.octets += int64(n)
}

// Deadline implements Core.
func (s *Server) Deadline() time.Time {
	at, _, _ := s.due()
	return at
}

// due returns the next deadline, what is missing if it passes, and the limit that set
// it; limit 0 stands for the overall deadline.
func (s *Server) due() (at time.Time, step string, limit time.Duration) {
	if s.err != nil {
		return
	}
	at, step = s.clock.deadline, "overall deadline"
	sooner := func(base time.Time, d time.Duration, missing string) {
		if t := base.Add(d); !base.IsZero() && (at.IsZero() || t.Before(at)) {
			at, step, limit = t, missing, d
		}
	}
	t := &s.cfg.Timeouts
	switch {
	case s.writeErr != nil:
		sooner(s.clock.drain, t.Drain, "end of input")
	case s.out.pending():
		sooner(s.clock.write, t.Block, "progress in writing")
	case s.handshakes():
		sooner(s.clock.tls, t.TLS, "TLS handshake")
	case s.eof || s.in.closing || s.in.stopped || s.in.blocked:
	case s.in.mode >= inputContent:
		if s.filling != nil && s.at(s.filling.slot).starts {
			break // the 354 waits for the application
		}
		sooner(s.clock.content, t.Content, "content")
		if s.cfg.MinRate > 0 {
			sooner(s.clock.began, t.Content+time.Duration(s.clock.octets/s.cfg.MinRate)*time.Second, "content at the least rate")
		}
	case s.head == s.tail || s.auth != nil:
		sooner(s.clock.command, t.Command, "command")
	}
	return
}

// Tick implements Core.
func (s *Server) Tick(now time.Time) {
	s.enter(now, "Tick")
	if at, step, limit := s.due(); !at.IsZero() && !now.Before(at) {
		err := &TimeoutError{Step: step, Limit: limit}
		switch {
		case s.writeErr != nil:
			s.end(s.writeErr)
		case s.handshakes() || step == "progress in writing":
			s.end(err)
		default:
			r := replyTimeout
			if step == "content at the least rate" {
				r = replyTooSlow
			}
			s.in.ending = &ending{s.named(r), err}
		}
	}
	s.leave(now)
}
