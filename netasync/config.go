package netasync

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol/wire"
	"golang.org/x/net/idna"
)

// Config says how Dial connects. The zero value is a client without a login that
// uses TLS where it can. A Config may be used for many calls at once; nothing it
// refers to may change meanwhile.
type Config struct {
	// Hello is the name for EHLO: a domain or an address literal. "" is the host
	// name of this machine if that is a domain of two labels or more, else the
	// address of this end as a literal (RFC 5321 §4.1.4).
	Hello string
	// TLS says when TLS is used. The zero value, TLSDefault, goes by the URL and by
	// whether there is a Login.
	TLS TLSMode
	// TLSConfig is what TLS starts from: roots, certificates, ServerName. It is not
	// changed. nil: the roots of the system, and the host of the URL as the name.
	//
	// With InsecureSkipVerify any certificate will do; it is still checked, for the
	// Verified of Client.TLS.
	TLSConfig *tls.Config
	// AllowClear lets TLSOpportunistic connect anew without TLS where TLS was offered
	// and could not be had. Whoever is on the path can bring that about.
	AllowClear bool
	// Login has the mechanisms to log in with, the strongest first: see Password and
	// Token. nil: no login.
	Login []protocol.Mechanism
	// AllowCleartextAuth lets a login show its secret on a connection in clear.
	AllowCleartextAuth bool
	// LocalAddr is the address and port to connect from. The zero value leaves both
	// to the system, and so does a zero address or port in it.
	LocalAddr netip.AddrPort
	// DialContext makes the connection, as through a proxy; network is "tcp" or "unix".
	// nil: a net.Dialer with LocalAddr.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// ConnectTimeout bounds the look-up of the host and the connection to it, all its
	// addresses together. 0: 30 seconds.
	ConnectTimeout time.Duration
	// Timeouts bound the steps after that.
	Timeouts protocol.Timeouts
	// Disable holds extensions that are never used, offered or not.
	Disable wire.ExtensionSet
	// EOL is what happens to bare CR and LF in content: see protocol.ClientConfig.
	EOL wire.EOL
	// Window bounds what is sent and not yet decided. The zero value sends up to 32
	// messages of 256 KiB in all ahead of their verdicts where the server can have that.
	Window protocol.Window
	// Allow8Bit lets content have octets outside US-ASCII also where the server offers
	// neither 8BITMIME nor SMTPUTF8 for them: see protocol.ClientConfig. Else such
	// content is refused.
	Allow8Bit bool
	// Trace, if not nil, is told of every line in both directions, without secrets.
	// It runs inline: it must not block, nor use the Client.
	Trace func(protocol.TraceEvent)
}

// TLSMode says when TLS is used.
type TLSMode uint8

const (
	// TLSDefault is TLSImplicit for the scheme smtps, else TLSRequired with a Login
	// and TLSOpportunistic without.
	TLSDefault TLSMode = iota
	// TLSOff never starts TLS.
	TLSOff
	// TLSOpportunistic starts TLS where the server offers it, whatever certificate it
	// shows (RFC 7435): better than nothing against those who only listen.
	TLSOpportunistic
	// TLSRequired starts TLS by STARTTLS before anything else, with a certificate
	// that can be verified, or fails.
	TLSRequired
	// TLSImplicit starts TLS before the first octet (RFC 8314 §3), with a certificate
	// that can be verified.
	TLSImplicit
)

var tlsModeNames = [...]string{"default", "off", "opportunistic", "required", "implicit"}

func (m TLSMode) String() string {
	if int(m) < len(tlsModeNames) {
		return tlsModeNames[m]
	}
	return "TLSMode(" + strconv.Itoa(int(m)) + ")"
}

// UnmarshalText reads a mode by the name that String gives it.
func (m *TLSMode) UnmarshalText(text []byte) error {
	for i, name := range tlsModeNames {
		if string(text) == name {
			*m = TLSMode(i)
			return nil
		}
	}
	return &protocol.ConfigError{Field: "TLS", Reason: "no such mode"}
}

const defaultConnectTimeout = 30 * time.Second

// resolve settles the TLS mode and holds the rest against the server's address.
// Everything that can be wrong before the network is used is found here.
func (cfg *Config) resolve(a address) error {
	switch {
	case cfg.TLS > TLSImplicit:
		return &protocol.ConfigError{Field: "TLS", Reason: "no such mode"}
	case a.implicit && (cfg.TLS == TLSOff || cfg.TLS == TLSOpportunistic):
		return &protocol.ConfigError{Field: "TLS", Reason: cfg.TLS.String() + " contradicts smtps"}
	case a.implicit:
		cfg.TLS = TLSImplicit
	case cfg.TLS != TLSDefault:
	case cfg.Login != nil:
		cfg.TLS = TLSRequired // H-T3
	default:
		cfg.TLS = TLSOpportunistic
	}
	if cfg.Login != nil && len(cfg.Login) == 0 {
		return &protocol.ConfigError{Field: "Login", Reason: "no mechanism"}
	}
	if cfg.mustVerify() && cfg.serverName(a) == "" {
		return &protocol.ConfigError{Field: "TLSConfig.ServerName", Reason: "needed to verify the certificate of a Unix socket"}
	}
	if cfg.Hello != "" {
		if err := wire.CheckDomain(cfg.Hello); err != nil {
			return &protocol.ConfigError{Field: "HELO name", Err: err}
		}
	}
	if cfg.ConnectTimeout < 0 {
		return &protocol.ConfigError{Field: "ConnectTimeout", Reason: "negative"}
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = defaultConnectTimeout
	}
	return nil
}

// client is the configuration of the machine.
func (cfg *Config) client(a address) protocol.ClientConfig {
	return protocol.ClientConfig{
		LMTP:       a.lmtp,
		ServerName: cfg.serverName(a),
		Disable:    cfg.Disable,
		// Dial does not go on without TLS; the machine would not either.
		RequireTLS: cfg.TLS >= TLSRequired,
		// H-T4: HELO would lose both without a word.
		NoHELO:             cfg.TLS >= TLSRequired || cfg.Login != nil,
		AllowCleartextAuth: cfg.AllowCleartextAuth,
		EOL:                cfg.EOL,
		Window:             cfg.Window,
		Allow8Bit:          cfg.Allow8Bit,
		ToASCII:            idna.Lookup.ToASCII,
		Timeouts:           cfg.Timeouts,
		Trace:              cfg.Trace,
	}
}
