//go:build interop

package interop

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// window is one way to send many messages.
type window struct {
	name    string
	window  protocol.Window
	disable wire.ExtensionSet
	count   int // of messages
}

func (w window) config(t *testing.T) netasync.Config {
	return netasync.Config{
		Hello: "client.test", TLSConfig: &tls.Config{RootCAs: roots(t)}, Window: w.window, Disable: w.disable,
		Timeouts: protocol.Timeouts{Mail: patience, Rcpt: patience, Data: patience, Final: patience, Command: patience},
	}
}

const patience = 30 * time.Second

// A thousand messages in one connection with every third recipient refused: each
// outcome is right, so is all that was stored, and each message that was stored has
// its own sender.
func TestWindows(t *testing.T) {
	for _, s := range servers() {
		if s.tls == implicitTLS {
			continue
		}
		windows := []window{{name: "default", count: 1000}}
		if s.chunked != nil {
			windows = append(windows,
				window{name: "one", window: protocol.Window{Messages: 1}, count: 200},
				window{name: "sixty-four", window: protocol.Window{Messages: 64, Octets: 1 << 20}, count: 200},
				window{name: "DATA", disable: wire.Chunking, count: 200},
			)
		}
		for _, w := range windows {
			t.Run(s.name+"/"+w.name, func(t *testing.T) {
				s := s
				if w.disable != 0 {
					s = s.withoutChunking()
				}
				tasks := makeMany(w.count)
				start := time.Now()
				client, err := netasync.Dial(t.Context(), s.url(), w.config(t))
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				outcomes := queued(t.Context(), client, tasks)
				if err := client.Quit(t.Context()); err != nil {
					t.Error(err)
				}
				stats, sent := client.Stats(), time.Since(start)
				checkMany(t, s, tasks, outcomes)
				t.Logf("%d messages, %d round trips, %v, all stored after %v", len(tasks), stats.RoundTrips, sent, time.Since(start))
			})
		}
	}
}

// makeMany counts recipients through all messages: every third is one to refuse. Most
// messages have three; some have one, so that nobody is left of them. Some are too
// large to go ahead of the replies to their recipients.
func makeMany(count int) (tasks []task) {
	next := 0
	for i := range count {
		n := 3
		switch {
		case i%100 == 99:
			n = 2
		case i%100 >= 60:
			n = []int{1, 3, 1, 1}[i%4]
		}
		var to []string
		good := []string{"ok@example.test", "ok2@example.test"}
		for range n {
			switch {
			case next%3 != 2:
				to, good = append(to, good[0]), good[1:]
			case next%5 == 0:
				to = append(to, "temp@example.test")
			default:
				to = append(to, "bad@example.test")
			}
			next++
		}
		size := 3<<10 + i%7*300
		if i%97 == 50 {
			size = 80 << 10
		}
		tasks = append(tasks, task{newMessage(size), fmt.Sprintf("s%d@client.test", i), to})
	}
	return tasks
}

// checkMany holds outcomes and what is stored against what was to come of messages.
func checkMany(t *testing.T, s *server, tasks []task, outcomes []outcome) {
	t.Helper()
	to, counts := make([][]string, len(tasks)), map[string]int{}
	for i, task := range tasks {
		to[i] = task.settled(t, s, outcomes[i])
		counts[task.id] = s.files(to[i])
	}
	s.store.awaitAll(t, counts)
	for i, task := range tasks {
		files := s.store.files[task.id]
		task.check(t, s, files, to[i])
		for _, f := range files {
			if f.from != task.from {
				t.Errorf("message %s: stored as from %q, want %q", task.id, f.from, task.from)
			}
		}
	}
}
