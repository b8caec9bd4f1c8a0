package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// DefaultExtensions are the extensions that a server has unless it disables them.
// STARTTLS, AUTH, XCLIENT, LIMITS, DELIVERBY, MT-PRIORITY and FUTURERELEASE come
// with the fields of ServerConfig that they need; DSN, REQUIRETLS and RRVS promise
// what only an application can keep, and have to be enabled.
const DefaultExtensions = wire.Pipelining | wire.Size | wire.EightBitMIME | wire.BinaryMIME |
	wire.Chunking | wire.SMTPUTF8 | wire.EnhancedStatusCodes

// ServerConfig configures a Server. The zero value is a careful SMTP server that
// takes no mail: it answers every command by itself.
type ServerConfig struct {
	// LMTP makes the server speak LMTP (RFC 2033): LHLO, and one verdict for each
	// accepted recipient.
	LMTP bool
	// Hostname is the name in the greeting, in the reply to EHLO and in 221 and 421;
	// "" stands for "localhost".
	Hostname string
	// Requests are the requests that Next returns. All others get their default
	// answer at once.
	Requests RequestSet

	// Enable adds extensions to DefaultExtensions, and Disable takes any away.
	Enable, Disable wire.ExtensionSet
	// Extra has EHLO keywords of the application's own.
	Extra []wire.Param
	// ExtraParams lets parameters of MAIL and RCPT through that this package does not
	// know, for an application that knows them; else they get a 555.
	ExtraParams bool
	// TLS says that the driver can start TLS: STARTTLS is offered.
	TLS bool
	// ImplicitTLS says that TLS comes before the greeting (RFC 8314 §3): the machine
	// waits for Upgraded.
	ImplicitTLS bool
	// RequireTLS refuses all but EHLO, NOOP, QUIT and STARTTLS in clear (RFC 3207 §4).
	RequireTLS bool
	// Mechanisms returns the SASL mechanisms to offer, upper case, the strongest first:
	// Mechanisms of an auth.Server. nil: no AUTH. It is called inline.
	Mechanisms func(TLSState) []string
	// RequireAuth refuses MAIL, and VRFY and EXPN, before a login (RFC 6409 §4.3).
	RequireAuth bool
	// Trusted says that the peer may use XCLIENT.
	Trusted bool
	// Limits, DeliverByMin, Priorities, HoldMax: values for LIMITS (enforced too),
	// DELIVERBY (seconds, least time for mode R; its extension needs Enable),
	// MT-PRIORITY (the policy's name; its extension needs Enable) and FUTURERELEASE
	// (how far ahead a message may be held; more than 0 offers it).
	Limits          wire.SessionLimits
	DeliverByMin    int64
	PriorityProfile string
	HoldMax         time.Duration

	// BareEOL says what becomes of content by DATA with a bare CR or LF. The default
	// refuses it with 550 5.6.0 once it is complete. BDAT carries them as they are.
	BareEOL BareEOL
	// RefuseEarlyTalkers answers 554 and closes where a client speaks before the
	// greeting, or behind EHLO ahead of its reply (H-R12).
	RefuseEarlyTalkers bool

	// MaxContent is the size of the largest message in octets; it is what SIZE states.
	// 0: DefaultMaxContent. -1: no limit, and SIZE without a value.
	MaxContent int64
	// MaxRecipients bounds the recipients of a transaction that are accepted; RFC 5321
	// §4.5.3.1.8 wants at least 100. 0: 1,000.
	MaxRecipients int
	// MaxLine bounds a command line in octets, CRLF included. 0: 4,096, which is more
	// than RFC 5321 §4.5.3.1.4 and all extensions ask for together. Lines for AUTH
	// have 12,288 (RFC 4954 §4).
	MaxLine int
	// MaxPipelined bounds the commands that are read ahead of their replies: Feed
	// pauses beyond. 0: 1,000.
	MaxPipelined int
	// MaxUnknown and MaxErrors bound the unknown commands, and all commands that are
	// refused for what they are and not for the mail they bring, in a session: the next
	// one gets a 421. 0: 20 and 100.
	MaxUnknown, MaxErrors int
	// MinRate is how many octets a second content has to bring, counted over all
	// of it behind the first Timeouts.Content. 0: 100. -1: none.
	MinRate int64
	// Timeouts are the time limits.
	Timeouts ServerTimeouts
	// Trace, if not nil, is told of every line in both directions. It runs inline,
	// and must not call the Server.
	Trace func(TraceEvent)
}

// DefaultMaxContent is the size of the largest message unless ServerConfig says
// otherwise, in octets.
const DefaultMaxContent = 64 << 20

// BareEOL says what a server does with a CR or LF that is not part of a CRLF in
// content by DATA. It never changes it, and never takes it for a line end.
type BareEOL uint8

const (
	BareEOLRefuse   BareEOL = iota // 550 5.6.0 behind the true end of the content
	BareEOLVerbatim                // content like any other octet
)

// ServerTimeouts are time limits of a server. Zero means the default. Waiting for
// the application has none.
type ServerTimeouts struct {
	Command time.Duration // a whole command line; 5 minutes (RFC 5321 §4.5.3.2.7)
	Content time.Duration // the next octets of content; 3 minutes. See MinRate too
	Block   time.Duration // progress in writing; 3 minutes
	TLS     time.Duration // the TLS handshake; 1 minute
	Drain   time.Duration // reading on after a write error; 10 seconds
	Session time.Duration // all of the session; none
}
