package wire

// Code is a reply code: three digits, of which the first tells the outcome, the
// second the category (RFC 5321 §4.2.1).
type Code uint16
