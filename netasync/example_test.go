package netasync_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest"
)

// One message, from the connection to QUIT.
func Example() {
	srv := smtptest.NewServer(smtptest.Config{})
	defer srv.Close()

	ctx := context.Background()
	from, _ := wire.ParsePath("alice@example.com")
	to, _ := wire.ParsePath("bob@example.org")
	client, err := netasync.Dial(ctx, srv.URL, netasync.Config{Hello: "me.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	receipt, err := client.Send(ctx,
		protocol.Envelope{From: from, To: []wire.Recipient{{Path: to}}},
		protocol.BodyText("Subject: hello\n\nHello, Bob.\n"))
	fmt.Println(receipt.Outcome, receipt.Reply, err)
	fmt.Println(client.Quit(ctx))
	// Output:
	// accepted 250 2.0.0 ok <nil>
	// <nil>
}

// Messages that do not wait for one another, in one connection.
func ExampleClient_SendAsync() {
	srv := smtptest.NewServer(smtptest.Config{})
	defer srv.Close()

	ctx := context.Background()
	client, err := netasync.Dial(ctx, srv.URL, netasync.Config{Hello: "me.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	var messages []*protocol.Delivery
	for i := range 3 {
		text := fmt.Sprintf("Subject: number %d\n\n", i)
		messages = append(messages, client.SendAsync(envelope(), protocol.BodyText(text)))
	}
	for _, message := range messages {
		receipt, err := message.Result().Await(ctx)
		fmt.Println(receipt.Reply, err)
	}
	for _, message := range srv.Messages() {
		fmt.Printf("%q\n", message.Content)
	}
	// Output:
	// 250 2.0.0 ok <nil>
	// 250 2.0.0 ok <nil>
	// 250 2.0.0 ok <nil>
	// "Subject: number 0\r\n\r\n"
	// "Subject: number 1\r\n\r\n"
	// "Subject: number 2\r\n\r\n"
}

// What the session has cost, and what only the machine itself can do.
func ExampleClient_Do() {
	srv := smtptest.NewServer(smtptest.Config{})
	defer srv.Close()

	ctx := context.Background()
	client, err := netasync.Dial(ctx, srv.URL, netasync.Config{Hello: "me.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	client.Do(func(machine *protocol.Client) {
		machine.Do(protocol.Command{Verb: "NOOP"})
		machine.Quit()
	})
	<-client.Done()
	stats := client.Stats()
	fmt.Println(stats.RoundTrips, stats.Sent, stats.Received)
	// Output: 4 33 211
}

// A password gives a choice of mechanisms, the strongest first. A floor leaves those
// that do not show it to the server.
func ExamplePassword() {
	login, err := netasync.Password("george", "abracadabra")
	if err != nil {
		log.Fatal(err)
	}
	for _, mechanism := range login {
		fmt.Println(mechanism.Name)
	}
	login, err = login.AtLeast("CRAM-MD5")
	fmt.Println(len(login), err)
	// Output:
	// SCRAM-SHA-256-PLUS
	// SCRAM-SHA-1-PLUS
	// SCRAM-SHA-256
	// SCRAM-SHA-1
	// CRAM-MD5
	// PLAIN
	// LOGIN
	// 5 <nil>
}

// A bearer token, by one mechanism and no other.
func ExampleToken() {
	login, err := netasync.Token("george@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "XOAUTH2")
	cfg := netasync.Config{Hello: "me.example.com", Login: login}
	fmt.Println(cfg.Login[0].Name, err)
	// Output: XOAUTH2 <nil>
}

// Nobody listens there.
func ExampleKindOf() {
	cfg := netasync.Config{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no route to the moon")
	}}
	_, err := netasync.Dial(context.Background(), "smtp://moon.example", cfg)
	fmt.Println(err)
	fmt.Println(netasync.KindOf(err))
	// Output:
	// moon.example:25: connect: no route to the moon
	// connect
}
