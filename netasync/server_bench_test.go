package netasync_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/netasync"
	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// discard is a Backend that takes everything and keeps nothing.
var discard = &netasync.Backend{
	Recipient: everybody,
	Content: func(_ context.Context, _ *netasync.Transaction, content io.Reader) (wire.Reply, error) {
		_, err := io.Copy(io.Discard, content)
		return ok, err
	},
}

// BenchmarkServer takes messages over loopback TCP from one Client of this package:
// both ends are in the figures. Beside it stands a server that answers and checks nothing.
func BenchmarkServer(b *testing.B) {
	line := strings.Repeat("x", 62) + "\r\n"
	for _, size := range []struct {
		name  string
		lines int
	}{{"1KiB", 16}, {"1MiB", 16 << 10}} {
		content := strings.Repeat(line, size.lines)
		url := func(b *testing.B) string {
			return "smtp://" + serve(b, &netasync.Server{Handler: discard, Logger: slog.New(slog.DiscardHandler)})
		}
		b.Run(size.name+"/one after the other", func(b *testing.B) {
			sendOne(b, url(b), content)
		})
		b.Run(size.name+"/64 at a time", func(b *testing.B) {
			c := dial(b, url(b), me())
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			env, message := envelope(), protocol.BodyText(content)
			var d *protocol.Delivery
			n := 0
			for b.Loop() {
				d = c.SendAsync(env, message)
				if n++; n%64 == 0 {
					if _, err := d.Result().Await(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
			if _, err := d.Result().Await(b.Context()); err != nil {
				b.Fatal(err)
			}
			quit(b, c)
		})
	}
	b.Run("1KiB/one after the other, no server", func(b *testing.B) {
		sendOne(b, sinkURL(b), strings.Repeat(line, 16))
	})
}

func sendOne(b *testing.B, url, content string) {
	c := dial(b, url, me())
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	env, message := envelope(), protocol.BodyText(content)
	for b.Loop() {
		if _, err := c.Send(b.Context(), env, message); err != nil {
			b.Fatal(err)
		}
	}
	quit(b, c)
}
