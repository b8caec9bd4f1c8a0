// Package smtptest has servers for tests of SMTP clients.
package smtptest
