package wire_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

const mailRcptData = "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.1.5 Ok\r\n354 Go ahead\r\n"

// Texts that never come twice must not push out those that always come again.
func TestReplyParserRemembersAmongNewTexts(t *testing.T) {
	stream := []byte(mailRcptData + "250 2.0.0 Ok: queued as 00000\r\n")
	id := stream[len(stream)-len("00000\r\n"):]
	var p wire.ReplyParser
	i := 0
	transaction := func() {
		i++
		copy(id, fmt.Sprintf("%05d", i))
		for b := stream; len(b) > 0; {
			n, _, done, err := p.Parse(b)
			if !done || err != nil {
				t.Fatal(done, err)
			}
			b = b[n:]
		}
	}
	for range 20 {
		transaction()
	}
	number := testing.AllocsPerRun(100, func() { i++; copy(id, fmt.Sprintf("%05d", i)) })
	if got := testing.AllocsPerRun(100, transaction) - number; got != 1 {
		t.Errorf("%v allocations in a transaction with one new text", got)
	}
}

// However much is remembered that never comes again, a cycle that does is
// learned.
func TestReplyParserRemembersNewHabits(t *testing.T) {
	var p wire.ReplyParser
	var old strings.Builder
	for i := range 50 {
		fmt.Fprintf(&old, "250 2.1.5 <user%d@example.com> Ok\r\n", i)
	}
	for _, cycle := range []string{mailRcptData, mailRcptData + ehlo12 + "221 2.0.0 Bye\r\n"} {
		parseReplies(&p, old.String())
		for range 50 {
			parseReplies(&p, cycle)
		}
		stream := []byte(cycle)
		if got := testing.AllocsPerRun(10, func() {
			for b := stream; len(b) > 0; {
				n, _, _, _ := p.Parse(b)
				b = b[n:]
			}
		}); got != 0 {
			t.Errorf("%v allocations in a cycle seen fifty times", got)
		}
	}
}

// Replies of all lengths about the bounds of what is remembered, each one the
// others but for one octet, come out as they are.
func TestReplyParserTellsReplyFromReply(t *testing.T) { // C29
	var stream strings.Builder
	for _, n := range []int{0, 1, 2, 3, 4, 5, 9, 500, 1016, 1017, 1018, 1019} {
		text := strings.Repeat("x", n)
		for i := range 3 {
			fmt.Fprintf(&stream, "25%d %s\r\n250 %s%d\r\n25%d-%s\r\n25%d %s\r\n", i, text, text, i, i, text, i, text)
			fmt.Fprintf(&stream, "250 %d%s\r\n", i, text)
		}
	}
	again := strings.Repeat(stream.String(), 3)
	want := referenceReplies(wire.ReplyParser{}, again)
	for _, pieces := range [][]string{{again}, strings.SplitAfter(again, "\n"), strings.SplitAfter(again, "1")} {
		var p wire.ReplyParser
		if got := parseReplies(&p, pieces...); !reflect.DeepEqual(got, want) {
			t.Fatalf("in %d pieces: %d replies, %d octets, %q", len(pieces), len(got.Replies), got.Taken, got.Err)
		}
	}
}
