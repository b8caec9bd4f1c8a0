package netasync

import (
	"slices"
	"strings"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// passwordMechanisms are the mechanisms for a user name and a password, the
// strongest first (H-A2).
var passwordMechanisms = []struct {
	name string
	make func(user, password string) protocol.Mechanism
}{
	{auth.MechanismCRAMMD5, auth.CRAMMD5},
	{"PLAIN", func(user, password string) protocol.Mechanism { return auth.Plain("", user, password) }},
	{"LOGIN", auth.Login},
}

// Password returns the mechanisms for a user name and a password, the strongest
// first, for Config.Login; or only those that are named, in any case. The error is
// a *protocol.ConfigError: a mechanism that is not known, a user name or a password
// that is missing or that no mechanism can carry. It never holds either of them,
// and nor does anything that printing the result shows.
func Password(user, password string, only ...string) ([]protocol.Mechanism, error) {
	var list []protocol.Mechanism
	for _, m := range passwordMechanisms {
		if len(only) == 0 || named(only, m.name) {
			list = append(list, m.make(user, password))
		}
	}
	for _, name := range only {
		if !IsPasswordMechanism(name) {
			return nil, &protocol.ConfigError{Field: "AUTH", Reason: "unknown mechanism"}
		}
	}
	// A client that is never used finds out whether the credentials will do.
	if _, err := list[0].New(protocol.TLSState{}); err != nil {
		return nil, err
	}
	return list, nil
}

func named(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// IsPasswordMechanism reports whether Password knows a mechanism, in any case.
func IsPasswordMechanism(name string) bool {
	for _, m := range passwordMechanisms {
		if strings.EqualFold(m.name, name) {
			return true
		}
	}
	return false
}
