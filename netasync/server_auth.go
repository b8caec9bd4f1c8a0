package netasync

import (
	"bytes"
	"time"

	"github.com/emersion/go-sasl"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// authenticate makes the exchange that an AUTH asks for, each step of it off the
// loop's lock. The caller holds that.
func (s *Session) authenticate(r protocol.Request) {
	a := *s.listener.server.Auth
	login := Login{Mechanism: r.Args()}
	a.Granted = func(identity, username string) {
		login.Username, login.Identity = username, identity
		if identity == "" {
			login.Identity = username
		}
		if granted := s.listener.server.Auth.Granted; granted != nil {
			granted(identity, username)
		}
	}
	tls := s.pump.TLS()
	var exchange sasl.Server
	done := r.AcceptAuthSteps(func(response []byte, answer func([]byte, bool, error)) {
		response = bytes.Clone(response)
		s.enqueue(&command{session: s, step: func() {
			var challenge []byte
			var done bool
			var err error
			if exchange == nil {
				exchange, err = a.New(login.Mechanism, tls)
			}
			if err == nil {
				challenge, done, err = exchange.Next(response)
			}
			clear(response)
			s.loop.Do(func(time.Time) {
				answer(challenge, done, err)
				s.pump.requests()
			})
		}})
	})
	done.OnReady(func(_ wire.Reply, err error) {
		if err == nil {
			s.learn(func(who *identity) { who.login = login })
		}
	})
}
