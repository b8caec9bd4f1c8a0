package netasync

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sansmtp/sansmtp/protocol/wire"
)

// speakFor takes over what a trusted client says of the client that it speaks for:
// the ADDR, PORT and LOGIN of Postfix's XCLIENT. The caller holds the loop's lock.
func (s *Session) speakFor(args string) {
	s.learn(func(who *identity) {
		var addr net.TCPAddr
		if old, is := s.remote().(*net.TCPAddr); is {
			addr = *old
		}
		for attribute := range strings.FieldsSeq(args) {
			name, encoded, _ := strings.Cut(attribute, "=")
			value, err := wire.ParseXtext(encoded)
			if err != nil || strings.HasPrefix(value, "[") {
				continue // [UNAVAILABLE] and [TEMPUNAVAIL]
			}
			switch strings.ToUpper(name) {
			case "ADDR":
				if ip, err := netip.ParseAddr(withoutIPv6Tag(value)); err == nil {
					addr.IP, addr.Zone = ip.AsSlice(), ""
					who.remote = &addr
				}
			case "PORT":
				if port, err := strconv.ParseUint(value, 10, 16); err == nil {
					addr.Port = int(port)
					who.remote = &addr
				}
			case "LOGIN":
				who.client = Login{Mechanism: wire.VerbXClient, Username: value, Identity: value}
			}
		}
	})
}

// withoutIPv6Tag takes off what stands in front of IPv6 addresses.
func withoutIPv6Tag(s string) string {
	const tag = "IPV6:"
	if len(s) > len(tag) && strings.EqualFold(s[:len(tag)], tag) {
		return s[len(tag):]
	}
	return s
}
