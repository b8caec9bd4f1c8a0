//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"reflect"
	"sync"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// roots are those of the servers' certificates.
func roots(t *testing.T) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(rig.env["CA"])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

// Fifty messages in a row in one connection, of 3 to 52 KiB, with every third
// recipient refused: each outcome is right, and so is all that was stored.
func TestSession(t *testing.T) {
	for _, s := range servers() {
		for _, order := range []struct {
			name string
			send func(context.Context, *netasync.Client, []task) []outcome
		}{
			{"one after the other", oneByOne},
			{"queued", queued},
			{"from goroutines", together},
		} {
			t.Run(s.name+"/"+order.name, func(t *testing.T) {
				client, err := netasync.Dial(t.Context(), s.url(), netasync.Config{
					Hello: "client.test", TLSConfig: &tls.Config{RootCAs: roots(t)},
				})
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				tasks := makeTasks(t)
				outcomes := order.send(t.Context(), client, tasks)
				if err := client.Quit(t.Context()); err != nil {
					t.Error(err)
				}
				for i, task := range tasks {
					if got := outcomes[i]; got.err != nil {
						t.Errorf("message %d: %v", i, got.err)
						continue
					}
					task.delivered(t, s, task.settled(t, s, outcomes[i])...)
				}
				t.Logf("%+v", client.Stats())
			})
		}
	}
}

// task is a message to send, and outcome what came of it.
type task struct {
	message
	from string
	to   []string
}

type outcome struct {
	receipt protocol.Receipt
	err     error
}

// makeTasks counts recipients through all messages, two for each: every third is
// one to refuse.
func makeTasks(t *testing.T) (tasks []task) {
	t.Helper()
	const count = 50
	for i := range count {
		to := []string{"ok@example.test", "ok2@example.test"}
		for k := range to {
			if (2*i+k)%3 == 2 {
				to[k] = "bad@example.test"
			}
		}
		tasks = append(tasks, task{newMessage((3 + i) << 10), "sender@client.test", to})
	}
	return tasks
}

// settled wants the outcome that the server is known to give the message, and returns
// for whom it is stored.
func (m task) settled(t *testing.T, s *server, got outcome) []string {
	t.Helper()
	want, stored := s.expect(m.to...)
	if len(stored) == 0 {
		want.Reply = nil // to no content
	}
	if results := recipients(m, got.receipt); !reflect.DeepEqual(results, want.Recipients) {
		t.Errorf("message %s: %s\nwant %s", m.id, indent(report{Recipients: results}), indent(want))
	}
	if outcome := got.receipt.Outcome.String(); outcome != want.Outcome {
		t.Errorf("message %s: %s, want %s", m.id, outcome, want.Outcome)
	}
	if last := replyOf(got.receipt.Reply); !reflect.DeepEqual(last, want.Reply) {
		t.Errorf("message %s: %v, want %v", m.id, last, want.Reply)
	}
	return stored
}

func (m task) envelope() protocol.Envelope {
	env := protocol.Envelope{From: path(m.from)}
	for _, to := range m.to {
		env.To = append(env.To, wire.Recipient{Path: path(to)})
	}
	return env
}

func path(address string) wire.Path {
	p, err := wire.ParsePath(address)
	if err != nil {
		panic(err)
	}
	return p
}

// oneByOne waits for each verdict before the next message.
func oneByOne(ctx context.Context, client *netasync.Client, tasks []task) []outcome {
	outcomes := make([]outcome, len(tasks))
	for i, task := range tasks {
		outcomes[i].receipt, outcomes[i].err = client.Send(ctx, task.envelope(), protocol.BodyBytes(task.octets))
	}
	return outcomes
}

// queued hands all messages over before it waits for the first verdict.
func queued(ctx context.Context, client *netasync.Client, tasks []task) []outcome {
	var deliveries []*protocol.Delivery
	for _, task := range tasks {
		deliveries = append(deliveries, client.SendAsync(task.envelope(), protocol.BodyBytes(task.octets)))
	}
	outcomes := make([]outcome, len(tasks))
	for i, d := range deliveries {
		outcomes[i].receipt, outcomes[i].err = d.Result().Await(ctx)
		if failure, ok := errors.AsType[*protocol.DeliveryError](outcomes[i].err); ok {
			outcomes[i].receipt = failure.Receipt
		}
	}
	return outcomes
}

// together sends every message from a goroutine of its own.
func together(ctx context.Context, client *netasync.Client, tasks []task) []outcome {
	outcomes := make([]outcome, len(tasks))
	var all sync.WaitGroup
	for i, task := range tasks {
		all.Go(func() {
			outcomes[i].receipt, outcomes[i].err = client.Send(ctx, task.envelope(), protocol.BodyBytes(task.octets))
		})
	}
	all.Wait()
	return outcomes
}

// recipients puts a receipt as the program would report it.
func recipients(task task, receipt protocol.Receipt) (r []recipient) {
	for i, result := range receipt.Recipients {
		r = append(r, recipient{task.to[i], result.Outcome.String(), replyOf(result.Reply), replyOf(result.Rcpt)})
	}
	return r
}

func replyOf(r wire.Reply) *reply {
	if r == (wire.Reply{}) {
		return nil
	}
	enhanced := ""
	if !r.Enhanced.IsZero() {
		enhanced = r.Enhanced.String()
	}
	return &reply{int(r.Code), enhanced, scrub(r.Text)}
}
