//go:build interop

package interop

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
)

// Which recipients were refused, and how, decides the exit code: 75 if all that were
// refused were so for now, else 67.
func TestRecipients(t *testing.T) {
	for _, s := range servers() {
		for _, to := range [][]string{
			{"ok@example.test"},
			{"ok@example.test", "ok2@example.test"},
			{"bad@example.test"},
			{"temp@example.test"},
			{"ok@example.test", "temp@example.test"},
			{"temp@example.test", "bad@example.test"},
			{"bad@example.test", "temp@example.test", "ok2@example.test"},
			{"bad1@example.test", "bad2@example.test", "bad3@example.test"},
		} {
			t.Run(s.name+"/"+strings.Join(to, ","), func(t *testing.T) {
				m := newMessage(4 << 10)
				args := []string{"--server", s.url(), "--tls-ca", rig.env["CA"], m.file(t)}
				for _, address := range to {
					args = append(args, "--to", address)
				}
				got := send(t, nil, args...)
				want, stored := s.expect(to...)
				want.TLS = s.expectTLS()
				got.want(t, want)
				if len(stored) > 0 {
					m.delivered(t, s, stored...)
				}
			})
		}
	}
}

// A domain that the server does not relay to.
func TestRelay(t *testing.T) {
	for _, c := range []struct {
		*server
		refusal reply
	}{
		{postfix(), reply{554, "5.7.1", "<ok@other.test>: Relay access denied"}},
		{openSMTPD(), reply{550, "", "Invalid recipient: <ok@other.test>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := send(t, nil, "--server", c.url(), "--tls-ca", rig.env["CA"], "--to", "ok@other.test", newMessage(4<<10).file(t))
			got.want(t, report{
				Outcome: "refused", Exit: 67, RetrySafe: true,
				Error: c.address + ": refused: RCPT <ok@other.test>: " + c.refusal.String(), Kind: "reply", Step: "send",
				Server: c.address, TLS: c.expectTLS(), Reply: &c.refusal,
				Recipients: []recipient{{"ok@other.test", "refused", &c.refusal, &c.refusal}},
			})
		})
	}
}

// A message over the size that the server states is not begun. Without a size known
// beforehand, the server's own refusal is reported.
func TestSize(t *testing.T) {
	for _, c := range []struct {
		*server
		limit   int
		refusal *reply // of content without a size
		step    string // that it comes at
	}{
		{postfix(), 10_000_000, &reply{552, "5.3.4", "Chunk exceeds message size limit"}, "BDAT"},
		{exim(), 10 << 20, &reply{552, "", "Message size exceeds maximum permitted"}, "end of data"},
		{smtpServer(), 10_000_000, &reply{552, "", "5.3.4 Message too big"}, "end of data"},
		{aiosmtpd(), 32 << 20, &reply{552, "", "Error: Too much mail data"}, "end of data"},
		{openSMTPD(), 35 << 20, &reply{554, "5.3.4", "Message too big for system: Transaction failed, message too big"}, "end of data"},
	} {
		args := []string{"--server", c.url(), "--tls-ca", rig.env["CA"], "--to", "ok@example.test"}
		m := newMessage(c.limit + 1)
		t.Run(c.name+"/known", func(t *testing.T) {
			got := send(t, nil, append(args, m.file(t))...)
			got.want(t, report{
				Outcome: "not delivered", Exit: 69, RetrySafe: true,
				Error: fmt.Sprintf("%s: not delivered: SIZE limit of the server: %d is over %d", c.address, len(m.content()), c.limit),
				Kind:  "not offered", Step: "send", Server: c.address, TLS: c.expectTLS(), Recipients: notDelivered("ok@example.test"),
			})
			for _, entry := range got.trace {
				if strings.HasPrefix(entry, "-> MAIL") {
					t.Errorf("sent %q", entry)
				}
			}
		})
		t.Run(c.name+"/unknown", func(t *testing.T) {
			got := send(t, m.octets, args...)
			accepted := c.accepted.of("ok@example.test")
			got.want(t, report{
				Outcome: "refused", Exit: 69, RetrySafe: true,
				Error: c.address + ": refused: " + c.step + ": " + c.refusal.String(), Kind: "reply", Step: "send",
				Server: c.address, TLS: c.expectTLS(), Reply: c.refusal,
				Recipients: []recipient{{"ok@example.test", "refused", c.refusal, &accepted}},
			})
		})
	}
}

