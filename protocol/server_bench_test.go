package protocol_test

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
)

// discard is a Sink that keeps nothing.
type discard struct{}

func (discard) WriteBody(p []byte) (int, error) { return len(p), nil }

// takeServer answers every request of s well, and drops the content.
func takeServer(s *protocol.Server) {
	for r, ok := s.Next(); ok; r, ok = s.Next() {
		switch r.Kind() {
		case protocol.RequestRcpt:
			r.Answer(wire.Reply{Code: wire.CodeOK})
		case protocol.RequestData:
			r.AcceptContent(discard{})
			r.Answer(wire.Reply{Code: wire.CodeOK})
		}
	}
}

// benchServer feeds a server flights again and again, and takes its output.
func benchServer(b *testing.B, flights ...[]byte) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s, err := protocol.NewServer(now, protocol.ServerConfig{
		Requests: protocol.RequestRcpt | protocol.RequestData, MaxRecipients: 100,
	})
	if err != nil {
		b.Fatal(err)
	}
	chunks := make([]protocol.Chunk, 0, 16)
	write := func() (total int64) {
		for {
			chunks = s.Output(now, chunks[:0], 1<<20)
			if len(chunks) == 0 {
				return total
			}
			n := int64(0)
			for _, chunk := range chunks {
				n += int64(len(chunk.Bytes))
			}
			s.Wrote(now, n)
			total += n
		}
	}
	turn := func(p []byte) int64 {
		for len(p) > 0 {
			n, err := s.Feed(now, p)
			if err != nil {
				b.Fatal(err)
			}
			p = p[n:]
			takeServer(s)
		}
		return write()
	}
	turn([]byte("EHLO me.example\r\n"))
	var octets int64
	for _, flight := range flights {
		octets += int64(len(flight))
	}
	b.SetBytes(octets)
	b.ReportAllocs()
	for b.Loop() {
		for _, flight := range flights {
			if turn(flight) == 0 {
				b.Fatal("no answer")
			}
		}
	}
}

func benchEnvelope(recipients int) []byte {
	var p []byte
	p = append(p, "MAIL FROM:<sender@example.com> SIZE=1024\r\n"...)
	for i := range recipients {
		p = append(p, "RCPT TO:<recipient"+strconv.Itoa(i)+"@example.org>\r\n"...)
	}
	return p
}

// BenchmarkServer is the server's core in memory, driven directly: a message in two
// flights for DATA, in one for BDAT.
func BenchmarkServer(b *testing.B) {
	mebibyte := bytes.Repeat(kibibyte, 1024*1024/len(kibibyte))
	data := func(envelope, content []byte) [][]byte {
		return [][]byte{append(bytes.Clone(envelope), "DATA\r\n"...), append(bytes.Clone(content), ".\r\n"...)}
	}
	chunk := func(envelope, content []byte) []byte {
		return append(wire.AppendBDAT(bytes.Clone(envelope), int64(len(content)), true), content...)
	}
	b.Run("1KiB/DATA", func(b *testing.B) { benchServer(b, data(benchEnvelope(1), kibibyte)...) })
	b.Run("1KiB/BDAT", func(b *testing.B) { benchServer(b, chunk(benchEnvelope(1), kibibyte)) })
	b.Run("50 recipients", func(b *testing.B) { benchServer(b, data(benchEnvelope(50), kibibyte)...) })
	b.Run("1MiB/DATA", func(b *testing.B) { benchServer(b, data(benchEnvelope(1), mebibyte)...) })
	b.Run("1MiB/BDAT", func(b *testing.B) { benchServer(b, chunk(benchEnvelope(1), mebibyte)) })
}
