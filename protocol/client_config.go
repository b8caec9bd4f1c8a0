package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// ClientConfig configures a Client. The zero value is a careful SMTP client with
// the time limits of RFC 5321.
type ClientConfig struct {
	// LMTP makes the client speak LMTP (RFC 2033): LHLO, and one verdict for each
	// recipient.
	LMTP bool
	// ServerName is the name that StartTLS puts into Upgrade.
	ServerName string
	// Disable holds extensions that are never used, offered or not.
	Disable wire.ExtensionSet
	// RequireTLS refuses Login, Send, Do and AddTask in clear. It implies NoHELO.
	RequireTLS bool
	// NoHELO keeps Hello from falling back to HELO, which loses every extension
	// and so TLS and login. Set it where the caller means to use either.
	NoHELO bool
	// AllowCleartextAuth lets Login use mechanisms that show the secret to anyone
	// on the path even without TLS.
	AllowCleartextAuth bool
	// EOL is what happens to bare CR and LF in content. EOLFix, the default, makes
	// them CRLF; EOLStrict refuses them with a *BodyError. EOLVerbatim is refused
	// with a *ConfigError: DATA cannot carry them (RFC 5321 §2.3.8). By BDAT it is the
	// same, except that BODY=BINARYMIME goes octet for octet (RFC 3030 §3).
	EOL wire.EOL
	// Allow8Bit lets content have octets outside US-ASCII also where the server does
	// not offer 8BITMIME, and UTF-8 in header fields where it does not offer SMTPUTF8.
	// Most servers take them as they are, and none has to.
	Allow8Bit bool
	// ToASCII, if not nil, returns a domain with A-labels for one with U-labels, as
	// idna.Lookup.ToASCII of golang.org/x/net does. It is called where SMTPUTF8 is not
	// offered and a path needs it.
	ToASCII func(domain string) (string, error)
	// LongPaths lets paths through that exceed the sizes of RFC 5321 §4.5.3.1: 64
	// octets of local part, 255 of domain, 256 of path.
	LongPaths bool
	// StrictCRLF refuses replies whose lines end in a bare LF.
	StrictCRLF bool
	// MaxReplyLine, MaxReplyLines and MaxReplySize bound a reply: octets of a line,
	// lines, octets in all. Zero means the default of wire.ReplyParser.
	MaxReplyLine, MaxReplyLines, MaxReplySize int
	// Window bounds what is sent and not yet decided.
	Window Window
	// Timeouts are the time limits of the steps.
	Timeouts Timeouts
	// Trace, if not nil, is told of every line in both directions. It runs inline,
	// and must not call the Client.
	Trace func(TraceEvent)
}

// Timeouts are time limits of single steps. Zero means the default, which is the
// minimum of RFC 5321 §4.5.3.2 where it names one.
type Timeouts struct {
	Greeting time.Duration // the greeting; 5 minutes
	Mail     time.Duration // the reply to MAIL; 5 minutes
	Rcpt     time.Duration // the reply to RCPT; 5 minutes
	Data     time.Duration // the reply to DATA, and to a chunk that is not the last; 2 minutes
	Block    time.Duration // progress in writing; 3 minutes
	Final    time.Duration // the verdict on the content; 10 minutes
	Command  time.Duration // any other reply; 5 minutes
	TLS      time.Duration // the TLS handshake; 2 minutes
	Drain    time.Duration // reading on after a write error; 10 seconds
}

func (t Timeouts) withDefaults() Timeouts {
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{
		{&t.Greeting, 5 * time.Minute}, {&t.Mail, 5 * time.Minute}, {&t.Rcpt, 5 * time.Minute},
		{&t.Data, 2 * time.Minute}, {&t.Block, 3 * time.Minute}, {&t.Final, 10 * time.Minute},
		{&t.Command, 5 * time.Minute}, {&t.TLS, 2 * time.Minute}, {&t.Drain, 10 * time.Second},
	} {
		if *d.p == 0 {
			*d.p = d.v
		}
	}
	return t
}

func (t Timeouts) check() error {
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"Greeting", t.Greeting}, {"Mail", t.Mail}, {"Rcpt", t.Rcpt}, {"Data", t.Data}, {"Block", t.Block},
		{"Final", t.Final}, {"Command", t.Command}, {"TLS", t.TLS}, {"Drain", t.Drain},
	} {
		if d.v < 0 {
			return &ConfigError{Field: "Timeouts." + d.name, Reason: "negative"}
		}
	}
	return nil
}

func (cfg *ClientConfig) check() error {
	if cfg.EOL == wire.EOLVerbatim {
		return &ConfigError{Field: "EOL", Reason: "DATA cannot carry bare CR or LF"}
	}
	if cfg.EOL > wire.EOLVerbatim {
		return &ConfigError{Field: "EOL", Reason: "no such policy"}
	}
	for _, d := range []struct {
		name string
		v    int
	}{
		{"MaxReplyLine", cfg.MaxReplyLine}, {"MaxReplyLines", cfg.MaxReplyLines}, {"MaxReplySize", cfg.MaxReplySize},
	} {
		if d.v < 0 {
			return &ConfigError{Field: d.name, Reason: "negative"}
		}
	}
	if err := cfg.Window.check(); err != nil {
		return err
	}
	return cfg.Timeouts.check()
}
