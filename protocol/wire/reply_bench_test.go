package wire_test

import (
	"bufio"
	"net/textproto"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

const ehlo12 = "250-mx.example.com at your service, [192.0.2.1]\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n" +
	"250-ETRN\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n" +
	"250-DSN\r\n250-SMTPUTF8\r\n250-REQUIRETLS\r\n250 CHUNKING\r\n"

// BenchmarkReplyParser has the same replies again and again (seen), and ones
// whose last line is another one each time (new), as the verdict on content.
func BenchmarkReplyParser(b *testing.B) {
	for _, bm := range []struct {
		name, stream string
		replies      int
	}{
		{"1 line", "250 2.1.0 Ok\r\n", 1},
		{"12 lines", ehlo12, 1},
		{"transaction", "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go ahead\r\n250 2.0.0 Ok: queued as 4XyZ0\r\n", 4},
	} {
		for _, fresh := range []bool{false, true} {
			name := map[bool]string{false: "/seen", true: "/new"}[fresh]
			b.Run(bm.name+name, func(b *testing.B) {
				stream := []byte(bm.stream)
				last := stream[len(stream)-len("xx\r\n"):]
				var p wire.ReplyParser
				b.ReportAllocs()
				b.SetBytes(int64(len(stream)))
				for i := 0; b.Loop(); i++ {
					if fresh {
						last[0], last[1] = byte('0'+i/64%64), byte('0'+i%64)
					}
					for rest := stream; len(rest) > 0; {
						n, _, done, err := p.Parse(rest)
						if !done || err != nil {
							b.Fatal(done, err)
						}
						rest = rest[n:]
					}
				}
			})
		}
		b.Run(bm.name+"/textproto", func(b *testing.B) {
			in := strings.NewReader(bm.stream)
			r := textproto.NewReader(bufio.NewReader(in))
			b.ReportAllocs()
			b.SetBytes(int64(len(bm.stream)))
			for b.Loop() {
				in.Reset(bm.stream)
				for range bm.replies {
					if _, _, err := r.ReadResponse(0); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
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
