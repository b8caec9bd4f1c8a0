//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// own starts a server of the library's that refuses as the others do, and stores as
// aiosmtpd does. It ends with the test.
func own(t *testing.T, lmtp bool) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	var count atomic.Int64
	srv := &netasync.Server{
		Protocol: protocol.ServerConfig{Hostname: "sansmtp.test", LMTP: lmtp},
		Logger:   slog.New(slog.DiscardHandler),
		Handler: &netasync.Backend{
			Recipient: func(_ context.Context, _ *netasync.Transaction, to *wire.Recipient) (wire.Reply, error) {
				switch {
				case strings.HasPrefix(to.Path.Mailbox(), "bad"):
					return wire.Reply{Code: 550, Enhanced: wire.EnhancedCode{Class: 5, Subject: 1, Detail: 1}, Text: "No such user"}, nil
				case strings.HasPrefix(to.Path.Mailbox(), "temp"):
					return wire.Reply{Code: 450, Enhanced: wire.EnhancedCode{Class: 4, Subject: 2, Detail: 1}, Text: "Mailbox busy, try again later"}, nil
				}
				return wire.Reply{}, nil
			},
			Content: func(_ context.Context, transaction *netasync.Transaction, content io.Reader) (wire.Reply, error) {
				octets, err := io.ReadAll(content)
				if err != nil {
					return wire.Reply{}, err
				}
				name := fmt.Sprintf("%06d", count.Add(1))
				e := envelope{From: transaction.Mail.From.Mailbox()}
				for _, to := range transaction.Recipients {
					e.To = append(e.To, to.Path.Mailbox())
				}
				beside, err := json.Marshal(e)
				base := filepath.Join(folder, name)
				err = errors.Join(err, os.WriteFile(base+".json", beside, 0o600), os.WriteFile(base+".tmp", octets, 0o600),
					os.Rename(base+".tmp", base+".eml"))
				return wire.Reply{Code: 250, Text: "Stored as " + name}, err
			},
		},
	}
	served := make(chan error)
	go func() { served <- srv.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		srv.Close()
		if err := <-served; !errors.Is(err, netasync.ErrServerClosed) {
			t.Error(err)
		}
	})
	s := &server{
		name: "sansmtp", scheme: "smtp", address: ln.Addr().String(), tls: noTLS,
		store:    openStore(filepath.Join(folder, "*.eml"), readEML),
		accepted: reply{250, "2.1.5", "ok"},
		bad:      reply{550, "5.1.1", "No such user"},
		temp:     reply{450, "4.2.1", "Mailbox busy, try again later"},
		verdict:  reply{250, "2.0.0", "Stored as ID"},
		chunked:  &reply{250, "2.0.0", "Stored as ID"},
	}
	if lmtp {
		s.name, s.scheme = "sansmtp LMTP", "lmtp"
	}
	return s
}
