package protocol_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// flooded is a server that answers at once and takes all mail, and what it said.
type flooded struct {
	*protocol.Server
	said int64
	last []byte // the last octets of it
}

func newFlooded(t *testing.T, cfg protocol.ServerConfig, begin string) *flooded {
	t.Helper()
	cfg.Requests |= protocol.RequestRcpt | protocol.RequestData
	s, err := protocol.NewServer(start, cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := &flooded{Server: s}
	f.feed([]byte(begin))
	return f
}

// feed gives the server p, and writes what it says.
func (f *flooded) feed(p []byte) {
	f.write()
	for len(p) > 0 && f.Err() == nil {
		n, _ := f.Feed(start, p)
		p = p[n:]
		for r, ok := f.Next(); ok; r, ok = f.Next() {
			switch r.Kind() {
			case protocol.RequestRcpt:
				r.Answer(wire.Reply{Code: wire.CodeOK})
			case protocol.RequestData:
				r.AcceptContent(nil).OnReady(func(int64, error) { r.Answer(wire.Reply{Code: wire.CodeOK}) })
			}
		}
		f.write()
	}
}

func (f *flooded) write() {
	for {
		n := int64(0)
		for _, chunk := range f.Output(start, nil, 1<<20) {
			n += int64(len(chunk.Bytes))
			f.last = append(f.last, chunk.Bytes...)
			f.last = f.last[max(0, len(f.last)-200):]
		}
		if n == 0 {
			return
		}
		f.said += n
		f.Wrote(start, n)
	}
}

// A client that never ends costs next to nothing, whether it is cut off or served.
func TestServerMemoryIsFlat(t *testing.T) { // H-R2 H-R18 H-R27 H-R28 C48 C59
	hello := "EHLO me.example\r\n"
	mail := hello + "MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\n"
	endless := bytes.Repeat([]byte("a line that has no end "), piece/23)
	tests := []struct {
		name  string
		cfg   protocol.ServerConfig
		begin string
		piece []byte
		ends  string // what is said last; "" where the session goes on
		share int    // of the flood; each line of these costs a hundred times what an octet does
	}{
		{"line", protocol.ServerConfig{}, hello, endless, "421 4.7.0 localhost line too long\r\n", 1},
		{"line of LFs", protocol.ServerConfig{}, hello, bytes.Repeat([]byte("\n"), piece), "421 4.7.0 localhost line too long\r\n", 1},
		{"AUTH line", protocol.ServerConfig{Mechanisms: func(protocol.TLSState) []string { return []string{"PLAIN"} }}, hello + "AUTH PLAIN ", endless, "421 4.7.0 localhost line too long\r\n", 1},
		{"content over SIZE", protocol.ServerConfig{MaxContent: 1000}, mail + "DATA\r\n", bytes.Repeat([]byte("a line of a message that has no end\r\n"), piece/37), "", 1},
		{"content without a line end", protocol.ServerConfig{}, mail + "DATA\r\n", endless, "", 1},
		{"chunk over SIZE", protocol.ServerConfig{MaxContent: 1000}, mail + "BDAT 9000000000\r\n", endless, "", 1},
		{"refused chunk", protocol.ServerConfig{}, hello + "BDAT 9000000000\r\n", endless, "", 1},
		{"commands", protocol.ServerConfig{}, hello, bytes.Repeat([]byte("NOOP\r\n"), piece/6), "", 16},
		{"transactions", protocol.ServerConfig{}, hello, bytes.Repeat([]byte("MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 2 LAST\r\nhi"), piece/60), "", 16},
		{"RSETs", protocol.ServerConfig{}, hello, bytes.Repeat([]byte("MAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nRSET\r\n"), piece/56), "", 16},
		{"recipients", protocol.ServerConfig{MaxRecipients: 100}, mail, bytes.Repeat([]byte("RCPT TO:<b@mx.example>\r\n"), piece/24), "", 16},
		{"EHLOs", protocol.ServerConfig{}, hello, bytes.Repeat([]byte("EHLO me.example\r\n"), piece/17), "", 16},
		{"unknown commands", protocol.ServerConfig{}, hello, bytes.Repeat([]byte("XYZZY\r\n"), piece/7), "421 4.7.0 localhost too many errors\r\n", 1},
		{"errors", protocol.ServerConfig{}, hello, bytes.Repeat([]byte("DATA \r\n"), piece/6), "554 5.5.0 content ahead of the 354\r\n", 1},
	}
	for _, tt := range tests {
		sizes := []int{piece, segment}
		if bytes.HasSuffix(tt.piece, []byte("\r\n")) {
			sizes = sizes[:1] // lines are lines, however they are cut
		}
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s in pieces of %d", tt.name, size), func(t *testing.T) {
				f := newFlooded(t, tt.cfg, tt.begin)
				before, peak, total := heap(), int64(0), 0
				for i := 0; total < flood/tt.share; i++ {
					for rest := tt.piece; len(rest) > 0; {
						n := min(size, len(rest))
						f.feed(rest[:n])
						total += n
						rest = rest[n:]
					}
					if i%sampling == 0 || i < 3 {
						peak = max(peak, heap()-before)
					}
				}
				runtime.KeepAlive(f)
				if peak > maxRise {
					t.Errorf("%d octets more of heap, at most %d are allowed", peak, maxRise)
				}
				if over := f.Err() != nil; over != (tt.ends != "") || !strings.HasSuffix(string(f.last), tt.ends) {
					t.Errorf("Err %v, it says %q in the end, want %q", f.Err(), f.last, tt.ends)
				}
			})
		}
	}
}

// Input that waits for the application is not taken: what is read ahead is bounded.
func TestServerMemoryIsFlatUnanswered(t *testing.T) { // C48 H-R41
	const line = "RCPT TO:<b@mx.example>\r\n"
	s, err := protocol.NewServer(start, protocol.ServerConfig{Requests: protocol.RequestRcpt, MaxRecipients: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	f := &flooded{Server: s}
	f.write()
	s.Feed(start, []byte("EHLO me.example\r\nMAIL FROM:<a@me.example>\r\n"))
	f.write()
	before, taken := heap(), 0
	p := bytes.Repeat([]byte(line), piece/len(line))
	for range flood / piece {
		n, _ := s.Feed(start, p)
		taken += n
		s.Next()
	}
	if rise := heap() - before; rise > 2*maxRise || taken > 1000*len(line) {
		t.Errorf("%d octets were taken, %d octets more of heap", taken, rise)
	}
	runtime.KeepAlive(s)
}

// An idle server gives its buffers back.
func TestIdleServerMemory(t *testing.T) { // C48
	const n = 20_000
	servers := make([]*flooded, n)
	before := heap()
	for i := range servers {
		servers[i] = newFlooded(t, protocol.ServerConfig{}, "EHLO me.example\r\nMAIL FROM:<a@me.example>\r\nRCPT TO:<b@mx.example>\r\nBDAT 2 LAST\r\nhi")
		servers[i].last = nil
	}
	each := (heap() - before) / n
	runtime.KeepAlive(servers)
	t.Logf("an idle server, behind EHLO and one message: %d octets of heap", each)
	// The configuration is a part of it; buffers would be at least twice as much. With the
	// race detector the pool forgets some of them on purpose.
	if each > 2048 {
		t.Errorf("an idle server holds %d octets", each)
	}
}
