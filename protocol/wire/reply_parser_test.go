package wire_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

var replyTrials = flag.Int("wire.replies", 20_000, "random reply streams to compare with the reference")

// checkReplies parses stream whole, octet by octet and at every split in two,
// each with a fresh parser and with one that has seen the stream before.
func checkReplies(t *testing.T, set wire.ReplyParser, stream string, want replyOutcome) {
	t.Helper()
	run := func(how string, pieces ...string) {
		p := set
		for _, again := range []string{"", ", seen before"} {
			if got := parseReplies(&p, pieces...); !reflect.DeepEqual(got, want) {
				t.Fatalf("%q %s%s:\n got %+v\nwant %+v", stream, how, again, got, want)
			}
			if want.Err != "" || want.Pending {
				p.Reset()
			}
		}
	}
	run("whole", stream)
	run("octet by octet", strings.Split(stream, "")...)
	for i := 1; i < len(stream); i++ {
		run("cut", stream[:i], stream[i:])
	}
}

func plainReply(code wire.Code, text string) wire.Reply { return wire.Reply{Code: code, Text: text} }

func enhancedReply(code wire.Code, class, subject, detail uint16, text string) wire.Reply {
	return wire.Reply{Code: code, Enhanced: wire.EnhancedCode{Class: class, Subject: subject, Detail: detail}, Text: text}
}

func TestReplyParser(t *testing.T) {
	enhanced := wire.ReplyParser{Enhanced: true}
	strict := wire.ReplyParser{StrictCRLF: true}
	for _, tt := range []struct {
		set    wire.ReplyParser
		stream string
		want   []wire.Reply
	}{
		{stream: "", want: nil},
		{stream: "220 mx.example.com ESMTP\r\n", want: []wire.Reply{plainReply(220, "mx.example.com ESMTP")}},                                                                                                             // C29
		{stream: "250-mx\r\n250-SIZE 10240000\r\n250 STARTTLS\r\n", want: []wire.Reply{plainReply(250, "mx\nSIZE 10240000\nSTARTTLS")}},                                                                                   // C29, P37
		{stream: "250-mx\r\n250-\r\n250\r\n", want: []wire.Reply{plainReply(250, "mx\n\n")}},                                                                                                                              // C29, H-R5
		{stream: "250\r\n", want: []wire.Reply{plainReply(250, "")}},                                                                                                                                                      // C28, H-R5, P37
		{stream: "250 \r\n", want: []wire.Reply{plainReply(250, "")}},                                                                                                                                                     // C28
		{stream: "250-\r\n250 ok\r\n", want: []wire.Reply{plainReply(250, "\nok")}},                                                                                                                                       // H-R5
		{stream: "354\r\n354\r\n", want: []wire.Reply{plainReply(354, ""), plainReply(354, "")}},                                                                                                                          // H-R5
		{stream: "250 a\n250\n250-b\n250-c\r\n250 d\n", want: []wire.Reply{plainReply(250, "a"), plainReply(250, ""), plainReply(250, "b\nc\nd")}},                                                                        // H-R6
		{set: strict, stream: "250-a\r\n250 b\r\n250\r\n", want: []wire.Reply{plainReply(250, "a\nb"), plainReply(250, "")}},                                                                                              // H-R6
		{stream: "571 blocked\r\n299 odd\r\n", want: []wire.Reply{plainReply(571, "blocked"), plainReply(299, "odd")}},                                                                                                    // C27, H-R4
		{stream: "250  two blanks \t\r\n", want: []wire.Reply{plainReply(250, " two blanks \t")}},                                                                                                                         // C28
		{stream: "250 gr\xc3\xbc\xc3\x9fe \xff\xc3 \x00\x1b[31m\r\n", want: []wire.Reply{plainReply(250, "gr\xc3\xbc\xc3\x9fe \xff\xc3 \x00\x1b[31m")}},                                                                   // C75
		{stream: "250 a\rb\r\r\n", want: []wire.Reply{plainReply(250, "a\rb\r")}},                                                                                                                                         // H-R6
		{stream: "250 a\r\n250 a\r\n250 b\r\n250 a\r\n", want: []wire.Reply{plainReply(250, "a"), plainReply(250, "a"), plainReply(250, "b"), plainReply(250, "a")}},                                                      // C29
		{stream: "250 2.1.0 Ok\r\n", want: []wire.Reply{plainReply(250, "2.1.0 Ok")}},                                                                                                                                     // C100: not offered
		{set: enhanced, stream: "250 2.1.0 Ok\r\n", want: []wire.Reply{enhancedReply(250, 2, 1, 0, "Ok")}},                                                                                                                // C100
		{set: enhanced, stream: "250 2.1.0\r\n250 2.1.0 \r\n", want: []wire.Reply{enhancedReply(250, 2, 1, 0, ""), enhancedReply(250, 2, 1, 0, "")}},                                                                      // C100
		{set: enhanced, stream: "550-5.7.1 a\r\n550-5.7.1\r\n550 5.7.1  c\r\n", want: []wire.Reply{enhancedReply(550, 5, 7, 1, "a\n\n c")}},                                                                               // C100
		{set: enhanced, stream: "550-5.7.1 a\r\n550-5.7.2 b\r\n550-c\r\n550 5.7.1d\r\n", want: []wire.Reply{enhancedReply(550, 5, 7, 1, "a\n5.7.2 b\nc\n5.7.1d")}},                                                        // C100
		{set: enhanced, stream: "550-a\r\n550 5.7.1 b\r\n", want: []wire.Reply{plainReply(550, "a\n5.7.1 b")}},                                                                                                            // C100
		{set: enhanced, stream: "450-5.7.1 a\r\n450 4.7.1 b\r\n", want: []wire.Reply{plainReply(450, "5.7.1 a\n4.7.1 b")}},                                                                                                // C100: same class as code
		{set: enhanced, stream: "354 2.0.0 go\r\n334 3.0.0 go\r\n", want: []wire.Reply{plainReply(354, "2.0.0 go"), plainReply(334, "3.0.0 go")}},                                                                         // C100
		{set: enhanced, stream: "250 2.1.00 a\r\n250 2.1\r\n250 2.1000.1 a\r\n250 2.\r\n", want: []wire.Reply{plainReply(250, "2.1.00 a"), plainReply(250, "2.1"), plainReply(250, "2.1000.1 a"), plainReply(250, "2.")}}, // C101
		{set: enhanced, stream: "550 5.678.999 not in the registry\r\n550 5.1.1", want: []wire.Reply{enhancedReply(550, 5, 678, 999, "not in the registry")}},                                                             // C102
		{set: wire.ReplyParser{MaxLine: 9, MaxLines: 2, MaxSize: 16}, stream: "250-abc\r\n250 d\r\n250 abc\r\n", want: []wire.Reply{plainReply(250, "abc\nd"), plainReply(250, "abc")}},                                   // H-R1, H-R2: up to the bounds
		{stream: "334 " + strings.Repeat("Zm9v", 60) + "\r\n", want: []wire.Reply{plainReply(334, strings.Repeat("Zm9v", 60))}},                                                                                           // C93
		{stream: "250 " + strings.Repeat("x", 600) + "\r\n", want: []wire.Reply{plainReply(250, strings.Repeat("x", 600))}},                                                                                               // C40
	} {
		want := replyOutcome{Replies: tt.want, Taken: len(tt.stream), Pending: tt.stream != "" && !strings.HasSuffix(tt.stream, "\n")}
		checkReplies(t, tt.set, tt.stream, want)
	}
}

