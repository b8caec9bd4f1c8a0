package protocol_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// pushes is a message whose content the test's actions write.
type pushes struct {
	body *protocol.BodyPush
	env  protocol.Envelope
	size int64
}

// send makes the body anew: each playing of a conversation has its own.
func (p *pushes) send(s *session) {
	if p.env.To == nil {
		p.env = envelope("a@me.example", "b@mx.example")
	}
	p.body = protocol.NewBodyPush(s.Client, p.size, 16, nil)
	s.deliver("message", p.env, p.body)
}

func (p *pushes) write(text string) func(*session) {
	return func(s *session) {
		if n, err := p.body.Write([]byte(text)); n != len(text) || err != nil {
			s.t.Errorf("%v: Write of %q: %d, %v", s.mode, text, n, err)
		}
	}
}

func (p *pushes) close(*session) { p.body.Close() }

// Content that is not there yet is waited for without a timer, and goes out as it
// comes.
func TestBodyPush(t *testing.T) { // F12, H-R10
	p := &pushes{size: -1}
	play(t, conversation{
		begin: does(hello, p.send, noop),
		acts:  map[string]func(*session){"one": p.write("one\r\n.two"), "three": p.write("\r\nthree"), "close": p.close, "nothing": p.write("")},
		text: opening() + `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			# Nobody has written anything, for a day.
			WAIT 24h
			! one
			C: one
			C: ..two\
			! nothing
			WAIT 24h
			! three
			C:
			C: three\
			! close
			C:
			C: .
			S: 250 queued
			= message: accepted: 250 queued
			C: NOOP
			WAIT 5m
			= noop: timeout: no reply to a command within 5m0s
			= closed: timeout: no reply to a command within 5m0s
		`,
	})
}

// What is written before anybody asks is sent like any other content, with its SIZE
// if that is all of it.
func TestBodyPushAhead(t *testing.T) { // C58, C73
	p := &pushes{size: -1}
	play(t, conversation{
		begin: does(p.send, p.write("A: \u00fc\n\nx"), p.close, hello, send("next")),
		text: strings.Replace(opening("SIZE", "8BITMIME", "SMTPUTF8"), "C: EHLO me.example\n", "= message: not delivered: MAIL: no EHLO has succeeded yet\nC: EHLO me.example\n", 1) + `
			C: MAIL FROM:<a@me.example> SIZE=4 BODY=8BITMIME
			EOF
			= next: not delivered: connection lost before the reply to MAIL: unexpected EOF
			= closed: connection lost before the reply to MAIL: unexpected EOF
		`,
	})
	play(t, conversation{
		begin: does(hello, p.send, p.write("A: \u00fc\n\nx"), p.close),
		text: opening("SIZE", "8BITMIME", "SMTPUTF8") + `
			C: MAIL FROM:<a@me.example> SIZE=12 BODY=8BITMIME SMTPUTF8
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			C: A: ü
			C:
			C: x
			C: .
			S: 250 queued
			= message: accepted: 250 queued
		`,
	})
}

// Content that is given up, or is not what was promised, ends the connection without
// an end of data, whether anybody waited for it or not.
func TestBodyPushFails(t *testing.T) { // C31
	fault := errors.New("disk on fire")
	p := &pushes{size: -1}
	const upTo354 = `
		C: MAIL FROM:<a@me.example>
		S: 250 ok
		C: RCPT TO:<b@mx.example>
		S: 250 ok
		C: DATA
		S: 354 go
	`
	for _, test := range []struct {
		act  string
		size int64
		err  string
	}{
		{"abort", 9, "message content: disk on fire"},
		{"give up", 9, "message content: the content was given up"},
		{"close", 9, "message content: source yields 8 octets, but promised 9"},
		{"more", 8, "message content: source yields 9 octets, but promised 8"},
	} {
		p.size = test.size
		play(t, conversation{
			begin: does(hello, p.send),
			acts: map[string]func(*session){
				"write": p.write("0123456\n"), "close": p.close, "more": p.write("8"),
				"abort": func(*session) { p.body.Abort(fault); p.body.Close() }, "give up": func(*session) { p.body.Abort(io.EOF) },
			},
			text: opening() + upTo354 + `
				! write
				C: 0123456
				! ` + test.act + `
				= message: not delivered: ` + test.err + `
				= closed: ` + test.err + `
			`,
		})
	}
	play(t, conversation{
		begin: does(hello, p.send),
		acts:  map[string]func(*session){"abort": func(*session) { p.body.Abort(fault) }},
		text: opening() + strings.Replace(upTo354, "S: 354 go", "! abort\nS: 354 go", 1) + `
			= message: not delivered: message content: disk on fire
			= closed: message content: disk on fire
		`,
	})
	play(t, conversation{
		begin: does(hello, p.send, func(*session) { p.body.Abort(nil) }, noop),
		text: opening() + `
			= message: not delivered: message content: the content was given up
			C: NOOP
			S: 250 ok
			= noop: 250 ok
		`,
	})
}

