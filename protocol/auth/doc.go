// Package auth is the SASL mechanisms (RFC 4422) of AUTH (RFC 4954), both sides.
//
// # Clients
//
// Each function for a mechanism makes a protocol.Mechanism, and each one for a kind
// of credentials a List, the strongest first, that protocol.Client.Login chooses
// from:
//
//	client.Login(auth.Password("", "user", secret)...)
//	client.Login(auth.Token("user", "mx.example", 587, token)...)
//
// List.AtLeast sets a floor and List.Only forces a choice. Mechanisms that show the
// secret are not used in clear unless protocol.ClientConfig allows it. Any
// sasl.Client makes a protocol.Mechanism in the same way.
//
// Credentials are checked when the exchange begins, before anything is written:
// an empty user name or secret, a NUL or a string that is not UTF-8 is a
// *protocol.ConfigError. With SCRAM they are prepared by RFC 8265 as well. A refusal
// is a *protocol.ReplyError; its Err is an *OAuthError or a *SCRAMError where the
// server gave a reason in the exchange. A server that accepts a SCRAM login without
// having proven itself is a *protocol.AuthError around ErrServerNotVerified, and the
// end of the connection.
//
// # Servers
//
// A Server has a function for each kind of credentials, and makes the sasl.Server of
// the mechanisms that these can serve. For SCRAM it stores SCRAMCredentials and never
// a password. A user that does not exist has credentials that are made up, the same
// each time, so that neither what the server says nor the time it takes tells that
// user from one with another password.
//
// The SCRAM computations are those of github.com/xdg-go/scram; the limits, the choice
// of the channel binding and the errors are of this package.
//
// # Secrets
//
// No error, trace or printed value of this package holds a secret, nor anything
// derived from one. Credentials live in closures, and the types that must hold keys
// format themselves; within a struct of the caller's own that holds only as long as
// the field is exported, since package fmt cannot ask others.
package auth