func TestReplyParserFaults(t *testing.T) {
	strict := wire.ReplyParser{StrictCRLF: true}
	small := wire.ReplyParser{MaxLine: 10, MaxLines: 3, MaxSize: 24}
	for _, tt := range []struct {
		set    wire.ReplyParser
		stream string // up to the fault, which the next octet is
		next   string
		err    string
	}{
		{stream: "22", next: " x\r\n", err: "reply code: not three digits but octet 0x20 at offset 2"},                                      // H-R4, P36
		{stream: "", next: "600 x\r\n", err: "reply code: first digit is not 2 to 5 but octet 0x36 at offset 0"},                            // H-R4
		{stream: "", next: "700 x\r\n", err: "reply code: first digit is not 2 to 5 but octet 0x37 at offset 0"},                            // P36, F8
		{stream: "", next: "1yz\r\n", err: "reply code: first digit is not 2 to 5 but octet 0x31 at offset 0"},                              // H-R4
		{stream: "", next: "000 x\r\n", err: "reply code: first digit is not 2 to 5 but octet 0x30 at offset 0"},                            // H-R4
		{stream: "", next: "+50 x\r\n", err: "reply code: first digit is not 2 to 5 but octet 0x2B at offset 0"},                            // H-R4
		{stream: "25", next: "O x\r\n", err: "reply code: not three digits but octet 0x4F at offset 2"},                                     // H-R4
		{stream: "", next: "\r\n", err: "reply code: first digit is not 2 to 5 but octet 0x0D at offset 0"},                                 // H-R4
		{stream: "", next: "\n", err: "reply code: first digit is not 2 to 5 but octet 0x0A at offset 0"},                                   // H-R4
		{stream: "", next: "hello\r\n", err: "reply code: first digit is not 2 to 5 but octet 0x68 at offset 0"},                            // H-R4
		{stream: "", next: " 250 ok\r\n", err: "reply code: first digit is not 2 to 5 but octet 0x20 at offset 0"},                          // H-R4
		{stream: "250", next: "0 ok\r\n", err: "reply line: neither blank, hyphen nor line end behind the code but octet 0x30 at offset 3"}, // H-R4
		{stream: "250", next: "\tok\r\n", err: "reply line: neither blank, hyphen nor line end behind the code but octet 0x09 at offset 3"}, // H-R4
		{stream: "250\r", next: "x\r\n", err: "reply line: CR without LF at offset 4"},                                                      // H-R4
		{stream: "250 ok\r\n25", next: "\r\n", err: "reply code: not three digits but octet 0x0D at offset 2"},                              // H-R4
		{stream: "250-a\r\n55", next: "0-b\r\n250 c\r\n", err: "reply code: 550 after 250 in one reply at offset 9"},                        // H-R3, C30
		{stream: "220-a\r\n25", next: "0 b\r\n", err: "reply code: 250 after 220 in one reply at offset 9"},                                 // H-R3, C30
		{stream: "250-a\r\n250-b\r\n25", next: "1 c\r\n", err: "reply code: 251 after 250 in one reply at offset 16"},                       // H-R3, C30
		{stream: "250-a\r\n", next: "\r\n", err: "reply code: first digit is not 2 to 5 but octet 0x0D at offset 7"},                        // H-R4
		{set: strict, stream: "250 a", next: "\n250 b\r\n", err: "reply line: LF without CR at offset 5"},                                   // H-R6
		{set: strict, stream: "250", next: "\n", err: "reply line: LF without CR at offset 3"},                                              // H-R6
		{set: strict, stream: "250 ", next: "\n", err: "reply line: LF without CR at offset 4"},                                             // H-R6
		{set: strict, stream: "250-a\r\n250 b\r", next: "\r\n", err: "reply line: CR without LF at offset 13"},                              // H-R6
		{set: strict, stream: "250 \r", next: "b\r\n", err: "reply line: CR without LF at offset 5"},                                        // H-R6
		{set: small, stream: "250 abcde\r", next: "\n", err: "reply line: too long at offset 10"},                                           // H-R2
		{set: small, stream: "250 a\r\n250 abcdef", next: "ghijklmnop", err: "reply line: too long at offset 10"},                           // H-R2
		{set: small, stream: "250-\r\n250-\r\n250-\r\n", next: "250 x\r\n", err: "reply: too many lines at offset 18"},                      // H-R1
		{set: small, stream: "250-abcd\r\n250-abcd\r\n250-", next: "a\r\n", err: "reply: too long at offset 24"},                            // H-R1
		{set: wire.ReplyParser{MaxLine: 4, MaxLines: 9, MaxSize: 4}, stream: "250 ", next: "\n", err: "reply: too long at offset 4"},        // H-R2
		{set: wire.ReplyParser{MaxLine: 9, MaxLines: 1}, stream: "250-a\r\n", next: "9", err: "reply: too many lines at offset 7"},          // H-R1
		{stream: "250 ok\r\n250-a\r\n250-b\r\n25", next: "\xff", err: "reply code: not three digits but octet 0xFF at offset 16"},           // H-R4
		{set: wire.ReplyParser{MaxSize: 3}, stream: "250", next: "\r\n", err: "reply: too long at offset 3"},                                // H-R1
	} {
		want := referenceReplies(tt.set, tt.stream)
		if want.Taken != len(tt.stream) || want.Err != "" {
			t.Fatalf("%q: the fault comes before the end: %+v", tt.stream, want)
		}
		want.Err, want.Pending = tt.err, false
		checkReplies(t, tt.set, tt.stream+tt.next, want)
	}
}

