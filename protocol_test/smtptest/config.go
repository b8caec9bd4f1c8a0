package smtptest

import (
	"crypto/tls"

	"github.com/sansmtp/sansmtp/protocol"
	"github.com/sansmtp/sansmtp/protocol_test/smtptest/fault"
)

// Config says what a Server is like. The zero value takes every message from
// everybody, with the extensions of protocol.DefaultExtensions.
type Config struct {
	// Faults are what goes wrong in each session: see package fault.
	Faults fault.Script
	// OnStep, if not nil, is asked at each step of a session that Faults has no rule
	// for, once; see fault.InjectorConfig. Sessions call it side by side. It must not
	// block: to wait is a Delay.
	OnStep func(fault.Event) fault.Action
	// Users have passwords. If there are any, AUTH is offered, in clear too, by
	// SCRAM-SHA-256, CRAM-MD5, PLAIN and LOGIN, and with TLS by SCRAM-SHA-256-PLUS.
	Users map[string]string
	// STARTTLS offers STARTTLS on a server that begins in clear.
	STARTTLS bool
	// TLS is the configuration of TLS, for a server that asks for certificates, say. If it
	// has no certificate it gets one for 127.0.0.1, ::1 and localhost. It is not
	// changed.
	TLS *tls.Config
	// Protocol is the configuration of the protocol: LMTP, the host's name, extensions
	// on and off, limits, time limits. Requests, TLS, ImplicitTLS, Mechanisms and Trace
	// are the Server's own business and have to be zero; RefuseEarlyTalkers has no
	// effect.
	Protocol protocol.ServerConfig
}

func (c *Config) check() error {
	p := &c.Protocol
	if p.Requests != 0 || p.TLS || p.ImplicitTLS || p.Mechanisms != nil || p.Trace != nil {
		return &protocol.ConfigError{Field: "Protocol", Reason: "Requests, TLS, ImplicitTLS, Mechanisms and Trace are not to be set"}
	}
	return c.Faults.Check()
}
