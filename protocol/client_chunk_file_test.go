package protocol_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// parts is a body of given pieces, in memory and in files.
type parts struct {
	size     int64
	pieces   []protocol.Chunk
	at       int
	released int
}

func (b *parts) Size() int64 { return b.size }

func (b *parts) Open() (protocol.BodyReader, error) {
	b.at = 0
	return b, nil
}

func (b *parts) Next(int) (protocol.Chunk, error) {
	if b.at == len(b.pieces) {
		return protocol.Chunk{}, io.EOF
	}
	b.at++
	return b.pieces[b.at-1], nil
}

func (b *parts) Release() { b.released++ }

// inMemory and stored are pieces of text.
func inMemory(text string) protocol.Chunk { return protocol.Chunk{Bytes: []byte(text)} }

func stored(text string) protocol.Chunk {
	return protocol.Chunk{File: strings.NewReader("--" + text + "--"), Off: 2, N: int64(len(text))}
}

// By BDAT what lies in a file goes out as it lies, a chunk for each part of it, and
// text has the line end that it lacks.
func TestChunkInFile(t *testing.T) { // P23, C64, C67, H-I10
	plain, binary := wire.MailParams{}, wire.MailParams{Body: wire.BodyBinaryMIME}
	for _, test := range []struct {
		name   string
		params wire.MailParams
		pieces []protocol.Chunk
		want   string
	}{
		{"whole", plain, []protocol.Chunk{stored(".a\r\n.\r\n")}, `
			C: BDAT 7
			C: .a
			C: .
			C: BDAT 0 LAST
			S: 250 ok
			S: 250 queued`},
		{"in parts", plain, []protocol.Chunk{stored("a\r"), stored("\nb\r\n")}, `
			C: BDAT 2
			C: a\r\
			C: BDAT 4
			C: \nb
			C: BDAT 0 LAST
			S: 250 ok
			S: 250 ok
			S: 250 queued`},
		{"without a last line end", plain, []protocol.Chunk{stored("a\r\nb")}, `
			C: BDAT 4
			C: a
			C: b\
			C: BDAT 2 LAST
			C:
			S: 250 ok
			S: 250 queued`},
		{"binary", binary, []protocol.Chunk{stored("a\nb")}, `
			C: BDAT 3
			C: a\nb\
			C: BDAT 0 LAST
			S: 250 ok
			S: 250 queued`},
		{"binary behind memory", binary, []protocol.Chunk{inMemory("m\n"), stored("a\nb"), inMemory("\r")}, `
			C: BDAT 6 LAST
			C: m\na\nb\r\
			S: 250 queued`},
		{"behind memory", plain, []protocol.Chunk{inMemory("m\n"), stored(".\r\nb"), inMemory("c\n")}, `
			C: BDAT 10 LAST
			C: m
			C: .
			C: bc
			S: 250 queued`},
		{"before memory", plain, []protocol.Chunk{stored(".\r\nb"), inMemory("c\nd")}, `
			C: BDAT 4
			C: .
			C: b\
			C: BDAT 6 LAST
			C: c
			C: d
			S: 250 ok
			S: 250 queued`},
	} {
		for _, early := range []bool{false, true} {
			if early && test.pieces[len(test.pieces)-1].File == nil {
				continue
			}
			want := test.want
			body := &parts{size: -1, pieces: test.pieces}
			source := protocol.Body(body)
			if early { // io.EOF comes with the last part
				source = &eager{body}
				want = earlier(want)
			}
			env := envelope("a@me.example", "b@mx.example")
			env.Params = test.params
			mail := "C: MAIL FROM:<a@me.example> BODY=8BITMIME"
			if test.params.Body == wire.BodyBinaryMIME {
				mail = "C: MAIL FROM:<a@me.example> BODY=BINARYMIME"
			}
			body.released = 0
			play(t, conversation{
				cfg:   protocol.ClientConfig{Allow8Bit: true}, // nobody looks for UTF-8 in the header then
				begin: does(hello, sendEnvelope("message", env, source)),
				text: opening("PIPELINING", "CHUNKING", "BINARYMIME", "8BITMIME") + mail + `
					C: RCPT TO:<b@mx.example>
					S: 250 ok
					S: 250 ok
				` + want + `
					= message: accepted: 250 queued
				`,
			})
			if body.released == 0 {
				t.Errorf("%s: not released", test.name)
			}
		}
	}
}

// eager says with its last piece that it is the last.
type eager struct{ *parts }

func (b *eager) Open() (protocol.BodyReader, error) {
	b.parts.Open()
	return b, nil
}

func (b *eager) Next(max int) (protocol.Chunk, error) {
	piece, err := b.parts.Next(max)
	if b.at == len(b.pieces) {
		err = io.EOF
	}
	return piece, err
}