func TestReplyParserFaultIsFinal(t *testing.T) { // H-R4
	var p wire.ReplyParser
	_, _, _, first := p.Parse([]byte("250-a\r\n550 b\r\n"))
	var syntax *wire.SyntaxError
	if !errors.As(first, &syntax) || syntax.Element != "reply code" || syntax.Offset != 9 || syntax.Code != 0 {
		t.Fatalf("error %#v", first)
	}
	for _, in := range []string{"250 b\r\n", "", "550 b\r\n"} {
		if n, r, done, err := p.Parse([]byte(in)); n != 0 || r != (wire.Reply{}) || done || err != first {
			t.Errorf("Parse(%q) = %d, %v, %v, %v after the fault", in, n, r, done, err)
		}
	}
	if p.Pending() {
		t.Error("pending after the fault")
	}
	p.Reset()
	if got, want := parseReplies(&p, "250 b\r\n"), (replyOutcome{Replies: []wire.Reply{plainReply(250, "b")}, Taken: 7}); !reflect.DeepEqual(got, want) {
		t.Errorf("after Reset: %+v", got)
	}
}

// What was remembered under other settings must not stand for a parse.
func TestReplyParserSettingsChange(t *testing.T) {
	const stream = "250-2.1.0 a\n250 2.1.0 bcd\r\n"
	plain := replyOutcome{Replies: []wire.Reply{plainReply(250, "2.1.0 a\n2.1.0 bcd")}, Taken: len(stream)}
	cut := replyOutcome{Replies: []wire.Reply{enhancedReply(250, 2, 1, 0, "a\nbcd")}, Taken: len(stream)}
	var p wire.ReplyParser
	for _, step := range []struct {
		set  func()
		want replyOutcome
	}{
		{func() {}, plain},
		{func() {}, plain},
		{func() { p.Enhanced = true }, cut}, // C100
		{func() {}, cut},
		{func() { p.Enhanced = false }, plain},
		{func() { p.MaxLine = 14 }, replyOutcome{Taken: 26, Err: "reply line: too long at offset 26"}},
		{func() { p.MaxLine = 15 }, plain},
		{func() { p.MaxSize = 26 }, replyOutcome{Taken: 26, Err: "reply: too long at offset 26"}},
		{func() { p.MaxSize = 27 }, plain},
		{func() { p.MaxLines = 1 }, replyOutcome{Taken: 12, Err: "reply: too many lines at offset 12"}},
		{func() { p.MaxLines = 2 }, plain},
		{func() { p.StrictCRLF = true }, replyOutcome{Taken: 11, Err: "reply line: LF without CR at offset 11"}}, // H-R6
		{func() { p.StrictCRLF = false }, plain},
	} {
		step.set()
		if got := parseReplies(&p, stream); !reflect.DeepEqual(got, step.want) {
			t.Fatalf("%+v:\n got %+v\nwant %+v", p, got, step.want)
		}
		if step.want.Err != "" {
			p.Reset()
			p.Parse([]byte("250-x\r\n")) // Reset keeps the settings, and forgets this
			p.Reset()
		}
	}
}

