package peers_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
)

const (
	host    = "sink.example"
	latency = 10 * time.Millisecond // one way
	rtt     = 2 * latency
)

// message is 4 KiB of text.
var message = []byte("Subject: a message\r\n\r\n" + strings.Repeat(strings.Repeat("x", 62)+"\r\n", 63) + strings.Repeat("y", 40) + "\r\n")

// session measures a client in virtual time.
type session struct {
	first float64 // round trips from the connection to the verdict on the first message
	each  float64 // from EHLO's reply to the last verdict, by message
	all   time.Duration
}

// play lets a client send n messages to a sink behind the link.
func play(t *testing.T, c client, extensions []string, cfg *tls.Config, n, recipients int) (s session) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := link(latency)
		server := &sink{extensions: extensions}
		served := make(chan error, 1)
		go func() {
			defer far.Close()
			if cfg == nil {
				served <- server.serve(far)
				return
			}
			conn := tls.Server(far, serverTLS(t))
			served <- server.serve(conn)
		}()
		begun := time.Now()
		client, err := c.dial(context.Background(), near, cfg)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var to []string
		for i := range recipients {
			to = append(to, fmt.Sprintf("r%d@example.org", i))
		}
		introduced := time.Now()
		if err := client.send(n, to, message); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		s.all = time.Since(introduced)
		s.each = float64(s.all) / float64(rtt) / float64(n)
		if n == 1 {
			s.first = float64(time.Since(begun)) / float64(rtt)
		}
		if err := client.close(); err != nil {
			t.Errorf("%s: quit: %v", c.name, err)
		}
		near.Close()
		if err := <-served; err != nil {
			t.Errorf("%s: sink: %v", c.name, err)
		}
		if server.messages != n {
			t.Fatalf("%s: the sink has %d messages of %d", c.name, server.messages, n)
		}
	})
	return s
}

// within fails where this project's own client needs more than its target.
func within(t *testing.T, what string, got, most float64) {
	t.Helper()
	if got > most {
		t.Errorf("sansmtp, %s: %.3f round trips, target %.2f", what, got, most)
	}
}

func TestRoundTripsOfDATA(t *testing.T) {
	t.Logf("%-10s %8s %8s %8s   round trips a message, DATA, by recipients", "", "1", "10", "100")
	for _, c := range clients() {
		var row strings.Builder
		for _, recipients := range []int{1, 10, 100} {
			// The first message waits for its own replies; behind it each costs one round trip.
			got := play(t, c, without("CHUNKING", "BINARYMIME"), nil, 200, recipients).each
			fmt.Fprintf(&row, " %8.3f", got)
			if c.name == "sansmtp" {
				within(t, fmt.Sprintf("DATA, %d recipients", recipients), got, 1.05)
			}
		}
		t.Logf("%-10s%s", c.name, row.String())
	}
}

func TestRoundTripsOfCHUNKING(t *testing.T) {
	wide := client{"sansmtp, window of 64", ours{window: protocol.Window{Messages: 64, Octets: 512 << 10}}.dial}
	t.Logf("%-22s %10s %12s   200 messages of 4 KiB, from EHLO's reply to the last verdict", "", "trips", "virtual time")
	for _, c := range append(clients(), wide) {
		got := play(t, c, everything, nil, 200, 1)
		t.Logf("%-22s %10.2f %12v", c.name, got.each*200, got.all)
		if c.name == wide.name {
			within(t, "200 messages by CHUNKING", got.each*200, 5)
		}
	}
}

func TestRoundTripsOfAFirstMessage(t *testing.T) {
	t.Logf("%-10s %10s %12s   round trips to the verdict on the first message, TCP's own left out", "", "clear", "TLS 1.3")
	for _, c := range clients() {
		clear := play(t, c, everything, nil, 1, 1).first
		secure := play(t, c, everything, clientTLS(), 1, 1).first
		t.Logf("%-10s %10.2f %12.2f", c.name, clear, secure)
		if c.name == "sansmtp" {
			within(t, "first message, clear", clear, 2.6)
			within(t, "first message, TLS 1.3", secure, 4.25)
		}
	}
}
