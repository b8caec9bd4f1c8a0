package netasync

import (
	"errors"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/auth"
)

// Password returns the mechanisms for a user name and a password, the strongest
// first (H-A2), for Config.Login; or only those that are named, in any case. AtLeast
// of the list sets a floor. Where some mechanisms cannot carry the credentials, as
// SCRAM a control character, they are left out.
//
// The error is a *protocol.ConfigError: a mechanism that is not known, a user name or
// a password that is missing or that no mechanism can carry. It never holds either of
// them, and nor does anything that printing the result shows.
func Password(user, password string, only ...string) (auth.List, error) {
	return choose(auth.Password("", user, password), only)
}

// Token returns the mechanisms for a bearer token of OAuth 2.0 and the user whom it
// was given out for, and is otherwise like Password. OAUTHBEARER can do without the
// user name.
func Token(user, token string, only ...string) (auth.List, error) {
	return choose(auth.Token(user, "", 0, token), only)
}

// IsPasswordMechanism reports whether Password knows a mechanism, in any case.
func IsPasswordMechanism(name string) bool {
	_, err := auth.Password("", "", "").Only(name)
	return err == nil
}

// IsTokenMechanism reports whether Token knows a mechanism, in any case.
func IsTokenMechanism(name string) bool {
	_, err := auth.Token("", "", 0, "").Only(name)
	return err == nil
}

// choose leaves those of a list that are named and can carry their credentials: a
// client that is never used finds out.
func choose(list auth.List, only []string) (auth.List, error) {
	if len(only) > 0 {
		var err error
		if list, err = list.Only(only...); err != nil {
			return nil, err
		}
	}
	var carriers []string
	var fault error
	for _, m := range list {
		_, err := m.New(protocol.TLSState{})
		// A mechanism that binds misses the connection here, and nothing else.
		if _, is := errors.AsType[*protocol.ConfigError](err); is {
			fault = err
			continue
		}
		carriers = append(carriers, m.Name)
	}
	if carriers == nil {
		return nil, fault
	}
	return list.Only(carriers...)
}
