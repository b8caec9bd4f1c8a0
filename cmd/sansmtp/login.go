package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// The environment variables with the secrets.
const (
	passwordVariable = "SANSMTP_PASSWORD"
	tokenVariable    = "SANSMTP_TOKEN"
)

var errNoUser = errors.New("credentials need --user")

// login returns the mechanisms to log in with; nil without --user. A mechanism
// that is not known comes before credentials that are missing, so that one fault
// after the other can be put right without a secret.
func (a *attempt) login(ctx context.Context) ([]protocol.Mechanism, error) {
	password := secret{"password", a.PasswordFile, a.PasswordCmd, passwordVariable}
	token := secret{"token", a.TokenFile, a.TokenCmd, tokenVariable}
	flagged := password.flagged() || token.flagged()
	byToken := token.flagged() || !flagged && a.sys.getenv(tokenVariable) != ""
	var only []string
	if a.Auth != "" {
		only = []string{a.Auth}
		byToken = netasync.IsTokenMechanism(a.Auth)
		if !byToken && !netasync.IsPasswordMechanism(a.Auth) {
			return nil, fmt.Errorf("--auth %q: unknown mechanism", a.Auth)
		}
	}
	chosen, other := password, token
	if byToken {
		chosen, other = token, password
	}
	switch {
	case other.flagged():
		return nil, fmt.Errorf("--auth %q: takes a %s, not a %s", a.Auth, chosen.name, other.name)
	case a.User == "" && (a.Auth != "" || flagged):
		return nil, errNoUser
	case a.User == "":
		return nil, nil
	}
	value, err := chosen.read(ctx, a.sys)
	if err != nil {
		return nil, err
	}
	if byToken {
		return netasync.Token(a.User, value, only...)
	}
	return netasync.Password(a.User, value, only...)
}

// secret says where a secret comes from.
type secret struct {
	name          string // as flags and errors have it
	file, command string // the values of its flags
	variable      string
}

// flagged reports whether a flag says where the secret is.
func (s secret) flagged() bool { return s.file != "" || s.command != "" }

// read gets the secret from where the flags say, or else from the environment.
func (s secret) read(ctx context.Context, sys system) (string, error) {
	switch {
	case s.file != "":
		p, err := os.ReadFile(s.file)
		if err != nil {
			return "", fmt.Errorf("--%s-file: %w", s.name, err)
		}
		return withoutLineEnd(p), nil
	case s.command != "":
		cmd := exec.CommandContext(ctx, "sh", "-c", s.command)
		cmd.Stderr = sys.stderr
		p, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("--%s-cmd: %w", s.name, err)
		}
		return withoutLineEnd(p), nil
	}
	return sys.getenv(s.variable), nil
}

// withoutLineEnd takes the line end off that editors and commands put behind it.
func withoutLineEnd(p []byte) string {
	p = bytes.TrimSuffix(p, []byte("\n"))
	return string(bytes.TrimSuffix(p, []byte("\r")))
}
