//go:build interop

package interop

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The parameters of MAIL as they arrive: the size where it is known, 8BITMIME where
// it is offered, SMTPUTF8 where an address needs it.
func TestEnvelope(t *testing.T) {
	for _, s := range []*server{aiosmtpd(), smtpServer()} {
		for _, c := range []struct {
			name        string
			from, to    string
			stdin, utf8 bool
		}{
			{"file", "sender@client.test", "ok@example.test", false, false},
			{"standard input", "sender@client.test", "ok@example.test", true, false},
			{"no sender", "", "ok@example.test", true, false},
			{"local part in UTF-8", "sender@client.test", "ök@example.test", true, true},
			{"domain in UTF-8", "ström@löwe.test", "ok@example.test", true, true},
		} {
			t.Run(s.name+"/"+c.name, func(t *testing.T) {
				m := newMessage(4 << 10).withCRLF()
				args := []string{"--server", s.url(), "--tls-ca", rig.env["CA"], "--from", c.from, "--to", c.to}
				var stdin []byte
				if c.stdin {
					stdin = m.octets
				} else {
					args = append(args, m.file(t))
				}
				got := send(t, stdin, args...)
				want, stored := s.expect(c.to)
				want.TLS = s.expectTLS()
				got.want(t, want)
				e := m.delivered(t, s, stored...)[0].envelope
				if from := strings.Trim(e.From, "<>"); from != c.from || !e.TLS || e.Login != nil {
					t.Errorf("from %q, TLS %v, login %v; want %q, true, none", from, e.TLS, e.Login, c.from)
				}
				parameters := []string{"BODY=8BITMIME"}
				if !c.stdin {
					parameters = append(parameters, fmt.Sprintf("SIZE=%d", len(m.content())))
				}
				if c.utf8 {
					parameters = append(parameters, "SMTPUTF8")
				}
				if p := sorted(e.MailParameters); !slices.Equal(p, parameters) {
					t.Errorf("parameters of MAIL %q, want %q", p, parameters)
				}
			})
		}
	}
}

// sorted is what the two servers make of parameters, a list or an object, as one.
func sorted(v any) (list []string) {
	switch v := v.(type) {
	case []any:
		for _, parameter := range v {
			list = append(list, fmt.Sprint(parameter))
		}
	case map[string]any:
		for keyword, value := range v {
			if value == true {
				list = append(list, keyword)
			} else {
				list = append(list, fmt.Sprintf("%s=%v", keyword, value))
			}
		}
	default:
		list = append(list, reflect.TypeOf(v).String())
	}
	slices.Sort(list)
	return list
}

// An address in UTF-8 that the server cannot have: nothing of the message is sent.
func TestNoSMTPUTF8(t *testing.T) {
	for _, s := range []*server{openSMTPD(), dovecot()} {
		t.Run(s.name, func(t *testing.T) {
			got := send(t, nil, "--server", s.url(), "--tls-ca", rig.env["CA"], "--to", "ök@example.test", newMessage(4<<10).file(t))
			got.want(t, report{
				Outcome: "not delivered", Exit: 69, RetrySafe: true,
				Error: s.address + ": not delivered: SMTPUTF8: not offered by the server", Kind: "not offered", Step: "send",
				Server: s.address, TLS: s.expectTLS(), Recipients: notDelivered("ök@example.test"),
			})
		})
	}
}
