package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
)

// Chunks are taken as they are, each with a reply of its own.
func TestServerChunks(t *testing.T) { // C63 C64 C67 C69 C2
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: BDAT 10 LAST
? BDAT 10 LAST
C: 0123456789\
= content: "0123456789"
S: 250 2.0.0 ok
` + bye})
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: BDAT 5
C: a\r\n.\rBDAT 9
C: \n.\r\n\x00..\xff\rBDAT 0
C: BDAT 3
C: xyzBDAT 0 LAST
C: NOOP
? BDAT 5
= content: "a\r\n.\r\n.\r\n\x00..\xff\rxyz"
S: 250 2.0.0 5 octets
S: 250 2.0.0 9 octets
S: 250 2.0.0 0 octets
S: 250 2.0.0 3 octets
S: 250 2.0.0 ok
S: 250 2.0.0 ok
` + bye})
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: bdat 0 last
? BDAT 0 last
= content: ""
S: 250 2.0.0 ok
` + bye})
}

// A whole session in one flight, windowed as this project's client does it.
func TestServerChunksPipelined(t *testing.T) { // C69 C55 C118
	one := "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: BDAT 4 LAST\nC: hi\\r\\nRSET\n"
	asks := "? RCPT TO:<b@mx.example>\n? BDAT 4 LAST\n= content: \"hi\\r\\n\"\n"
	says := "S: 250 2.1.0 ok\nS: 250 2.1.5 ok\nS: 250 2.0.0 ok\nS: 250 2.0.0 ok\n"
	playServer(t, service{cfg: mailServer, text: opened + one + one + asks + asks + says + says + bye})
}

// The octets of a refused BDAT are consumed, those of later ones too, and nothing of
// them is a command.
func TestServerRefusedChunks(t *testing.T) { // C63 C65 H-R16
	evil := "C: BDAT 8\nC: QUIT\\r\\nXX\\\n"
	late := "C: BDAT 6 LAST\nC: QUIT\n"
	t.Run("without MAIL", func(t *testing.T) {
		playServer(t, service{cfg: mailServer, text: opened + evil + "S: 503 5.5.1 MAIL first\n" + late + "S: 503 5.5.1 MAIL first\n" + bye})
	})
	t.Run("without a recipient", func(t *testing.T) {
		playServer(t, service{cfg: mailServer, text: opened + "C: MAIL FROM:<a@me.example>\nS: 250 2.1.0 ok\n" + evil + late +
			"S: 503 5.5.1 no valid recipients\nS: 503 5.5.1 a chunk of this message was refused\nC: RSET\nS: 250 2.0.0 ok\n" + contentFollows + inContentEnd + bye})
	})
	t.Run("by the application", func(t *testing.T) {
		playServer(t, service{cfg: mailServer, text: opened + addressed + evil + `
? BDAT 8 -> 552 5.2.2 full
S: 552 5.2.2 full
` + evil + "S: 503 5.5.1 a chunk of this message was refused\n" + late + "S: 503 5.5.1 a chunk of this message was refused\n" + "C: RSET\nS: 250 2.0.0 ok\n" + contentFollows + inContentEnd + bye})
	})
	t.Run("later", func(t *testing.T) {
		playServer(t, service{cfg: mailServer, text: opened + addressed + evil + evil + late + `
? BDAT 8 -> as it
A: it 552 5.2.2 full
S: 552 5.2.2 full
S: 503 5.5.1 a chunk of this message was refused
S: 503 5.5.1 a chunk of this message was refused
` + bye})
	})
	t.Run("by default", func(t *testing.T) {
		playServer(t, service{cfg: protocol.ServerConfig{Requests: protocol.RequestRcpt}, text: opened + addressed + evil + late + `
S: 554 5.3.2 no mail is taken here
S: 503 5.5.1 a chunk of this message was refused
` + bye})
	})
	t.Run("too large", func(t *testing.T) {
		cfg := mailServer
		cfg.MaxContent = 10
		playServer(t, service{cfg: cfg, text: strings.Replace(opened, "67108864", "10", 1) + addressed + evil + `
? BDAT 8
S: 250 2.0.0 8 octets
C: BDAT 6
C: QUIT
= content: message content: more octets than the server takes
S: 552 5.3.4 message too large
C: BDAT 6 LAST
C: QUIT
S: 503 5.5.1 a chunk of this message was refused
C: RSET
S: 250 2.0.0 ok
` + contentFollows + inContentEnd + bye})
		playServer(t, service{cfg: cfg, text: strings.Replace(opened, "67108864", "10", 1) + addressed + `
C: BDAT 11 LAST
C: 12345\r\nQUIT\
? BDAT 11 LAST
= content: message content: more octets than the server takes
S: 552 5.3.4 message too large
` + bye})
	})
	t.Run("sink fails", func(t *testing.T) {
		playServer(t, service{cfg: mailServer, text: opened + addressed + evil + `
