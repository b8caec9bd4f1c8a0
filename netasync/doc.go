// Package netasync is SMTP for applications: it connects, starts TLS, logs in and
// sends, over the machines of package protocol and the drivers of package
// transport.
//
//	client, err := netasync.Dial(ctx, "smtp://mx.example", netasync.Config{})
//	…
//	receipt, err := client.Send(ctx, envelope, protocol.BodyText(message))
//	…
//	err = client.Quit(ctx)
//
// Send waits for its message's verdict, and many goroutines may call it on one
// Client: their messages go one after the other, in the same connection.
// SendAsync returns at once, with the futures of the message.
//
// A Server takes mail. A Backend says whose, and has each message as an io.Reader:
//
//	srv := &netasync.Server{Addr: ":25", Handler: &netasync.Backend{
//		Recipient: func(ctx context.Context, t *netasync.Transaction, to *wire.Recipient) (wire.Reply, error) { … },
//		Content:   func(ctx context.Context, t *netasync.Transaction, content io.Reader) (wire.Reply, error) { … },
//	}}
//	err := srv.ListenAndServe(ctx)
//
// Behind it is a Handler, in the manner of package net/http, that may answer any
// command: a Mux calls handlers by verb, a Chain has several for one, and a Middleware
// stands around them. What no handler answers has a safe answer.
//
// # Trust
//
// TLS is started wherever the server offers it, and demanded as soon as Config has
// a Login; see TLSMode. Nothing falls back to clear by itself. Certificates and
// names are checked, and what came of that is in Client.TLS; only TLSOpportunistic
// goes on whatever it is, and a TLSConfig with InsecureSkipVerify.
//
// # Errors
//
// A *HostError says where it happened and at which step, and holds the error of
// package protocol. KindOf sorts all of them by what a caller can do about them.
package netasync
