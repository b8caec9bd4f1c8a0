package protocol

import "time"

// serverClock is time, as far as the machine was told. What begins outside the driver's
// calls, as by an answer of the application, counts from the next call on.
type serverClock struct {
	now      time.Time // what the last call said
	client   time.Time // since when the client owes a command, content, or a handshake
	began    time.Time // since when content comes
	octets   int64     // of content since then
	write    time.Time // the last progress in writing, or the write error
	deadline time.Time

	clientBegins, contentBegins, writeBegins bool // with the next call, or the end of this
}

func (k *serverClock) stamp(now time.Time) {
	k.now = now
	k.begin()
}

// begin counts what begins from now.
func (k *serverClock) begin() {
	if !k.clientBegins && !k.contentBegins && !k.writeBegins {
		return
	}
	if k.clientBegins {
		k.client, k.clientBegins = k.now, false
	}
	if k.contentBegins {
		k.began, k.octets, k.contentBegins = k.now, 0, false
	}
	if k.writeBegins {
		k.write, k.writeBegins = k.now, false
	}
}

// content says that content is due from now on.
func (k *serverClock) content() { k.clientBegins, k.contentBegins = true, true }

// received notes progress in content.
func (k *serverClock) received(n int) {
	k.client = k.now
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
		if t := base.Add(d); at.IsZero() || t.Before(at) {
			at, step, limit = t, missing, d
		}
	}
	t := &s.cfg.Timeouts
	switch {
	case s.writeErr != nil:
		sooner(s.clock.write, t.Drain, "end of input")
	case s.out.pending():
		if !s.clock.writeBegins {
			sooner(s.clock.write, t.Block, "progress in writing")
		}
	case s.clock.clientBegins:
	case s.handshakes():
		sooner(s.clock.client, t.TLS, "TLS handshake")
	case s.eof || s.in.closing || s.in.stopped || s.in.blocked:
	case s.in.mode >= inputContent:
		if s.filling != nil && s.at(s.filling.slot).starts {
			break // the 354 waits for the application
		}
		sooner(s.clock.client, t.Content, "content")
		if s.cfg.MinRate > 0 {
			sooner(s.clock.began, t.Content+time.Duration(s.clock.octets/s.cfg.MinRate)*time.Second, "content at the least rate")
		}
	case s.head == s.tail || s.auth != nil:
		sooner(s.clock.client, t.Command, "command")
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
	s.leave()
}
