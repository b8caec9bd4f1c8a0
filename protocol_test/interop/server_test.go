//go:build interop

package interop

import (
	"path/filepath"
	"strings"
)

// server is one port of a real server, and what is known of it: README.md.
type server struct {
	name    string
	scheme  string
	address string // host:port, or the path of a socket
	tls     tlsKind
	lock    bool // it does not offer PIPELINING
	login   bool // it wants one
	once    bool // it stores a message once for a recipient who is there twice
	most    int  // messages in a connection; 0: any number
	// mostRefused is the same for messages of which nobody was accepted.
	mostRefused int
	strict      bool // it is there beside a server that is the same in all else

	store    *store
	fileEach bool     // a file for each recipient, or one for all
	trace    []string // the fields put in front of a message, in their order
	dovecot  bool     // which adds Delivered-To to a message for one recipient only

	accepted, bad, temp reply  // to RCPT, with RCPT for the address
	verdict             reply  // to the content, with ID for the server's name for it
	hangsUp             *reply // to RCPT; nil: it has nobody for whom it does that
	chunked             *reply // the same by BDAT; nil: it does not offer CHUNKING
	second              *reply // of LMTP: the verdict for every second recipient
}

// tlsKind says how a connection comes to TLS where nobody forbids it.
type tlsKind uint8

const (
	startTLS tlsKind = iota
	implicitTLS
	noTLS
)

func (s *server) network() string {
	if s.scheme == "lmtp+unix" {
		return "unix"
	}
	return "tcp"
}

func (s *server) lmtp() bool { return strings.HasPrefix(s.scheme, "lmtp") }

func (s *server) url() string { return s.scheme + "://" + s.address }

// as returns the server at another of its ports.
func (s server) as(name, key string, kind tlsKind) *server {
	s.name, s.address, s.tls = name, address(key), kind
	s.strict = key == "POSTFIX_STRICT"
	if kind == implicitTLS {
		s.scheme = "smtps"
	}
	return &s
}

// address has the name for the number: the certificates are for both, and a name is
// what servers mostly have.
func address(key string) string {
	return strings.Replace(rig.env[key], "127.0.0.1", "localhost", 1)
}

func postfix() *server {
	return &server{
		name: "Postfix", scheme: "smtp", address: address("POSTFIX"),
		store:    openStore(filepath.Join(rig.env["POSTFIX_STORE"], "*", "new", "*"), readDovecot),
		fileEach: true, dovecot: true,
		once:     true,
		trace:    []string{"Return-Path", "Received", "Received"},
		accepted: reply{250, "2.1.5", "Ok"},
		bad:      reply{550, "5.1.1", "<RCPT>: Recipient address rejected: User unknown in virtual mailbox table"},
		temp:     reply{450, "4.2.1", "<RCPT>: Recipient address rejected: Mailbox busy, try again later"},
		verdict:  reply{250, "2.0.0", "Ok: queued as ID"},
		chunked:  &reply{250, "2.0.0", "Ok: N bytes queued as ID"},
	}
}

func exim() *server {
	return &server{
		name: "Exim", scheme: "smtp", address: address("EXIM"),
		store:    openStore(filepath.Join(rig.env["EXIM_STORE"], "new", "*"), readExim),
		trace:    []string{"Return-path", "Envelope-to", "Received"},
		accepted: reply{250, "", "Accepted"},
		bad:      reply{550, "", "5.1.1 No such user"},
		temp:     reply{450, "", "4.2.1 Mailbox busy, try again later"},
		verdict:  reply{250, "", "OK id=ID"},
		hangsUp:  &reply{550, "", "5.7.1 Go away"},
		// Each of them costs it a RSET that it counts: smtp_accept_max_nonmail.
		mostRefused: 8,
		chunked:     &reply{250, "", " N byte chunk, total N\nOK id=ID"},
	}
}