// A refusal while content is waited for is one in mid-content; a message that is over
// takes nothing more.
func TestBodyPushRefused(t *testing.T) { // F6
	p := &pushes{size: -1}
	closed := func(s *session) {
		if n, err := p.body.Write([]byte("x")); n != 0 || err != io.ErrClosedPipe {
			s.t.Errorf("%v: Write behind the end: %d, %v", s.mode, n, err)
		}
	}
	play(t, conversation{
		begin: does(hello, p.send),
		acts:  map[string]func(*session){"write": p.write("content\r\n"), "closed": closed},
		text: opening() + `
			C: MAIL FROM:<a@me.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			! write
			C: content
			S: 552 enough
			= message: refused: end of data: 552 enough
			= closed: end of data: 552 enough
			! closed
		`,
	})
}

// A body keeps no more than its limit, takes what it has room for, and says when it
// has room again. Content of any length comes through, whatever is asked for at a
// time, and what was yielded stays as it is until the next piece.
func TestBodyPushIsBounded(t *testing.T) {
	const content = "0123456789abcdefghijklmnopqrstuvwxyz.0123456789abcdefghijklmnopqrstuvwxyz"
	for limit := 1; limit < 12; limit++ {
		for max := 1; max < 12; max++ {
			c := newClient(t, protocol.ClientConfig{})
			rest, rooms := content, 0
			var body *protocol.BodyPush
			write := func() {
				n, err := body.Write([]byte(rest))
				if rest = rest[n:]; (err == protocol.ErrBodyFull) != (rest != "") || n > limit {
					t.Fatalf("limit %d: took %d, left %d, %v", limit, n, len(rest), err)
				}
				if rest == "" {
					body.Close()
				}
			}
			body = protocol.NewBodyPush(c, int64(len(content)), limit, func() { rooms++; write() })
			r, err := body.Open()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Next(max); err != protocol.ErrNotReady {
				t.Fatalf("Next of nothing: %v", err)
			}
			write()
			var got strings.Builder
			for end := error(nil); end == nil; {
				var piece protocol.Chunk
				if piece, end = r.Next(max); len(piece.Bytes) > max || end != nil && end != io.EOF {
					t.Fatalf("limit %d, max %d: %q, %v", limit, max, piece.Bytes, end)
				}
				got.Write(piece.Bytes)
			}
			if got.String() != content || rooms == 0 {
				t.Errorf("limit %d, max %d: got %q", limit, max, got.String())
			}
			r.Release()
			if _, err := body.Open(); err == nil {
				t.Error("opened twice")
			}
		}
	}
}

// Whoever waits for room in a message that is over learns that.
func TestBodyPushRoomAtTheEnd(t *testing.T) {
	c := newClient(t, protocol.ClientConfig{})
	var body *protocol.BodyPush
	var errs []error
	body = protocol.NewBodyPush(c, -1, 4, func() {
		_, err := body.Write([]byte("x"))
		errs = append(errs, err)
	})
	c.Hello("me.example")
	c.Send(envelope("a@me.example", "b@mx.example"), body)
	feed(c, "220 mx.example\r\n")
	feed(c, "250 mx.example\r\n")
	if _, err := body.Write([]byte("01234")); err != protocol.ErrBodyFull {
		t.Fatal(err)
	}
	c.Fail(start, nil)
	if len(errs) != 1 || errs[0] != io.ErrClosedPipe {
		t.Errorf("got %v", errs)
	}
}

// A source of the caller's own may say that it is not ready: it is asked again once
// that is over, and not before.
func TestNotReady(t *testing.T) { // rules 1, 2
	src := &hesitant{}
	body := protocol.Body(src)
	play(t, conversation{
		cfg: protocol.ClientConfig{EOL: wire.EOLStrict},
		begin: does(hello, func(s *session) {
			src.ready, src.told = 0, true
			s.deliver("message", envelope("", "b@mx.example"), body)
		}),
		acts: map[string]func(*session){
			"ready": func(s *session) { src.ready++; src.told = true; s.BodyReady() },
			"false": func(s *session) { src.told = true; s.BodyReady() },
		},
		text: opening() + `
			C: MAIL FROM:<>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go
			WAIT 1h
			! false
			! ready
			C: line
			! ready
			C: line
			C: .
			S: 250 queued
			= message: accepted: 250 queued
		`,
	})
	if src.early > 0 {
		t.Errorf("asked %d times before it was ready", src.early)
	}
}

// hesitant yields two lines, each once it is ready.
type hesitant struct {
	ready, at int
	told      bool // since it said that it is not
	early     int  // Next came in between
}

func (h *hesitant) Size() int64 { return -1 }

func (h *hesitant) Open() (protocol.BodyReader, error) {
	h.at = 0
	return h, nil
}

func (h *hesitant) Next(int) (protocol.Chunk, error) {
	if !h.told {
		h.early++
	}
	if h.at == h.ready {
		h.told = false
		return protocol.Chunk{}, protocol.ErrNotReady
	}
	h.at++
	if h.at == 2 {
		return protocol.Chunk{Bytes: []byte("line\r\n")}, io.EOF
	}
	return protocol.Chunk{Bytes: []byte("line\r\n")}, nil
}

func (h *hesitant) Release() {}
