// Package auth makes the SASL mechanisms (RFC 4422) that protocol.Client.Login
// takes: PLAIN by go-sasl, LOGIN and CRAM-MD5 of its own. List the strongest first:
//
//	client.Login(auth.CRAMMD5("user", secret), auth.Plain("", "user", secret))
//
// Any sasl.Client makes a protocol.Mechanism in the same way.
//
// Credentials are checked when the exchange begins, before anything is written:
// an empty user name or secret, a NUL or a string that is not UTF-8 is a
// *protocol.ConfigError. No error, trace or printed value of this package holds a
// secret.
package auth