func openSMTPD() *server {
	return &server{
		name: "OpenSMTPD", scheme: "smtp", address: address("OPENSMTPD"), lock: true,
		store:    openStore(filepath.Join(rig.env["OPENSMTPD_STORE"], "new", "*"), readOpenSMTPD),
		fileEach: true,
		trace:    []string{"Return-Path", "Delivered-To", "Received"},
		accepted: reply{250, "2.1.5", "Destination address valid: Recipient ok"},
		bad:      reply{550, "", "Invalid recipient: <RCPT>"},
		temp:     reply{524, "5.2.4", "Mailing list expansion problem: <RCPT>"}, // it knows no better
		verdict:  reply{250, "2.0.0", "ID Message accepted for delivery"},
		most:     100,
	}
}

func aiosmtpd() *server {
	return &server{
		name: "aiosmtpd", scheme: "smtp", address: address("AIOSMTPD"), lock: true,
		store:    openStore(filepath.Join(rig.env["AIOSMTPD_STORE"], "*.eml"), readEML),
		accepted: reply{250, "", "2.1.5 Recipient OK"},
		bad:      reply{550, "", "5.1.1 No such user"},
		temp:     reply{450, "", "4.2.1 Mailbox busy, try again later"},
		verdict:  reply{250, "", "2.0.0 Stored as ID"},
	}
}

func smtpServer() *server {
	return &server{
		name: "smtp-server", scheme: "smtp", address: address("SMTP_SERVER"),
		store:    openStore(filepath.Join(rig.env["SMTP_SERVER_STORE"], "*.eml"), readEML),
		accepted: reply{250, "", "Accepted"},
		bad:      reply{550, "", "5.1.1 No such user"},
		temp:     reply{450, "", "4.2.1 Mailbox busy, try again later"},
		verdict:  reply{250, "", "2.0.0 Stored as ID"},
	}
}

func smtpServerLMTP() *server {
	s := smtpServer().as("smtp-server LMTP", "SMTP_SERVER_LMTP", noTLS)
	s.scheme = "lmtp"
	s.second = &reply{452, "", "4.2.2 Mailbox full"}
	return s
}

func dovecot() *server {
	return &server{
		name: "Dovecot LMTP", scheme: "lmtp", address: address("DOVECOT_LMTP"),
		store:    openStore(filepath.Join(rig.env["DOVECOT_STORE"], "*", "new", "*"), readDovecot),
		fileEach: true, dovecot: true,
		once:     true,
		trace:    []string{"Return-Path", "Received"},
		accepted: reply{250, "2.1.5", "OK"},
		bad:      reply{550, "5.1.1", "<RCPT> User doesn't exist: RCPT"},
		temp:     reply{550, "5.1.1", "<RCPT> User doesn't exist: RCPT"},
		verdict:  reply{250, "2.0.0", "<RCPT> ID Saved"},
		chunked:  &reply{250, "2.0.0", "<RCPT> ID Saved"},
	}
}

func dovecotSocket() *server {
	s := dovecot()
	s.name, s.scheme, s.address = "Dovecot LMTP socket", "lmtp+unix", rig.env["DOVECOT_LMTP_SOCKET"]
	return s
}

// withoutChunking is the server for a client that uses DATA all the same.
func (s server) withoutChunking() *server {
	s.chunked = nil
	return &s
}

// servers are all that take mail without a login.
func servers() []*server {
	return []*server{
		postfix(), postfix().as("Postfix strict", "POSTFIX_STRICT", startTLS), postfix().as("Postfix TLS", "POSTFIX_TLS", implicitTLS),
		exim(), exim().as("Exim TLS", "EXIM_TLS", implicitTLS),
		openSMTPD(), openSMTPD().as("OpenSMTPD TLS", "OPENSMTPD_TLS", implicitTLS),
		aiosmtpd(),
		smtpServer(), smtpServerLMTP(),
		dovecot(), dovecotSocket(),
	}
}

// submission is Dovecot in front of Postfix, for those who log in.
func submission() *server {
	s := postfix().as("Dovecot submission", "DOVECOT_SUBMISSION", startTLS)
	s.login = true
	s.bad.Text, s.temp.Text = "<RCPT> "+s.bad.Text, "<RCPT> "+s.temp.Text
	s.trace = []string{"Return-Path", "Received", "Received", "Received"}
	s.verdict.Text = s.chunked.Text // it passes mail on by BDAT
	return s
}
