package wire

import (
	"iter"
	"math/bits"
)

// ExtensionSet is a set of the SMTP service extensions that this package knows.
// Each constant is a set of one; sets are joined by | and taken apart by &^.
type ExtensionSet uint32

// The extensions this package knows, by their EHLO keywords.
const (
	Pipelining          ExtensionSet = 1 << iota // PIPELINING, RFC 2920
	Size                                         // SIZE, RFC 1870
	EightBitMIME                                 // 8BITMIME, RFC 6152
	BinaryMIME                                   // BINARYMIME, RFC 3030
	Chunking                                     // CHUNKING, RFC 3030
	SMTPUTF8                                     // SMTPUTF8, RFC 6531
	DSN                                          // DSN, RFC 3461
	EnhancedStatusCodes                          // ENHANCEDSTATUSCODES, RFC 2034
	StartTLS                                     // STARTTLS, RFC 3207
	Auth                                         // AUTH, RFC 4954
	RequireTLS                                   // REQUIRETLS, RFC 8689
	Limits                                       // LIMITS, RFC 9422
	DeliverBy                                    // DELIVERBY, RFC 2852
	MTPriority                                   // MT-PRIORITY, RFC 6710
	FutureRelease                                // FUTURERELEASE, RFC 4865
	RRVS                                         // RRVS, RFC 7293
	XClient                                      // XCLIENT, Postfix
)

// extensionKeywords has the keyword of each extension at its bit.
var extensionKeywords = [...]string{
	"PIPELINING", "SIZE", "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8", "DSN",
	"ENHANCEDSTATUSCODES", "STARTTLS", "AUTH", "REQUIRETLS", "LIMITS", "DELIVERBY",
	"MT-PRIORITY", "FUTURERELEASE", "RRVS", "XCLIENT",
}

// ExtensionByKeyword returns the extension of an EHLO keyword, in any case. It
// returns false for one this package does not know.
func ExtensionByKeyword(keyword string) (ExtensionSet, bool) {
	i := valueOf(extensionKeywords[:], keyword)
	if i < 0 {
		return 0, false
	}
	return 1 << i, true
}

// Has reports whether all extensions of want are in the set.
func (s ExtensionSet) Has(want ExtensionSet) bool { return s&want == want }

// Keywords returns the EHLO keywords of the set, in the order of the constants.
func (s ExtensionSet) Keywords() iter.Seq[string] {
	return func(yield func(string) bool) {
		for rest := s & (1<<len(extensionKeywords) - 1); rest != 0; rest &= rest - 1 {
			if !yield(extensionKeywords[bits.TrailingZeros32(uint32(rest))]) {
				return
			}
		}
	}
}

// String returns the EHLO keywords of the set with blanks between them.
func (s ExtensionSet) String() string {
	var b []byte
	for keyword := range s.Keywords() {
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(b, keyword...)
	}
	return string(b)
}
