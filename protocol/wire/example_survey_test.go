package wire_test

import (
	"fmt"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// What MAIL has to say of content is known once that was looked through, in pieces of
// any length.
func ExampleSurvey() {
	var s wire.Survey
	s.Write([]byte("Subject: Gr\u00fc\u00dfe\n"))
	s.Write([]byte("\nHello\n"))
	fmt.Println("SIZE", s.Size(), "of", s.Octets())
	fmt.Println("8-bit:", s.EightBit(), "UTF-8 in the header:", s.HeaderUTF8())
	// Output:
	// SIZE 27 of 24
	// 8-bit: true UTF-8 in the header: true
}
