package wire

// EnhancedCode is an enhanced status code (RFC 3463 §2), as in 5.1.1. The zero
// value is none.
type EnhancedCode struct {
	Class, Subject, Detail uint16
}
