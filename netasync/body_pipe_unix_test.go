//go:build unix

package netasync_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
)

// A pipe with a name is opened by its transaction, and on a goroutine of its own: to
// open it waits for a writer.
func TestBodyFilePipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	body, err := netasync.BodyFile(name)
	if err != nil || body.Size() != -1 {
		t.Fatalf("got %v, %v", body, err)
	}
	p := listen(t, nil, hello+strings.Replace(sending, "S: 354 go", "CALL\nS: 354 go", 1)+bye)
	c := dial(t, p.url(), me())
	p.call = func() {
		if err := os.WriteFile(name, []byte("hi\n"), 0); err != nil {
			t.Error(err)
		}
	}
	if receipt, err := c.Send(t.Context(), envelope(), body); err != nil || receipt.Outcome != protocol.Accepted {
		t.Errorf("got %+v, %v", receipt, err)
	}
	quit(t, c)
	gone, err := netasync.BodyFile(name)
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(name)
	p = listen(t, nil, hello+upTo354+"HANG\n")
	c = dial(t, p.url(), me())
	_, err = c.Send(t.Context(), envelope(), gone)
	if err == nil || err.Error() != c.Host()+": not delivered: message content: open "+name+": no such file or directory" {
		t.Errorf("got %v", err)
	}
}
