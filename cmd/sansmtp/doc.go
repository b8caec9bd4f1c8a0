// Sansmtp sends mail and receives it, from the command line.
//
//	sansmtp demo
//	sansmtp send --server smtp://mx.example --from a@me.example --to b@mx.example message.eml
//	sansmtp serve --store maildir:mail
//	sansmtp version
//
// Demo starts a server on loopback, sends it a message through STARTTLS, a SCRAM login
// and pipelining, and prints what both sides saw, with times, and the message as it was
// stored.
//
// # Send
//
// The message is what RFC 5322 describes, header and body, from a file or from
// standard input. Its line ends may be LF or CRLF. It is sent as it stands, in one
// transaction to all recipients.
//
// Octets outside US-ASCII go only to a server that offers 8BITMIME, and UTF-8 in the
// header only to one that offers SMTPUTF8, or anywhere with --allow-8bit. So do
// addresses with UTF-8 go where SMTPUTF8 is offered; without it their domain is sent
// in its form in US-ASCII, which a local part does not have.
//
// TLS is used where the server offers it. With --user it is demanded, with a
// certificate that can be verified, before anything secret is sent. A password is
// read from a file, from the output of a command, or from the environment variable
// SANSMTP_PASSWORD, in this order; never from the command line, where everybody on
// the machine can read it. One line end behind it is taken off. So is a bearer token
// of OAuth 2.0, which takes the place of a password, from SANSMTP_TOKEN in the end. A
// flag for the one beats the variable of the other; of both variables the token
// counts, unless --auth names a mechanism that takes a password.
//
// The mechanism is the strongest that the server offers too, or that of --auth and no
// other: SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5,
// PLAIN, LOGIN; with a token OAUTHBEARER, XOAUTH2.
//
// --timeout limits each step: to connect, to wait for a reply, to get on with
// writing. Without it the steps have the limits of RFC 5321 §4.5.3.2.
//
// An interrupt gives the message up; the exit code and the report say what is known
// to have become of it.
//
// # Serve
//
// A server for tests and development: it takes every message for everybody, and tells
// the client 250 once the message is on the disk, file and folder. On its start it prints
// one line, the command that sends it a message, to be pasted into a shell.
//
// --store says where messages go. maildir:DIR has a file for each, which is the content
// octet for octet; mbox:FILE is the format mboxrd; jsonl:FILE has an object on one line
// for each, with its envelope, size and SHA-256; stdout prints them, and discard, the
// default, does nothing but count. --add-trace puts the fields Return-Path and Received
// in front of what a maildir or an mbox gets.
//
// TLS is there without a certificate too: one is made for the occasion, and put into a
// temporary file for clients to trust as long as the server runs. --tls says when it is
// used: off, starttls, required (STARTTLS before all else) or implicit.
//
// --auth FILE has a line for each user. Empty lines, and those that begin with "#", are
// comments.
//
//	NAME:PASSWORD
//	NAME:{PLAIN}PASSWORD
//	NAME:{SCRAM-SHA-256}ITERATIONS,SALT,STORED-KEY,SERVER-KEY
//	NAME:{SCRAM-SHA-1}ITERATIONS,SALT,STORED-KEY,SERVER-KEY
//
// --auth any lets everybody in, by PLAIN and LOGIN, since other mechanisms need to know
// the password.
//
// --extensions turns those of EHLO on and off by their keywords: DSN=on,CHUNKING=off. What DSN,
// REQUIRETLS, RRVS, DELIVERBY and MT-PRIORITY ask for is accepted and not acted upon.
//
// --fault makes the server do wrong what a client is to be tested with, in the language
// of package protocol_test/smtptest/fault:
//
//	rcpt:3=450 4.2.1 later; data=drop after 4KiB; banner=delay 30s
//
// With --expect N the server ends once it has stored N messages, with exit code 0; with
// 1 if they did not come within --timeout. It ends at an interrupt as well. Transactions
// under way may be finished, within five seconds.
//
// # Exit codes
//
// They are those of sysexits.h, but for 1. An outcome that is unknown comes first, then a
// reply 4yz, whatever it answers.
//
//	 0  accepted for all recipients; all that was expected
//	 1  fewer messages were stored than expected
//	64  the command line cannot be understood: a flag, a URL, an address
//	65  the message is none: it is empty, or binary
//	66  the message cannot be opened
//	67  recipients were refused, at least one of them for good
//	69  refused for good: the session, the sender or the message
//	74  reading the message failed, or there was no connection, or it was lost; or the
//	    server cannot listen
//	75  refused for the time being, a timeout, an interrupt, or the outcome is unknown
//	76  the server broke the protocol
//	77  login or TLS: refused, not offered, or not to be trusted
//	78  the configuration cannot work: credentials, files named by flags
//
// # The report
//
// With --json, standard output gets one object on one line, however it ended, except
// for a command line that cannot be parsed.
//
//	outcome       "accepted" (for at least one recipient), "refused", "not delivered" or "unknown"
//	exit          the exit code
//	temporary     whether the same command may do better later
//	retry_safe    whether that can deliver nothing twice; to recipients not yet accepted
//	error         what went wrong, in one line; absent on success
//	kind          of the error: "reply", "timeout", "connect", "connection", "config",
//	              "message", "protocol", "tls", "auth", "not offered", "canceled" or "other"
//	step          of the session at which it failed: "look-up", "bind", "connect", "TLS",
//	              "greeting", "EHLO", "STARTTLS", "AUTH" or "send"
//	server        host and port, or the path of a socket; "" if it did not come to that
//	tls           null in clear; else {"version", "verified", "server_name"}
//	reply         the reply that decided, null if none did: {"code", "enhanced", "text"},
//	              the lines of the text with a line feed between them
//	recipients    for each, in order: {"address", "outcome", "reply", "rcpt"}; rcpt is the
//	              reply to RCPT, reply the one that decided, or null
//	round_trips   how often the server was waited for; the greeting is the first, and the
//	              handshakes of TCP and TLS do not count
//	octets        {"sent", "received"}, of SMTP, without what TLS adds
//	durations_ms  milliseconds from the end of one step to the end of the next, by what was
//	              waited for: "connect", "TLS", "greeting", "EHLO", "STARTTLS", "AUTH", "MAIL",
//	              "RCPT", "DATA", "content", "QUIT" …; the sum for steps that come twice
package main
