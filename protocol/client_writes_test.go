package protocol_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// A whole group of commands is one piece of memory, and so one write, however many
// recipients there are; so are the content and its end. // P11, C49
func TestGroupIsOneWrite(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c, err := protocol.NewClient(now, protocol.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c.Hello("me.example")
	env := envelope("a@me.example")
	group, replies := "MAIL FROM:<a@me.example>\r\n", "250 ok\r\n"
	for i := range 50 {
		to := fmt.Sprintf("r%d@mx.example", i)
		env.To = append(env.To, wire.Recipient{Path: path(to)})
		group += "RCPT TO:<" + to + ">\r\n"
		replies += "250 ok\r\n"
	}
	d := c.Send(env, protocol.BodyText("hi\r\n"))
	for _, turn := range []struct{ input, output string }{
		{"220 mx.example\r\n", "EHLO me.example\r\n"},
		{"250-mx.example\r\n250 PIPELINING\r\n", group + "DATA\r\n"},
		{replies + "354 go\r\n", "hi\r\n.\r\n"},
		{"250 queued\r\n", ""},
	} {
		if _, err := c.Feed(now, []byte(turn.input)); err != nil {
			t.Fatal(err)
		}
		var wrote []string
		for _, chunk := range c.Output(now, nil, 1<<20) {
			wrote = append(wrote, string(chunk.Bytes))
			c.Wrote(now, int64(len(chunk.Bytes)))
		}
		if got := strings.Join(wrote, ""); got != turn.output {
			t.Fatalf("wrote %q, want %q", got, turn.output)
		}
		if strings.HasPrefix(turn.output, "MAIL") && len(wrote) != 1 {
			t.Errorf("the group is %d pieces", len(wrote))
		}
	}
	if receipt, err, ok := d.Result().Result(); !ok || err != nil || receipt.Outcome != protocol.Accepted {
		t.Error(receipt, err, ok)
	}
}

// Content that happens to end like the commands that wait behind it is not taken for
// commands that were moved: the arena ends with that of its chunk.
func TestCommandsBehindContentOfTheirOwn(t *testing.T) { // P16, C65, H-I11
	m := greeted(t, protocol.ClientConfig{Allow8Bit: true}, "PIPELINING", "CHUNKING")
	one := protocol.NewBodyPush(m.Client, 20, 100, nil)
	m.send("one", one, "b@mx.example")
	m.send("two", protocol.BodyText("two\r\n"), "b@mx.example")
	one.Write([]byte("hello A"))
	const all = "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 7\r\nhello "
	if got := m.lend(len(all)); got != all {
		t.Fatalf("lends %q", got)
	}
	m.Wrote(m.now, int64(len(all)))
	m.feed("250 ok\r\n250 ok\r\n552 no\r\n")
	m.wrote("ARSET\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 5 LAST\r\ntwo\r\n")
}
