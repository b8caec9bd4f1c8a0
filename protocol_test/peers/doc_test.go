// Package peers_test holds this project's client beside others in Go: net/smtp, go-smtp,
// go-mail and mox's smtpclient, in one program and one run. It is a module of its own,
// so that nobody who imports the library inherits them.
//
// It also has them talk to each other: this project's client to the servers of go-smtp
// and smtpd, those clients to this project's server, and to its server for tests.
//
// Round trips are counted over a link in memory that delays and does nothing else,
// in virtual time, so that the figures are exact:
//
//	go test -v .
//
// Rates are taken over loopback, beside a client by hand that validates nothing:
//
//	go test -run '^$' -bench .
package peers_test
