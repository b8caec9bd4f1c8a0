package wire_test

import (
	"bufio"
	"fmt"
	"io"
	"net/textproto"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

const everyExtension = ^wire.ExtensionSet(0)

func pathOf(tb testing.TB, s string) wire.Path {
	tb.Helper()
	p, err := wire.ParsePath(s)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func BenchmarkParseCommand(b *testing.B) {
	for _, line := range []string{"RSET", "MAIL FROM:<user@example.com> SIZE=1000000 BODY=8BITMIME", "mail from:<user@example.com> size=1000000 body=8bitmime"} {
		b.Run(line[:4], func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire.ParseCommand(line); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The server's whole way from a line to a MAIL with two parameters.
func BenchmarkParseMail(b *testing.B) {
	const line = "MAIL FROM:<user@example.com> SIZE=1000000 BODY=8BITMIME"
	options := wire.ParseOptions{Enabled: everyExtension}
	b.Run("arguments", func(b *testing.B) {
		var m wire.Mail
		b.ReportAllocs()
		for b.Loop() {
			if err := m.Parse(line[len("MAIL "):], options); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("line", func(b *testing.B) {
		var m wire.Mail
		b.ReportAllocs()
		for b.Loop() {
			c, err := wire.ParseCommand(line)
			if err == nil {
				err = m.Parse(c.Args, options)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkParseRcpt(b *testing.B) {
	for _, args := range []string{"TO:<user@example.com>", "TO:<user@example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;user@example.com"} {
		b.Run(fmt.Sprint(len(args)), func(b *testing.B) {
			var r wire.Recipient
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Parse(args, wire.ParseOptions{Enabled: everyExtension}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// 50 recipients written, one operation being one line of them.
func BenchmarkAppendRcpt(b *testing.B) {
	r := make([]wire.Recipient, 50)
	for i := range r {
		r[i].Path = pathOf(b, fmt.Sprintf("user%02d@example.com", i))
	}
	b.Run("AppendRcpt", func(b *testing.B) {
		dst := make([]byte, 0, 4096)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if i == len(r) {
				i, dst = 0, dst[:0]
			}
			var err error
			if dst, err = wire.AppendRcpt(dst, &r[i], false); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	b.Run("textproto", func(b *testing.B) {
		w := textproto.NewWriter(bufio.NewWriter(io.Discard))
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			if i == len(r) {
				i = 0
			}
			if err := w.PrintfLine("RCPT TO:<%s>", r[i].Path.Mailbox()); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}

func BenchmarkAppendMail(b *testing.B) {
	from := pathOf(b, "user@example.com")
	p := wire.MailParams{Size: 1000000, Body: wire.Body8BitMIME}
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = wire.AppendMail(dst[:0], from, &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkXtext(b *testing.B) {
	for name, s := range map[string]string{"plain": "user.name@example.com", "encoded": "user+2Bname@example.com"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire.ParseXtext(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseExtensions(b *testing.B) {
	r := wire.Reply{Code: wire.CodeOK, Text: "mx.example.com\nPIPELINING\nSIZE 52428800\nVRFY\nETRN\nSTARTTLS\nAUTH PLAIN LOGIN\nENHANCEDSTATUSCODES\n8BITMIME\nDSN\nSMTPUTF8\nCHUNKING"}
	b.ReportAllocs()
	for b.Loop() {
		if e := wire.ParseExtensions(r); e.Set() == 0 {
			b.Fatal("no extension")
		}
	}
}