// Random streams over the octets that matter, cut at random, agree with the
// reference; long runs of one parser fill and overwrite what it remembers.
func TestReplyParserAgainstReference(t *testing.T) { // C27, C29, C100, C101
	rng := rand.New(rand.NewPCG(1, 2))
	words := []string{
		"250", "25", "550", "5", "600", " ", "-", "-", "\r\n", "\r\n", "\n", "\r", "a", "2.1.0", "2.1.0 ", "5.7.1 ", "2.01.0", "\x00", "\xff",
		"250 ok\r\n", "250 2.1.0 Ok\r\n", "250-2.1.0 a\r\n250 2.1.0 b\r\n", "250-2.1.0 a\r\n250 2.1.5 b\r\n", "354 go\n", "250\r\n",
		"221 a\r\n", "221 b\r\n", "221 c\r\n", "221 d\r\n", "221 e\r\n", "221 f\r\n", "221 2.0.0 g\r\n", "334 \r\n",
	}
	faults := 0
	for range *replyTrials {
		set := wire.ReplyParser{StrictCRLF: rng.IntN(4) == 0, Enhanced: rng.IntN(2) == 0}
		if rng.IntN(4) == 0 {
			set.MaxLine, set.MaxLines, set.MaxSize = 1+rng.IntN(20), 1+rng.IntN(4), 1+rng.IntN(40)
		}
		var b strings.Builder
		first := 19 * rng.IntN(2) // half of the streams of whole replies only
		for range 1 + rng.IntN(24) {
			b.WriteString(words[first+rng.IntN(len(words)-first)])
		}
		stream := b.String()
		var pieces []string
		for rest := stream; rest != ""; {
			n := 1 + rng.IntN(min(len(rest), 1+rng.IntN(40)))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		want := referenceReplies(set, stream)
		if want.Err != "" {
			faults++
		}
		for _, pieces := range [][]string{pieces, {stream}} {
			p := set
			if got := parseReplies(&p, pieces...); !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v %q:\n got %+v\nwant %+v", set, pieces, got, want)
			}
		}
	}
	t.Logf("%d streams, %d of them with a fault", *replyTrials, faults)
}