// SMTP to a port of LMTP, and the other way around: the server is there, and of no
// use.
func TestOtherProtocol(t *testing.T) {
	for _, c := range []struct {
		*server
		scheme  string
		verb    string
		refusal reply
	}{
		{postfix(), "lmtp", "LHLO", reply{500, "", "5.5.2 Error: command not recognized"}},
		{exim(), "lmtp", "LHLO", reply{500, "", "unrecognized command"}},
		{openSMTPD(), "lmtp", "LHLO", reply{500, "", "5.5.1 Invalid command: Command unrecognized"}},
		{aiosmtpd(), "lmtp", "LHLO", reply{500, "", `Error: command "LHLO" not recognized`}},
		{smtpServer(), "lmtp", "LHLO", reply{500, "", "Error: command not recognized"}},
		{dovecot(), "smtp", "HELO", reply{500, "", "5.5.1 Unknown command"}},
		{smtpServerLMTP(), "smtp", "HELO", reply{500, "", "Error: HELO not allowed in LMTP server"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := send(t, nil, "--server", c.scheme+"://"+c.address, "--to", "ok@example.test", newMessage(4<<10).file(t))
			got.want(t, report{
				Outcome: "not delivered", Exit: 69, RetrySafe: true,
				Error: c.address + ": " + c.verb + ": " + c.refusal.String() + " (want 250)", Kind: "reply", Step: "EHLO",
				Server: c.address, Reply: &c.refusal, Recipients: notDelivered("ok@example.test"),
			})
		})
	}
}

// A server that waits for TLS never greets: a timeout, exit code 75.
func TestSilence(t *testing.T) {
	s := postfix().as("Postfix TLS", "POSTFIX_TLS", implicitTLS)
	got := send(t, nil, "--server", "smtp://"+s.address, "--timeout", "1s", "--to", "ok@example.test", newMessage(4<<10).file(t))
	got.want(t, report{
		Outcome: "not delivered", Exit: 75, Temporary: true, RetrySafe: true,
		Error: s.address + ": timeout: no greeting within 1s", Kind: "timeout", Step: "greeting",
		Server: s.address, Recipients: notDelivered("ok@example.test"),
	})
}

// Nobody listens: exit code 74. The message is looked at before the network: 65, 66.
func TestNoServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ln.Close()
	m := newMessage(4 << 10)
	args := []string{"--server", "smtp://" + address, "--to", "ok@example.test"}
	want := report{
		Outcome: "not delivered", Exit: 74, Temporary: true, RetrySafe: true,
		Error: address + ": connect: connection refused", Kind: "connect", Step: "connect",
		Server: address, Recipients: notDelivered("ok@example.test"),
	}
	send(t, nil, append(args, m.file(t))...).want(t, want)
	for _, c := range []struct {
		stdin []byte
		args  []string
		exit  int
		error string
	}{
		{[]byte{}, nil, 65, "message: empty"},
		{bytes.Repeat([]byte{0}, 100), nil, 65, "message: binary, not RFC 5322 text: NUL near its beginning"},
		{nil, []string{"/nonexistent"}, 66, "message: stat /nonexistent: no such file or directory"},
	} {
		got := send(t, c.stdin, slices.Concat(args, c.args)...)
		got.want(t, report{
			Outcome: "not delivered", Exit: c.exit, RetrySafe: true, Error: c.error, Kind: got.Kind,
			Recipients: notDelivered("ok@example.test"),
		})
	}
}
