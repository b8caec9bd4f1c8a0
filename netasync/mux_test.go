package netasync_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// answers is a handler with one answer.
func answers(code wire.Code, s string) netasync.HandlerFunc {
	return func(w netasync.ReplyWriter, _ *netasync.Request) { w.Answer(text(code, s)) }
}

func TestMuxVerbs(t *testing.T) { // P40, P42
	mux := &netasync.Mux{}
	mux.HandleFunc("xEcho", func(w netasync.ReplyWriter, r *netasync.Request) {
		w.Answer(text(250, r.Verb+"|"+r.Args))
	})
	mux.Handle("XLINES", answers(250, "one\ntwo\nthree"))
	mux.Handle("XCODE", answers(250, ""))
	mux.Handle("XREFUSED", answers(550, ""))
	mux.Handle("noop", answers(250, "nothing"))
	addr := serve(t, &netasync.Server{Handler: mux})
	say(t, addr, serverHello+`
		C: xecho  Some Text  here 
		S: 250 2.0.0 XECHO|Some Text  here
		C: XECHO
		S: 250 2.0.0 XECHO|
		C: xLiNeS
		S: 250-2.0.0 one
		S: 250-2.0.0 two
		S: 250 2.0.0 three
		C: XCODE
		S: 250 2.0.0 ok
		C: XREFUSED
		S: 550 5.0.0 mailbox unavailable
		C: NOOP
		S: 250 2.0.0 nothing
		C: XNOBODY
		S: 502 5.5.1 command not implemented
		C: QUIT
		S: 221 2.0.0 mx.example closes the connection
		EOF
	`)
}

func TestMuxDefault(t *testing.T) { // P41
	mux := &netasync.Mux{}
	mux.HandleDefault(answers(550, "not today"))
	mux.Handle("XKNOWN", answers(250, "ok"))
	addr := serve(t, &netasync.Server{Handler: mux})
	say(t, addr, `
		S: 220 mx.example ESMTP
		C: XKNOWN
		S: 250 2.0.0 ok
		C: XYZZY
		S: 550 5.0.0 not today
		C: NOOP
		S: 550 5.0.0 not today
		C: 1,2
		S: 500 5.5.2 command not recognized
	`)
}

// Scenario 11 of their tests.
func TestMuxOfHelloAndQuit(t *testing.T) {
	mux := &netasync.Mux{}
	mux.Handle("HELO", answers(250, "Welcome."))
	mux.Handle("QUIT", answers(221, "Bye."))
	mux.HandleDefault(answers(502, "Not here."))
	addr := serve(t, &netasync.Server{Handler: mux})
	say(t, addr, `
		S: 220 mx.example ESMTP
		C: EHLO me.example
		S: 502 Not here.
		C: HELO me.example
		S: 250 mx.example Welcome.
		C: MAIL FROM:<a@me.example>
		S: 502 5.0.0 Not here.
		C: VRFY a
		S: 502 5.0.0 Not here.
		C: QUIT
		S: 221 2.0.0 Bye.
		EOF
	`)
}

