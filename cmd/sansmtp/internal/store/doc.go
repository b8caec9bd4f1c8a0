// Package store keeps the messages that a server accepts.
//
// Begin opens a message with its envelope, Write takes its content in pieces, and then
// Commit keeps it or Abort drops it. Once Commit has returned nil the message is on the
// disk, file and folder, and outlasts a loss of power; only then may the client be
// told 250. After an error, an Abort or the death of the process nothing of the
// message is in the store, or all of it: where the process dies between the last write
// and the reply a message may be there that nobody was told of, as RFC 1047 has it. What a
// death leaves half written is taken away by whoever uses the store next.
//
// The content is kept as it came, octet for octet, line ends and all:
//
//   - maildir: each file is the content.
//   - mbox: mboxrd. A line of any number of ">" with "From " behind them has one ">"
//     more, and behind the content stands one LF, for the empty line between messages.
//     Content that does not end in CRLF, which only BDAT can bring, has LF twice, or
//     three times if it ends in CR. Empty content has one.
//   - jsonl: the field "content" is the content if that is UTF-8, and "content_base64"
//     is it otherwise; "size" and "sha256" are those of the content.
//
// The exception is Config.Trace, which puts the fields Return-Path and Received in
// front of it, for programs that read mail.
package store
