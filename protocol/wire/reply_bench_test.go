package wire_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/textproto"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

const ehlo12 = "250-mx.example.com at your service, [192.0.2.1]\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n" +
	"250-ETRN\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n" +
	"250-DSN\r\n250-SMTPUTF8\r\n250-REQUIRETLS\r\n250 CHUNKING\r\n"

// replyStreams are what the parsers are compared on.
var replyStreams = []struct {
	name, stream string
	replies      int
}{
	{"1 line", "250 2.1.0 Ok\r\n", 1},
	{"12 lines", ehlo12, 1},
	{"transaction", "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n250 2.0.0 Ok: queued\r\n", 4},
}

func BenchmarkReplyParser(b *testing.B) {
	for _, s := range replyStreams {
		stream := []byte(s.stream)
		run := func(name string, flush bool) {
			b.Run(s.name+"/"+name, func(b *testing.B) {
				p := wire.ReplyParser{}
				b.ReportAllocs()
				b.SetBytes(int64(len(stream)))
				for b.Loop() {
					for rest := stream; len(rest) > 0; {
						n, _, done, err := p.Parse(rest)
						if !done || err != nil {
							b.Fatal(done, err)
						}
						rest = rest[n:]
						if flush {
							p.MaxLines ^= 1 << 20 // other settings: what is remembered does not count
						}
					}
				}
			})
		}
		run("seen", false)
		run("unseen", true)
		b.Run(s.name+"/textproto", func(b *testing.B) {
			in := bytes.NewReader(stream)
			r := textproto.NewReader(bufio.NewReader(in))
			b.ReportAllocs()
			b.SetBytes(int64(len(stream)))
			for b.Loop() {
				in.Reset(stream)
				for range s.replies {
					if _, _, err := r.ReadResponse(0); err != nil && err != io.EOF {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkReplyParserUnique has texts that never come twice beside others that
// do, as the verdicts on content.
func BenchmarkReplyParserUnique(b *testing.B) {
	var streams [64][]byte
	for i := range streams {
		streams[i] = fmt.Appendf(nil, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go ahead\r\n250 2.0.0 Ok: queued as 4XyZ%02d\r\n", i)
	}
	p := wire.ReplyParser{}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		for rest := streams[i]; len(rest) > 0; {
			n, _, done, err := p.Parse(rest)
			if !done || err != nil {
				b.Fatal(done, err)
			}
			rest = rest[n:]
		}
		i = (i + 1) % len(streams)
	}
}

func BenchmarkReplyAppendTo(b *testing.B) {
	for _, bm := range []struct {
		name  string
		reply wire.Reply
	}{
		{"1 line", wire.Reply{Code: 250, Enhanced: wire.EnhancedCode{Class: 2, Subject: 1}, Text: "Ok"}},
		{"12 lines", wire.Reply{Code: 250, Text: "mx.example.com at your service\nPIPELINING\nSIZE 52428800\nETRN\nSTARTTLS\n" +
			"AUTH PLAIN LOGIN CRAM-MD5\nENHANCEDSTATUSCODES\n8BITMIME\nDSN\nSMTPUTF8\nREQUIRETLS\nCHUNKING"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = bm.reply.AppendTo(dst[:0])
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}
