package main

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/xdg-go/scram"
)

// The login that the server's side of SCRAM knows.
const (
	scramUser     = "tim"
	scramPassword = "tanstaaftanstaaf"
)

// scram plays the server's side of a SCRAM mechanism, from the AUTH command to the
// last reply. It wants no channel binding of a mechanism without -PLUS, and the
// keying material of RFC 9266 of one with it.
func (p *player) scram(name string) error {
	hash := scram.SHA256
	if strings.HasPrefix(name, "SCRAM-SHA-1") {
		hash = scram.SHA1
	}
	server, err := hash.NewServer(func(user string) (scram.StoredCredentials, error) {
		client, err := hash.NewClient(scramUser, scramPassword, "")
		if user != scramUser || err != nil {
			return scram.StoredCredentials{}, fmt.Errorf("no such user, %v", err)
		}
		return client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt and pepper", Iters: 4096})
	})
	if err != nil {
		return err
	}
	conversation := server.NewConversation()
	if strings.HasSuffix(name, "-PLUS") {
		conn, is := p.conn.(*tls.Conn)
		if !is {
			return fmt.Errorf("no TLS")
		}
		state := conn.ConnectionState()
		binding, err := scram.NewTLSExporterBinding(&state)
		if err != nil {
			return err
		}
		conversation = server.NewConversationWithChannelBindingRequired(binding)
	}
	for prefix := "AUTH " + name + " "; !conversation.Done(); prefix = "" {
		response, err := p.response(prefix)
		if err != nil {
			return err
		}
		challenge, err := conversation.Step(response)
		if err != nil {
			return p.reply("535 5.7.8 no")
		}
		if err := p.reply("334 " + base64.StdEncoding.EncodeToString([]byte(challenge))); err != nil {
			return err
		}
	}
	if last, err := p.response(""); last != "" || err != nil {
		return fmt.Errorf("got %q behind the end, %v", last, err)
	}
	return p.reply("235 2.7.0 welcome")
}

// response reads a line with a prefix and then base64.
func (p *player) response(prefix string) (string, error) {
	line, err := p.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	text, is := strings.CutPrefix(strings.TrimSuffix(line, "\r\n"), prefix)
	if !is {
		return "", fmt.Errorf("got %q", line)
	}
	response, err := base64.StdEncoding.DecodeString(text)
	return string(response), err
}

func (p *player) reply(line string) error {
	_, err := p.conn.Write([]byte(line + "\r\n"))
	return err
}
