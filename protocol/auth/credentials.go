package auth

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

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

// PrepareUsername brings a user name into the form in which names are compared, and in
// which the functions of a Server get them: the profile UsernameCasePreserved for each
// part between blanks (RFC 8265 §3.4, §3.5). The error, a *protocol.ConfigError, does not
// repeat the name.
func PrepareUsername(name string) (string, error) {
	parts := strings.Split(name, " ")
	for i, part := range parts {
		prepared, err := precis.UsernameCasePreserved.String(part)
		if err != nil || prepared == "" {
			return "", &protocol.ConfigError{Field: "user name", Reason: "not as RFC 8265 allows"}
		}
		parts[i] = prepared
	}
	return strings.Join(parts, " "), nil
}

// preparePassword does the same for a password: the profile OpaqueString
// (RFC 8265 §4.2).
func preparePassword(password string) (string, error) {
	prepared, err := precis.OpaqueString.String(password)
	if err != nil || prepared == "" {
		return "", &protocol.ConfigError{Field: "password", Reason: "not as RFC 8265 allows"}
	}
	return prepared, nil
}
