package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

var killMessages = flag.Int("kill.messages", 1000, "messages that are sent while the server is killed")

// TestKilledServerKeepsItsWord kills the server while several clients send. What
// became of a message has to be what its client says: accepted, and in the store;
// not delivered, and not there; only where the client does not know, either.
//
// C31, C47: a 250 stands for a message that is on the disk.
func TestKilledServerKeepsItsWord(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	server := startServer(t, "--tls", "off", "--store", "maildir:"+dir)
	const senders = 5
	var (
		mu       sync.Mutex
		accepted int
		outcomes = map[string]protocol.Outcome{}
		kill     sync.Once
		wg       sync.WaitGroup
	)
	note := func(id string, o protocol.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		outcomes[id] = o
		if o == protocol.Accepted {
			accepted++
		}
		if accepted >= *killMessages/2 {
			kill.Do(func() { _ = server.cmd.Process.Kill() })
		}
	}
	for s := range senders {
		wg.Go(func() { sendUntilLost(t, server.address, s, *killMessages/senders, note) })
	}
	wg.Wait()
	server.kill()
	stored := storedMessages(t, dir)
	var unknown, unacknowledged int
	for id, o := range outcomes {
		if o == protocol.Unknown {
			unknown++
		}
		switch content, there := stored[id]; {
		case o == protocol.Accepted && !there:
			t.Errorf("%s was accepted, and is not in the store", id)
		case o != protocol.Accepted && o != protocol.Unknown && there:
			t.Errorf("%s is in the store, though its client says it is %v", id, o)
		case there && content != messageOf(id):
			t.Errorf("%s was stored as %q", id, content)
		case there && o == protocol.Unknown:
			unacknowledged++
		}
		delete(stored, id)
	}
	for id := range stored {
		t.Errorf("%s is in the store, and nobody sent it", id)
	}
	t.Logf("%d messages: %d accepted, all stored; %d of unknown outcome, of which %d stored", len(outcomes), accepted, unknown, unacknowledged)
	if accepted < *killMessages/2 || accepted == *killMessages {
		t.Errorf("the server was not killed in the middle: %d of %d accepted", accepted, *killMessages)
	}
}

// sendUntilLost sends n messages on one connection, a few at a time, for as long as there is one.
func sendUntilLost(t *testing.T, address string, sender, n int, note func(string, protocol.Outcome)) {
	ctx := t.Context()
	client, err := netasync.Dial(ctx, "smtp://"+address, netasync.Config{Hello: "me.example"})
	if err != nil {
		t.Errorf("sender %d: %v", sender, err)
		return
	}
	defer client.Close()
	path, err := wire.ParsePath("bob@example.org")
	if err != nil {
		t.Error(err)
		return
	}
	env := protocol.Envelope{To: []wire.Recipient{{Path: path}}}
	const ahead = 4
	tokens := make(chan struct{}, ahead)
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range n {
		id := fmt.Sprintf("%d-%d", sender, i)
		tokens <- struct{}{}
		d := client.SendAsync(env, protocol.BodyText(messageOf(id)))
		wg.Go(func() {
			receipt, err := d.Result().Await(context.Background())
			if failed := (*protocol.DeliveryError)(nil); err != nil {
				failed = err.(*protocol.DeliveryError)
				receipt = failed.Receipt
			}
			note(id, receipt.Outcome)
			<-tokens
		})
	}
}

// messageOf is the content of a message by its id.
func messageOf(id string) string {
	return "Subject: " + id + "\r\n\r\n" + strings.Repeat("all of this, or nothing\r\n", 40)
}

// storedMessages returns the content of the messages in a maildir, by their ids.
func storedMessages(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	messages := map[string]string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, "new", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(content), "\r\n")
		id := strings.TrimPrefix(line, "Subject: ")
		if _, twice := messages[id]; twice {
			t.Errorf("%s is in the store twice", id)
		}
		messages[id] = string(content)
	}
	return messages
}
