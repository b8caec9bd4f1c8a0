package wire_test

import (
	"testing"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func TestCheckDomain(t *testing.T) {
	const (
		notIPv4 = "domain: an address literal without a tag is not an IPv4 address at offset 1"
		notIPv6 = "domain: an address literal with the tag IPv6 is not an IPv6 address at offset 1"
		badTag  = "domain: the tag of an address literal does not end with a letter or digit at offset 1"
	)
	for _, c := range []struct{ in, text string }{
		{"mail.example.com", ""}, // C9
		{"localhost", ""},
		{"MAIL.Example", ""},
		{"a_b.example", ""},
		{"xn--bcher-kva.example", ""},
		{"[192.0.2.1]", ""},             // C9 C26
		{"[0.0.0.0]", ""},               // C26
		{"[IPv6:2001:db8::1]", ""},      // C9 C26
		{"[IPv6:::]", ""},               // C26
		{"[IPV6:1:2:3:4:5:6:7:8]", ""},  // C26
		{"[IPv6:::ffff:192.0.2.1]", ""}, // C26
		{"[IPv6:1:2:3:4:5:6:192.0.2.1]", ""},
		{"[x400-2:anything]", ""},
		{"[-9:!]", ""},
		{"", "domain: a domain ends too early at offset 0"},
		{"a.", "domain: a domain ends too early at offset 2"},
		{"a b", "domain: octet 0x20 does not fit into a domain at offset 1"},
		{"a\r\nRSET", "domain: control octet 0x0D at offset 1"},                            // H-I1
		{"a.bücher", "domain: octet 0xC3 does not fit into a domain in ASCII at offset 3"}, // C9
		{"a.b\xff", "domain: octet 0xFF is not valid UTF-8 at offset 3"},                   // H-R24
		{"-a", "domain: a label of a domain begins with a hyphen at offset 0"},             // C9
		{"a-.b", "domain: a label of a domain ends with a hyphen at offset 1"},             // C9
		{"a@b", "domain: octet 0x40 does not fit into a domain at offset 1"},               // C9
		{"192.0.2.1]", "domain: octet 0x5D does not fit into a domain at offset 9"},        // C26
		{"[192.0.2.1", "domain: an address literal ends too early at offset 10"},           // C26
		{"[192.0.2.1]x", "domain: octet 0x78 does not fit into a domain at offset 11"},     // C26
		{"[]", notIPv4},                   // C26
		{"[192.0.2]", notIPv4},            // C26
		{"[192.0.2.256]", notIPv4},        // C26
		{"[192.0.2.1.1]", notIPv4},        // C26
		{"[192.0.2.01]", notIPv4},         // C26
		{"[192.0.2.-1]", notIPv4},         // C26
		{"[example.com]", notIPv4},        // C26
		{"[IPv6]", notIPv4},               // C26
		{"[IPv6:]", notIPv6},              // C26
		{"[IPv6:192.0.2.1]", notIPv6},     // C26
		{"[ipv6:1::2::3]", notIPv6},       // C26
		{"[IPv6:12345::]", notIPv6},       // C26
		{"[IPv6:fe80::1%eth0]", notIPv6},  // C26
		{"[IPv6:1:2:3:4:5:6:7]", notIPv6}, // C26
		{"[::1]", badTag},
		{"[2001:db8::1]", ""}, // by the grammar: "db8::1" with the tag 2001
		{"[x-:y]", badTag},
		{"[x:]", "domain: an address literal has nothing behind its tag at offset 1"},
		{"[x:a>b]", "domain: octet 0x3E does not fit into an address literal at offset 4"}, // H-I5
		{"[x:a<b]", "domain: octet 0x3C does not fit into an address literal at offset 4"}, // H-I5
		{`[x:a"b]`, "domain: octet 0x22 does not fit into an address literal at offset 4"}, // H-I5
		{`[x:a\b]`, "domain: octet 0x5C does not fit into an address literal at offset 4"},
		{"[x:a[b]", "domain: octet 0x5B does not fit into an address literal at offset 4"},
	} {
		t.Run(c.in, func(t *testing.T) { checkHello(t, wire.CheckDomain(c.in), c.text) })
	}
}

func TestCheckHelloName(t *testing.T) { // C9
	for _, c := range []struct{ in, text string }{
		{"mail.example.com", ""}, // F25
		{"DESKTOP-1", ""},        // F25
		{"-", ""},                // F25
		{"192.0.2.1", ""},        // F25
		{"[192.0.2.1", ""},       // F25
		{"[::1]", ""},            // F25
		{"a..b.", ""},            // F25
		{"my(host)<x>@\"~", ""},  // F25
		{"", "domain: a host name ends too early at offset 0"},
		{"my host", "domain: octet 0x20 does not fit into a host name at offset 2"},
		{"a\tb", "domain: control octet 0x09 at offset 1"},                         // H-R22
		{"a\x00", "domain: control octet 0x00 at offset 1"},                        // H-R22
		{"a\r\nRSET", "domain: control octet 0x0D at offset 1"},                    // H-I1
		{"a\x7f", "domain: control octet 0x7F at offset 1"},                        // H-R22
		{"bücher", "domain: octet 0xC3 does not fit into a host name at offset 1"}, // C4
	} {
		t.Run(c.in, func(t *testing.T) { checkHello(t, wire.CheckHelloName(c.in), c.text) })
	}
}

func checkHello(t *testing.T, err error, text string) {
	t.Helper()
	if text != "" {
		wantSyntaxError(t, err, text, wire.EnhancedCode{Class: 5, Subject: 5, Detail: 4})
	} else if err != nil {
		t.Error(err)
	}
}

// What may stand behind EHLO may stand behind "@", and the other way round in ASCII.
func TestCheckDomainAgreesWithPaths(t *testing.T) { // C9
	var extend func(s string, left int)
	extend = func(s string, left int) {
		p, err := wire.NewPath("a", s)
		if helloErr := wire.CheckDomain(s); (helloErr == nil) != (err == nil && !p.IsUTF8()) {
			t.Errorf("%q: as an argument of EHLO %v, in a path %v", s, helloErr, err)
		}
		if wire.CheckDomain(s) == nil && wire.CheckHelloName(s) != nil {
			t.Errorf("%q is a domain, but no host name", s)
		}
		if left == 0 {
			return
		}
		for _, piece := range []string{"a", ".", "-", "_", "[", "]", ":", " ", "é", "\xff", "\x00", "[1.2.3.4]", "IPv6:::1"} {
			extend(s+piece, left-1)
		}
	}
	extend("", 4)
}
