package protocol

import (
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

func (cfg ServerConfig) withDefaults() ServerConfig {
	if cfg.Hostname == "" {
		cfg.Hostname = "localhost"
	}
	if cfg.MaxContent == 0 {
		cfg.MaxContent = DefaultMaxContent
	}
	if cfg.MinRate == 0 {
		cfg.MinRate = 100
	}
	for _, d := range []struct {
		p *int
		v int
	}{
		{&cfg.MaxRecipients, 1000}, {&cfg.MaxLine, 4096}, {&cfg.MaxPipelined, 1000},
		{&cfg.MaxUnknown, 20}, {&cfg.MaxErrors, 100},
	} {
		if *d.p == 0 {
			*d.p = d.v
		}
	}
	if cfg.Limits.RcptMax > 0 {
		cfg.MaxRecipients = min(cfg.MaxRecipients, cfg.Limits.RcptMax)
	}
	t := &cfg.Timeouts
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{
		{&t.Command, 5 * time.Minute}, {&t.Content, 3 * time.Minute}, {&t.Block, 3 * time.Minute},
		{&t.TLS, time.Minute}, {&t.Drain, 10 * time.Second},
	} {
		if *d.p == 0 {
			*d.p = d.v
		}
	}
	return cfg
}

func (cfg *ServerConfig) check(now time.Time) error {
	if err := wire.CheckHelloName(cfg.Hostname); err != nil {
		return &ConfigError{Field: "Hostname", Err: err}
	}
	for _, d := range []struct {
		name string
		v    int64
	}{
		{"MaxRecipients", int64(cfg.MaxRecipients)}, {"MaxLine", int64(cfg.MaxLine)},
		{"MaxPipelined", int64(cfg.MaxPipelined)}, {"MaxUnknown", int64(cfg.MaxUnknown)}, {"MaxErrors", int64(cfg.MaxErrors)},
		{"DeliverByMin", cfg.DeliverByMin}, {"HoldMax", int64(cfg.HoldMax)},
		{"MaxContent", cfg.MaxContent + 1}, {"MinRate", cfg.MinRate + 1},
		{"Timeouts.Command", int64(cfg.Timeouts.Command)}, {"Timeouts.Content", int64(cfg.Timeouts.Content)},
		{"Timeouts.Block", int64(cfg.Timeouts.Block)}, {"Timeouts.TLS", int64(cfg.Timeouts.TLS)},
		{"Timeouts.Drain", int64(cfg.Timeouts.Drain)}, {"Timeouts.Session", int64(cfg.Timeouts.Session)},
	} {
		if d.v < 0 {
			return &ConfigError{Field: d.name, Reason: "negative"}
		}
	}
	if cfg.BareEOL > BareEOLVerbatim {
		return &ConfigError{Field: "BareEOL", Reason: "no such policy"}
	}
	// What EHLO will say is tried once, so that it cannot fail later.
	s := Server{cfg: *cfg, offered: cfg.extensions()}
	s.clock.now = now
	for _, s.tls = range []*TLSState{nil, {Version: 0x0304}} {
		o := s.offers()
		if _, err := wire.AppendExtensions(nil, &o); err != nil {
			return &ConfigError{Field: "extensions", Err: err}
		}
	}
	return nil
}

// extensions returns what the configuration offers, as far as it does not depend on the
// connection.
func (cfg *ServerConfig) extensions() wire.ExtensionSet {
	set := DefaultExtensions | cfg.Enable&^(wire.StartTLS|wire.Auth|wire.Limits|wire.FutureRelease|wire.XClient)
	if cfg.TLS {
		set |= wire.StartTLS
	}
	if cfg.Mechanisms != nil {
		set |= wire.Auth
	}
	if cfg.Limits != (wire.SessionLimits{}) {
		set |= wire.Limits
	}
	if cfg.HoldMax > 0 {
		set |= wire.FutureRelease
	}
	if cfg.Trusted {
		set |= wire.XClient
	}
	set &^= cfg.Disable
	// RFC 3030 §3: binary content goes by BDAT only.
	if !set.Has(wire.Chunking) {
		set &^= wire.BinaryMIME
	}
	return set
}
