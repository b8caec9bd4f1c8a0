package store

// trace returns the fields that a mail store puts in front of the content (RFC 5321
// §4.4).
func (env Envelope) trace() []byte {
	b := env.From.AppendTo([]byte("Return-Path: "))
	return append(append(b, "\r\n"...), env.Received...)
}
