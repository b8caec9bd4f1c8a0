package auth_test

import (
	"crypto"
	"fmt"
	"strings"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

func ExamplePassword() {
	list := auth.Password("", "tim", "tanstaaftanstaaf")
	for _, m := range list {
		fmt.Println(m.Name)
	}
	forced, err := list.Only("plain")
	fmt.Println(len(forced), err)
	_, err = list.Only("DIGEST-MD5")
	fmt.Println(err)
	// Output:
	// SCRAM-SHA-256-PLUS
	// SCRAM-SHA-1-PLUS
	// SCRAM-SHA-256
	// SCRAM-SHA-1
	// CRAM-MD5
	// PLAIN
	// LOGIN
	// 1 <nil>
	// AUTH: unknown mechanism
}

// A floor: no mechanism by which the server does not prove itself.
func ExampleList_AtLeast() {
	list, err := auth.Password("", "tim", "tanstaaftanstaaf").AtLeast(auth.MechanismSCRAMSHA1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range list {
		fmt.Println(m.Name)
	}
	// Output:
	// SCRAM-SHA-256-PLUS
	// SCRAM-SHA-1-PLUS
	// SCRAM-SHA-256
	// SCRAM-SHA-1
}

// The reason of a refusal comes with it.
func ExampleOAuthBearer() {
	mechanism := auth.OAuthBearer("user@example.com", "server.example.com", 587, "expired")
	client, err := mechanism.New(protocol.TLSState{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, initial, _ := client.Start()
	fmt.Println(strings.ReplaceAll(string(initial), "\x01", "^A"))
	answer, _ := client.Next([]byte(`{"status":"invalid_token","scope":"mail"}`))
	fmt.Printf("%q\n", answer)
	fmt.Println(client.(protocol.Concluder).Conclude(false))
	// Output:
	// n,a=user@example.com,^Ahost=server.example.com^Aport=587^Aauth=Bearer expired^A^A
	// "\x01"
	// token refused: "invalid_token", scope "mail"
}

// A server that stores no password, and checks PLAIN against the same credentials.
func ExampleServer() {
	tim, err := auth.NewSCRAMCredentials(crypto.SHA256, "tanstaaftanstaaf", nil, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &auth.Server{
		SCRAM: func(_ crypto.Hash, username string) (auth.SCRAMCredentials, error) {
			if username != "tim" {
				return auth.SCRAMCredentials{}, auth.ErrUnknownUser
			}
			return tim, nil
		},
		SCRAMKey:  []byte("sixteen octets that stay a secret"),
		Authorize: func(_, username string) error { fmt.Println("logged in:", username); return nil },
	}
	server.Password = server.SCRAMPassword

	fmt.Println(server.Mechanisms(protocol.TLSState{}))
	fmt.Println(server.Mechanisms(protocol.TLSState{Version: 0x0304, Exporter: make([]byte, 32)}))

	exchange, err := server.New("PLAIN", protocol.TLSState{Version: 0x0304})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, done, err := exchange.Next([]byte("\x00tim\x00tanstaaftanstaaf"))
	fmt.Println(done, err)
	fmt.Printf("%+v\n", tim)
	// Output:
	// [SCRAM-SHA-256]
	// [SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN]
	// logged in: tim
	// true <nil>
	// auth.SCRAMCredentials{SHA-256, 15000 iterations}
}
