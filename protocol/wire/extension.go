package wire

// ExtensionSet is a set of the SMTP service extensions that this package knows.
// Each constant is a set of one.
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
