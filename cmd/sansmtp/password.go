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

// passwordVariable is the environment variable with the password.
const passwordVariable = "SANSMTP_PASSWORD"

var errNoUser = errors.New("credentials need --user")

// login returns the mechanisms to log in with; nil without --user.
func (a *attempt) login(ctx context.Context) ([]protocol.Mechanism, error) {
	var only []string
	if a.Auth != "" {
		// A mechanism that is not known comes before credentials that are missing, so
		// that one fault after the other can be put right without a password.
		if !netasync.IsPasswordMechanism(a.Auth) {
			return nil, fmt.Errorf("--auth %q: unknown mechanism", a.Auth)
		}
		only = []string{a.Auth}
	}
	if a.User == "" {
		if a.Auth != "" || a.PasswordFile != "" || a.PasswordCmd != "" {
			return nil, errNoUser
		}
		return nil, nil
	}
	password, err := a.password(ctx)
	if err != nil {
		return nil, err
	}
	return netasync.Password(a.User, password, only...)
}

// password reads the password from where the flags say.
func (a *attempt) password(ctx context.Context) (string, error) {
	switch {
	case a.PasswordFile != "":
		p, err := os.ReadFile(a.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("--password-file: %w", err)
		}
		return withoutLineEnd(p), nil
	case a.PasswordCmd != "":
		cmd := exec.CommandContext(ctx, "sh", "-c", a.PasswordCmd)
		cmd.Stderr = a.sys.stderr
		p, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("--password-cmd: %w", err)
		}
		return withoutLineEnd(p), nil
	}
	return a.sys.getenv(passwordVariable), nil
}

// withoutLineEnd takes the line end off that editors and commands put behind it.
func withoutLineEnd(p []byte) string {
	p = bytes.TrimSuffix(p, []byte("\n"))
	return string(bytes.TrimSuffix(p, []byte("\r")))
}