// Scenario 12 of their tests: two handlers, the order of which is changed; one refuses and
// so stops the chain. // P46, F30
func TestMuxChain(t *testing.T) {
	var calls []string
	watch := netasync.HandlerFunc(func(_ netasync.ReplyWriter, r *netasync.Request) {
		calls = append(calls, "watch "+r.Recipient.Path.String())
	})
	refuse := netasync.HandlerFunc(func(w netasync.ReplyWriter, r *netasync.Request) {
		calls = append(calls, "refuse "+r.Recipient.Path.String())
		if strings.HasPrefix(r.Recipient.Path.Local(), "no") {
			w.Answer(text(550, "Nobody\nby that name"))
		}
	})
	accept := netasync.HandlerFunc(func(w netasync.ReplyWriter, _ *netasync.Request) {
		calls = append(calls, "accept")
		w.Answer(text(250, ""))
	})
	const script = serverHello + `
		C: MAIL FROM:<>
		C: RCPT TO:<no@mx.example>
		C: RCPT TO:<b@mx.example>
		S: 250 2.1.0 ok
		S: 550-5.0.0 Nobody
		S: 550 5.0.0 by that name
		S: 250 2.1.5 ok
	`
	for _, swapped := range []bool{false, true} {
		t.Run(fmt.Sprint("swapped ", swapped), func(t *testing.T) {
			calls = nil
			mux := &netasync.Mux{}
			mux.Handle("RCPT", watch, refuse)
			mux.Handle("rcpt", accept)
			if swapped {
				chain := *mux.Chain("Rcpt")
				chain[0], chain[1] = chain[1], chain[0]
			}
			srv := &netasync.Server{Handler: mux}
			say(t, serve(t, srv), script).Close()
			srv.Close()
			want := []string{"watch <no@mx.example>", "refuse <no@mx.example>", "watch <b@mx.example>", "refuse <b@mx.example>", "accept"}
			if swapped {
				want = []string{"refuse <no@mx.example>", "refuse <b@mx.example>", "watch <b@mx.example>", "accept"}
			}
			if !slices.Equal(calls, want) {
				t.Errorf("got %q", calls)
			}
		})
	}
}

func TestMuxHooks(t *testing.T) { // P43
	ended := make(chan string, 10)
	mux := &netasync.Mux{}
	mux.HandleConnect(netasync.HandlerFunc(func(w netasync.ReplyWriter, r *netasync.Request) {
		if r.Kind != protocol.RequestConnect || r.Verb != "" || r.Args != "" {
			t.Errorf("got %+v", r)
		}
		w.Answer(text(220, "ready\nfor you"))
	}))
	for _, name := range []string{"first", "second"} {
		mux.HandleDisconnect(netasync.HandlerFunc(func(w netasync.ReplyWriter, r *netasync.Request) {
			if w.Answer(text(250, "")) {
				t.Error("an end was answered")
			}
			ended <- name
		}))
	}
	addr := serve(t, &netasync.Server{Handler: mux})
	say(t, addr, `
		S: 220-mx.example ready
		S: 220 for you
	`).Close()
	if a, b := <-ended, <-ended; a != "first" || b != "second" {
		t.Errorf("got %q, %q", a, b)
	}
}

func TestMuxTurnsAway(t *testing.T) { // P43
	mux := &netasync.Mux{}
	mux.HandleConnect(answers(554, "no service"))
	addr := serve(t, &netasync.Server{Handler: mux})
	say(t, addr, `
		S: 554 no service
		C: EHLO me.example
		S: 503 no service here
		C: QUIT
		S: 221 2.0.0 mx.example closes the connection
		EOF
	`)
}

// Whatever a client sends, only commands come of it.
func TestMuxHooksHaveNoNames(t *testing.T) { // P48
	mux := &netasync.Mux{}
	calls := make(chan string, 10)
	mux.HandleConnect(netasync.HandlerFunc(func(netasync.ReplyWriter, *netasync.Request) { calls <- "connect" }))
	mux.HandleDisconnect(netasync.HandlerFunc(func(netasync.ReplyWriter, *netasync.Request) { calls <- "disconnect" }))
	srv := &netasync.Server{Handler: mux}
	script := `
		S: 220 mx.example ESMTP
	`
	for _, name := range []string{"CONNECTED", "DISCONNECT", "CLOSED", "RequestClosed", "HandleConnect", "DEFAULT", "shutdown", "gotDATA"} {
		script += "C: " + name + "\nS: 502 5.5.1 command not implemented\n"
	}
	script += `
		C: _default
		S: 500 5.5.2 command not recognized
		C: 
		S: 500 5.5.2 command not recognized
		C: QUIT
		S: 221 2.0.0 mx.example closes the connection
		EOF
	`
	say(t, serve(t, srv), script)
	if a, b := <-calls, <-calls; a != "connect" || b != "disconnect" || len(calls) > 0 {
		t.Errorf("got %s, %s and %d more", a, b, len(calls))
	}
}

