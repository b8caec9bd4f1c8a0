package auth

import (
	"strings"
	"unicode/utf8"

	"github.com/sansmtp/sansmtp/protocol"
)

// check refuses what no mechanism here can carry. It never repeats a value: any of
// them may be a secret given in the wrong place.
func check(username, secret string) error {
	switch {
	case username == "":
		return &protocol.ConfigError{Field: "user name", Reason: "empty"}
	case secret == "":
		return &protocol.ConfigError{Field: "password", Reason: "empty"}
	}
	if err := checkText("user name", username); err != nil {
		return err
	}
	return checkText("password", secret)
}

// checkText holds a string against RFC 4616 §2: UTF-8 without NUL, which PLAIN
// uses as its separator (H-A12).
func checkText(field, s string) error {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return &protocol.ConfigError{Field: field, Reason: "NUL in it"}
	case !utf8.ValidString(s):
		return &protocol.ConfigError{Field: field, Reason: "not UTF-8"}
	}
	return nil
}
