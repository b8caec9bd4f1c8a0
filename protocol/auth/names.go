package auth

// The names of the mechanisms, as servers advertise them.
const (
	MechanismExternal        = "EXTERNAL"           // RFC 4422 appendix A
	MechanismSCRAMSHA256Plus = "SCRAM-SHA-256-PLUS" // RFC 7677
	MechanismSCRAMSHA256     = "SCRAM-SHA-256"
	MechanismSCRAMSHA1Plus   = "SCRAM-SHA-1-PLUS" // RFC 5802
	MechanismSCRAMSHA1       = "SCRAM-SHA-1"
	MechanismOAUTHBEARER     = "OAUTHBEARER" // RFC 7628
	MechanismXOAUTH2         = "XOAUTH2"
	MechanismCRAMMD5         = "CRAM-MD5" // RFC 2195
	MechanismPlain           = "PLAIN"    // RFC 4616
	MechanismLogin           = "LOGIN"
	MechanismAnonymous       = "ANONYMOUS" // RFC 4505
)