? BDAT 8 -> fails 3 with 452 4.3.1 full
= content: message content: store: : 452 4.3.1 full
S: 452 4.3.1 full
` + late + "S: 503 5.5.1 a chunk of this message was refused\n" + bye})
	})
}

// A size that cannot be read is the end: nobody knows where the next command is.
func TestServerChunkSize(t *testing.T) { // C70 C60 H-R16
	for args, text := range map[string]string{
		"":                      "chunk-size: no digit at offset 0",
		"LAST":                  "chunk-size: no digit at offset 0",
		"-1 LAST":               "chunk-size: no digit at offset 0",
		"+5 LAST":               "chunk-size: no digit at offset 0",
		"5x LAST":               "chunk-size: not a digit at offset 1",
		"000000000000000000001": "chunk-size: more than 20 digits at offset 20",
		"99999999999999999999":  "chunk-size: too large",
	} {
		playServer(t, service{cfg: mailServer, ahead: true, text: opened + addressed + "C: BDAT " + args + `
C: QUIT
S: 501 5.5.4 ` + text + `
= closed: protocol error: unknown size of a chunk: ` + text + "\n"})
	}
	// The size can be read, what follows it cannot.
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: BDAT 6 LATS
C: QUIT
S: 501 5.5.4 end-marker: not LAST at offset 2
C: BDAT 2 LAST
C: hi\
S: 503 5.5.1 a chunk of this message was refused
` + contentFollows + inContentEnd + bye})
}

// DATA has no place behind BDAT, nor where the content is binary.
func TestServerDataBehindBDAT(t *testing.T) { // C66 C68 C14
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: BDAT 2
? BDAT 2
C: hi\
S: 250 2.0.0 2 octets
C: DATA
S: 503 5.5.1 content by BDAT is under way
C: MAIL FROM:<x@me.example>
S: 503 5.5.1 content by BDAT is under way
C: RCPT TO:<c@mx.example>
S: 503 5.5.1 content by BDAT is under way
C: NOOP
S: 250 2.0.0 ok
C: BDAT 1 LAST
C: !\
= content: "hi!"
S: 250 2.0.0 ok
` + bye})
	playServer(t, service{cfg: mailServer, text: opened + `
C: MAIL FROM:<a@me.example> BODY=BINARYMIME
S: 250 2.1.0 ok
C: RCPT TO:<b@mx.example>
? RCPT TO:<b@mx.example>
S: 250 2.1.5 ok
C: DATA
S: 503 5.5.1 BINARYMIME content needs BDAT
C: BDAT 2 LAST
? BDAT 2 LAST
C: \n\r\
= content: "\n\r"
S: 250 2.0.0 ok
` + bye})
}

// RSET, EHLO and the end of the session abort a message that is not whole.
func TestServerAbortedChunks(t *testing.T) { // C19 C11 H-R11
	begun := opened + addressed + "C: BDAT 2\nC: hi\\\n? BDAT 2\nS: 250 2.0.0 2 octets\n"
	fresh := "C: DATA\nS: 503 5.5.1 MAIL first\n" + contentFollows + inContentEnd + bye
	const aborted = "= content: message content: the transaction was reset\n"
	playServer(t, service{cfg: mailServer, text: begun + "C: RSET\n" + aborted + "S: 250 2.0.0 ok\n" + fresh})
	playServer(t, service{cfg: mailServer, text: begun + "C: EHLO me.example\n" + aborted + strings.SplitAfter(opened, "EHLO me.example\n")[1] + fresh})
	playServer(t, service{cfg: mailServer, text: begun + `
C: QUIT
= content: the connection is closed
S: 221 2.0.0 mx.example closes the connection
= closed: EOF
`})
	playServer(t, service{cfg: mailServer, text: begun + `
EOF
= content: connection lost before the end of the transaction: unexpected EOF
= closed: connection lost before the end of the transaction: unexpected EOF
`})
}

// A verdict that came before the last chunk waits for it.
func TestServerEarlyVerdictOnChunks(t *testing.T) { // C31
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: BDAT 2
? BDAT 2 -> early: 250 2.6.0 queued
C: hi\
S: 250 2.0.0 2 octets
C: BDAT 0 LAST
= content: "hi"
S: 250 2.6.0 queued
` + bye})
}

// A sink that is full makes the server pause inside a chunk, and behind it: the reply
// waits until all of it is taken.
func TestServerChunkSinkPauses(t *testing.T) { // H-R41
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: BDAT 5
C: 01234BDAT 3 LAST
C: 567NOOP
? BDAT 5 -> sink 4: 250 2.0.0 ok
A: resume
S: 250 2.0.0 5 octets
= content: "01234567"
S: 250 2.0.0 ok
S: 250 2.0.0 ok
` + bye})
}

// A chunk is not answered before the sink has taken it: it might fail.
func TestServerChunkSinkFailsLate(t *testing.T) { // C31
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: BDAT 5
C: 01234BDAT 3 LAST
C: 567NOOP
? BDAT 5 -> fails 4 by 3: 250 2.0.0 ok
A: resume
= content: message content: disk on fire
S: 451 4.3.0 local error in processing
S: 503 5.5.1 a chunk of this message was refused
S: 250 2.0.0 ok
` + bye})
}

// The end of input does not overtake the reply to a chunk that waits for the sink.
func TestServerChunkSinkPausesAtEOF(t *testing.T) { // H-R11
	playServer(t, service{cfg: mailServer, text: opened + addressed + `
C: BDAT 5
C: 01234\
? BDAT 5 -> sink 4: 250 2.0.0 ok
EOF
A: resume
S: 250 2.0.0 5 octets
= content: connection lost before the end of the transaction: unexpected EOF
= closed: connection lost before the end of the transaction: unexpected EOF
`})
}
