package netasync_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// toData is a conversation up to content by DATA.
const toData = serverHello + `
	C: MAIL FROM:<a@me.example>
	C: RCPT TO:<b@mx.example>
	C: DATA
	S: 250 2.1.0 ok
	S: 250 2.1.5 ok
	S: 354 end data with <CR><LF>.<CR><LF>
`

// onContent is a server that takes mail for everybody, with a handler of content.
func onContent(t *testing.T, srv *netasync.Server, h netasync.HandlerFunc) (addr string) {
	mux := &netasync.Mux{}
	mux.Handle("RCPT", answers(250, ""))
	mux.Handle("DATA", h)
	srv.Handler = mux
	return serve(t, srv)
}

func TestContentIsExact(t *testing.T) { // P45, F26
	backend, letters := box()
	addr := serve(t, &netasync.Server{Handler: backend})
	say(t, addr, toData+`
		C: Subject: x
		C: 
		C: ..
		C: ..line
		C: 
		C: .
		C: MAIL FROM:<>
		C: RCPT TO:<c@mx.example>
		C: DATA
		S: 250 2.0.0 ok
		S: 250 2.1.0 ok
		S: 250 2.1.5 ok
		S: 354 end data with <CR><LF>.<CR><LF>
		C: .
		S: 250 2.0.0 ok
		C: MAIL FROM:<> BODY=BINARYMIME
		C: RCPT TO:<d@mx.example>
		C: BDAT 3
		C= "a\nbBDAT 0 LAST\r\n"
		C: QUIT
		S: 250 2.1.0 ok
		S: 250 2.1.5 ok
		S: 250 2.0.0 3 octets
		S: 250 2.0.0 ok
		S: 221 2.0.0 mx.example closes the connection
		EOF
	`)
	for _, want := range []string{"Subject: x\r\n\r\n.\r\n.line\r\n\r\n", "", "a\nb"} {
		if l := <-letters; l.content != want || l.err != nil {
			t.Errorf("got %+v", l)
		}
	}
}

// A verdict may come before the content is read, or without reading it.
func TestContentLeftUnread(t *testing.T) {
	for name, h := range map[string]netasync.HandlerFunc{
		"some of it": func(w netasync.ReplyWriter, r *netasync.Request) {
			if _, err := io.ReadFull(r.Content, make([]byte, 1)); err != nil {
				t.Error(err)
			}
			w.Answer(text(250, "enough"))
			if _, err := io.Copy(io.Discard, r.Content); err == nil {
				t.Error("content was read behind its verdict")
			}
		},
		"none": func(w netasync.ReplyWriter, _ *netasync.Request) { w.Answer(text(250, "enough")) },
	} {
		t.Run(name, func(t *testing.T) {
			addr := onContent(t, &netasync.Server{}, h)
			say(t, addr, toData+strings.Repeat("C: "+strings.Repeat("x", 900)+"\n", 500)+`
				C: .
				S: 250 2.0.0 enough
				C: NOOP
				S: 250 2.0.0 ok
			`)
		})
	}
}

func TestContentRefused(t *testing.T) { // F26
	for name, row := range map[string]struct {
		h     netasync.HandlerFunc
		reply string
	}{
		"by an answer": {answers(450, "later"), "450 4.0.0 later"},
		"by none":      {func(netasync.ReplyWriter, *netasync.Request) {}, "554 5.3.2 no mail is taken here"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := onContent(t, &netasync.Server{}, row.h)
			say(t, addr, serverHello+`
				C: MAIL FROM:<a@me.example>
				C: RCPT TO:<b@mx.example>
				C: DATA
				S: 250 2.1.0 ok
				S: 250 2.1.5 ok
				S: `+row.reply+`
				C: NOOP
				S: 250 2.0.0 ok
			`)
		})
	}
}

func TestContentReadAndNotAnswered(t *testing.T) {
	addr := onContent(t, &netasync.Server{}, func(_ netasync.ReplyWriter, r *netasync.Request) {
		_, _ = io.Copy(io.Discard, r.Content)
	})
	say(t, addr, toData+`
		C: x
		C: .
		S: 554 5.3.2 no mail is taken here
		C: NOOP
		S: 250 2.0.0 ok
	`)
}

