package protocol_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/transport"
)

// trip sends messages over a link of 20 ms round trip and returns how many round
// trips it took from the beginning to the reply to EHLO, and from there to the last
// verdict.
func trip(t *testing.T, cfg protocol.ClientConfig, c conduct, messages, recipients int, content string) (hello, rest float64) {
	t.Helper()
	client, err := protocol.NewClient(start, cfg)
	if err != nil {
		t.Fatal(err)
	}
	link := transport.NewPipe(client, newServer(c), transport.PipeOptions{Start: start, Latency: 10 * time.Millisecond})
	var greeted time.Time
	client.Hello("me.example").OnReady(func(protocol.Extensions, error) {
		greeted, hello = link.Now(), link.RoundTrips(start)
	})
	env := protocol.Envelope{}
	for i := range recipients {
		env.To = append(env.To, wire.Recipient{Path: mustPath(fmt.Sprintf("r%d@mx.example", i))})
	}
	accepted := 0
	for i := range messages {
		env.From = mustPath(fmt.Sprintf("m%d@me.example", i))
		client.Send(env, protocol.BodyText(content)).Result().OnReady(func(_ protocol.Receipt, err error) {
			if err != nil {
				t.Errorf("message %d: %v", i, err)
			}
			accepted++
			rest = link.RoundTrips(greeted)
		})
	}
	client.Quit()
	if err := link.Run(10_000_000); err != nil || accepted != messages {
		t.Fatalf("%d of %d accepted, %v", accepted, messages, err)
	}
	return hello, rest
}

// By DATA a message takes one round trip, whatever the number of its recipients; with LMTP
// two where it has several, because nothing goes out behind it before their verdicts.
func TestRoundTripsByDATA(t *testing.T) {
	const messages = 200
	for _, lmtp := range []bool{false, true} {
		for _, recipients := range []int{1, 10, 100} {
			c := conduct{lmtp: lmtp, offers: []string{"PIPELINING"}}
			_, rest := trip(t, protocol.ClientConfig{LMTP: lmtp}, c, messages, recipients, "Subject: hi\r\n\r\nhello\r\n")
			t.Logf("LMTP %v, %d recipients: %.3f round trips for a message", lmtp, recipients, rest/messages)
			most := 1.05
			if lmtp && recipients > 1 {
				most = 2
			}
			if rest/messages > most {
				t.Errorf("LMTP %v, %d recipients: %.3f round trips for a message", lmtp, recipients, rest/messages)
			}
		}
	}
}

// With CHUNKING a window of messages goes in one round trip.
func TestRoundTripsByBDAT(t *testing.T) {
	content := strings.Repeat(strings.Repeat("x", 62)+"\r\n", 64) // 4 KiB
	for _, test := range []struct {
		window protocol.Window
		most   float64
	}{
		{protocol.Window{Messages: 64, Octets: 512 << 10}, 5},
		{protocol.Window{}, 8},
		{protocol.Window{Messages: 1024, Octets: 1 << 20}, 1},
		{protocol.Window{Messages: 1}, 200},
	} {
		for _, lmtp := range []bool{false, true} {
			c := conduct{lmtp: lmtp, offers: []string{"PIPELINING", "CHUNKING", "SIZE"}}
			_, rest := trip(t, protocol.ClientConfig{LMTP: lmtp, Window: test.window}, c, 200, 1, content)
			t.Logf("%+v, LMTP %v: %.2f round trips for 200 messages of 4 KiB", test.window, lmtp, rest)
			if rest > test.most {
				t.Errorf("%+v, LMTP %v: %.2f round trips for 200 messages of 4 KiB, want %.2f", test.window, lmtp, rest, test.most)
			}
		}
	}
}

// The first message on a new connection: half a round trip for the greeting, one for
// EHLO, and one for the message by BDAT, two by DATA.
func TestRoundTripsOfFirstMessage(t *testing.T) {
	for _, test := range []struct {
		offers []string
		most   float64
	}{
		{[]string{"PIPELINING", "CHUNKING"}, 2.6},
		{[]string{"PIPELINING"}, 3.6},
		{nil, 5.6},
	} {
		hello, rest := trip(t, protocol.ClientConfig{}, conduct{offers: test.offers}, 1, 1, "hi\r\n")
		t.Logf("%q: %.2f round trips", test.offers, hello+rest)
		if hello+rest > test.most {
			t.Errorf("%q: %.2f round trips, want %.2f", test.offers, hello+rest, test.most)
		}
	}
}
