package store

import (
	"net/netip"
	"strings"
	"time"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// maxHello is how long a name may be that is repeated in Received: as a domain may be
// (RFC 5321 §4.5.3.1.2).
const maxHello = 255

// trace returns the fields Return-Path and Received of the message (RFC 5321 §4.4). A
// part of them that the client had a hand in stands there only if it is a well-formed
// one. The recipient is named where it is one alone: of others nobody is to learn.
func (env Envelope) trace(host string) []byte {
	b := []byte("Return-Path: ")
	b = env.From.AppendTo(b)
	b = append(b, "\r\nReceived: from "...)
	if len(env.Hello) > maxHello || wire.CheckDomain(env.Hello) != nil {
		b = append(b, "unknown"...)
	} else {
		b = append(b, env.Hello...)
	}
	if peer, err := netip.ParseAddrPort(env.Peer); err == nil {
		b = append(b, " (["...)
		addr := peer.Addr().Unmap().WithZone("")
		if addr.Is6() {
			b = append(b, "IPv6:"...)
		}
		b = append(addr.AppendTo(b), "])"...)
	}
	b = append(b, "\r\n\tby "+host+" with "+env.protocol()...)
	if isToken(env.ID) {
		b = append(b, " id "+env.ID...)
	}
	if len(env.To) == 1 {
		b = append(b, "\r\n\tfor "...)
		b = env.To[0].AppendTo(b)
	}
	return append(b, ";\r\n\t"+env.Time.Format(time.RFC1123Z)+"\r\n"...)
}

// protocol is the name by which RFC 3848 and RFC 6531 §4.3 call the way it came.
func (env Envelope) protocol() string {
	name := env.Protocol
	if !isToken(name) {
		name = "SMTP"
	}
	if name == "SMTP" { // which has neither
		return name
	}
	if env.TLSVersion != 0 {
		name += "S"
	}
	if env.Mechanism != "" {
		name += "A"
	}
	return name
}

// isToken reports whether s is letters, digits, "-", "_" and "." alone.
func isToken(s string) bool {
	return s != "" && strings.Trim(s, "-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
