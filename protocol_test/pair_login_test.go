package protocol_test

import (
	"crypto"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"github.com/sansmtp/sansmtp/transport"
)

// bound is a TLS connection with channel bindings.
var bound = protocol.TLSState{Version: 0x0304, Verified: true, ServerName: "mx.example", Exporter: []byte("exporter"), ServerEndPoint: []byte("end point")}

// directory is a server that knows george by every mechanism.
func directory(t *testing.T) *auth.Server {
	t.Helper()
	stored := map[crypto.Hash]auth.SCRAMCredentials{}
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		c, err := auth.NewSCRAMCredentials(hash, "abracadabra", []byte("sesame"), 4096)
		if err != nil {
			t.Fatal(err)
		}
		stored[hash] = c
	}
	s := &auth.Server{
		SCRAM: func(hash crypto.Hash, user string) (auth.SCRAMCredentials, error) {
			if user != "george" {
				return auth.SCRAMCredentials{}, auth.ErrUnknownUser
			}
			return stored[hash], nil
		},
		SCRAMHashes: []crypto.Hash{crypto.SHA1, crypto.SHA256},
		SCRAMKey:    make([]byte, 16),
		Secret:      func(string) (string, error) { return "abracadabra", nil },
		Token: func(_, token string) (string, error) {
			if token != "abracadabra" {
				return "", auth.ErrCredentials
			}
			return "george", nil
		},
	}
	s.Password = s.SCRAMPassword
	return s
}

// loggedIn has a client log in to a server, with a secret, and returns what the
// client reports, and whether the server let it in.
func loggedIn(t *testing.T, users *auth.Server, opts transport.PipeOptions, mechanisms ...protocol.Mechanism) (name string, in bool, err error) {
	t.Helper()
	server, err := protocol.NewServer(start, protocol.ServerConfig{TLS: true, RequireTLS: true, Mechanisms: users.Mechanisms, Requests: protocol.RequestAuth})
	if err != nil {
		t.Fatal(err)
	}
	client, err := protocol.NewClient(start, protocol.ClientConfig{RequireTLS: true, ServerName: "mx.example"})
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{client: client}
	p.site = &site{Server: server, p: p}
	opts.Start = start
	opts.TLS = func(transport.Side, *protocol.Upgrade) (protocol.TLSState, error) { return bound, nil }
	opts.Tap = func(e transport.PipeEvent) {
		for r, ok := server.Next(); ok; r, ok = server.Next() {
			exchange, err := users.New(r.Args(), server.TLS())
			if err != nil {
				t.Error(err)
				return
			}
			name = r.Args()
			r.AcceptAuth(exchange)
		}
	}
	link := transport.NewPipe(client, server, opts)
	client.Hello("me.example")
	client.StartTLS()
	err = errors.New("it never settled")
	client.Login(mechanisms...).OnReady(func(_ wire.Reply, e error) { err = e })
	client.Quit()
	if e := link.Run(100_000); e != nil {
		t.Fatal(e)
	}
	return name, server.Authenticated(), err
}

// The client's side and the server's side of every mechanism agree, whatever the
// link, on who may come in and who may not; of all of them the strongest is taken.
func TestPairLogins(t *testing.T) { // C88 C99 H-A2
	users := directory(t)
	offered := users.Mechanisms(bound)
	if want := 9; len(offered) != want {
		t.Fatalf("%d mechanisms are offered: %q", len(offered), offered)
	}
	lists := func(secret string) auth.List {
		return append(auth.Password("", "george", secret), auth.Token("george", "mx.example", 25, secret)...)
	}
	for _, name := range offered {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(8) {
				for _, secret := range []string{"abracadabra", "hocuspocus"} {
					list, err := lists(secret).Only(name)
					if err != nil {
						t.Fatal(err)
					}
					opts := shape(seed)
					opts.Latency = time.Millisecond
					used, in, err := loggedIn(t, users, opts, list...)
					good := secret == "abracadabra"
					var refused *protocol.ReplyError
					if used != name || in != good || good != (err == nil) || !good && (!errors.As(err, &refused) || refused.Reply.Code != 535) {
						t.Errorf("seed %d, %s: by %s, in %v, %v", seed, secret, used, in, err)
					}
				}
			}
		})
	}
	used, in, err := loggedIn(t, users, transport.PipeOptions{}, auth.Strongest(lists("abracadabra")...)...)
	if used != offered[0] || !in || err != nil {
		t.Error(fmt.Sprint(used, in, err))
	}
}
