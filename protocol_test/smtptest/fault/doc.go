// Package fault is the language in which an SMTP server for tests is told what to do
// wrong, and when.
//
// A script is a list of rules with semicolons between them:
//
//	rcpt:3=450 4.2.1 later; data=drop after 4KiB; banner=delay 30s
//
// A rule names a step of the session, and what the server does there in place of what
// it would have done. With a number, which counts the times the step comes in one
// session from 1 on, it is for that time only; without one for each time, where no
// rule names the number. Blanks around each part are ignored, and upper and lower case
// are the same, except in the text of a reply.
//
//	script   = [rule *(";" rule)]
//	rule     = step [":" number] "=" action
//	action   = delay [SP (break / answer)] / break / answer
//	delay    = "delay" SP duration
//	break    = ("drop" / "reset" / "hang") [SP "after" SP size]
//	answer   = manner [SP manner] [SP reply] / reply
//	manner   = "bare-lf" / "split"
//	reply    = 3DIGIT [SP text]
//	duration = as Go writes it: "30s", "1m30s", "250ms"
//	size     = number ["KiB" / "MiB" / "GiB"], in octets; over 0
//
// # Steps
//
// A step is the server's answer to something:
//
//	banner                  to the connection
//	helo ehlo lhlo starttls auth mail rcpt data bdat rset vrfy expn help noop quit
//	                        to that command; data is the 354, and auth the first answer
//	content                 to the end of data, by DATA or by BDAT LAST: the verdict
//
// BDAT LAST is both bdat and content; a rule for it as bdat goes first. With LMTP the
// verdict for each recipient is a content of its own.
//
// # Actions
//
// delay waits, and then does what stands behind it; with nothing there, what the
// server would have done without the rule.
//
// drop closes the connection, reset closes it so that the client sees a reset, and
// hang says nothing more until the client closes. They come in place of the answer.
// With "after", which data, bdat and content have, the step is answered as ever and
// they come when so many octets of content were read, as they are on the wire: with
// data, of the content behind this 354; with bdat, of this chunk; with content, of the
// message, however it comes. The end of data counts as well. Content that is shorter
// gets through.
//
// bare-lf ends the lines of the reply with LF alone. split writes the reply octet by
// octet. Without a reply of the rule's own it is the one that the server would have
// sent.
//
// A reply has the code, the enhanced status code if there is one, and the text. In the
// text "\n" begins a new line of the reply; "\;" is a semicolon and "\\" a backslash.
// It takes nothing from the state of the server: who answers RCPT with 450 has not
// accepted the recipient, and who answers DATA or a chunk of BDAT with it has given the
// transaction up. A 2yz in place of a refusal is a lie, and accepts nothing; so is any
// reply to AUTH. A 421 ends the session.
//
// # Servers
//
// An [Injector] has a server of package protocol do what a script says. Package
// smtptest has servers with one, and netasync.Server takes one as its Intercept.
package fault
