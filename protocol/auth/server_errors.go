package auth

import "errors"

// Reasons for which a server refuses a login.
var (
	// ErrCredentials says that the user name or what goes with it is wrong: 535 5.7.8
	// (RFC 4954 §6).
	ErrCredentials error = &refused{"authentication credentials invalid"}
	// ErrUnknownUser is for the functions of Server. An exchange fails with
	// ErrCredentials in its place.
	ErrUnknownUser = errors.New("unknown user")
	// ErrNotAuthorized says that the user may not act as the identity asked for.
	ErrNotAuthorized error = &refused{"not authorized to act as that identity"}
	// ErrChannelBinding says that the client's channel binding is not that of this
	// connection, or that the client was not shown the mechanisms with channel binding
	// that were offered: somebody stands between the two.
	ErrChannelBinding error = &refused{"channel binding does not match"}
)

// MessageError says that a response breaks the rules of its mechanism: 501 5.5.2.
type MessageError struct {
	Mechanism string
	Reason    string
}

func (e *MessageError) Error() string { return e.Mechanism + ": " + e.Reason }

// refusal is the error of a lookup as the exchange reports it.
func refusal(err error) error {
	if errors.Is(err, ErrUnknownUser) {
		return ErrCredentials
	}
	return err
}
