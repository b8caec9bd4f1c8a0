package wire

import (
	"net/mail"
	"testing"
)

func BenchmarkScanPath(b *testing.B) {
	for _, c := range []struct{ name, path string }{
		{"short", "<user@example.com>"},
		{"null", "<>"},
		{"long", "<bounce+2026-11-21=list.member=example.net@bounces.mail.example.org>"},
		{"quoted", `<"john doe"@example.com>`},
		{"requoted", `<"john.doe"@example.com>`},
		{"literal", "<user@[192.0.2.1]>"},
		{"utf8", "<пример@пример.example>"},
		{"route", "<@a.example,@b.example:user@example.com>"},
	} {
		s := c.path + " SIZE=1000"
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, rest, err := ScanPath(s); err != nil || rest != " SIZE=1000" {
					b.Fatal(rest, err)
				}
			}
		})
	}
	b.Run("net-mail", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := mail.ParseAddress("<user@example.com>"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkPathAppendTo(b *testing.B) {
	p, err := ParsePath("user@example.com")
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst = p.AppendTo(dst[:0])
	}
}

func BenchmarkNewPath(b *testing.B) {
	for _, local := range []string{"user", "john doe"} {
		b.Run(local, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NewPath(local, "example.com"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheckDomain(b *testing.B) {
	for _, domain := range []string{"mail.example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]"} {
		b.Run(domain, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := CheckDomain(domain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPathEqual(b *testing.B) {
	p, err := ParsePath("user@example.com")
	if err != nil {
		b.Fatal(err)
	}
	q, err := ParsePath("user@EXAMPLE.com")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !p.Equal(q) {
			b.Fatal("not equal")
		}
	}
}
