package protocol_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/transport"
)

// Octets in clear behind the 220 to STARTTLS end the session, whether they are a
// reply or a piece of one, come with the 220 or later: no TLS, and not one octet
// more from the client.
func TestInjectionBehindSTARTTLS(t *testing.T) { // H-T1 F14
	sessions := 0
	for _, injected := range []string{"250 welcome\r\n", "250-welcome\r\n", "2", "\r\n", "\x16\x03\x01", strings.Repeat("x", 100_000)} {
		for _, cut := range []int{0, 1, 3} {
			for _, late := range []bool{false, true} {
				sessions++
				c := conduct{offers: []string{"PIPELINING", "STARTTLS"}}
				opts := transport.PipeOptions{Latency: 10 * time.Millisecond, BtoA: transport.Way{CutEvery: cut}}
				if !late {
					c.behindSTARTTLS = injected
				}
				upgrades := 0
				s := simulate(protocol.ClientConfig{}, c, opts, true, true, func(s *simulation) {
					s.hello()
					s.startTLS()
					s.send(nil, "a@mx.example")
					s.quit()
					if late {
						// Behind the 220, and before the server's part of the handshake is there.
						s.link.AfterFunc(41*time.Millisecond, func(time.Time) {
							s.server.out = append(s.server.out, injected...)
						})
					}
				})
				name := fmt.Sprintf("%.20q, cut every %d, late %v", injected, cut, late)
				if trouble := s.trouble(); trouble != "" {
					t.Errorf("%s: %s\n%s", name, trouble, strings.Join(s.log, "\n"))
				}
				for _, line := range s.log {
					if strings.Contains(line, "A upgrade") {
						upgrades++
					}
				}
				var broken *protocol.ProtocolError
				if err := s.Err(); !errors.As(err, &broken) || broken.Err != protocol.ErrPlaintextAfterSTARTTLS || upgrades > 0 || s.TLS().Active() {
					t.Errorf("%s: Err %v, %d upgrades, TLS %v\n%s", name, err, upgrades, s.TLS(), strings.Join(s.log, "\n"))
				}
				if wrote := string(s.monitor.lent); wrote != "EHLO me.example\r\nSTARTTLS\r\n" {
					t.Errorf("%s: the client wrote %q", name, wrote)
				}
			}
		}
	}
	t.Logf("%d sessions", sessions)
}