func TestMuxRefusesVerbs(t *testing.T) {
	for _, verb := range []string{"", " ", "NO OP", "-X", "X\r", "é"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", verb)
				}
			}()
			new(netasync.Mux).Handle(verb, answers(250, ""))
		}()
	}
}

func TestMiddleware(t *testing.T) {
	var log []string
	logged := func(h netasync.Handler) netasync.Handler {
		return netasync.HandlerFunc(func(w netasync.ReplyWriter, r *netasync.Request) {
			h.ServeSMTP(recorder{w, r, &log}, r)
		})
	}
	var middleware netasync.Middleware = logged
	mux := &netasync.Mux{}
	mux.Handle("XFOO", answers(250, "bar"))
	srv := &netasync.Server{Handler: middleware(mux)}
	say(t, serve(t, srv), `
		S: 220 mx.example ESMTP
		C: XFOO
		S: 250 2.0.0 bar
		C: NOOP
		S: 250 2.0.0 ok
		C: QUIT
		S: 221 2.0.0 mx.example closes the connection
		EOF
	`)
	if want := []string{"XFOO 250 bar"}; !slices.Equal(log, want) {
		t.Errorf("got %q", log)
	}
}

type recorder struct {
	netasync.ReplyWriter
	request *netasync.Request
	log     *[]string
}

func (r recorder) Answer(reply wire.Reply) bool {
	*r.log = append(*r.log, r.request.Verb+" "+reply.String())
	return r.ReplyWriter.Answer(reply)
}

func TestTwoAnswers(t *testing.T) { // F27
	mux := &netasync.Mux{}
	mux.HandleFunc("XTWO", func(w netasync.ReplyWriter, r *netasync.Request) {
		if r.Answered() {
			t.Error("answered ahead of its answer")
		}
		if d := r.Default().String(); d != "502 5.5.1 command not implemented" {
			t.Errorf("default %s", d)
		}
		if !w.Answer(text(250, "one")) || w.Answer(text(250, "two")) || !r.Answered() {
			t.Error("the second answer counted")
		}
	})
	late := make(chan netasync.ReplyWriter, 1)
	mux.HandleFunc("XLATE", func(w netasync.ReplyWriter, _ *netasync.Request) { late <- w })
	addr := serve(t, &netasync.Server{Handler: mux})
	conn := say(t, addr, `
		S: 220 mx.example ESMTP
		C: XTWO
		S: 250 2.0.0 one
		C: XLATE
		S: 502 5.5.1 command not implemented
	`)
	if w := <-late; w.Answer(text(250, "late")) || w.AnswerEach(0, text(250, "late")) {
		t.Error("a late answer counted")
	}
	sayOn(t, conn, `
		C: NOOP
		S: 250 2.0.0 ok
	`)
}

// With SMTP there is nothing that AnswerEach could answer: the message stays where it is,
// and can be refused still.
func TestAnswerEachWithoutLMTP(t *testing.T) {
	mux := &netasync.Mux{}
	mux.Handle("RCPT", netasync.HandlerFunc(func(w netasync.ReplyWriter, _ *netasync.Request) { w.Answer(text(250, "")) }))
	mux.HandleFunc("DATA", func(w netasync.ReplyWriter, _ *netasync.Request) {
		if w.AnswerEach(0, text(250, "")) {
			t.Error("it was taken for an answer")
		}
		w.Answer(text(452, "full"))
	})
	say(t, serve(t, &netasync.Server{Handler: mux}), serverHello+`
		C: MAIL FROM:<>
		C: RCPT TO:<b@mx.example>
		C: DATA
		S: 250 2.1.0 ok
		S: 250 2.1.5 ok
		S: 452 4.0.0 full
		C: QUIT
		S: 221 2.0.0 mx.example closes the connection
		EOF
	`)
}
