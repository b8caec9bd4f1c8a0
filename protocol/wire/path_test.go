package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func mustPath(t *testing.T, s string) wire.Path {
	t.Helper()
	p, err := wire.ParsePath(s)
	if err != nil {
		t.Fatalf("ParsePath(%q): %v", s, err)
	}
	return p
}

// wantSyntaxError checks text and reply of an error, octet for octet.
func wantSyntaxError(t *testing.T, err error, text string, enhanced wire.EnhancedCode) {
	t.Helper()
	var fault *wire.SyntaxError
	if !errors.As(err, &fault) {
		t.Fatalf("error is %T %v, want a *SyntaxError", err, err)
	}
	if fault.Error() != text {
		t.Errorf("error\n got %s\nwant %s", fault.Error(), text)
	}
	if fault.Code != wire.CodeArgumentSyntaxError || fault.Enhanced != enhanced {
		t.Errorf("reply %v %v, want 501 %v", fault.Code, fault.Enhanced, enhanced)
	}
}

func TestParsePath(t *testing.T) {
	for _, c := range []struct {
		in, mailbox, local, domain string
	}{
		{`<>`, ``, ``, ``}, // C45 P14
		{``, ``, ``, ``},
		{`<a@b>`, `a@b`, `a`, `b`},
		{`a@b`, `a@b`, `a`, `b`},
		{`<User.Name+tag@Example.COM>`, `User.Name+tag@Example.COM`, `User.Name+tag`, `Example.COM`}, // C3
		{"<!#$%&'*+-/=?^_`{|}~@x>", "!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~", `x`},
		{`<a%b.example@c>`, `a%b.example@c`, `a%b.example`, `c`}, // H-R31
		{`<host!user@c>`, `host!user@c`, `host!user`, `c`},       // H-R31
		{`<postmaster>`, `postmaster`, `postmaster`, ``},         // C36 H-R31
		{`<PostMaster>`, `PostMaster`, `PostMaster`, ``},         // C36
		{`Postmaster`, `Postmaster`, `Postmaster`, ``},           // C36
		{`<postmaster@b>`, `postmaster@b`, `postmaster`, `b`},
		{`<"john doe"@b>`, `"john doe"@b`, `john doe`, `b`},             // C24 H-R33
		{`<"a@b"@c>`, `"a@b"@c`, `a@b`, `c`},                            // C24
		{`<"a\"b\\c"@d>`, `"a\"b\\c"@d`, `a"b\c`, `d`},                  // C24
		{`<"a..b"@c>`, `"a..b"@c`, `a..b`, `c`},                         // C24
		{`<".a"@c>`, `".a"@c`, `.a`, `c`},                               // C24
		{`<"a."@c>`, `"a."@c`, `a.`, `c`},                               // C24
		{`<""@c>`, `""@c`, ``, `c`},                                     // C24
		{`<"a@b> ORCPT=x"@c>`, `"a@b> ORCPT=x"@c`, `a@b> ORCPT=x`, `c`}, // H-I5
		{`<"john"@b>`, `john@b`, `john`, `b`},                           // C25
		{`<"john.doe"@b>`, `john.doe@b`, `john.doe`, `b`},               // C25
		{`<"\j\o\h\n"@b>`, `john@b`, `john`, `b`},                       // C25
		{`<"j\ \"d"@b>`, `"j \"d"@b`, `j "d`, `b`},                      // C25
		{`<"a\.b"@c>`, `a.b@c`, `a.b`, `c`},                             // C25
		{`<"\>"@c>`, `">"@c`, `>`, `c`},                                 // C25
		{`<@a:b@c>`, `b@c`, `b`, `c`},                                   // C46 H-R31
		{`<@a.example,@b.example:c@d.example>`, `c@d.example`, `c`, `d.example`},
		{`<@[192.0.2.1],@ü.example:"c"@d>`, `c@d`, `c`, `d`}, // C46
		{`<a@x-y.z>`, `a@x-y.z`, `a`, `x-y.z`},
		{`<a@x--y.z>`, `a@x--y.z`, `a`, `x--y.z`},
		{`<a@_dmarc.x_y.z_>`, `a@_dmarc.x_y.z_`, `a`, `_dmarc.x_y.z_`},
		{`<a@1.2.3.4>`, `a@1.2.3.4`, `a`, `1.2.3.4`},
		{`<a@[192.0.2.255]>`, `a@[192.0.2.255]`, `a`, `[192.0.2.255]`},                               // C26
		{`<a@[IPv6:2001:db8::1]>`, `a@[IPv6:2001:db8::1]`, `a`, `[IPv6:2001:db8::1]`},                // C26
		{`<a@[ipV6:::ffff:192.0.2.1]>`, `a@[ipV6:::ffff:192.0.2.1]`, `a`, `[ipV6:::ffff:192.0.2.1]`}, // C26
		{`<a@[X-25:(31)@,.;:!~]>`, `a@[X-25:(31)@,.;:!~]`, `a`, `[X-25:(31)@,.;:!~]`},
		{`<пользователь@пример.example>`, `пользователь@пример.example`, `пользователь`, `пример.example`}, // C72
		{`<"п п"@b>`, `"п п"@b`, `п п`, `b`},   // C72
		{`<"п"@b>`, `п@b`, `п`, `b`},           // C25 C72
		{`<a@é-é.b>`, `a@é-é.b`, `a`, `é-é.b`}, // C72
		{"<\u00a0\u2028@\U0001F4E8.x>", "\u00a0\u2028@\U0001F4E8.x", "\u00a0\u2028", "\U0001F4E8.x"},
		{"<\ufffd@x>", "\ufffd@x", "\ufffd", "x"}, // a replacement character of the sender's own
	} {
		t.Run(c.in, func(t *testing.T) {
			p := mustPath(t, c.in)
			if p.Mailbox() != c.mailbox || p.Local() != c.local || p.Domain() != c.domain {
				t.Errorf("got %q = %q at %q", p.Mailbox(), p.Local(), p.Domain())
			}
			checkPath(t, p)
			if !strings.HasPrefix(c.in, "<") {
				return
			}
			for _, rest := range []string{"", " SIZE=1", ">", "<", "\r\n", "\x00"} {
				q, got, err := wire.ScanPath(c.in + rest)
				if err != nil || q != p || got != rest {
					t.Errorf("ScanPath before %q: %v, %q, %v", rest, q, got, err)
				}
			}
		})
	}
}

