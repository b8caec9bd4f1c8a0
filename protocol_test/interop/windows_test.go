//go:build interop

package interop

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	// patience with the verdict on the content; 0: half a minute
	patience time.Duration
}

// windows are the ways that make a difference to a server.
func (s *server) windows() []window {
	switch {
	case s.chunked == nil:
		return []window{{name: "default", count: s.most + 40}}
	case s.strict:
		return []window{{name: "default", count: 120}}
	}
	all := []window{
		{name: "default", count: 1000},
		{name: "one", window: protocol.Window{Messages: 1}, count: 40},
		{name: "sixty-four", window: protocol.Window{Messages: 64, Octets: 1 << 20}, count: 120},
	}
	if s.login {
		all[0].count = 120
		return all // by DATA it crashes: README.md
	}
	return append(all, window{name: "DATA", disable: wire.Chunking, count: 60})
}

// A thousand messages with every third recipient refused, in one connection where the
// server has it: each outcome is right, so is all that was stored, and each message
// that was stored has its own sender.
func TestWindows(t *testing.T) {
	all := slices.DeleteFunc(servers(), func(s *server) bool { return s.tls == implicitTLS || s.network() == "unix" })
	all = append(all, submission(), own(t, false), own(t, true))
	for _, s := range all {
		for _, w := range s.windows() {
			t.Run(s.name+"/"+w.name, func(t *testing.T) {
				s := s
				if w.disable != 0 {
					s = s.withoutChunking()
				}
				tasks := makeMany(w.count)
				var outcomes []outcome
				start := time.Now()
				connections, trips := 0, 0
				for rest := range s.sessions(tasks) {
					got, stats, err := w.send(t, s, rest)
					if err != nil {
						t.Error(err)
					}
					outcomes = append(outcomes, got...)
					connections++
					trips += stats.RoundTrips
				}
				sent := time.Since(start)
				checkMany(t, s, tasks, outcomes)
				t.Logf("%d messages in %d connections, %d round trips, %.1f s, all stored after %.1f s",
					len(tasks), connections, trips, sent.Seconds(), time.Since(start).Seconds())
			})
		}
	}
}

// A recipient who is there twice gets two verdicts by LMTP, whether or not the server
// stores the message twice.
func TestWindowsDuplicates(t *testing.T) {
	for _, s := range []*server{dovecot(), postfix(), own(t, true)} {
		for _, w := range s.windows() {
			t.Run(s.name+"/"+w.name, func(t *testing.T) {
				s := s
				if w.disable != 0 {
					s = s.withoutChunking()
				}
				var tasks []task
				for i := range 40 {
					to := [][]string{
						{"ok@example.test", "ok@example.test", "ok2@example.test"},
						{"ok@example.test", "bad@example.test", "ok2@example.test", "bad@example.test", "ok@example.test"},
						{"bad@example.test", "bad@example.test"},
						{"ok2@example.test"},
					}[i%4]
					tasks = append(tasks, task{newMessage(4 << 10), fmt.Sprintf("s%d@client.test", i), to})
				}
				outcomes, stats, err := w.send(t, s, tasks)
				if err != nil {
					t.Error(err)
				}
				checkMany(t, s, tasks, outcomes)
				t.Logf("%d messages, %d round trips", len(tasks), stats.RoundTrips)
			})
		}
	}
}

// A server that answers once for a recipient who is there twice: what is missing is
// unknown, and no reply to another message's commands passes for it.
func TestWindowsVerdictMissing(t *testing.T) {
	s := smtpServerLMTP()
	twice := task{newMessage(4 << 10), "s0@client.test", []string{"ok@example.test", "ok@example.test", "ok2@example.test"}}
	next := task{newMessage(4 << 10), "s1@client.test", []string{"ok@example.test"}}
	outcomes, _, _ := window{patience: time.Second}.send(t, s, []task{twice, next})
	want := []string{"accepted", "refused", "unknown"} // no client can tell that the second verdict is for the third
	for i, r := range outcomes[0].receipt.Recipients {
		if got := r.Outcome.String(); got != want[i] {
			t.Errorf("recipient %d: %s, want %s", i, got, want[i])
		}
	}
	for i, want := range []protocol.Outcome{protocol.Unknown, protocol.NotDelivered} {
		if got := outcomes[i].receipt.Outcome; got != want {
			t.Errorf("message %d: %v, want %v: %v", i, got, want, outcomes[i].err)
		}
	}
	twice.delivered(t, s, "ok@example.test", "ok2@example.test")
}

