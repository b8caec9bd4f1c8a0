// Package wire is the grammar of SMTP: it turns octets into values and values
// into octets, and does nothing else. There is no state machine in it, no I/O,
// no clock and no goroutine. Packages protocol and netasync are made of it; use
// it directly to read or write SMTP in a program of another kind, such as a
// proxy, a test or a log analyser.
//
// # What is here
//
// Replies (RFC 5321 §4.2): [Code], [EnhancedCode] and [Reply], and [ReplyParser]
// for a stream of them.
//
// Commands (RFC 5321 §4.1): [ParseCommand] takes a line apart, [Mail] and
// [Recipient] read the arguments of MAIL and RCPT with all their parameters,
// [AppendMail], [AppendRcpt], [AppendHello] and [AppendCommand] write lines.
// [Parameters] lists the ESMTP parameters that are known.
//
// Addresses: [Path], parsed and checked once and written in one canonical form.
//
// Extensions: [ExtensionSet] and their keywords; [Extensions], what a server
// said in its reply to EHLO; [Offer], what a server says there.
//
// Content: dot stuffing for DATA and the framing of BDAT (RFC 3030), both in
// pieces of any size and without copying long stretches.
//
// Encodings of values: xtext (RFC 3461 §4) and unitext (RFC 6533 §3).
//
// # Rules that hold everywhere
//
// Writing is strict. Every command line goes through one encoder, which lets no
// control octet pass, so that no address, name or parameter can end a line and
// begin another. Octets outside ASCII need an SMTPUTF8 transaction. What is
// written is read back as the same value.
//
// Reading is as tolerant as the RFCs ask for and not more: letter case of verbs
// and keywords, blanks at the end of a line, one behind "FROM:", source routes.
// Everything else that breaks the grammar is an error, as what two parties read
// differently is how mail is smuggled past one of them.
//
// Functions named Append add to dst and return it, like the built-in append; on
// error they return dst as it was. They keep nothing of their arguments.
// Functions that parse a string return strings that share its memory wherever
// nothing had to be decoded: a caller that reuses the memory behind a string
// must copy what it wants to keep.
//
// Errors about syntax are a [*SyntaxError]: one line that names the element in
// the words of the RFC and the offset of the fault, with the reply that a server
// gives. They never repeat the input, which may be a secret.
//
// Values may be used from any number of goroutines as long as nobody changes
// them. The parsers and encoders that keep state between calls are for one
// goroutine at a time.
package wire