// earlier is a conversation whose last chunk has what the one before it has too.
func earlier(text string) string {
	lines := strings.Split(text, "\n")
	last := -1
	for i, line := range lines {
		size, is := strings.CutPrefix(strings.TrimSpace(line), "C: BDAT ")
		switch {
		case !is:
		case size == "0 LAST":
			lines[last] += " LAST"
			lines[i] = ""
		case size == "2 LAST" && strings.TrimSpace(lines[i+1]) == "C:":
			lines[last] = "C: BDAT 6 LAST"
			lines[i], lines[i+1] = "", ""
			lines[i-1] = strings.TrimSuffix(lines[i-1], `\`)
		default:
			last = i
		}
	}
	return strings.Replace(strings.Join(lines, "\n"), "S: 250 ok", "", 1)
}

// What has to be looked at is read, and what must not be sent is not: nothing was
// announced then, and the session goes on.
func TestChunkInFileIsLookedAt(t *testing.T) { // C62, C73
	for _, test := range []struct {
		text string
		err  string
		body protocol.Body
	}{
		{opening("PIPELINING", "CHUNKING"), "8BITMIME: not offered by the server", &parts{size: -1, pieces: []protocol.Chunk{stored("A: b\r\n\r\n\xfc\r\n")}}},
		{opening("PIPELINING", "CHUNKING", "8BITMIME"), "SMTPUTF8: not offered by the server", &parts{size: -1, pieces: []protocol.Chunk{stored("A: \u00fc\r\n\r\n")}}},
	} {
		mail := "C: MAIL FROM:<a@me.example>\n"
		if strings.Contains(test.text, "8BITMIME") {
			mail = "C: MAIL FROM:<a@me.example> BODY=8BITMIME\n"
		}
		play(t, conversation{
			begin: does(hello, sendEnvelope("message", envelope("a@me.example", "b@mx.example"), test.body), noop),
			text: test.text + mail + `
				C: RCPT TO:<b@mx.example>
				S: 250 ok
				S: 250 ok
				= message: not delivered: message content: ` + test.err + `
				C: NOOP
				S: 250 ok
				= noop: 250 ok
			`,
		})
	}
}

// ones is a file of any size.
type ones struct{}

func (ones) ReadAt(p []byte, _ int64) (int, error) {
	for i := range p {
		p[i] = '1'
	}
	return len(p), nil
}

// A large file is lent piece by piece, so that a connection that is lost halfway leaves
// no doubt: only with the last piece may the server have the message. A driver that
// finds the file too short leaves none at all.
func TestChunkInFileIsLost(t *testing.T) { // C31, H-R9
	const size = 10 << 20
	env := envelope("a@me.example", "b@mx.example")
	env.Params.Body = wire.BodyBinaryMIME
	for _, test := range []struct {
		out     int64 // octets of the file that are out
		fails   error
		outcome protocol.Outcome
	}{
		{0, nil, protocol.NotDelivered},
		{size / 2, nil, protocol.NotDelivered},
		{size - 1<<20 - 1, nil, protocol.NotDelivered},
		{size - 1<<20, nil, protocol.Unknown},
		{size - 1, nil, protocol.Unknown},
		{size / 2, &protocol.BodyError{Err: io.ErrUnexpectedEOF}, protocol.NotDelivered},
		{size - 1, &protocol.BodyError{Err: io.ErrUnexpectedEOF}, protocol.NotDelivered},
	} {
		m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING", "BINARYMIME", "8BITMIME", "SMTPUTF8")
		body := &eager{&parts{size: size, pieces: []protocol.Chunk{{File: ones{}, N: size}}}}
		env.Params.SMTPUTF8 = true // nobody looks for UTF-8 then
		d := m.Send(env, body)
		m.wrote("MAIL FROM:<a@me.example> BODY=BINARYMIME SMTPUTF8\r\nRCPT TO:<b@mx.example>\r\n")
		m.feed("250 ok\r\n250 ok\r\n")
		const command = "BDAT 10485760 LAST\r\n"
		if got := m.lend(len(command)); got != command {
			t.Fatalf("lends %q", got)
		}
		m.Wrote(m.now, int64(len(command)))
		for out := int64(0); ; {
			chunks := m.Output(m.now, nil, 100)
			if len(chunks) != 1 || chunks[0].Off != out || chunks[0].N > 1<<20 {
				t.Fatalf("behind %d octets: %+v", out, chunks)
			}
			n := min(chunks[0].N, test.out-out)
			if out += n; n > 0 {
				m.Wrote(m.now, n)
			}
			if out == test.out {
				m.Output(m.now, nil, 100)
				break
			}
		}
		if test.fails != nil {
			m.WriteFailed(m.now, test.fails)
		} else {
			m.Fail(m.now, errors.New("connection reset"))
		}
		m.Output(m.now, nil, 100) // which says that no write is under way any more
		receipt, err := resultOf(t, d)
		if receipt.Outcome != test.outcome || test.fails != nil && !errors.Is(err, test.fails) || body.released != 1 {
			t.Errorf("%d octets out, %v: %v, %v; released %d times", test.out, test.fails, receipt.Outcome, err, body.released)
		}
	}
}

// Binary content that begins in memory goes on in the file, once a chunk is full.
func TestChunkGoesOnInFile(t *testing.T) {
	env := envelope("a@me.example", "b@mx.example")
	env.Params = wire.MailParams{Body: wire.BodyBinaryMIME, SMTPUTF8: true}
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING", "BINARYMIME", "8BITMIME", "SMTPUTF8")
	m.Send(env, &eager{&parts{size: -1, pieces: []protocol.Chunk{inMemory("A: b\r\n\r\n"), {File: ones{}, N: 200_000}}}})
	m.wrote("MAIL FROM:<a@me.example> BODY=BINARYMIME SMTPUTF8\r\nRCPT TO:<b@mx.example>\r\n")
	m.feed("250 ok\r\n250 ok\r\n")
	if got := m.lend(1 << 20); !strings.HasPrefix(got, "BDAT 65536\r\nA: b\r\n\r\n1111") {
		t.Fatalf("lends %.50q", got)
	}
	m.Wrote(m.now, int64(len("BDAT 65536\r\n")+chunkSize))
	chunks := m.Output(m.now, nil, 1<<20)
	if len(chunks) != 2 || string(chunks[0].Bytes) != "BDAT 134472 LAST\r\n" || chunks[1].N != 134472 || chunks[1].Off != 200_000-134472 {
		t.Errorf("lends %+v", chunks)
	}
}

// By BDAT content that comes bit by bit goes in as many chunks, each as soon as it is
// there.
func TestChunkNotReady(t *testing.T) { // F12, C64
	p := &pushes{size: -1}
	play(t, conversation{
		begin: does(hello, p.send, send("next")),
		acts: map[string]func(*session){
			"one": p.write("one\n.two\r"), "three": p.write("\nthree"), "close": p.close, "cancel": cancel("message", true),
		},
		text: opening("PIPELINING", "CHUNKING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			S: 250 ok
			WAIT 24h
			! one
			C: BDAT 9
			C: one
			C: .two\
			S: 250 more
			WAIT 24h
			! three
			C: BDAT 7
			C:
			C: three\
			! close
			C: BDAT 2 LAST
			C:
			S: 250 more
			S: 250 queued
			= message: accepted: 250 queued
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: BDAT 4 LAST
			C: hi
			S: 250 ok
			S: 250 ok
			S: 250 queued
			= next: accepted: 250 queued
		`,
	})
	play(t, conversation{
		begin: does(hello, p.send, send("next")),
		acts:  map[string]func(*session){"one": p.write("one\r"), "cancel": cancel("message", true)},
		text: opening("PIPELINING", "CHUNKING") + `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			S: 250 ok
			! one
			C: BDAT 3
			C: one\
			! cancel
			S: 250 more
			= message: not delivered: canceled
			C: RSET
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: BDAT 4 LAST
			C: hi
			S: 250 ok
			S: 250 ok
			S: 250 ok
			S: 250 queued
			= next: accepted: 250 queued
		`,
	})
}

// A message that goes back to the queue has its content yet: none of it was asked for
// while a file before it kept its commands from being lent.
func TestChunkInFileWaitsForItsCommands(t *testing.T) { // P16, C31, F4
	const message = "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT "
	inOne := func(text string) protocol.Body {
		return &eager{&parts{size: int64(len(text)), pieces: []protocol.Chunk{stored(text)}}}
	}
	m := greeted(t, protocol.ClientConfig{Allow8Bit: true}, "PIPELINING", "CHUNKING")
	m.send("one", inOne("one\r\n"), "b@mx.example")
	two := m.send("two", inOne("two\r\n"), "b@mx.example")
	m.send("three", inOne("three\r\n"), "b@mx.example")
	if got := m.lend(1 << 16); got != message+"5 LAST\r\none\r\n" {
		t.Fatalf("lends %q", got)
	}
	if !two.Cancel() {
		t.Fatal("not cancelled")
	}
	m.wrote(message + "5 LAST\r\none\r\nRSET\r\n" + message + "7 LAST\r\nthree\r\n")
}

// What is left of a file whose message was given up goes into no other message.
func TestChunkInFileGivenUp(t *testing.T) { // C65
	m := greeted(t, protocol.ClientConfig{}, "PIPELINING", "CHUNKING")
	secret := strings.Repeat("secret\r\n", chunkSize)
	m.send("one", &eager{&parts{size: -1, pieces: []protocol.Chunk{stored(secret)}}}, "b@mx.example")
	m.send("two", &eager{&parts{size: -1, pieces: []protocol.Chunk{stored("A: b\r\n\r\n")}}}, "b@mx.example")
	const group = "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n"
	m.wrote(group)
	m.feed("250 ok\r\n250 ok\r\n")
	const command = "BDAT 65536\r\n"
	if got := m.lend(len(command)); got != command {
		t.Fatalf("lends %q", got)
	}
	m.feed("552 no\r\n")
	m.wrote(command + secret[:chunkSize] + "RSET\r\n" + group)
	m.feed("250 ok\r\n250 ok\r\n250 ok\r\n")
	m.wrote("BDAT 8 LAST\r\nA: b\r\n\r\n")
}