// A server that hangs up amid a window, again and again: what the outcomes say is
// enough to deliver every message once. Who sent a message whose outcome is unknown
// has to ask the server; here its log answers.
func TestWindowsCutShort(t *testing.T) {
	s := exim()
	for _, w := range s.windows() {
		t.Run(w.name, func(t *testing.T) {
			s := s
			if w.disable != 0 {
				s = s.withoutChunking()
			}
			tasks := makeMany(60)
			for i := 11; i < len(tasks); i += 12 {
				tasks[i].to = []string{fmt.Sprintf("drop%s@example.test", tasks[i].id)}
			}
			outcomes := make([]outcome, len(tasks))
			todo := make([]int, len(tasks))
			for i := range todo {
				todo[i] = i
			}
			connections, unknown, taken := 0, 0, 0
			for len(todo) > 0 && connections < len(tasks) {
				var rest []task
				for _, i := range todo {
					rest = append(rest, tasks[i])
				}
				got, _, _ := w.send(t, s, rest) // what ended the session shows in the outcomes
				connections++
				var again []int
				for k, i := range todo {
					outcomes[i] = got[k]
					if dropped := strings.HasPrefix(tasks[i].to[0], "drop"); dropped && got[k].receipt.Outcome == protocol.Refused {
						awaitLog(t, "rejected RCPT <"+tasks[i].to[0]+">") // behind it nothing was read
					}
				}
				for k, i := range todo {
					switch got[k].receipt.Outcome {
					case protocol.NotDelivered:
						again = append(again, i)
					case protocol.Unknown:
						unknown++
						if logged(t, " id="+tasks[i].id+"@") {
							taken++
							outcomes[i] = s.acceptedAfterAll(tasks[i])
						} else {
							again = append(again, i)
						}
					}
				}
				todo = again
			}
			checkMany(t, s, tasks, outcomes)
			t.Logf("%d messages in %d connections, %d times unknown, of those %d accepted", len(tasks), connections, unknown, taken)
		})
	}
}

// send sends messages in one connection. The error says how that ended.
func (w window) send(t *testing.T, s *server, tasks []task) ([]outcome, netasync.Stats, error) {
	t.Helper()
	patience := cmp.Or(w.patience, 30*time.Second)
	cfg := netasync.Config{
		Hello: "client.test", TLSConfig: &tls.Config{RootCAs: roots(t)}, Window: w.window, Disable: w.disable,
		Timeouts: protocol.Timeouts{Final: patience},
	}
	if s.login {
		mechanisms, err := netasync.Password(rig.env["LOGIN_USER"], rig.env["LOGIN_PASSWORD"])
		if err != nil {
			t.Fatal(err)
		}
		cfg.Login = mechanisms
	}
	client, err := netasync.Dial(t.Context(), s.url(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	outcomes := queued(t.Context(), client, tasks)
	err = client.Quit(t.Context())
	return outcomes, client.Stats(), err
}

// sessions divides messages into what the server takes in one connection.
func (s *server) sessions(tasks []task) func(yield func([]task) bool) {
	return func(yield func([]task) bool) {
		from, nobody := 0, 0
		for i, task := range tasks {
			if i-from == cmp.Or(s.most, len(tasks)) || nobody == cmp.Or(s.mostRefused, len(tasks)) {
				if !yield(tasks[from:i]) {
					return
				}
				from, nobody = i, 0
			}
			if _, stored := s.expect(task.to...); len(stored) == 0 {
				nobody++
			}
		}
		yield(tasks[from:])
	}
}

// awaitLog returns once Exim has logged a line with that text.
func awaitLog(t *testing.T, text string) {
	t.Helper()
	for range looks {
		if logged(t, text) {
			return
		}
		time.Sleep(betweenLook)
	}
	t.Fatalf("%q is not in the log", text)
}

func logged(t *testing.T, text string) bool {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(rig.env["LOG"], "exim.main.log"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(log, []byte(text))
}

// acceptedAfterAll is the outcome of a message whose verdict was lost.
func (s *server) acceptedAfterAll(m task) outcome {
	want, _ := s.expect(m.to...)
	var got outcome
	got.receipt.Outcome = protocol.Accepted
	got.receipt.Reply = want.Reply.wire()
	for _, r := range want.Recipients {
		result := protocol.RecipientResult{Outcome: protocol.Refused, Reply: r.Reply.wire(), Rcpt: r.Rcpt.wire()}
		if r.Reply.positive() {
			result.Outcome = protocol.Accepted
		}
		got.receipt.Recipients = append(got.receipt.Recipients, result)
	}
	return got
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
		case i%50 >= 30:
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
		if i%97 == 45 {
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
		if t.Failed() {
			t.Fatal(outcomes[i].err)
		}
		if s.once {
			slices.Sort(to[i])
			to[i] = slices.Compact(to[i])
		}
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
