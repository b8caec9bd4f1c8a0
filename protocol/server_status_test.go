package protocol_test

import (
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// registered are the enhanced status codes of the registry (RFC 5248) that a server
// has a use for, without their class.
const registered = " 0.0 1.0 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9 1.10 2.0 2.1 2.2 2.3 2.4 3.0 3.1 3.2 3.3 3.4 3.5 3.6 4.0 4.1 4.2 4.3 4.4 4.5 4.6 4.7" +
	" 5.0 5.1 5.2 5.3 5.4 5.5 5.6 6.0 6.1 6.2 6.3 6.4 6.5 6.6 6.7 6.8 6.9 6.10 7.0 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 7.9 7.10 7.11 7.12 7.13 7.14 7.15 7.16 7.17 7.30 "

// strangeStatus returns the first line of replies whose enhanced status code is not in
// the registry, or of another class than its code; "" if there is none.
func strangeStatus(replies string) string {
	for line := range strings.SplitAfterSeq(replies, "\r\n") {
		if len(line) < 4 {
			continue
		}
		if e, _, found := wire.CutEnhancedCode(strings.TrimSuffix(line[4:], "\r\n")); found {
			text := e.String()
			if text[0] != line[0] || !strings.Contains(registered, " "+text[2:]+" ") {
				return line
			}
		}
	}
	return ""
}

// What a server says by itself has enhanced status codes of the registry, of the class of
// its codes; so has every reply in every service that is played.
func TestServerStatusCodes(t *testing.T) { // C101 C102
	for _, strange := range []string{"250 5.0.0 x\r\n", "250 ok\r\n550 5.9.9 x\r\n", "550-5.1.1 x\r\n550 4.1.1 x\r\n"} {
		if strangeStatus(strange) == "" {
			t.Errorf("%q passes", strange)
		}
	}
	m := servedMachine(t, protocol.ServerConfig{MaxErrors: 8, MaxLine: 100})
	said := m.send("MAIL FROM:<a@me.example>\r\n\x00\r\n*\r\nEHLO me.example\r\nMAIL FROM:<a@me.example> X=1\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<>\r\nRCPT TO:<\xff@x>\r\n" +
		strings.Repeat("x", 200) + "\r\nVRFY x\r\nHELP\r\nRSET x\r\nEXPN x\r\nTURN\r\n")
	if !strings.HasSuffix(said, "421 4.7.0 mx.example too many errors\r\n") {
		t.Errorf("it says %q", said)
	}
	if line := strangeStatus(said); line != "" {
		t.Errorf("it says %q", line)
	}
}
