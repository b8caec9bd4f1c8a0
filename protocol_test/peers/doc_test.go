// Package peers_test holds this project's client beside others in Go: net/smtp, go-smtp,
// go-mail and mox's smtpclient, in one program and one run. It is a module of its own,
// so that nobody who imports the library inherits them.
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