func TestPathFaults(t *testing.T) {
	const path = "path: "
	for _, c := range []struct{ in, text string }{
		{"a\r\n@b", "control octet 0x0D at offset 1"}, // H-I1
		{"<a\n@b>", "control octet 0x0A at offset 2"}, // H-I1
		{"<a@b\r>", "control octet 0x0D at offset 4"}, // H-I1
		{"<a@b>\r\n", `more behind the closing ">" at offset 5`},
		{"<a\x00@b>", "control octet 0x00 at offset 2"},                                    // H-R22
		{"<\"\x1f\"@b>", "control octet 0x1F at offset 2"},                                 // H-R22
		{"<\"\\\n\"@b>", "control octet 0x0A at offset 3"},                                 // H-I1
		{"<\"\t\"@b>", "control octet 0x09 at offset 2"},                                   // H-R22
		{"<a@\x7f>", "control octet 0x7F at offset 3"},                                     // H-R22
		{"<a@[\x00]>", "control octet 0x00 at offset 4"},                                   // H-R22
		{"<@a\x00:b@c>", "control octet 0x00 at offset 3"},                                 // H-R22
		{"<a b@c>", "octet 0x20 does not fit into a local part at offset 2"},               // H-I6
		{" a@b", "octet 0x20 does not fit into a local part at offset 0"},                  // H-I6
		{"a@b ", "octet 0x20 does not fit into a mailbox at offset 3"},                     // H-I6
		{"< a@b>", "octet 0x20 does not fit into a local part at offset 1"},                // H-I6
		{"<a@b c>", "octet 0x20 does not fit into a mailbox at offset 4"},                  // H-I6
		{"<a@ b>", "octet 0x20 does not fit into a domain at offset 3"},                    // H-I6
		{`<"a" @b>`, "octet 0x20 does not fit into a local part at offset 4"},              // H-I6
		{"<a@[1.2.3.4 ]>", "octet 0x20 does not fit into an address literal at offset 11"}, // H-I6
		{"<\xe9@b>", "octet 0xE9 is not valid UTF-8 at offset 1"},                          // C72 H-R24
		{"<a@b.\xc3>", "octet 0xC3 is not valid UTF-8 at offset 5"},                        // C72 H-R24
		{"<\"é\xed\xa0\x80\"@b>", "octet 0xED is not valid UTF-8 at offset 4"},             // C72 H-R24
		{"<\xc0\xbc@b>", "octet 0xC0 is not valid UTF-8 at offset 1"},                      // C72 H-R24
		{"<a\u0085@b>", "control character U+0085 at offset 2"},                            // H-I1
		{"<a@\u009b.b>", "control character U+009B at offset 3"},                           // H-I1
		{`<"\é"@b>`, "octet 0xC3 does not fit into a quoted-pair at offset 3"},
		{"<a@[é]>", "octet 0xC3 does not fit into an address literal at offset 4"},
		{"<a>", "no domain behind the local part at offset 2"},
		{"a", "no domain behind the local part at offset 1"},
		{`<"postmaster">`, "no domain behind the local part at offset 13"},
		{"<postmaster.>", "octet 0x3E does not fit into a local part at offset 12"},
		{"<@b>", "octet 0x3E does not fit into a source route at offset 3"},
		{"@b", "octet 0x40 does not fit into a local part at offset 0"},
		{"a@", "a domain ends too early at offset 2"},
		{"<a@>", "octet 0x3E does not fit into a domain at offset 3"},
		{"<", "a local part ends too early at offset 1"},
		{"<a", "no domain behind the local part at offset 2"},
		{"<a@b", `no closing ">" at offset 4`},
		{"<postmaster", `no closing ">" at offset 11`},
		{"a@b>", "octet 0x3E does not fit into a mailbox at offset 3"},
		{"<<a@b>>", "octet 0x3C does not fit into a local part at offset 1"},
		{"<a@b>>", `more behind the closing ">" at offset 5`},
		{"<>x", `more behind the closing ">" at offset 2`},
		{"<a@b@c>", "octet 0x40 does not fit into a mailbox at offset 4"},
		{"<a(b)@c>", "octet 0x28 does not fit into a local part at offset 2"},
		{`<a"b"@c>`, "octet 0x22 does not fit into a local part at offset 2"},
		{`<a\b@c>`, "octet 0x5C does not fit into a local part at offset 2"},
		{`<"a"b@c>`, "octet 0x62 does not fit into a local part at offset 4"},
		{`<"a@b>`, "a quoted-string has no closing quote at offset 6"},
		{`<"a\`, "a quoted-pair ends too early at offset 4"},
		{`<"a\"@b>`, "a quoted-string has no closing quote at offset 8"},
		{"<.a@b>", "octet 0x2E does not fit into a local part at offset 1"},
		{"<a.@b>", "octet 0x40 does not fit into a local part at offset 3"},
		{"<a..b@c>", "octet 0x2E does not fit into a local part at offset 3"},
		{"<a@.b>", "octet 0x2E does not fit into a domain at offset 3"},
		{"<a@b.>", "octet 0x3E does not fit into a domain at offset 5"},
		{"<a@b..c>", "octet 0x2E does not fit into a domain at offset 5"},
		{"<a@-b>", "a label of a domain begins with a hyphen at offset 3"},
		{"<a@b.c-.d>", "a label of a domain ends with a hyphen at offset 6"},
		{"<a@->", "a label of a domain begins with a hyphen at offset 3"},
		{"<@a,b@c>", "octet 0x62 does not fit into a source route at offset 4"},    // C46
		{"<@a,@b c@d>", "octet 0x20 does not fit into a source route at offset 6"}, // C46
		{"<@a,", "a source route ends too early at offset 4"},                      // C46
		{"<@a:>", "octet 0x3E does not fit into a local part at offset 4"},         // C46
		{"<@a:postmaster>", "no domain behind the local part at offset 14"},
		{"<@:a@b>", "octet 0x3A does not fit into a domain at offset 2"},
		{"@a:b@c", "octet 0x40 does not fit into a local part at offset 0"},
	} {
		t.Run(c.in, func(t *testing.T) {
			p, err := wire.ParsePath(c.in)
			wantSyntaxError(t, err, path+c.text, wire.EnhancedCode{Class: 5, Subject: 1, Detail: 3})
			if p != (wire.Path{}) {
				t.Errorf("a path beside the error: %v", p)
			}
		})
	}
}

func TestScanPathNeedsBracket(t *testing.T) {
	for _, s := range []string{"", "a@b", " <a@b>"} {
		_, rest, err := wire.ScanPath(s)
		wantSyntaxError(t, err, `path: no "<" to begin with at offset 0`, wire.EnhancedCode{Class: 5, Subject: 1, Detail: 3})
		if rest != s {
			t.Errorf("rest %q of %q", rest, s)
		}
	}
}

// A path cut off anywhere is no path, nor is one with an octet more.
func TestPathCut(t *testing.T) {
	for _, whole := range []string{
		`<>`, `<user.name@mail.example>`, `<"a\" b>"@c>`, `<@a.b,@[192.0.2.1]:c@d>`,
		`<a@[IPv6:2001:db8::1]>`, `<é@ü.example>`, `<postmaster>`,
	} {
		for n := 1; n < len(whole); n++ {
			if p, err := wire.ParsePath(whole[:n]); err == nil {
				t.Errorf("ParsePath(%q) = %v", whole[:n], p)
			}
		}
		for octet := range 256 {
			if p, err := wire.ParsePath(whole + string([]byte{byte(octet)})); err == nil {
				t.Errorf("ParsePath(%q and octet %#x) = %v", whole, octet, p)
			}
		}
	}
}

func TestNewPath(t *testing.T) {
	for _, c := range []struct{ local, domain, path string }{
		{`a`, `b`, `<a@b>`},
		{`john doe`, `b`, `<"john doe"@b>`},         // C25
		{`a.b`, `c`, `<a.b@c>`},                     // C25
		{`a..b`, `c`, `<"a..b"@c>`},                 // C25
		{``, `c`, `<""@c>`},                         // C25
		{`"`, `c`, `<"\""@c>`},                      // C24
		{`\`, `c`, `<"\\"@c>`},                      // C24
		{`a@b> ORCPT=x`, `c`, `<"a@b> ORCPT=x"@c>`}, // H-I5
		{`PostMaster`, ``, `<PostMaster>`},          // C36
		{`é`, `b`, `<é@b>`},                         // C72
		{`a`, `é.b`, `<a@é.b>`},                     // C72
		{`a`, `[IPv6:::1]`, `<a@[IPv6:::1]>`},       // C26
	} {
		p, err := wire.NewPath(c.local, c.domain)
		if err != nil || p.String() != c.path {
			t.Errorf("NewPath(%q, %q) = %v, %v; want %s", c.local, c.domain, p, err, c.path)
		}
		checkPath(t, p)
		if p.Local() != c.local || p.Domain() != c.domain {
			t.Errorf("%v has parts %q and %q", p, p.Local(), p.Domain())
		}
	}
	for _, c := range []struct{ local, domain, text string }{
		{"a\r\nRSET", "b", "path: control octet 0x0D at offset 1"}, // H-I1
		{"a\x7f", "b", "path: control octet 0x7F at offset 1"},     // H-I1
		{"\x00", "b", "path: control octet 0x00 at offset 0"},      // H-I1
		{"a\xff", "b", "path: octet 0xFF is not valid UTF-8 at offset 1"},
		{"a\u0080", "b", "path: control character U+0080 at offset 1"},
		{"a", "b\r\nRSET", "path: control octet 0x0D at offset 3"},               // H-I1
		{"a", "b> X", "path: octet 0x3E does not fit into a domain at offset 3"}, // H-I5
		{"a", "b c", "path: octet 0x20 does not fit into a domain at offset 3"},  // H-I6
		{"a", "", "path: a domain ends too early at offset 2"},
		{"", "", "path: a domain ends too early at offset 1"},
		{"a", "[1.2.3]", "path: an address literal without a tag is not an IPv4 address at offset 3"},
	} {
		p, err := wire.NewPath(c.local, c.domain)
		wantSyntaxError(t, err, c.text, wire.EnhancedCode{Class: 5, Subject: 1, Detail: 3})
		if p != (wire.Path{}) {
			t.Errorf("a path beside the error: %v", p)
		}
	}
}

func TestPathKinds(t *testing.T) {
	for _, c := range []struct {
		in                     string
		null, postmaster, utf8 bool
	}{
		{"<>", true, false, false},           // C45
		{"<postmaster>", false, true, false}, // C36
		{"<postmaster@b>", false, false, false},
		{`<""@b>`, false, false, false},
		{"<a@b>", false, false, false},
		{"<é@b>", false, false, true},       // C71
		{"<a@é.b>", false, false, true},     // C71
		{`<"é"@b>`, false, false, true},     // C71
		{`<"é é"@b>`, false, false, true},   // C71
		{"<@é.b:c@d>", false, false, false}, // the route is gone, and with it the need for SMTPUTF8
	} {
		p := mustPath(t, c.in)
		if p.IsNull() != c.null || p.IsPostmaster() != c.postmaster || p.IsUTF8() != c.utf8 {
			t.Errorf("%s: null %v, postmaster %v, utf8 %v", c.in, p.IsNull(), p.IsPostmaster(), p.IsUTF8())
		}
	}
	if (wire.Path{}) != mustPath(t, "<>") {
		t.Error("the zero value is not the null path")
	}
}

func TestPathEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a@b.example", "a@B.EXAMPLE", true},
		{"a@b", "A@b", false}, // C3
		{"a@b", "a@c", false},
		{"a@b", "a@bb", false},
		{`"a"@b`, "a@b", true},        // C25
		{`"\a b"@c`, `"a b"@c`, true}, // C25
		{"<>", "", true},
		{"<>", `""@b`, false},
		{"postmaster", "POSTMASTER", true},                     // C36
		{"postmaster@b.example", "PostMaster@B.example", true}, // C36
		{"postmaster", "postmaster@b", false},
		{"postmaster", "<>", false},
		{"a@[IPv6:2001:db8::a]", "a@[ipv6:2001:DB8::A]", true}, // C26
		{"a@\u212a.example", "a@k.example", false},             // the Kelvin sign is not a K
		{"a@é.example", "a@É.example", false},
		{"<@x,@y:a@b>", "a@b", true}, // C46
	} {
		a, b := mustPath(t, c.a), mustPath(t, c.b)
		if a.Equal(b) != c.want || b.Equal(a) != c.want {
			t.Errorf("%v equal to %v: %v and %v", a, b, a.Equal(b), b.Equal(a))
		}
	}
}

func TestPathCheckLength(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct{ mailbox, text string }{
		{x(64) + "@b", ""}, // C38
		{x(65) + "@b", "path: local part of more than 64 octets"},                   // C38
		{`"` + x(61) + ` "@b`, ""},                                                  // C38
		{`"` + x(62) + ` "@b`, "path: local part of more than 64 octets"},           // C38
		{strings.Repeat("é", 33) + "@b", "path: local part of more than 64 octets"}, // C38
		{"a@" + x(252), ""},                                     // C38
		{"a@" + x(253), "path: more than 256 octets"},           // C38
		{"a@" + x(255), "path: more than 256 octets"},           // C38
		{"a@" + x(256), "path: domain of more than 255 octets"}, // C38
		{x(64) + "@" + x(189), ""},                              // C38
		{x(64) + "@" + x(190), "path: more than 256 octets"},    // C38
		{"", ""},
		{"postmaster", ""},
	} {
		err := mustPath(t, c.mailbox).CheckLength()
		if c.text != "" {
			wantSyntaxError(t, err, c.text, wire.EnhancedCode{Class: 5, Subject: 1, Detail: 3})
		} else if err != nil {
			t.Errorf("%s: %v", c.mailbox, err)
		}
	}
}

func TestPathToASCII(t *testing.T) {
	errConv := errors.New("no such label")
	conv := func(domain string) (string, error) {
		switch domain {
		case "bücher.example":
			return "xn--bcher-kva.example", nil
		case "ä.example":
			return "", errConv
		case "ö.example":
			return "a.example>\r\nRSET", nil
		case "ü.example":
			return domain, nil
		}
		t.Errorf("conv was asked for %q", domain)
		return domain, nil
	}
	for _, c := range []struct {
		in, want string
		utf8     bool
	}{
		{"a@bücher.example", "<a@xn--bcher-kva.example>", false},
		{"é@bücher.example", "<é@xn--bcher-kva.example>", true},
		{`"a b"@bücher.example`, `<"a b"@xn--bcher-kva.example>`, false},
		{"é@b.example", "<é@b.example>", true},
		{"a@[192.0.2.1]", "<a@[192.0.2.1]>", false},
		{"<>", "<>", false},
		{"postmaster", "<postmaster>", false},
	} {
		p, err := mustPath(t, c.in).ToASCII(conv)
		if err != nil || p.String() != c.want || p.IsUTF8() != c.utf8 {
			t.Errorf("%s: %v, utf8 %v, %v", c.in, p, p.IsUTF8(), err)
		}
		checkPath(t, p)
	}
	if _, err := mustPath(t, "a@ä.example").ToASCII(conv); err != errConv {
		t.Errorf("error of conv became %v", err)
	}
	enhanced := wire.EnhancedCode{Class: 5, Subject: 1, Detail: 3}
	_, err := mustPath(t, "a@ö.example").ToASCII(conv)
	wantSyntaxError(t, err, "path: octet 0x3E does not fit into a domain at offset 9", enhanced) // H-I1
	_, err = mustPath(t, "a@ü.example").ToASCII(conv)
	wantSyntaxError(t, err, "path: octet 0xC3 does not fit into a domain in ASCII at offset 0", enhanced)
}

func TestPathAllocations(t *testing.T) {
	dst := make([]byte, 0, 128)
	for _, s := range []string{
		"<>", "<user@example.com>", `<"john doe"@example.com>`, `<"a\"b"@c>`, "<postmaster>",
		"<user@[IPv6:2001:db8::1]>", "<é@ü.example>", "<@a,@b:c@d>",
	} {
		allocs := testing.AllocsPerRun(100, func() {
			p, _, err := wire.ScanPath(s)
			if err != nil {
				t.Error(err)
			}
			dst = p.AppendTo(dst[:0])
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", s, allocs)
		}
	}
}