func TestReplyParserFlood(t *testing.T) { // H-R1, H-R2, F8
	const total, most = 100 << 20, 256 << 10
	for _, tt := range []struct{ name, first, unit, err string }{
		{"endless line", "250 ", "x", "reply line: too long at offset 16384"},
		{"endless reply", "", "250-" + strings.Repeat("x", 8000) + "\r\n", "reply: too long at offset 65536"},
		{"endless short lines", "", "250-\r\n", "reply: too many lines at offset 6144"},
		{"endless code", "", "250", "reply line: neither blank, hyphen nor line end behind the code but octet 0x32 at offset 3"},
	} {
		stream := []byte(strings.Repeat(tt.unit, 1<<20/len(tt.unit)))
		for _, size := range []int{61, 4096, len(stream)} {
			var p wire.ReplyParser
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, _, err := p.Parse([]byte(tt.first))
			for range total / len(stream) {
				for b := stream; len(b) > 0; b = b[min(size, len(b)):] {
					var done bool
					if _, _, done, err = p.Parse(b[:min(size, len(b))]); done {
						t.Fatalf("%s: a reply", tt.name)
					}
				}
			}
			runtime.ReadMemStats(&after)
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s in pieces of %d: error %v, want %s", tt.name, size, err, tt.err)
			}
			// All that was ever allocated, not only what is left.
			if grown := after.TotalAlloc - before.TotalAlloc; grown >= most {
				t.Errorf("%s in pieces of %d: %d octets allocated", tt.name, size, grown)
			}
		}
	}
}

// The longest reply there may be costs no more than an endless one.
func TestReplyParserMemory(t *testing.T) { // H-R1
	line := "250-" + strings.Repeat("x", 1018) + "\r\n"
	stream := []byte(strings.Repeat(line, 63) + "250 " + strings.Repeat("y", 1018) + "\r\n")
	var p wire.ReplyParser
	for _, size := range []int{1, 7, 1024, 1 << 20} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		done := false
		var r wire.Reply
		for b := stream; len(b) > 0; {
			n, reply, d, err := p.Parse(b[:min(size, len(b))])
			if err != nil {
				t.Fatal(err)
			}
			b, r, done = b[n:], reply, d
		}
		runtime.ReadMemStats(&after)
		if want := strings.Repeat(strings.Repeat("x", 1018)+"\n", 63) + strings.Repeat("y", 1018); !done || r.Text != want {
			t.Fatalf("pieces of %d: done %v, %d octets of text", size, done, len(r.Text))
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown >= 256<<10 {
			t.Errorf("pieces of %d: %d octets allocated", size, grown)
		}
	}
}

// What a parser holds between replies.
func TestReplyParserIdleMemory(t *testing.T) { // H-R1
	long := strings.Repeat("250-"+strings.Repeat("x", 1018)+"\r\n", 60) + "250 x\r\n"
	for _, tt := range []struct {
		name   string
		pieces []string
		reset  bool
		most   int64
	}{
		{"after Reset", []string{ehlo12, "250 2.1.0 Ok\r\n", "250-unfinished\r\n"}, true, 256},
		{"after usual replies", []string{ehlo12, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go ahead\r\n250 2.0.0 Ok\r\n"}, false, 2 << 10},
		{"after a long reply", []string{long}, false, 512},
	} {
		idle := make([]wire.ReplyParser, 200)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range idle {
			parseReplies(&idle[i], tt.pieces...)
			if tt.reset {
				idle[i].Reset()
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if each := int64(after.HeapAlloc-before.HeapAlloc) / int64(len(idle)); each > tt.most {
			t.Errorf("%s: %d octets for each idle parser", tt.name, each)
		}
		runtime.KeepAlive(idle)
	}
}

func TestReplyParserAllocations(t *testing.T) {
	stream := []byte("250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go ahead\r\n" + ehlo12)
	var p wire.ReplyParser
	allocs := testing.AllocsPerRun(100, func() {
		for b := stream; len(b) > 0; {
			n, r, done, err := p.Parse(b)
			if !done || err != nil {
				t.Fatal(done, err)
			}
			for line := range r.Lines() {
				_ = line
			}
			b = b[n:]
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for replies seen before", allocs)
	}
}
