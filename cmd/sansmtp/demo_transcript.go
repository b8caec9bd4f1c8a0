package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// transcript is a conversation as both sides saw it.
type transcript struct {
	start time.Time

	mu      sync.Mutex
	entries []transcriptEntry
}

type transcriptEntry struct {
	protocol.TraceEvent
	server bool
}

func newTranscript() *transcript { return &transcript{start: time.Now()} }

func (t *transcript) client(e protocol.TraceEvent) { t.add(e, false) }

func (t *transcript) server(e protocol.TraceEvent) { t.add(e, true) }

func (t *transcript) add(e protocol.TraceEvent, server bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = append(t.entries, transcriptEntry{e, server})
}

// columnWidth is the width of the client's column, in characters.
const columnWidth = 52

// show prints both sides beside each other, and the message as it was stored.
func (t *transcript) show(out io.Writer, address net.Addr, receipt protocol.Receipt, stats netasync.Stats, dir string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.entries, func(a, b transcriptEntry) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	var b strings.Builder
	fmt.Fprintf(&b, "One message over loopback, to a server at %s.\n\n", address)
	fmt.Fprintf(&b, "%9s  %-*s  %s\n", "ms", columnWidth, "client", "server")
	for _, e := range t.entries {
		ms := float64(e.Time.Sub(t.start)) / float64(time.Millisecond)
		if e.server {
			fmt.Fprintf(&b, "%9.3f  %-*s  %s\n", ms, columnWidth, "", e)
		} else {
			fmt.Fprintf(&b, "%9.3f  %s\n", ms, shorten(e.String()))
		}
	}
	fmt.Fprintf(&b, "\n%s: %s\n%d recipients, %d round trips, %d octets sent, %d received.\n",
		receipt.Outcome, receipt.Reply, len(receipt.Recipients), stats.RoundTrips, stats.Sent, stats.Received)
	files, err := filepath.Glob(filepath.Join(dir, "new", "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "\nStored, %d octets:\n\n", len(content))
		for line := range strings.Lines(string(content)) {
			b.WriteString("  | " + strings.TrimRight(line, "\r\n") + "\n")
		}
	}
	if len(files) != 1 {
		return fmt.Errorf("%d messages in the store in place of 1", len(files))
	}
	_, err = io.WriteString(out, b.String())
	return err
}

// shorten keeps a line within the client's column.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= columnWidth {
		return s
	}
	return string([]rune(s)[:columnWidth-1]) + "…"
}
