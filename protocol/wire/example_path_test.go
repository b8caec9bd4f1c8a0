package wire_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func ExampleParsePath() {
	p, err := wire.ParsePath(`<"john.smith"@Example.com>`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p)
	fmt.Println(p.Local(), "at", p.Domain())

	_, err = wire.ParsePath("john smith@example.com")
	var fault *wire.SyntaxError
	if errors.As(err, &fault) {
		fmt.Println(fault)
		fmt.Println(fault.Code, fault.Enhanced)
	}
	// Output:
	// <john.smith@Example.com>
	// john.smith at Example.com
	// path: octet 0x20 does not fit into a local part at offset 4
	// 501 5.1.3
}

func ExampleScanPath() {
	p, rest, err := wire.ScanPath("<@relay.example:a@b.example> SIZE=1000")
	fmt.Printf("%v %q %v\n", p, rest, err)
	// Output:
	// <a@b.example> " SIZE=1000" <nil>
}

func ExampleNewPath() {
	for _, local := range []string{"john.smith", "john smith", "a@b> NOTIFY=NEVER"} {
		p, err := wire.NewPath(local, "example.com")
		fmt.Println(p, err)
	}
	_, err := wire.NewPath("john\r\nRSET", "example.com")
	fmt.Println(err)
	// Output:
	// <john.smith@example.com> <nil>
	// <"john smith"@example.com> <nil>
	// <"a@b> NOTIFY=NEVER"@example.com> <nil>
	// path: control octet 0x0D at offset 4
}

func ExamplePath_Equal() {
	a, _ := wire.ParsePath("john@example.com")
	b, _ := wire.ParsePath(`"john"@EXAMPLE.com`)
	c, _ := wire.ParsePath("John@example.com")
	fmt.Println(a.Equal(b), a.Equal(c))
	// Output: true false
}

func ExamplePath_ToASCII() {
	// Programs would give idna.Lookup.ToASCII of golang.org/x/net/idna.
	toASCII := func(domain string) (string, error) {
		return strings.Replace(domain, "bücher", "xn--bcher-kva", 1), nil
	}
	p, _ := wire.ParsePath("info@bücher.example")
	q, err := p.ToASCII(toASCII)
	fmt.Println(p, p.IsUTF8())
	fmt.Println(q, q.IsUTF8(), err)
	// Output:
	// <info@bücher.example> true
	// <info@xn--bcher-kva.example> false <nil>
}

func ExampleCheckDomain() {
	for _, name := range []string{"mail.example.com", "[192.0.2.1]", "192.0.2.1]", "bücher.example"} {
		fmt.Println(name, wire.CheckDomain(name))
	}
	// Output:
	// mail.example.com <nil>
	// [192.0.2.1] <nil>
	// 192.0.2.1] domain: octet 0x5D does not fit into a domain at offset 9
	// bücher.example domain: octet 0xC3 does not fit into a domain in ASCII at offset 1
}