// The reader learns why content is no message, and the client has its answer from the
// server. // H-R18
func TestContentThatIsBroken(t *testing.T) {
	for name, row := range map[string]struct {
		content, reply string
		want           error
	}{
		"too large": {strings.Repeat("C: "+strings.Repeat("x", 98)+"\n", 20), "552 5.3.4 message too large", protocol.ErrTooLarge},
		"bare LF":   {`C= "x\ny\r\n"` + "\n", "550 5.6.0 bare CR or LF in the content", protocol.ErrBareEOL},
		"bare CR":   {`C= "x\ry\r\n"` + "\n", "550 5.6.0 bare CR or LF in the content", protocol.ErrBareEOL},
	} {
		t.Run(name, func(t *testing.T) {
			errs := make(chan error, 1)
			addr := onContent(t, &netasync.Server{Protocol: protocol.ServerConfig{MaxContent: 1000}}, func(w netasync.ReplyWriter, r *netasync.Request) {
				b, err := io.ReadAll(r.Content)
				if len(b) > 1000 {
					t.Errorf("%d octets were read", len(b))
				}
				errs <- err
				if w.Answer(text(250, "")) || !r.Answered() {
					t.Error("the server's own verdict was not the last")
				}
			})
			say(t, addr, strings.Replace(toData, "67108864", "1000", 1)+row.content+`
				C: .
				S: `+row.reply+`
				C: NOOP
				S: 250 2.0.0 ok
			`)
			err := <-errs
			if _, ok := errors.AsType[*protocol.BodyError](err); !ok || !errors.Is(err, row.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Content that is cut off is no message. // H-R9
func TestContentCutOff(t *testing.T) {
	for _, reset := range []bool{false, true} {
		errs := make(chan error, 1)
		srv := &netasync.Server{}
		addr := onContent(t, srv, func(w netasync.ReplyWriter, r *netasync.Request) {
			b, err := io.ReadAll(r.Content)
			if s := string(b); !strings.HasPrefix("x\r\n", s) {
				t.Errorf("got %q", s)
			}
			errs <- err
			<-r.Context().Done()
			if w.Answer(text(250, "")) {
				t.Error("a message that was cut off has a verdict")
			}
		})
		conn := say(t, addr, toData+`
			C: x
		`)
		if reset {
			conn.(*net.TCPConn).SetLinger(0)
		}
		conn.Close()
		if err := <-errs; err == nil {
			t.Error("the end of the connection was that of the content")
		} else if _, ok := errors.AsType[*protocol.ConnectionError](err); !ok {
			t.Errorf("got %v", err)
		}
		srv.Close()
	}
}

// A reader that does not read holds the client up, and no memory but the buffers.
func TestContentBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 << 20
		reading := make(chan struct{})
		var sum int64
		mux := &netasync.Mux{}
		mux.Handle("RCPT", answers(250, ""))
		mux.HandleFunc("DATA", func(w netasync.ReplyWriter, r *netasync.Request) {
			n, err := r.Content.Read(make([]byte, 1))
			if err != nil {
				t.Error(err)
			}
			<-reading
			rest, err := io.Copy(io.Discard, r.Content)
			if err != nil {
				t.Error(err)
			}
			sum = int64(n) + rest
			w.Answer(text(250, ""))
		})
		ln := newMemory()
		serveOn(t, &netasync.Server{Handler: mux}, ln)
		conn := ln.dial()
		defer conn.Close()
		sayOn(t, conn, toData)
		sent := 0
		go func() {
			chunk := bytes.Repeat([]byte(strings.Repeat("x", 1022)+"\r\n"), 16)
			for ; sent < size; sent += len(chunk) {
				if _, err := conn.Write(chunk); err != nil {
					t.Error(err)
					return
				}
			}
			_, _ = conn.Write([]byte(".\r\n"))
		}()
		synctest.Wait()
		if sent > 512<<10 {
			t.Errorf("%d octets were taken without a reader", sent)
		}
		close(reading)
		sayOn(t, conn, "S: 250 2.0.0 ok")
		if sum != size {
			t.Errorf("%d octets arrived", sum)
		}
	})
}

// Readers that take small pieces get the same octets.
func TestContentInPieces(t *testing.T) {
	want := strings.Repeat("0123456789\r\n", 20_000)
	for _, size := range []int{1, 7, 4096, 100_000} {
		got := make(chan string, 1)
		addr := onContent(t, &netasync.Server{}, func(w netasync.ReplyWriter, r *netasync.Request) {
			var b bytes.Buffer
			_, err := io.CopyBuffer(struct{ io.Writer }{&b}, struct{ io.Reader }{r.Content}, make([]byte, size))
			if err != nil {
				t.Error(err)
			}
			got <- b.String()
			w.Answer(text(250, ""))
		})
		c := dial(t, "smtp://"+addr, me())
		if _, err := c.Send(t.Context(), envelope(), protocol.BodyText(want)); err != nil {
			t.Fatal(err)
		}
		if s := <-got; s != want {
			t.Errorf("pieces of %d: %d octets came, or others", size, len(s))
		}
	}
}

// What a Backend accepts it must have read.
func TestBackendAcceptsUnread(t *testing.T) {
	addr := serve(t, &netasync.Server{Handler: &netasync.Backend{
		Recipient: everybody,
		Content: func(context.Context, *netasync.Transaction, io.Reader) (wire.Reply, error) {
			return ok, nil
		},
	}})
	say(t, addr, serverHello+`
		C: MAIL FROM:<a@me.example>
		C: RCPT TO:<b@mx.example>
		C: DATA
		S: 250 2.1.0 ok
		S: 250 2.1.5 ok
		S: 451 4.3.0 local error, try again later
	`)
}
