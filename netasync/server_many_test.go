package netasync_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// Many sessions at a time, in clear and under TLS, each with many messages under way:
// each message arrives once, as it was, in the order of its session.
func TestServerOfManyClients(t *testing.T) { // P38, F26
	const clients, messages = 16, 40
	var mu sync.Mutex
	got := map[string][]string{}
	addr := serve(t, &netasync.Server{TLSConfig: serverTLS("localhost"), Handler: &netasync.Backend{
		Recipient: everybody,
		Content: func(_ context.Context, tx *netasync.Transaction, content io.Reader) (wire.Reply, error) {
			b, err := io.ReadAll(content)
			mu.Lock()
			defer mu.Unlock()
			client, id, _ := strings.Cut(string(b[:9]), " ")
			got[client] = append(got[client], id)
			if want := message(client, id); string(b) != want {
				t.Errorf("%d octets in place of %d", len(b), len(want))
			}
			if len(tx.Recipients) != 2 {
				t.Errorf("%d recipients", len(tx.Recipients))
			}
			return ok, err
		},
	}})
	_, port, _ := net.SplitHostPort(addr)
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			cfg := me()
			cfg.TLSConfig = trusting()
			if i%2 == 0 {
				cfg.TLS = netasync.TLSOff
			}
			c, err := netasync.Dial(t.Context(), "smtp://localhost:"+port, cfg)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			var deliveries []*protocol.Delivery
			for n := range messages {
				text := message(fmt.Sprintf("%04d", i), fmt.Sprintf("%04d", n))
				deliveries = append(deliveries, c.SendAsync(envelope("b@mx.example", "c@mx.example"), protocol.BodyText(text)))
			}
			for _, d := range deliveries {
				if _, err := d.Result().Await(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if err := c.Quit(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i := range clients {
		ids := got[fmt.Sprintf("%04d", i)]
		if len(ids) != messages {
			t.Errorf("%d messages of client %d", len(ids), i)
		}
		for n, id := range ids {
			if id != fmt.Sprintf("%04d", n) {
				t.Errorf("message %s of client %d came as number %d", id, i, n)
			}
		}
	}
}

// message is a text that begins with its client and its number.
func message(client, id string) string {
	var size int
	fmt.Sscan(id, &size)
	return client + " " + id + "\r\n" + strings.Repeat("."+client+id+"\r\n", size*size)
}

// counted counts the writes to a connection.
type counted struct {
	net.Conn
	writes *atomic.Int32
}

func (c counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// The replies to a flight of commands that was read at once leave together, though a
// handler gives each. On a connection that is no socket that is what fits 512 octets.
func TestRepliesLeaveTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writes atomic.Int32
		mux := &netasync.Mux{}
		mux.HandleFunc("RCPT", func(w netasync.ReplyWriter, r *netasync.Request) { w.Answer(text(250, "")) })
		mux.Handle("MAIL", answers(250, ""))
		ln := newMemory()
		serveOn(t, &netasync.Server{Handler: mux}, ln)
		client, server := net.Pipe()
		defer client.Close()
		ln.conns <- counted{server, &writes}
		sayOn(t, client, serverHello)
		synctest.Wait()
		writes.Store(0)
		sayOn(t, client, "C: MAIL FROM:<a@me.example>\n"+strings.Repeat("C: RCPT TO:<b@mx.example>\n", 15)+
			"S: 250 2.1.0 ok\n"+strings.Repeat("S: 250 2.1.5 ok\n", 15))
		synctest.Wait()
		if n := writes.Load(); n != 1 {
			t.Errorf("%d writes", n)
		}
	})
}

// A reply does not wait for those behind it for longer than corkTime.
func TestRepliesDoNotWaitForSlowHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := &netasync.Mux{}
		mux.HandleFunc("RCPT", func(w netasync.ReplyWriter, r *netasync.Request) {
			time.Sleep(time.Minute) // of the bubble's time
			w.Answer(text(250, ""))
		})
		mux.Handle("MAIL", answers(250, ""))
		ln := newMemory()
		serveOn(t, &netasync.Server{Handler: mux}, ln)
		conn := ln.dial()
		defer conn.Close()
		sayOn(t, conn, serverHello)
		begin := time.Now()
		sayOn(t, conn, `
			C: MAIL FROM:<a@me.example>
			C: RCPT TO:<b@mx.example>
			C: RCPT TO:<b@mx.example>
			S: 250 2.1.0 ok
		`)
		if d := time.Since(begin); d > 10*time.Millisecond {
			t.Errorf("the first reply took %v", d)
		}
		sayOn(t, conn, "S: 250 2.1.5 ok")
		if d := time.Since(begin); d > time.Minute+10*time.Millisecond {
			t.Errorf("the second reply took %v", d)
		}
		sayOn(t, conn, "S: 250 2.1.5 ok")
	})
}

// A client that never says anything has its place taken away in time.
func TestServerTimeout(t *testing.T) { // F28, H-R10
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		ln := newMemory()
		serveOn(t, &netasync.Server{Handler: &netasync.Backend{Disconnect: func(s *netasync.Session) { ended <- s.Err() }}}, ln)
		conn := ln.dial()
		defer conn.Close()
		begin := time.Now()
		sayOn(t, conn, `
			S: 220 mx.example ESMTP
			S: 421 4.4.2 mx.example timed out
			EOF
		`)
		if d := time.Since(begin); d != 5*time.Minute {
			t.Errorf("it took %v", d)
		}
		if err := <-ended; netasync.KindOf(err) != netasync.KindTimeout {
			t.Errorf("ended with %v", err)
		}
	})
}
